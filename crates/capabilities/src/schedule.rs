//! `schedule`: work to be done later, by the delivery's worker.

use std::sync::Arc;

use switchboard_api::{
    BoxFuture, Context, Failure, Payload,
    capability::{Progress, Schedule},
};
use switchboard_delivery::Delivery;

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
        self.delivery.progress(&context.plugin, &context.trace, progress);
    }
}
