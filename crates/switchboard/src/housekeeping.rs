//! What is done while the server serves: each second, what is to be found soon after it happened; each minute, what is noted only now and then; each day, what has had its time.

use std::{sync::Arc, time::Duration};

use switchboard_api::Timestamp;
use switchboard_kernel::{By, Kernel};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Keeps house until it is dropped: once now, then each second, each minute and each day.
pub(crate) async fn keep(kernel: Arc<Kernel>, audit_days: u32) -> std::convert::Infallible {
    let [mut seconds, mut minutes, mut days] = [SECOND, MINUTE, DAY].map(tokio::time::interval);
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                if let Err(error) = kernel.store_ended_calls().await {
                    tracing::error!("what became of calls of plugins could not be stored: {error}");
                }
            }
            _ = minutes.tick() => {
                if let Err(error) = kernel.housekeep().await {
                    tracing::error!("when tokens were last used could not be stored: {error}");
                }
            }
            _ = days.tick() => remove_what_had_its_time(&kernel, audit_days).await,
        }
    }
}

async fn remove_what_had_its_time(kernel: &Kernel, audit_days: u32) {
    if let Err(error) = kernel.purge_organizations(&By::system("housekeeping")).await {
        tracing::error!("organizations that were removed long ago could not be deleted: {error}");
    }
    let Some(before) = days_before(kernel.now(), audit_days) else { return };
    match kernel.shorten_audit(before).await {
        Ok(0) => {}
        Ok(lines) => tracing::info!(lines, "lines of the audit log from before {before} were removed"),
        Err(error) => tracing::error!("the audit log could not be shortened: {error}"),
    }
}

/// None for 0 days, which means for ever.
fn days_before(now: Timestamp, days: u32) -> Option<Timestamp> {
    let time = Duration::from_secs(u64::from(days) * 24 * 3600);
    if time.is_zero() { None } else { now.checked_sub(time).ok() }
}

#[cfg(test)]
mod tests {
    use switchboard_api::Timestamp;

    use super::days_before;

    #[test]
    fn lines_are_kept_for_so_many_days_or_for_ever() {
        let now: Timestamp = "2026-03-02T01:00:00Z".parse().unwrap();
        assert_eq!(days_before(now, 2).unwrap().to_string(), "2026-02-28T01:00:00Z");
        assert_eq!(days_before(now, 0), None);
        assert_eq!(days_before(now, u32::MAX), None);
    }
}
