//! `schedule`: work to be done apart from a call.

use switchboard_api::{
    Payload,
    capability::{Plan, Progress},
};

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

    async fn output(&mut self, value: String) -> Answer<()> {
        let value = payload_in(value)?;
        let call = self.call()?;
        Ok(call.host.schedule(&call.context)?.output(&call.context, value)?)
    }

    async fn set_plan(&mut self, name: String, plan: String) -> Answer<()> {
        let plan = Payload::from_checked_text(plan).to::<Plan>()?;
        let call = self.call()?;
        Ok(call.host.schedule(&call.context)?.set(&call.context, &name, plan).await?)
    }

    async fn remove_plan(&mut self, name: String) -> Answer<bool> {
        let call = self.call()?;
        Ok(call.host.schedule(&call.context)?.remove(&call.context, &name).await?)
    }

    async fn list_plans(&mut self) -> Answer<String> {
        let call = self.call()?;
        let plans = call.host.schedule(&call.context)?.list(&call.context).await?;
        Ok(Payload::of(&plans)?.into_text().into())
    }
}
