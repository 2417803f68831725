//! Invitations: codes by which people become members.

use serde::Deserialize;
use switchboard_api::{AccountId, Failure, Organization, OrganizationId, Roles, Timestamp};

use crate::{
    audit::Entry,
    by::By,
    directory::{hash, hex},
    error::Error,
    kernel::Kernel,
    members::roles,
};

/// The most days that an invitation holds.
const MOST_DAYS: i64 = 90;

/// The most people that one invitation with a bound lets in.
const MOST_USES: u32 = 1_000;

/// An invitation to be made.
#[derive(Debug, Clone)]
pub struct InvitationTerms {
    /// The roles of who accepts it.
    pub roles: Roles,
    /// The only address whose owner may accept it; whoever has the code when absent.
    pub email: Option<String>,
    /// For how many days it holds: 1 to 90.
    pub days: i64,
    /// How many may accept it, 1 to 1,000; as many as come when absent.
    pub use_limit: Option<u32>,
}

/// An invitation that was just made.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// What is kept of it.
    pub invitation: Invitation,
    /// The code itself, shown this once.
    pub code: String,
}

/// An invitation. Its code is shown once, when it is made, and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Invitation {
    /// Its number.
    pub id: i64,
    /// The organization that it leads to.
    pub organization_id: OrganizationId,
    /// The roles of who accepts it.
    #[serde(deserialize_with = "roles")]
    pub roles: Roles,
    /// The only address whose owner may accept it.
    pub email: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it holds.
    pub expires_at: Timestamp,
    /// How many may accept it.
    pub use_limit: Option<u32>,
    /// How many have.
    pub uses: u32,
    /// Since when it holds no more because somebody said so.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, organization_id, roles, email, created_by, created_at, expires_at, use_limit, uses, revoked_at";

impl Invitation {
    /// Why it holds no more, in a word: `revoked`, `expired` or `used_up`; none while it holds.
    pub fn over(&self, now: Timestamp) -> Option<&'static str> {
        if self.revoked_at.is_some() {
            Some("revoked")
        } else if self.expires_at <= now {
            Some("expired")
        } else if self.use_limit.is_some_and(|limit| self.uses >= limit) {
            Some("used_up")
        } else {
            None
        }
    }
}

impl Kernel {
    /// Makes an invitation: 160 random bits, of which only the hash is kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] for terms that are none, or a role that there is not.
    pub async fn invite(
        &self,
        by: &By,
        organization: &Organization,
        terms: InvitationTerms,
    ) -> Result<NewInvitation, Error> {
        self.check_roles(organization.id, &terms.roles)?;
        let invalid = |message: String| Err(Error::Invalid(Failure::invalid(message)));
        if !(1..=MOST_DAYS).contains(&terms.days) {
            return invalid(format!("an invitation holds for 1 to {MOST_DAYS} days"));
        }
        if terms.use_limit.is_some_and(|limit| !(1..=MOST_USES).contains(&limit)) {
            return invalid(format!("an invitation with a bound lets 1 to {MOST_USES} people in"));
        }
        let now = self.now();
        let expires_at = now.checked_add(jiff::SignedDuration::from_hours(24 * terms.days));
        let expires_at = expires_at.map_err(|error| Error::Data(error.to_string()))?;
        let secret: [u8; 20] = rand::random();
        let code = hex(&secret);
        let sql = format!(
            "insert into invitation (organization_id, hash, roles, email, created_by, created_at, expires_at, use_limit, \
             uses) values ($1, $2, $3, $4, $5, $6, $7, $8, 0) returning {COLUMNS}"
        );
        let params = vec![
            organization.id.into(),
            hex(&hash(&code)).into(),
            terms.roles.as_str().into(),
            terms.email.clone().into(),
            (*by.actor.name).into(),
            now.to_string().into(),
            expires_at.to_string().into(),
            terms.use_limit.map(i64::from).into(),
        ];
        let mut change = self.change(by).await?;
        let made = change.query(&sql, params).await?.to::<Invitation>()?.pop();
        let invitation =
            made.ok_or_else(|| Error::Data("an invitation was stored without a number".to_owned()))?;
        let said = serde_json::json!({
            "roles": terms.roles.as_str(), "email": terms.email, "expires_at": expires_at, "use_limit": terms.use_limit,
        });
        let entry = Entry::new("invitation.created", format!("invitation:{}", invitation.id));
        change.commit(entry.within(Some(organization.id)).after(said)).await?;
        Ok(NewInvitation { invitation, code })
    }

    /// The invitations of an organization, the newest first, also those that hold no more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn invitations(&self, organization: OrganizationId) -> Result<Vec<Invitation>, Error> {
        let sql = format!("select {COLUMNS} from invitation where organization_id = $1 order by id desc");
        Ok(self.room.query(&sql, vec![organization.into()]).await?.to()?)
    }

    /// Revokes an invitation of an organization; false when it has none of that number that could be.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn revoke_invitation(
        &self,
        by: &By,
        organization: OrganizationId,
        id: i64,
    ) -> Result<bool, Error> {
        let sql = "update invitation set revoked_at = $3 where id = $1 and organization_id = $2 and revoked_at is null";
        let mut change = self.change(by).await?;
        let params = vec![id.into(), organization.into(), self.now().to_string().into()];
        let revoked = change.execute(sql, params).await? > 0;
        if revoked {
            let entry = Entry::new("invitation.revoked", format!("invitation:{id}"));
            change.commit(entry.within(Some(organization))).await?;
        }
        Ok(revoked)
    }

    /// The invitation of that code, whether it still holds or not.
    ///
    /// Found by its hash, so that how long this takes tells nothing about the code.
    ///
    /// # Errors
    /// [`Error::NoSuch`], also for one of an organization that is gone.
    pub async fn invitation(&self, code: &str) -> Result<(Invitation, std::sync::Arc<Organization>), Error> {
        let sql = format!("select {COLUMNS} from invitation where hash = $1");
        let found = self.room.query(&sql, vec![hex(&hash(code)).into()]).await?.to::<Invitation>()?.pop();
        let found = found.and_then(|invitation| {
            let organization = self.organization(invitation.organization_id)?;
            Some((invitation, organization))
        });
        found.ok_or_else(|| Error::NoSuch("there is no such invitation: ask for a new one".to_owned()))
    }

    /// The invitation of that code, if it still holds.
    ///
    /// # Errors
    /// As [`invitation`](Self::invitation); [`Error::Refused`] for one that holds no more.
    pub async fn usable_invitation(
        &self,
        code: &str,
    ) -> Result<(Invitation, std::sync::Arc<Organization>), Error> {
        let (invitation, organization) = self.invitation(code).await?;
        match invitation.over(self.now()) {
            None => Ok((invitation, organization)),
            Some(over) => Err(holds_no_more(over)),
        }
    }

    /// Makes an account a member by an invitation. However many come at once, no more get in than may.
    ///
    /// # Errors
    /// [`Error::NoSuch`]; [`Error::Refused`] for one that holds no more, and for who is a member already; [`Error::Invalid`]
    /// with [`Failure::Forbidden`] when it is bound to an address that is none of `verified`.
    pub async fn accept_invitation(
        &self,
        by: &By,
        code: &str,
        account: AccountId,
        verified: &[String],
    ) -> Result<(std::sync::Arc<Organization>, Roles), Error> {
        let (invitation, organization) = self.usable_invitation(code).await?;
        if let Some(bound) = &invitation.email
            && !verified.iter().any(|address| address.eq_ignore_ascii_case(bound))
        {
            let message =
                "the invitation is for another e-mail address: sign in with that one, and confirm it first";
            return Err(Error::Invalid(Failure::forbidden(message)));
        }
        let _changing = self.changing().await?;
        let mut change = self.change(by).await?;
        // Counted first: whoever is one too many changes no row, however many come at once.
        let sql = "update invitation set uses = uses + 1 \
                   where id = $1 and revoked_at is null and (use_limit is null or uses < use_limit)";
        if change.execute(sql, vec![invitation.id.into()]).await? == 0 {
            return Err(holds_no_more("used_up"));
        }
        let sql = "insert into member (organization_id, account_id, roles, joined_at) values ($1, $2, $3, $4) \
                   on conflict (organization_id, account_id) do nothing";
        let params = vec![
            organization.id.into(),
            account.into(),
            invitation.roles.as_str().into(),
            self.now().to_string().into(),
        ];
        if change.execute(sql, params).await? == 0 {
            // Dropped, the change takes back that it was counted.
            return Err(Error::Refused(format!("you are a member of `{}` already", organization.slug)));
        }
        let entry = Entry::new("member.added", format!("account:{account}")).within(Some(organization.id));
        let said = serde_json::json!({ "roles": invitation.roles.as_str(), "invitation": invitation.id });
        change.commit(entry.after(said)).await?;
        self.members.forget();
        Ok((organization, invitation.roles))
    }
}

fn holds_no_more(over: &str) -> Error {
    Error::Refused(match over {
        "revoked" => "the invitation was revoked: ask for a new one".to_owned(),
        "expired" => "the invitation has expired: ask for a new one".to_owned(),
        _ => "the invitation was used as often as it may be: ask for a new one".to_owned(),
    })
}
