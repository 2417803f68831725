//! Versions of a plugin that serve some organizations beside the one that is everyone's.

use std::sync::Arc;

use semver::Version;
use switchboard_kernel::{By, Kernel, ServedVersion};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::KernelHandle;

/// Whom a version serves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Whom {
    /// The organizations, by their names in addresses; it serves no others.
    #[schemars(length(min = 1))]
    organizations: Vec<String>,
}

pub(super) async fn list_versions(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ServedVersion>>> {
    Ok(Json(kernel.kernel()?.versions(&id).await?))
}

pub(super) async fn serve_version(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, version)): Path<(String, Version)>,
    Json(Whom { organizations }): Json<Whom>,
) -> Result<Json<Vec<ServedVersion>>> {
    let plugin = id.clone();
    let served = async move |kernel: Arc<Kernel>, by: By| {
        kernel.serve_beside(&by, &plugin, &version, &organizations).await
    };
    kernel.change(&ctx, served).await?;
    Ok(Json(kernel.kernel()?.versions(&id).await?))
}

pub(super) async fn withdraw_version(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, version)): Path<(String, Version)>,
) -> Result<NoContent> {
    kernel.change(&ctx, async move |kernel, by| kernel.withdraw(&by, &id, &version).await).await?;
    Ok(NoContent)
}
