//! `schedule`: work to be done apart from a call.

use switchboard_api::capability::Progress;

use crate::{bindings::imports::schedule, conversion::payload_in, interrupted::Answer, state::State};

impl schedule::Host for State {
    async fn run(&mut self, task: String, payload: String) -> Answer<String> {
        let payload = payload_in(payload)?;
        let call = self.call()?;
        Ok(call.host.schedule(&call.context)?.run(&call.context, &task, payload).await?)
    }

    async fn progress(&mut self, share: f64, message: String) -> wasmtime::Result<()> {
        let call = self.running()?;
        if let Some(schedule) = &call.host.schedule {
            schedule.progress(&call.context, Progress { share, message });
        }
        Ok(())
    }
}
