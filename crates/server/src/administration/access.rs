//! Private plugins: which organizations may have them.

use switchboard_kernel::Access;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{KernelHandle, plugins::known};

/// An organization that may have a private plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Granted {
    /// The organization, by its name in addresses.
    organization: String,
    /// Who granted it.
    granted_by: String,
    /// Since when, in UTC.
    granted_at: String,
}

/// How access is taken back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Revoking {
    /// Whether the plugin, and whatever requires it, is switched off there first; otherwise that it is on is a conflict.
    disable: bool,
}

impl From<Access> for Granted {
    fn from(access: Access) -> Self {
        Self {
            organization: access.organization,
            granted_by: access.granted_by,
            granted_at: access.granted_at.to_string(),
        }
    }
}

pub(super) async fn list_access(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Granted>>> {
    let id = known(&kernel, id)?;
    Ok(Json(kernel.kernel()?.accesses(&id).await?.into_iter().map(Granted::from).collect()))
}

pub(super) async fn grant_access(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, organization)): Path<(String, String)>,
) -> Result<NoContent> {
    let id = known(&kernel, id)?;
    kernel.change(&ctx, async move |kernel, by| kernel.grant_access(&by, &id, &organization).await).await?;
    Ok(NoContent)
}

pub(super) async fn revoke_access(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, organization)): Path<(String, String)>,
    Query(Revoking { disable }): Query<Revoking>,
) -> Result<NoContent> {
    let (id, slug) = (known(&kernel, id)?, organization.clone());
    let revoked = kernel
        .change(&ctx, async move |kernel, by| kernel.revoke_access(&by, &id, &organization, disable).await)
        .await?;
    if !revoked {
        return Err(not_found!("`{slug}` has no access to it"));
    }
    Ok(NoContent)
}
