//! How often something may be tried in vain.

use std::time::Duration;

use serde::Deserialize;
use switchboard_api::Timestamp;

use crate::{accounts::Accounts, error::Error, moment, secret};

/// How often something may be tried in vain before it is refused for a while, which doubles each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// How many tries are free.
    pub(crate) free: i64,
    /// For how long it is refused after those.
    pub(crate) first: Duration,
    /// The longest for which it is refused.
    pub(crate) most: Duration,
    /// After how long without a try all is forgotten.
    pub(crate) quiet: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

impl Limit {
    /// Signing in to one account from one address, and proving again who one is.
    pub(crate) const SIGN_IN: Self =
        Self { free: 5, first: MINUTE, most: HOUR, quiet: Duration::from_secs(900) };
    /// Signing in to whatever account from one address, behind which may be a whole office.
    pub(crate) const ADDRESS: Self = Self { free: 50, ..Self::SIGN_IN };
    /// Codes of a second factor, wherever they come from: whoever gets here has the password.
    pub(crate) const SECOND_FACTOR: Self = Self { free: 5, ..Self::SIGN_IN };
    /// Accounts made from one address.
    pub(crate) const REGISTER: Self = Self { free: 20, first: MINUTE, most: HOUR, quiet: HOUR };
    /// Mails to one address.
    pub(crate) const MAIL: Self = Self { free: 3, first: Duration::from_secs(600), most: HOUR, quiet: HOUR };
}

/// What is tried, and how often it may be.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    key: String,
    limit: Limit,
}

/// Something that is tried: its kind, and what tells one of the kind from another. What is kept is a hash of it.
pub(crate) fn key(kind: &str, parts: &[&str], limit: Limit) -> Tried {
    let joined = parts.join("\0");
    Tried { key: format!("{kind}:{}", secret::text(&secret::hash(&joined))), limit }
}

#[derive(Deserialize)]
struct ThrottleRow {
    tries: i64,
    last_at: Timestamp,
    blocked_until: Option<Timestamp>,
}

impl Accounts {
    /// Counts a try before it is made, so that many at once are counted too. What succeeds is [forgiven](Self::forgive).
    ///
    /// # Errors
    /// [`Error::TooMany`]; then the try is not counted.
    pub(crate) async fn try_once(&self, tried: &[Tried]) -> Result<(), Error> {
        let now = self.now();
        let mut transaction = self.room.begin().await?;
        for Tried { key, limit } in tried {
            // Writes first: so it holds the row until the end.
            let sql = "insert into throttle (key, tries, last_at) values ($1, 0, $2) on conflict (key) do update \
                       set tries = throttle.tries returning tries, last_at, blocked_until";
            let rows = transaction.query(sql, vec![key.as_str().into(), moment::text(now).into()]).await?;
            let row = rows.to::<ThrottleRow>()?.pop();
            let row = row.ok_or_else(|| Error::Data("a count of tries was not stored".to_owned()))?;
            if let Some(until) = row.blocked_until.filter(|until| *until > now) {
                return Err(Error::TooMany { after: moment::until(now, until) });
            }
            let since = row.blocked_until.unwrap_or(row.last_at).max(row.last_at);
            let is_forgotten = moment::later(since, limit.quiet) <= now;
            let tries = if is_forgotten { 1 } else { row.tries + 1 };
            let blocked_until = limit.blocked_for(tries).map(|wait| moment::text(moment::later(now, wait)));
            let sql = "update throttle set tries = $2, last_at = $3, blocked_until = $4 where key = $1";
            let params =
                vec![key.as_str().into(), tries.into(), moment::text(now).into(), blocked_until.into()];
            transaction.execute(sql, params).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Forgets the tries of the first, and takes one from each of the others: what was tried has succeeded.
    pub(crate) async fn forgive(&self, tried: &[Tried]) -> Result<(), Error> {
        let mut transaction = self.room.begin().await?;
        for (position, Tried { key, .. }) in tried.iter().enumerate() {
            let sql = match position {
                0 => "delete from throttle where key = $1",
                _ => {
                    "update throttle set tries = tries - 1, blocked_until = null where key = $1 and tries > 0"
                }
            };
            transaction.execute(sql, vec![key.as_str().into()]).await?;
        }
        Ok(transaction.commit().await?)
    }
}

impl Limit {
    /// For how long nothing may be tried after that many tries.
    fn blocked_for(&self, tries: i64) -> Option<Duration> {
        let over = u32::try_from(tries - self.free).ok()?;
        let times = 2_u32.saturating_pow(over);
        Some(self.first.checked_mul(times).unwrap_or(self.most).min(self.most))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Limit;

    #[test]
    fn each_try_beyond_the_free_ones_is_refused_twice_as_long() {
        let minutes = |tries| Limit::SIGN_IN.blocked_for(tries).map(|wait| wait.as_secs() / 60);
        assert_eq!([1, 4, 5, 6, 7, 8].map(minutes), [None, None, Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(Limit::SIGN_IN.blocked_for(1_000_000), Some(Duration::from_secs(3600)));
    }
}
