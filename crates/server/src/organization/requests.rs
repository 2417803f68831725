//! Asking for an organization.

use switchboard_kernel::OrganizationRequest;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::Creation;
use crate::{kernel_handle::KernelHandle, own_account::own_account};

/// An organization that somebody would like to have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRequest {
    /// Its name in addresses: lower-case letters, digits and `-`, with a letter or digit at both ends.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), length(max = 80))]
    slug: String,
    /// The name people read.
    #[schemars(length(min = 1, max = 80))]
    name: String,
    /// What it is for.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// What somebody asked for, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Request {
    /// Its number.
    id: i64,
    /// The account that would own the organization.
    account: i64,
    /// The organization's name in addresses.
    slug: String,
    /// The name people would read.
    name: String,
    /// What it is for.
    reason: String,
    /// When it was asked for, in UTC.
    requested_at: String,
    /// What became of it: `open`, `approved` or `refused`.
    state: &'static str,
    /// When that was decided, in UTC.
    decided_at: Option<String>,
    /// Why it was refused.
    answer: Option<String>,
}

impl From<OrganizationRequest> for Request {
    fn from(request: OrganizationRequest) -> Self {
        Self {
            id: request.id,
            account: request.account_id.0,
            slug: request.slug,
            name: request.name,
            reason: request.reason,
            requested_at: request.requested_at.to_string(),
            state: request.state.as_str(),
            decided_at: request.decided_at.map(|at| at.to_string()),
            answer: request.answer,
        }
    }
}

pub(super) async fn list_own_requests(
    ctx: Context,
    kernel: Shared<KernelHandle>,
) -> Result<Json<Vec<Request>>> {
    let requests = kernel.kernel()?.requests_of(own_account(&ctx)?).await?;
    Ok(Json(requests.into_iter().map(Request::from).collect()))
}

pub(super) async fn request_organization(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    creation: Shared<Creation>,
    Json(new): Json<NewRequest>,
) -> Result<Created<Request>> {
    let account = own_account(&ctx)?;
    let at_once = match *creation {
        Creation::Request => false,
        Creation::Anyone => true,
        Creation::Administrators => {
            return Err(forbidden!("on this server only global administrators make organizations: ask one"));
        }
    };
    let asked = async move |kernel: std::sync::Arc<switchboard_kernel::Kernel>,
                            by: switchboard_kernel::By| {
        let NewRequest { slug, name, reason } = new;
        let made = kernel.request_organization(&by, account, &slug, &name, &reason).await?;
        if !at_once {
            return Ok(made);
        }
        kernel.approve_request(&by, made.id).await?;
        let own = kernel.requests_of(account).await?;
        Ok::<_, switchboard_kernel::Error>(own.into_iter().find(|own| own.id == made.id).unwrap_or(made))
    };
    Ok(Created(kernel.change(&ctx, asked).await?.into()))
}
