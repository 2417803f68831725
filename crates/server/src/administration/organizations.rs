//! Organizations: every one of them, those that were removed, and those that somebody would like to have.

use switchboard_api::AccountId;
use switchboard_kernel::{Decision, OrganizationInFull, OrganizationSettings};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::KernelHandle;
use crate::organization::requests::Request;

/// Which organizations are listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct OrganizationFilter {
    /// Only organizations with this text in one of their names, in any case.
    q: Option<String>,
    /// Those that were removed and can be brought back, instead of those that there are.
    removed: bool,
    /// How many to pass over.
    #[schemars(range(min = 0))]
    skip: usize,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
}

impl Default for OrganizationFilter {
    fn default() -> Self {
        Self { q: None, removed: false, skip: 0, limit: 100 }
    }
}

/// Organizations, and how many there are in all.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Organizations {
    /// How many the filter lets through.
    total: usize,
    /// Those asked for, by their names in addresses.
    organizations: Vec<Organization>,
}

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
    /// Since when it is gone, in UTC; `null` for one that is not.
    removed_at: Option<String>,
    /// How often it may be called for in a second; as the server says when `null`.
    calls_per_second: Option<u32>,
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
    /// The number of the account that owns it; nobody at first when absent.
    #[serde(default)]
    owner: Option<i64>,
}

/// How often an organization may be called for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRate {
    /// In a second; as the server says when `null`.
    #[schemars(range(min = 1, max = 1_000_000))]
    calls_per_second: Option<u32>,
}

/// Which requests are listed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct RequestFilter {
    /// Only those of which this became.
    state: Option<RequestState>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RequestState {
    /// Nothing yet.
    Open,
    /// The organization was made.
    Approved,
    /// It was not.
    Refused,
}

/// Why somebody does not get an organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalReason {
    /// In a sentence that who asked will read.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

impl From<OrganizationInFull> for Organization {
    fn from(full: OrganizationInFull) -> Self {
        Self {
            id: full.organization.id.0,
            slug: full.organization.slug,
            name: full.organization.name,
            created_at: full.created_at.to_string(),
            removed_at: full.removed_at.map(|at| at.to_string()),
            calls_per_second: full.settings.calls_per_second,
        }
    }
}

pub(super) async fn list_organizations(
    kernel: Shared<KernelHandle>,
    Query(filter): Query<OrganizationFilter>,
) -> Result<Json<Organizations>> {
    let mut organizations = kernel.kernel()?.every_organization().await?;
    let text = filter.q.as_deref().map(str::to_lowercase);
    organizations.retain(|OrganizationInFull { organization, removed_at, .. }| {
        let has_text =
            |text: &str| organization.slug.contains(text) || organization.name.to_lowercase().contains(text);
        removed_at.is_some() == filter.removed && text.as_deref().is_none_or(has_text)
    });
    let total = organizations.len();
    let asked_for = organizations.into_iter().skip(filter.skip).take(filter.limit);
    Ok(Json(Organizations { total, organizations: asked_for.map(Organization::from).collect() }))
}

pub(super) async fn get_organization(
    kernel: Shared<KernelHandle>,
    Path(slug): Path<String>,
) -> Result<Json<Organization>> {
    let kernel = kernel.kernel()?;
    let organization = kernel.named(&slug)?;
    Ok(Json(kernel.organization_in_full(organization.id).await?.into()))
}

pub(super) async fn create_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewOrganization>,
) -> Result<Created<Organization>> {
    let made = kernel
        .change(&ctx, async move |kernel, by| {
            let owner = new.owner.map(AccountId);
            let made = kernel.create_organization_with(&by, &new.slug, &new.name, owner).await?;
            kernel.organization_in_full(made.id).await
        })
        .await?;
    Ok(Created(made.into()))
}

pub(super) async fn set_rate(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(slug): Path<String>,
    Json(NewRate { calls_per_second }): Json<NewRate>,
) -> Result<Json<Organization>> {
    let changed = kernel
        .change(&ctx, async move |kernel, by| {
            let organization = kernel.named(&slug)?;
            let before = kernel.organization_in_full(organization.id).await?.settings;
            let settings = OrganizationSettings { calls_per_second, ..before };
            kernel.change_organization(&by, &organization, None, Some(settings)).await
        })
        .await?;
    Ok(Json(changed.into()))
}

pub(super) async fn remove_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(slug): Path<String>,
) -> Result<NoContent> {
    kernel
        .change(&ctx, async move |kernel, by| {
            let organization = kernel.named(&slug)?;
            kernel.remove_organization(&by, &organization).await
        })
        .await?;
    Ok(NoContent)
}

pub(super) async fn restore_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(slug): Path<String>,
) -> Result<Json<Organization>> {
    let restored = kernel
        .change(&ctx, async move |kernel, by| {
            let restored = kernel.restore_organization(&by, &slug).await?;
            kernel.organization_in_full(restored.id).await
        })
        .await?;
    Ok(Json(restored.into()))
}

pub(super) async fn list_requests(
    kernel: Shared<KernelHandle>,
    Query(filter): Query<RequestFilter>,
) -> Result<Json<Vec<Request>>> {
    let state = filter.state.map(|state| match state {
        RequestState::Open => Decision::Open,
        RequestState::Approved => Decision::Approved,
        RequestState::Refused => Decision::Refused,
    });
    let requests = kernel.kernel()?.organization_requests(state).await?;
    Ok(Json(requests.into_iter().map(Request::from).collect()))
}

pub(super) async fn approve_request(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<Created<Organization>> {
    let made = kernel
        .change(&ctx, async move |kernel, by| {
            let made = kernel.approve_request(&by, id).await?;
            kernel.organization_in_full(made.id).await
        })
        .await?;
    Ok(Created(made.into()))
}

pub(super) async fn refuse_request(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
    Json(RefusalReason { reason }): Json<RefusalReason>,
) -> Result<Json<Request>> {
    let refused =
        kernel.change(&ctx, async move |kernel, by| kernel.refuse_request(&by, id, &reason).await).await?;
    Ok(Json(refused.into()))
}
