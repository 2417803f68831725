//! How plugins are set: for the installation, and for each organization above it. What is secret goes in, never out.

use switchboard_kernel::{Config, Kernel, Layer};
use switchboard_manifest::Manifest;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{KernelHandle, plugins::no_such_plugin, secrets};

/// Whose configuration it is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Whose {
    /// The organization, by its name in addresses; the whole installation when absent.
    #[serde(default)]
    organization: Option<String>,
}

/// A plugin's configuration. Secret properties are in none of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Configuration {
    /// The organization; none for the whole installation.
    organization: Option<String>,
    /// What was set there.
    set: Config,
    /// What holds there: with the installation's below an organization's, and the plugin's defaults below both.
    effective: Config,
    /// The JSON Schema that it keeps to; none for a plugin that is not configured.
    schema: Option<Config>,
}

pub(super) async fn get_configuration(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<Json<Configuration>> {
    let kernel = kernel.kernel()?;
    let (set, effective, manifest) = stored(&kernel, &id, whose.organization.as_deref())?;
    let shown = |config| secrets::removed(manifest.config_schema.as_ref(), config);
    let (set, effective) = (shown(set), shown(effective));
    Ok(Json(Configuration {
        organization: whose.organization,
        set,
        effective,
        schema: manifest.config_schema.clone(),
    }))
}

/// What is sent takes the place of what was set there; a secret that is not sent stays as it was, and `null` removes it.
pub(super) async fn configure_plugin(
    ctx: Context,
    handle: Shared<KernelHandle>,
    path: Path<String>,
    Query(whose): Query<Whose>,
    Json(mut config): Json<Config>,
) -> Result<Json<Configuration>> {
    let kernel = handle.kernel()?;
    let (before, _, manifest) = stored(&kernel, &path.0, whose.organization.as_deref())?;
    secrets::keep(manifest.config_schema.as_ref(), &before, &mut config);
    let (id, organization) = (path.0.clone(), whose.organization.clone());
    handle
        .change(&ctx, async move |kernel, by| {
            kernel.configure(&by, &id, organization.as_deref(), config).await
        })
        .await?;
    get_configuration(handle, path, Query(whose)).await
}

/// What was set, what holds, and what the plugin declares.
fn stored(
    kernel: &Kernel,
    id: &str,
    organization: Option<&str>,
) -> Result<(Config, Config, std::sync::Arc<Manifest>)> {
    let catalog = kernel.catalog();
    let manifest = &catalog.entry(id).ok_or_else(|| no_such_plugin(&catalog, id))?.manifest;
    let organization =
        organization.map(|slug| kernel.named(slug)).transpose()?.map(|organization| organization.id);
    let layer = organization.map_or(Layer::Installation, Layer::Organization);
    let settings = kernel.settings();
    Ok((
        settings.layer(&manifest.id, layer),
        settings.merged(manifest, organization),
        std::sync::Arc::clone(manifest),
    ))
}
