//! Marks of events that a plugin has handled, in the transaction of what it did about them.

use switchboard_api::{Timestamp, Value};
use switchboard_store::{Error, Transaction};

/// How many marks go, whose time is over, when one is made.
const FORGOTTEN_AT_ONCE: i64 = 4;

/// Marks an event as handled, within a transaction of the plugin that handles it. False when it is marked already: by a
/// transaction that was committed, or by this one. Marks from before a moment are forgotten little by little.
///
/// # Errors
/// Those of statements.
pub(crate) async fn mark(
    transaction: &mut Transaction,
    source: &str,
    id: &str,
    now: Timestamp,
    forget_before: Timestamp,
) -> Result<bool, Error> {
    // Who marks the same at the same time waits here for the other transaction to end.
    let insert = "insert into _switchboard_heard (source, id, at) values ($1, $2, $3) on conflict do nothing";
    let values: Vec<Value> = vec![source.into(), id.into(), now.as_microsecond().into()];
    if transaction.execute_as_host(insert, values).await?.rows_affected == 0 {
        return Ok(false);
    }
    let forget = "delete from _switchboard_heard where (source, id) in
        (select source, id from _switchboard_heard where at < $1 order by at limit $2)";
    let values = vec![forget_before.as_microsecond().into(), FORGOTTEN_AT_ONCE.into()];
    transaction.execute_as_host(forget, values).await?;
    Ok(true)
}
