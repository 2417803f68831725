//! Work apart from a call.

use switchboard_api::{
    Failure, Payload,
    capability::{Plan, Progress, Scheduled},
};

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

    pub(crate) fn output(self, _: &Calling, output: Payload) -> Result<(), Failure> {
        Ok(schedule::output(output.as_str())?)
    }

    pub(crate) async fn set(self, _: &Calling, name: &str, plan: Plan) -> Result<(), Failure> {
        Ok(schedule::set_plan(name, Payload::of(&plan)?.as_str())?)
    }

    pub(crate) async fn remove(self, _: &Calling, name: &str) -> Result<bool, Failure> {
        Ok(schedule::remove_plan(name)?)
    }

    pub(crate) async fn list(self, _: &Calling) -> Result<Vec<Scheduled>, Failure> {
        Payload::from_checked_text(schedule::list_plans()?).to()
    }
}
