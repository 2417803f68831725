//! Acting as somebody else, which global administrators may.

use switchboard_api::AccountId;

use crate::{accounts::Accounts, error::Error, session::SignedIn};

impl Accounts {
    /// Lets whoever has the session act as another account from now on. The session remembers both.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for one who is no global administrator, and when the other is one;
    /// [`Error::Refused`] when they act as somebody else already, or when the other is disabled;
    /// [`Error::NoSuchAccount`], [`Error::NoSession`].
    pub async fn begin_impersonation(&self, secret: &str, other: AccountId) -> Result<SignedIn, Error> {
        let session = self.whole_session(secret).await?;
        if !session.account.is_administrator {
            let message = "only a global administrator may act as somebody else";
            return Err(Error::Forbidden(message.to_owned()));
        }
        if let Some(already) = &session.acting_as {
            return Err(Error::Refused(format!("you act as {} already; end that first", already.email)));
        }
        let other = self.account(other).await?;
        if other.is_administrator {
            return Err(Error::Forbidden(format!(
                "{} is a global administrator, as whom nobody acts",
                other.email
            )));
        }
        if other.is_disabled() {
            return Err(Error::Refused(format!("the account {} is disabled", other.email)));
        }
        self.rotate_with(secret, ", acting_as = $3", vec![other.id.into()]).await
    }

    /// Lets whoever has the session act as themselves again.
    ///
    /// # Errors
    /// [`Error::Refused`] when they do already; [`Error::NoSession`].
    pub async fn end_impersonation(&self, secret: &str) -> Result<SignedIn, Error> {
        let session = self.whole_session(secret).await?;
        if session.acting_as.is_none() {
            return Err(Error::Refused("you act as nobody but yourself".to_owned()));
        }
        self.rotate_with(secret, ", acting_as = $3", vec![().into()]).await
    }
}
