//! Accounts that people make for themselves, and the invitations by which they may.

use switchboard_accounts::Account;
use switchboard_sdk::{Context, Result, forbidden};

use super::people::{People, Registration};

/// An invitation by which somebody makes an account, and becomes a member where it leads to.
pub(super) struct Invited {
    code: String,
    /// Whether it is for the owner of one address alone, who has to prove that first.
    is_bound: bool,
}

impl People {
    /// Refuses unless somebody with that address may make an account for themselves, by an invitation of that code if they
    /// have one.
    pub(super) async fn may_register(&self, code: Option<&str>, email: &str) -> Result<Option<Invited>> {
        let Some(code) = code else {
            return match self.registration {
                Registration::Open => Ok(None),
                Registration::Invitation => Err(forbidden!(
                    "accounts are made by invitation here: ask a member of an organization for one, and send its code as \
                     `invitation`"
                )),
                Registration::Off => Err(made_by_administrators()),
            };
        };
        if self.registration == Registration::Off {
            return Err(made_by_administrators());
        }
        let invitation = self.kernel.kernel()?.usable_invitation(code).await?.0;
        let bound = invitation.email.as_deref();
        if bound.is_some_and(|bound| !bound.trim().eq_ignore_ascii_case(email.trim())) {
            return Err(forbidden!(
                "the invitation is for another e-mail address: make the account with that one"
            ));
        }
        Ok(Some(Invited { code: code.to_owned(), is_bound: bound.is_some() }))
    }

    /// Makes whoever has just got an account a member, and says of which organization; of none yet where they have to prove
    /// their address first. When they cannot become one any more, there is no account either.
    pub(super) async fn join(
        &self,
        ctx: &Context,
        account: &Account,
        invited: Option<Invited>,
    ) -> Result<Option<String>> {
        let Some(Invited { code, is_bound }) = invited else { return Ok(None) };
        if is_bound && !account.is_verified() {
            return Ok(None);
        }
        let (id, verified) = (account.id, vec![account.email.clone()]);
        let joined = self.kernel.change_by(Self::by(ctx, account), async move |kernel, by| {
            kernel.accept_invitation(&by, &code, id, &verified).await
        });
        match joined.await {
            Ok((organization, _)) => Ok(Some(organization.slug.clone())),
            Err(failure) => {
                self.accounts.withdraw(id).await?;
                Err(failure)
            }
        }
    }
}

fn made_by_administrators() -> switchboard_sdk::Failure {
    forbidden!("accounts are made by administrators here; ask one of them")
}
