//! What is kept of a plugin, and its removal for good.

use switchboard_kernel::Belongings;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::KernelHandle;

pub(super) async fn get_belongings(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Belongings>> {
    Ok(Json(kernel.kernel()?.belongings(&id).await?))
}

pub(super) async fn purge_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Belongings>> {
    Ok(Json(kernel.change(&ctx, async move |kernel, by| kernel.purge(&by, &id).await).await?))
}
