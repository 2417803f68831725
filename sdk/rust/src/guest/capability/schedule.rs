//! Work apart from a call.

use switchboard_api::{Failure, Payload, capability::Progress};

use super::super::{Calling, bindings::switchboard::plugin::schedule};

#[derive(Clone, Copy)]
pub(crate) struct Schedule;

impl Schedule {
    pub(crate) async fn run(self, _: &Calling, task: &str, payload: Payload) -> Result<String, Failure> {
        Ok(schedule::run(task, payload.as_str())?)
    }

    pub(crate) fn progress(self, _: &Calling, progress: Progress) {
        schedule::progress(progress.share, &progress.message);
    }
}
