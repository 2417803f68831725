//! The audit log: who changed what.

use switchboard_api::OrganizationId;
use switchboard_kernel::{AuditVerdict, Kernel};
use switchboard_sdk::{Response, extract::Shared, prelude::*};

use super::KernelHandle;
use crate::audit_lines::{self, Export, Lines, Listing};

/// What is wanted, in one organization or in all.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Within<T> {
    /// Only lines of this organization, by its name in addresses.
    #[serde(default)]
    organization: Option<String>,
    #[serde(flatten)]
    what: T,
}

fn organization_named(kernel: &Kernel, slug: Option<&str>) -> Result<Option<OrganizationId>> {
    let organization = slug.map(|slug| kernel.named(slug)).transpose()?;
    Ok(organization.map(|organization| organization.id))
}

/// What became of checking the log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Verdict {
    /// Whether no line was changed, left out or put in.
    ok: bool,
    /// What is wrong with the first line that is not right.
    fault: Option<String>,
    /// How many lines were looked at.
    lines: u64,
    /// The number of the last of those that were removed when their time was over; 0 when none was.
    removed_to: i64,
    /// The number of the last line.
    last: i64,
    /// Its hash. Kept elsewhere, it tells later whether the lines up to it are still the same.
    hash: String,
}

pub(super) async fn list_audit(
    kernel: Shared<KernelHandle>,
    Query(Within { organization, what }): Query<Within<Listing>>,
) -> Result<Json<Lines>> {
    let kernel = kernel.kernel()?;
    let organization = organization_named(&kernel, organization.as_deref())?;
    audit_lines::page(&kernel, organization, what).await
}

pub(super) async fn export_audit(
    kernel: Shared<KernelHandle>,
    Query(Within { organization, what }): Query<Within<Export>>,
) -> Result<Response> {
    let kernel = kernel.kernel()?;
    let organization = organization_named(&kernel, organization.as_deref())?;
    Ok(audit_lines::export(kernel, organization, what))
}

pub(super) async fn verify_audit(kernel: Shared<KernelHandle>) -> Result<Json<Verdict>> {
    let AuditVerdict { lines, removed_to, last, hash, fault } = kernel.kernel()?.verify_audit().await?;
    Ok(Json(Verdict { ok: fault.is_none(), fault, lines, removed_to, last, hash }))
}
