//! The handlers of a plugin.

use switchboard_api::{BoxFuture, CommandCall, Event, Failure, HookKind, Payload, Said, TaskCall};

use crate::{Context, handler::Answering};

type Handling<T, R> = Box<dyn Fn(Context, T) -> BoxFuture<'static, Result<R, Failure>> + Send + Sync>;
pub(crate) type PayloadHandler = Handling<Payload, Payload>;
pub(crate) type EventHandler = Handling<Event, ()>;
pub(crate) type TaskHandler = Handling<TaskCall, ()>;
pub(crate) type CommandHandler = Handling<CommandCall, Said>;
pub(crate) type HookHandler = Handling<Payload, ()>;

/// The handlers in the order in which they were bound; that of the description.
#[derive(Default)]
pub(crate) struct Bound {
    pub(crate) routes: Vec<Answering>,
    pub(crate) filters: Vec<(String, PayloadHandler)>,
    pub(crate) listeners: Vec<(String, EventHandler)>,
    pub(crate) services: Vec<(String, PayloadHandler)>,
    pub(crate) tasks: Vec<(String, TaskHandler)>,
    pub(crate) commands: Vec<(String, CommandHandler)>,
    pub(crate) hooks: Vec<(HookKind, HookHandler)>,
}
