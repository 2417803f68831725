//! The organization itself: its name and settings, and its end.

use switchboard_kernel::{KEPT_DAYS, OrganizationInFull};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::called_for;
use crate::kernel_handle::KernelHandle;

/// An organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Organization {
    /// Its number.
    id: i64,
    /// Its name in addresses.
    slug: String,
    /// The name people read.
    name: String,
    /// When it was made, in UTC.
    created_at: String,
    /// What it sets for itself.
    settings: OrganizationSettings,
}

/// What an organization sets for itself.
#[derive(Debug, Serialize, JsonSchema)]
struct OrganizationSettings {
    /// The time zone in which its people think, by its IANA name; UTC when `null`.
    time_zone: Option<String>,
    /// The language and region of its people, such as `de` or `pt-BR`.
    locale: Option<String>,
    /// How often it may be called for in a second; as the server says when `null`. Global administrators set it.
    calls_per_second: Option<u32>,
}

/// What is to be different about an organization; what is absent stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationChange {
    /// The name people read.
    #[serde(default)]
    #[schemars(length(min = 1, max = 80))]
    name: Option<String>,
    /// What it sets for itself, instead of what was set.
    #[serde(default)]
    settings: Option<NewOrganizationSettings>,
}

/// What an organization is to set for itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganizationSettings {
    /// The time zone in which its people think, by its IANA name, such as `Europe/Berlin`; UTC when absent.
    #[serde(default)]
    time_zone: Option<String>,
    /// The language and region of its people, such as `de` or `pt-BR`.
    #[serde(default)]
    locale: Option<String>,
}

/// That an organization is really meant to go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    /// Its name in addresses once more.
    slug: String,
}

impl From<OrganizationInFull> for Organization {
    fn from(full: OrganizationInFull) -> Self {
        let OrganizationInFull { organization, settings, created_at, .. } = full;
        Self {
            id: organization.id.0,
            slug: organization.slug,
            name: organization.name,
            created_at: created_at.to_string(),
            settings: OrganizationSettings {
                time_zone: settings.time_zone,
                locale: settings.locale,
                calls_per_second: settings.calls_per_second,
            },
        }
    }
}

pub(super) async fn get_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
) -> Result<Json<Organization>> {
    let organization = called_for(&ctx)?;
    Ok(Json(kernel.kernel()?.organization_in_full(organization.id).await?.into()))
}

pub(super) async fn change_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(wanted): Json<OrganizationChange>,
) -> Result<Json<Organization>> {
    let organization = called_for(&ctx)?;
    let changed = kernel.change(&ctx, async move |kernel, by| {
        let settings = match wanted.settings {
            None => None,
            Some(new) => {
                // How often it may be called for is not its own to say.
                let before = kernel.organization_in_full(organization.id).await?.settings;
                let (time_zone, locale) = (new.time_zone, new.locale);
                Some(switchboard_kernel::OrganizationSettings { time_zone, locale, ..before })
            }
        };
        kernel.change_organization(&by, &organization, wanted.name.as_deref(), settings).await
    });
    Ok(Json(changed.await?.into()))
}

pub(super) async fn remove_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(Removal { slug }): Json<Removal>,
) -> Result<NoContent> {
    let organization = called_for(&ctx)?;
    if slug != organization.slug {
        return Err(invalid!(
            "`{slug}` is not the name of this organization: write `{}` to remove it; for {KEPT_DAYS} days a global \
             administrator can bring it back",
            organization.slug
        ));
    }
    kernel.change(&ctx, async move |kernel, by| kernel.remove_organization(&by, &organization).await).await?;
    Ok(NoContent)
}
