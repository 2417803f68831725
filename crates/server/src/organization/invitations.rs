//! Invitations: made by who may invite, looked at by whoever has the code, accepted by who is signed in.

use std::sync::Arc;

use switchboard_api::Roles;
use switchboard_kernel::InvitationTerms;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{People, called_for, members::may_change};
use crate::{kernel_handle::KernelHandle, own_account::own_account};

/// An invitation to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvitation {
    /// The role of who accepts it.
    #[serde(default = "member")]
    #[schemars(length(min = 1, max = 64))]
    role: String,
    /// The only address whose owner may accept it; whoever has the code when absent.
    #[serde(default)]
    #[schemars(length(min = 3, max = 254))]
    email: Option<String>,
    /// For how many days it holds.
    #[serde(default = "a_week")]
    #[schemars(range(min = 1, max = 90))]
    days: i64,
    /// How many may accept it; as many as come when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    use_limit: Option<u32>,
}

fn member() -> String {
    "member".to_owned()
}

fn a_week() -> i64 {
    7
}

/// An invitation. Its code is shown once, when it is made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Invitation {
    /// Its number.
    id: i64,
    /// The role of who accepts it.
    role: String,
    /// The only address whose owner may accept it; whoever has the code when `null`.
    email: Option<String>,
    /// Who made it.
    created_by: String,
    /// When it was made, in UTC.
    created_at: String,
    /// Until when it holds, in UTC.
    expires_at: String,
    /// How many may accept it; as many as come when `null`.
    use_limit: Option<u32>,
    /// How many have.
    uses: u32,
    /// Why it holds no more: `revoked`, `expired` or `used_up`; `null` while it holds.
    over: Option<&'static str>,
}

/// An invitation that was just made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeInvitation {
    #[serde(flatten)]
    invitation: Invitation,
    /// The code itself, shown this once.
    code: String,
}

/// What somebody sees of an invitation who has its code.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InvitationSeen {
    /// The name of the organization that it leads to.
    organization: String,
    /// The role of who accepts it.
    role: String,
    /// Whether it is for the owner of one address alone.
    is_bound: bool,
    /// Until when it holds, in UTC.
    expires_at: String,
    /// Why it holds no more: `revoked`, `expired` or `used_up`; `null` while it holds.
    over: Option<&'static str>,
}

/// What somebody belongs to who has just accepted an invitation.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Joined {
    /// The organization's name in addresses.
    organization: String,
    /// The roles held there.
    roles: Vec<String>,
}

impl Invitation {
    fn of(invitation: switchboard_kernel::Invitation, now: switchboard_sdk::Timestamp) -> Self {
        let over = invitation.over(now);
        Self {
            id: invitation.id,
            role: invitation.roles.as_str().to_owned(),
            email: invitation.email,
            created_by: invitation.created_by,
            created_at: invitation.created_at.to_string(),
            expires_at: invitation.expires_at.to_string(),
            use_limit: invitation.use_limit,
            uses: invitation.uses,
            over,
        }
    }
}

pub(super) async fn list_invitations(
    ctx: Context,
    kernel: Shared<KernelHandle>,
) -> Result<Json<Vec<Invitation>>> {
    let invitations = kernel.kernel()?.invitations(called_for(&ctx)?.id).await?;
    Ok(Json(invitations.into_iter().map(|invitation| Invitation::of(invitation, ctx.now())).collect()))
}

pub(super) async fn create_invitation(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewInvitation>,
) -> Result<Created<MadeInvitation>> {
    let organization = called_for(&ctx)?;
    let roles = Roles::new([new.role.as_str()]);
    may_change(&ctx, &Roles::new([]), &roles)?;
    if let Some(email) = new.email.as_deref().filter(|email| !email.contains('@')) {
        return Err(invalid!("`{email}` is no e-mail address"));
    }
    let terms = InvitationTerms { roles, email: new.email, days: new.days, use_limit: new.use_limit };
    let made =
        kernel.change(&ctx, async move |kernel, by| kernel.invite(&by, &organization, terms).await).await?;
    let invitation = Invitation::of(made.invitation, ctx.now());
    Ok(Created(MadeInvitation { invitation, code: made.code }))
}

pub(super) async fn revoke_invitation(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    let organization = called_for(&ctx)?.id;
    let revoked = kernel
        .change(&ctx, async move |kernel, by| kernel.revoke_invitation(&by, organization, id).await)
        .await?;
    match revoked {
        true => Ok(NoContent),
        false => Err(not_found!("there is no invitation {id}, or it was revoked already")),
    }
}

pub(super) async fn get_invitation(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(code): Path<String>,
) -> Result<Json<InvitationSeen>> {
    let (invitation, organization) = kernel.kernel()?.invitation(&code).await?;
    Ok(Json(InvitationSeen {
        organization: organization.name.clone(),
        role: invitation.roles.as_str().to_owned(),
        is_bound: invitation.email.is_some(),
        expires_at: invitation.expires_at.to_string(),
        over: invitation.over(ctx.now()),
    }))
}

pub(super) async fn accept_invitation(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    people: Shared<Arc<dyn People>>,
    Path(code): Path<String>,
) -> Result<Json<Joined>> {
    let account = own_account(&ctx)?;
    let known = people.people(&[account]).await?;
    let verified = known.get(&account).filter(|person| person.email_is_verified);
    let verified: Vec<String> = verified.map(|person| person.email.clone()).into_iter().collect();
    let (organization, roles) = kernel
        .change(&ctx, async move |kernel, by| kernel.accept_invitation(&by, &code, account, &verified).await)
        .await?;
    let roles = roles.iter().map(str::to_owned).collect();
    Ok(Json(Joined { organization: organization.slug.clone(), roles }))
}
