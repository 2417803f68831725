//! The keys that secrets are sealed with.

use switchboard_kernel::{Rotated, SecretsStatus};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::KernelHandle;

pub(super) async fn get_secrets_status(handle: Shared<KernelHandle>) -> Result<Json<SecretsStatus>> {
    Ok(Json(handle.kernel()?.secrets_status().await?))
}

/// A new key seals everything anew, and those that nothing is sealed with any more are dropped.
pub(super) async fn rotate_secrets(ctx: Context, handle: Shared<KernelHandle>) -> Result<Json<Rotated>> {
    Ok(Json(handle.change(&ctx, async move |kernel, by| kernel.rotate_secrets(&by).await).await?))
}
