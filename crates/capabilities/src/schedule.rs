//! `schedule`: work to be done later, by the delivery's worker.

use std::sync::Arc;

use switchboard_api::{
    BoxFuture, Context, Failure, Payload,
    capability::{Plan, Progress, Schedule, Scheduled},
};
use switchboard_delivery::{Delivery, Origin};

/// The tasks that the plugin declares.
pub(crate) struct OwnTasks {
    pub(crate) delivery: Arc<Delivery>,
}

impl Schedule for OwnTasks {
    fn run<'a>(
        &'a self,
        context: &'a Context,
        task: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(self.delivery.run_task(context, task, payload))
    }

    fn progress(&self, context: &Context, progress: Progress) {
        // A task's trace is the name of its run.
        self.delivery.progress(&context.plugin, &context.trace, sensible(progress));
    }

    fn output(&self, context: &Context, output: Payload) -> Result<(), Failure> {
        self.delivery.output(&context.plugin, &context.trace, &output)
    }

    fn set<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        plan: Plan,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.delivery.set_own_schedule(context, name, plan))
    }

    fn remove<'a>(&'a self, context: &'a Context, name: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        let (plugin, organization) = (&context.plugin, context.organization_id());
        Box::pin(self.delivery.remove_schedule(plugin, organization, name, Origin::Plugin))
    }

    fn list<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Vec<Scheduled>, Failure>> {
        Box::pin(
            async move { Ok(self.delivery.own_schedules(&context.plugin, context.organization_id()).await?) },
        )
    }
}

/// What is kept of a message on how far a task is.
const LONGEST: usize = 500;

/// A share from 0 to 1, which has a JSON form, and a message that fits on a page.
fn sensible(progress: Progress) -> Progress {
    let share = if progress.share.is_nan() { 0.0 } else { progress.share.clamp(0.0, 1.0) };
    Progress { share, message: progress.message.chars().take(LONGEST).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_task_is_can_always_be_written_down() {
        for (said, kept) in [(0.5, 0.5), (7.0, 1.0), (-1.0, 0.0), (f64::NAN, 0.0), (f64::INFINITY, 1.0)] {
            let progress = sensible(Progress { share: said, message: "x".repeat(10_000) });
            assert_eq!(progress.share, kept, "{said}");
            assert_eq!(progress.message.len(), LONGEST);
        }
    }
}
