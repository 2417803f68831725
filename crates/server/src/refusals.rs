//! Refusals that an administrator wants to know of: somebody is known, tried to administrate, and may not.

use std::{net::IpAddr, sync::Arc};

use switchboard_kernel::{AuditEntry, By, Kernel, Pace, Principal, Rate, Ticks};

use crate::request_id::RequestId;

/// How many are noted of each caller: enough to see that somebody tries, too few to fill the log with.
const RATE: Option<Rate> = Rate::new(1, 20);

/// The longest address that is noted, in characters.
const LONGEST: usize = 200;

/// Notes refusals in the audit log.
pub(crate) struct Refusals {
    pace: Pace<Arc<str>>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { pace: Pace::new(Ticks::default()) }
    }
}

impl Refusals {
    /// Notes that somebody was refused to administrate, unless too many of theirs were noted already.
    pub(crate) async fn note(
        &self,
        kernel: &Kernel,
        caller: &Principal,
        from: Option<IpAddr>,
        request: &RequestId,
        parts: &http::request::Parts,
    ) {
        if RATE.is_some_and(|rate| self.pace.take(&caller.name, rate).is_err()) {
            return;
        }
        let path: String = parts.uri.path().chars().take(LONGEST).collect();
        let entry = AuditEntry::new("administration.refused", format!("route:{} {path}", parts.method));
        let noted = async {
            let actor = kernel.actor(caller, None).await?;
            kernel.note(&By { actor, from, request: Arc::clone(&request.0) }, entry).await
        };
        // Whoever is refused is told so also when it cannot be noted.
        if let Err(error) = noted.await {
            tracing::error!(request = %request.0, "a refusal could not be noted in the audit log: {error}");
        }
    }
}
