//! {{name}}.

use switchboard_sdk::prelude::*;

switchboard_sdk::component!(plugin);

#[derive(Deserialize)]
struct Settings {
    greeting: String,
}

#[derive(Serialize, JsonSchema)]
struct Greeting {
    text: String,
}

async fn hello(ctx: Context, Path(name): Path<String>) -> Result<Json<Greeting>> {
    let settings: Settings = ctx.config()?;
    ctx.log().info(&format!("greeting {name}"));
    Ok(Json(Greeting { text: format!("{}, {name}!", settings.greeting) }))
}

/// The plugin, as `manifest.yaml` declares it.
pub fn plugin() -> Definition {
    plugin!("manifest.yaml").get("/hello/{name}", hello)
}
