//! `trial`, a plugin that behaves as a test needs it: it waits, panics, and says what it was asked; and `stranger`, of other people.

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use switchboard_api::Plugin;
use switchboard_sdk::{
    Response,
    extract::{Headers, Shared},
    prelude::*,
};
use tokio::sync::Semaphore;

const TRIAL: &str = r#"
id: trial
name: Trial
version: 1.0.0
type: builtin
category: utility
enabled_by_default: true
limits: {call_ms: 60000}
provides:
  api_routes:
    - {method: GET, path: /wait, scope: organization}
    - {method: GET, path: /panic, scope: organization}
    - {method: GET, path: "/words/{word}", scope: organization}
    - {method: POST, path: /parcels, scope: organization}
    - {method: DELETE, path: /parcels, scope: organization}
"#;

const STRANGER: &str = r#"
id: stranger
name: Stranger
version: 1.0.0
type: external
entry_point: plugin.wasm
category: utility
enabled_by_default: true
provides:
  api_routes:
    - {method: POST, path: /headers, scope: organization}
    - {method: GET, path: /cookie, scope: organization}
"#;

/// What a test decides about the plugin, and learns of it.
#[derive(Clone, Default)]
pub(crate) struct Direction(Arc<Inner>);

struct Inner {
    entered: Semaphore,
    leave: Semaphore,
}

impl Default for Inner {
    fn default() -> Self {
        Self { entered: Semaphore::new(0), leave: Semaphore::new(0) }
    }
}

impl Direction {
    /// Waits until a request to `/wait` is under way.
    pub(crate) async fn entered(&self) {
        self.0.entered.acquire().await.unwrap().forget();
    }

    /// Lets one of them go on.
    pub(crate) fn let_go(&self) {
        self.0.leave.add_permits(1);
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parcel {
    weight: u32,
    #[serde(default)]
    label: String,
    #[serde(default)]
    contents: switchboard_sdk::serde_json::Value,
}

#[derive(Serialize, JsonSchema)]
struct Word {
    word: String,
}

async fn wait(direction: Shared<Direction>) -> Result<Json<Word>> {
    direction.0.0.entered.add_permits(1);
    direction.0.0.leave.acquire().await.unwrap().forget();
    Ok(Json(Word { word: "at last".to_owned() }))
}

async fn panic() -> Result<Json<Word>> {
    panic!("the key under /etc/secret is 1234");
}

async fn word(Path(word): Path<String>) -> Result<Json<Word>> {
    Ok(Json(Word { word }))
}

async fn take(Json(parcel): Json<Parcel>) -> Result<Created<Parcel>> {
    Ok(Created(parcel))
}

async fn headers(Headers(headers): Headers) -> Result<Json<Vec<String>>> {
    Ok(Json(headers.keys().map(|name| name.to_string()).collect()))
}

async fn cookie() -> Result<Response> {
    let mut response = Response::new(StatusCode::OK);
    for (name, value) in [("set-cookie", "swb_session=of-another"), ("clear-site-data", "*"), ("x-own", "1")]
    {
        response.headers.append(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

async fn clear() -> Result<NoContent> {
    Ok(NoContent)
}

/// The plugin.
pub(crate) fn trial(direction: &Direction) -> Arc<dyn Plugin> {
    let trial = Definition::new(TRIAL)
        .share(direction.clone())
        .get("/wait", wait)
        .get("/panic", panic)
        .get("/words/{word}", word)
        .post("/parcels", take)
        .delete("/parcels", clear);
    trial.build().unwrap_or_else(|faults| panic!("{faults}"))
}

/// A plugin of other people, which says which headers it was given.
pub(crate) fn stranger() -> Arc<dyn Plugin> {
    let stranger = Definition::new(STRANGER).post("/headers", headers).get("/cookie", cookie);
    stranger.build().unwrap_or_else(|faults| panic!("{faults}"))
}
