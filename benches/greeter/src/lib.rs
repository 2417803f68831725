//! A plugin with one route, which answers a little JSON: what is measured with it is the way there and back.
//!
//! It knows nothing of who measures. Read [`plugin()`].

use switchboard_sdk::prelude::*;

switchboard_sdk::component!(plugin);

/// The plugin, as `manifest.yaml` declares it.
pub fn plugin() -> Definition {
    plugin!("manifest.yaml").get("/greeting", greeting)
}

/// What a route of this size answers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Greeting {
    id: u32,
    name: &'static str,
    words: [&'static str; 4],
    is_warm: bool,
}

impl Greeting {
    /// The same each time.
    pub const THE_ONE: Self =
        Self { id: 7, name: "Ada", words: ["well", "met", "by", "moonlight"], is_warm: true };
}

async fn greeting() -> Json<Greeting> {
    Json(Greeting::THE_ONE)
}
