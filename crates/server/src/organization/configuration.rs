//! How an organization sets its plugins: its own layer, above the installation's. What is secret goes in, never out.

use switchboard_kernel::{Config, Edit, Exported, History, Imported, Shown};
use switchboard_sdk::{Organization, extract::Shared, prelude::*};

use std::sync::Arc;

use super::{called_for, plugins::seen};
use crate::{configuration, kernel_handle::KernelHandle};

/// Which part of a history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Part {
    /// How many of the latest changes to pass over.
    #[schemars(range(min = 0, max = 1_000_000))]
    skip: u32,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

impl Default for Part {
    fn default() -> Self {
        Self { skip: 0, limit: 50 }
    }
}

/// Whether an import is in earnest.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Trial {
    /// Whether it is only tried: what would change is shown, and nothing does.
    dry_run: bool,
}

/// All layers, with where each value comes from. Where the installation's stand outside of the database is not told.
pub(super) async fn get_own_configuration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Shown>> {
    let organization = whose(&ctx, &kernel, &id)?;
    let Json(shown) = configuration::show(&kernel, &id, Some(&organization.slug))?;
    Ok(Json(shown.without_references()))
}

/// What is sent takes the place of what the organization has set; a secret that is not sent stays as it was, and `null`
/// removes it.
pub(super) async fn configure_own_plugin(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(config): Json<Config>,
) -> Result<Json<Shown>> {
    edit(&ctx, &kernel, id, Edit::Replace(config)).await
}

/// What is sent is merged into what the organization has set (RFC 7396): `null` removes, what is not sent stays.
pub(super) async fn change_own_configuration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(patch): Json<Config>,
) -> Result<Json<Shown>> {
    edit(&ctx, &kernel, id, Edit::Merge(patch)).await
}

pub(super) async fn list_own_configuration_changes(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(Part { skip, limit }): Query<Part>,
) -> Result<Json<History>> {
    let organization = whose(&ctx, &kernel, &id)?;
    configuration::history(&kernel, &id, Some(&organization.slug), skip, limit).await
}

/// What the organization has set becomes what it was before that change: it and all after it are taken back, secrets too.
pub(super) async fn undo_own_configuration_change(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, number)): Path<(String, i64)>,
) -> Result<Json<Shown>> {
    edit(&ctx, &kernel, id, Edit::Undo(number)).await
}

pub(super) async fn export_own_configuration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Exported>> {
    let organization = whose(&ctx, &kernel, &id)?;
    configuration::export(&kernel, Some(&id), Some(&organization.slug))
}

pub(super) async fn import_own_configuration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(Trial { dry_run }): Query<Trial>,
    Json(exported): Json<Exported>,
) -> Result<Json<Imported>> {
    let slug = whose(&ctx, &kernel, &id)?.slug.clone();
    configuration::import(&ctx, &kernel, Some(&id), Some(slug), exported, dry_run).await
}

async fn edit(ctx: &Context, kernel: &KernelHandle, id: String, edit: Edit) -> Result<Json<Shown>> {
    let slug = whose(ctx, kernel, &id)?.slug.clone();
    let Json(shown) = configuration::edit(ctx, kernel, id, Some(slug), edit).await?;
    Ok(Json(shown.without_references()))
}

/// The organization whose configuration it is: the one that the call is for, if it sees the plugin.
fn whose(ctx: &Context, kernel: &KernelHandle, plugin: &str) -> Result<Arc<Organization>> {
    let organization = called_for(ctx)?;
    seen(&kernel.kernel()?.snapshot(), plugin, organization.id)?;
    Ok(organization)
}
