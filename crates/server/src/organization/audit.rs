//! The audit log of the organization: who changed what in it.

use switchboard_sdk::{Response, extract::Shared, prelude::*};

use super::called_for;
use crate::{
    audit_lines::{self, Export, Lines, Listing},
    kernel_handle::KernelHandle,
};

pub(super) async fn list_own_audit(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Query(listing): Query<Listing>,
) -> Result<Json<Lines>> {
    audit_lines::page(&*kernel.kernel()?, Some(called_for(&ctx)?.id), listing).await
}

pub(super) async fn export_own_audit(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Query(export): Query<Export>,
) -> Result<Response> {
    Ok(audit_lines::export(kernel.kernel()?, Some(called_for(&ctx)?.id), export))
}
