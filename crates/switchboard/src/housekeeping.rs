//! What is done every night: lines of the audit log are removed when their time is over.

use std::{sync::Arc, time::Duration};

use switchboard_api::Timestamp;
use switchboard_kernel::Kernel;

const NIGHT: Duration = Duration::from_secs(24 * 3600);

/// Keeps house until it is dropped: once now, and once a day.
pub(crate) async fn keep(kernel: Arc<Kernel>, audit_days: u32) -> std::convert::Infallible {
    let mut nights = tokio::time::interval(NIGHT);
    loop {
        nights.tick().await;
        let Some(before) = days_before(kernel.now(), audit_days) else { continue };
        match kernel.shorten_audit(before).await {
            Ok(0) => {}
            Ok(lines) => tracing::info!(lines, "lines of the audit log from before {before} were removed"),
            Err(error) => tracing::error!("the audit log could not be shortened: {error}"),
        }
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
