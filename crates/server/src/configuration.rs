//! What can be done with the configuration of plugins: the same for the installation and for one organization.
//!
//! The administration reaches every layer by these, an organization its own.

use switchboard_kernel::{Edit, Exported, History, Imported, Shown};
use switchboard_sdk::prelude::*;

use crate::administration::KernelHandle;

/// The configuration of a plugin for an organization, or for the installation.
pub(crate) fn show(handle: &KernelHandle, plugin: &str, organization: Option<&str>) -> Result<Json<Shown>> {
    Ok(Json(handle.kernel()?.shown_config(plugin, organization)?))
}

/// Changes it, and shows what it is then.
pub(crate) async fn edit(
    ctx: &Context,
    handle: &KernelHandle,
    plugin: String,
    organization: Option<String>,
    edit: Edit,
) -> Result<Json<Shown>> {
    let (id, whose) = (plugin.clone(), organization.clone());
    handle
        .change(ctx, async move |kernel, by| kernel.edit_config(&by, &id, whose.as_deref(), edit).await)
        .await?;
    show(handle, &plugin, organization.as_deref())
}

/// Who changed it, the latest change first.
pub(crate) async fn history(
    handle: &KernelHandle,
    plugin: &str,
    organization: Option<&str>,
    skip: u32,
    limit: u32,
) -> Result<Json<History>> {
    Ok(Json(handle.kernel()?.config_history(plugin, organization, skip, limit).await?))
}

/// What was set, for one plugin or for all.
pub(crate) fn export(
    handle: &KernelHandle,
    plugin: Option<&str>,
    organization: Option<&str>,
) -> Result<Json<Exported>> {
    Ok(Json(handle.kernel()?.export_config(plugin, organization)?))
}

/// Sets what was exported; with `only` for that plugin alone, be others in it too.
pub(crate) async fn import(
    ctx: &Context,
    handle: &KernelHandle,
    only: Option<&str>,
    organization: Option<String>,
    mut exported: Exported,
    only_try: bool,
) -> Result<Json<Imported>> {
    if let Some(only) = only {
        exported.plugins.retain(|id, _| id == only);
        if exported.plugins.is_empty() {
            return Err(Failure::invalid(format!(
                "there is no configuration of plugin `{only}` in what was sent"
            )));
        }
    }
    let imported = handle.change(ctx, async move |kernel, by| {
        kernel.import_config(&by, organization.as_deref(), exported, only_try).await
    });
    Ok(Json(imported.await?))
}
