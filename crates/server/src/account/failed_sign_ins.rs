//! Sign-ins that came to nothing, in the audit log: whose account was named, from where, and why.
//!
//! What was sent is never written down: people type passwords into the field for the address.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use switchboard_accounts::{Client, NotSignedIn, Reason};
use switchboard_api::{AccountId, Timestamp};
use switchboard_kernel::{AuditEntry, By};
use switchboard_sdk::{Context, Failure};

use super::people::People;

/// For how long one line stands for all that are like it: after as much quiet, tries are forgotten too.
const WINDOW: Duration = Duration::from_secs(900);

/// The most lines in that time, whoever tries from wherever.
const MOST: usize = 1000;

/// What one line stands for: an account, or none that there is; a reason; and the client's address.
type Alike = (Option<AccountId>, Reason, String);

/// Which failed sign-ins were noted of late.
#[derive(Default)]
pub(super) struct FailedSignIns {
    noted: Mutex<HashMap<Alike, Timestamp>>,
}

impl FailedSignIns {
    /// Notes that somebody was not signed in, unless one like it was noted of late, and gives what they are told.
    ///
    /// The line is written while they are answered: how long that takes says nothing about whether there is an account.
    pub(super) fn note(
        &self,
        ctx: &Context,
        people: &People,
        refused: NotSignedIn,
        from: &Client,
    ) -> Failure {
        let NotSignedIn { error, account, reason } = refused;
        let Some(reason) = reason else { return error.into() };
        if self.is_new((account, reason, from.counted_as()), ctx.now()) {
            let (people, by) = (people.clone(), By::of(ctx.call()));
            tokio::spawn(async move {
                if let Err(failure) = write(&people, &by, account, reason).await {
                    tracing::error!(request = %by.request, "a failed sign-in could not be noted in the audit log: {failure}");
                }
            });
        }
        error.into()
    }

    fn is_new(&self, alike: Alike, now: Timestamp) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_late = |at: &Timestamp| now.duration_since(*at).unsigned_abs() < WINDOW;
        if noted.get(&alike).is_some_and(is_of_late) {
            return false;
        }
        if noted.len() >= MOST {
            noted.retain(|_, at| is_of_late(at));
        }
        if noted.len() >= MOST {
            return false;
        }
        noted.insert(alike, now);
        true
    }
}

async fn write(people: &People, by: &By, account: Option<AccountId>, reason: Reason) -> Result<(), Failure> {
    let subject = account.map_or_else(|| "account:unknown".to_owned(), |id| format!("account:{id}"));
    let email = match account {
        Some(id) => Some(people.accounts.account(id).await?.email),
        None => None,
    };
    let said = switchboard_sdk::serde_json::json!({ "reason": reason.as_str(), "email": email });
    Ok(people.kernel.kernel()?.note(by, AuditEntry::new("session.refused", subject).after(said)).await?)
}

#[cfg(test)]
mod tests {
    use super::{AccountId, Duration, FailedSignIns, MOST, Reason, Timestamp, WINDOW};

    const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

    #[test]
    fn one_stands_for_all_that_are_like_it_until_the_window_is_over() {
        let failed = FailedSignIns::default();
        let is_new = |account, reason, from: &str, at| {
            failed.is_new((Some(AccountId(account)), reason, from.to_owned()), at)
        };
        assert!(is_new(1, Reason::WrongPassword, "192.0.2.7", NOW));
        assert!(!is_new(1, Reason::WrongPassword, "192.0.2.7", NOW + WINDOW - Duration::from_secs(1)));
        assert!(is_new(1, Reason::Throttled, "192.0.2.7", NOW));
        assert!(is_new(2, Reason::WrongPassword, "192.0.2.7", NOW));
        assert!(is_new(1, Reason::WrongPassword, "192.0.2.8", NOW));
        assert!(is_new(1, Reason::WrongPassword, "192.0.2.7", NOW + WINDOW));
    }

    #[test]
    fn however_many_try_from_wherever_there_are_so_many_lines() {
        let failed = FailedSignIns::default();
        let tried = |number: usize, at| failed.is_new((None, Reason::UnknownAddress, number.to_string()), at);
        assert_eq!((0..3 * MOST).filter(|number| tried(*number, NOW)).count(), MOST);
        assert!(tried(4 * MOST, NOW + WINDOW), "and as many again when the time is over");
    }
}
