//! How plugins are set: for the installation, and for each organization above it. What is secret goes in, never out.

use switchboard_kernel::{Config, Edit, Exported, History, Imported, Shown};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{KernelHandle, plugins::known};
use crate::configuration;

/// Whose configuration it is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Whose {
    /// The organization, by its name in addresses; the whole installation when absent.
    #[serde(default)]
    organization: Option<String>,
}

/// Which part of whose history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Page {
    /// The organization, by its name in addresses; the whole installation when absent.
    organization: Option<String>,
    /// How many of the latest changes to pass over.
    #[schemars(range(min = 0, max = 1_000_000))]
    skip: u32,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { organization: None, skip: 0, limit: 50 }
    }
}

/// Into whose configuration, and whether in earnest.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Target {
    /// The organization, by its name in addresses; the whole installation when absent.
    organization: Option<String>,
    /// Whether it is only tried: what would change is shown, and nothing does.
    dry_run: bool,
}

pub(super) async fn get_configuration(
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<Json<Shown>> {
    configuration::show(&handle, &known(&handle, id)?, whose.organization.as_deref())
}

/// What is sent takes the place of what was set there; a secret that is not sent stays as it was, and `null` removes it.
pub(super) async fn configure_plugin(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
    Json(config): Json<Config>,
) -> Result<Json<Shown>> {
    let id = known(&handle, id)?;
    configuration::edit(&ctx, &handle, id, whose.organization, Edit::Replace(config)).await
}

/// What is sent is merged into what was set there (RFC 7396): `null` removes, what is not sent stays.
pub(super) async fn change_configuration(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
    Json(patch): Json<Config>,
) -> Result<Json<Shown>> {
    let id = known(&handle, id)?;
    configuration::edit(&ctx, &handle, id, whose.organization, Edit::Merge(patch)).await
}

pub(super) async fn list_configuration_changes(
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<History>> {
    let (id, whose) = (known(&handle, id)?, page.organization.as_deref());
    configuration::history(&handle, &id, whose, page.skip, page.limit).await
}

/// What was set becomes what it was before that change: it and all after it are taken back, secrets too.
pub(super) async fn undo_configuration_change(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Path((id, number)): Path<(String, i64)>,
    Query(whose): Query<Whose>,
) -> Result<Json<Shown>> {
    let id = known(&handle, id)?;
    configuration::edit(&ctx, &handle, id, whose.organization, Edit::Undo(number)).await
}

pub(super) async fn export_configuration(
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<Json<Exported>> {
    configuration::export(&handle, Some(&known(&handle, id)?), whose.organization.as_deref())
}

pub(super) async fn export_all_configuration(
    handle: Shared<KernelHandle>,
    Query(whose): Query<Whose>,
) -> Result<Json<Exported>> {
    configuration::export(&handle, None, whose.organization.as_deref())
}

pub(super) async fn import_configuration(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(target): Query<Target>,
    Json(exported): Json<Exported>,
) -> Result<Json<Imported>> {
    let id = known(&handle, id)?;
    configuration::import(&ctx, &handle, Some(&id), target.organization, exported, target.dry_run).await
}

pub(super) async fn import_all_configuration(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Query(target): Query<Target>,
    Json(exported): Json<Exported>,
) -> Result<Json<Imported>> {
    configuration::import(&ctx, &handle, None, target.organization, exported, target.dry_run).await
}

/// What configurations refer to, in the environment and in files, is read anew when it is next asked for.
pub(super) async fn reload_configuration(ctx: Context, handle: Shared<KernelHandle>) -> Result<NoContent> {
    handle.change(&ctx, async move |kernel, _| kernel.read_settings().await).await?;
    Ok(NoContent)
}
