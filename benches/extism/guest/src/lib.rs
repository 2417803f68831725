//! A plugin of extism that answers what it is asked, as JSON: it reads the text and writes it again, as one of Switchboard does.
//!
//! It knows nothing of who measures. Read [`echo`].

use extism_pdk::{FnResult, Json, plugin_fn};

/// Answers what it is asked.
#[plugin_fn]
pub fn echo(Json(said): Json<String>) -> FnResult<Json<String>> {
    Ok(Json(said))
}
