//! Organizations.

use switchboard_sdk::{extract::Shared, prelude::*};

use super::KernelHandle;

/// An organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Organization {
    /// Its number.
    id: i64,
    /// Its name in addresses.
    slug: String,
    /// The name people read.
    name: String,
}

/// An organization to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganization {
    /// Its name in addresses: lower-case letters, digits and `-`, with a letter or digit at both ends.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), length(max = 80))]
    slug: String,
    /// The name people read.
    #[schemars(length(min = 1, max = 80))]
    name: String,
}

impl From<&switchboard_sdk::Organization> for Organization {
    fn from(organization: &switchboard_sdk::Organization) -> Self {
        Self { id: organization.id.0, slug: organization.slug.clone(), name: organization.name.clone() }
    }
}

pub(super) async fn list_organizations(kernel: Shared<KernelHandle>) -> Result<Json<Vec<Organization>>> {
    let directory = kernel.kernel()?.directory();
    Ok(Json(directory.organizations().iter().map(|organization| (&**organization).into()).collect()))
}

pub(super) async fn create_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewOrganization>,
) -> Result<Created<Organization>> {
    let made = kernel
        .change(&ctx, async move |kernel, by| kernel.create_organization(&by, &new.slug, &new.name).await)
        .await?;
    Ok(Created((&*made).into()))
}
