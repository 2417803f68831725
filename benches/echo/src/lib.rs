//! A plugin that answers what it is asked: what is measured with it is the way there and back.
//!
//! It knows nothing of who measures. Read [`plugin()`].

use switchboard_sdk::prelude::*;

switchboard_sdk::component!(plugin);

/// The plugin, as `manifest.yaml` declares it.
pub fn plugin() -> Definition {
    plugin!("manifest.yaml").service("echo.say", say)
}

async fn say(_: Context, said: String) -> Result<String> {
    Ok(said)
}
