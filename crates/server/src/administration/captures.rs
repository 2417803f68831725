//! Calls that failed, captured with all that the plugin was given.

use std::sync::Arc;

use http::{HeaderValue, header};
use switchboard_kernel::{By, KeptCapture, Kernel, MOST_CAPTURED};
use switchboard_sdk::{Definition, Response, extract::Shared, prelude::*};

use super::{KernelHandle, plugins::known};
use crate::audit_lines::name_of;

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .post("/api/admin/plugins/{id}/capture", capture_failures)
        .get("/api/admin/captures", list_captures)
        .get("/api/admin/captures/{number}", get_capture)
        .delete("/api/admin/captures/{number}", remove_capture)
}

/// How many calls are to be captured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// How many of the next calls that fail by the plugin's fault; 0 ends it.
    #[schemars(range(min = 0, max = 10))]
    calls: u32,
}

/// How many calls are yet to be captured.
#[derive(Debug, Serialize, JsonSchema)]
struct Left {
    /// The plugin's id.
    plugin: String,
    /// How many of its next calls that fail by its fault.
    calls: u32,
}

/// Whose captured calls are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Whose {
    /// Only those of this plugin.
    plugin: Option<String>,
}

/// A call that was captured.
#[derive(Debug, Serialize, JsonSchema)]
struct Capture {
    /// Its number.
    number: i64,
    /// When it began, in UTC.
    at: String,
    /// The plugin.
    plugin: String,
    /// The version of the plugin that was called.
    version: String,
    /// The organization, by its name in addresses; `null` in global scope.
    organization: Option<String>,
    /// What was called.
    what: String,
    /// What it failed with.
    message: String,
}

impl Capture {
    fn of(kernel: &Kernel, kept: KeptCapture) -> Self {
        Self {
            number: kept.id,
            at: kept.at.to_string(),
            plugin: kept.plugin_id,
            version: kept.plugin_version,
            organization: kept.organization_id.map(|id| name_of(kernel, id)),
            what: kept.what,
            message: kept.message,
        }
    }
}

async fn capture_failures(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(Wanted { calls }): Json<Wanted>,
) -> Result<Json<Left>> {
    let plugin = known(&kernel, id)?;
    let id = plugin.clone();
    let capture = async move |kernel: Arc<Kernel>, by: By| kernel.capture_failures(&by, &id, calls).await;
    kernel.change(&ctx, capture).await?;
    let calls = kernel.kernel()?.captures_wanted(&plugin).min(MOST_CAPTURED);
    Ok(Json(Left { plugin, calls }))
}

async fn list_captures(
    kernel: Shared<KernelHandle>,
    Query(Whose { plugin }): Query<Whose>,
) -> Result<Json<Vec<Capture>>> {
    let kernel = kernel.kernel()?;
    let kept = kernel.captures(plugin.as_deref()).await?;
    Ok(Json(kept.into_iter().map(|kept| Capture::of(&kernel, kept)).collect()))
}

async fn get_capture(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(number): Path<i64>,
) -> Result<Response> {
    let text = kernel.kernel()?.capture(&By::of(ctx.call()), number).await?;
    let mut response = Response::new(http::StatusCode::OK);
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.body = text.into();
    Ok(response)
}

async fn remove_capture(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(number): Path<i64>,
) -> Result<NoContent> {
    let remove = async move |kernel: Arc<Kernel>, by: By| kernel.remove_capture(&by, number).await;
    kernel.change(&ctx, remove).await?;
    Ok(NoContent)
}
