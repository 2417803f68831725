//! Accounts and sessions as they are shown.

use schemars::JsonSchema;
use serde::Serialize;
use switchboard_accounts::{Account, SignedIn, csrf_token};

/// An account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub(super) struct ShownAccount {
    /// Its number.
    id: i64,
    /// Its e-mail address.
    email: String,
    /// What people call them.
    name: String,
    /// Whether it was proved that the address is theirs.
    is_verified: bool,
    /// Whether they are a global administrator.
    is_administrator: bool,
    /// Whether nobody can sign in.
    is_disabled: bool,
    /// Whether it has a password.
    has_password: bool,
    /// Whether signing in takes a second factor.
    has_second_factor: bool,
    /// When it was made, in UTC.
    created_at: String,
}

impl From<&Account> for ShownAccount {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.0,
            email: account.email.clone(),
            name: account.name.clone(),
            is_verified: account.is_verified(),
            is_administrator: account.is_administrator,
            is_disabled: account.is_disabled(),
            has_password: account.has_password,
            has_second_factor: account.has_second_factor,
            created_at: account.created_at.to_string(),
        }
    }
}

/// A session that just began, or got another secret. The secret itself is in the cookie.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SessionBegun {
    /// Who acts in it; nothing is told before the second factor was shown.
    account: Option<ShownAccount>,
    /// What to send as `X-CSRF-Token` with everything that changes something.
    csrf_token: String,
    /// Whether nothing can be done yet but to show the second factor.
    second_factor_needed: bool,
}

impl From<&SignedIn> for SessionBegun {
    fn from(signed_in: &SignedIn) -> Self {
        let session = &signed_in.session;
        Self {
            account: (!session.needs_second_factor).then(|| (&**session.actor()).into()),
            csrf_token: csrf_token(&signed_in.secret),
            second_factor_needed: session.needs_second_factor,
        }
    }
}

/// That something was taken on, whatever comes of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TakenOn {
    /// What happens now, for people.
    pub(super) message: String,
}
