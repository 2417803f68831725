//! What must happen later: events to their listeners, and tasks.
//!
//! An event is written into the outbox of the plugin that says it, in the transaction of the change that it reports, by
//! the one statement of [`outbox_insert`]. From there the [`Delivery`] brings it to everyone who listens: at least once,
//! in order for each topic (a subject within an organization) and listener, again and again when a listener fails, and
//! among the [dead letters](DeadLetter) in the end. Tasks are queued in the same place and done in the same spirit; a
//! [`Schedule`] queues one when it is due.
//!
//! This crate decides nothing about who may: it asks the kernel. It knows no HTTP and no WebAssembly. Read [`Delivery`]
//! first, then `fan_out.rs`.

mod backlog;
mod belongings;
mod dead_letters;
mod delivery;
mod error;
mod fan_out;
mod firing;
mod gates;
mod history;
mod lanes;
mod ledger;
mod marks;
mod onlooker;
mod options;
mod outbox;
mod plan;
mod runs;
mod schedules;
mod shared;
mod signal;
mod tables;
mod tasks;
mod teller;

pub use backlog::Backlog;
pub use belongings::Waiting;
pub use dead_letters::{DeadLetter, LetterFate, LetterFilter};
pub use delivery::{Counts, Delivery};
pub use error::Error;
pub use history::{EventFilter, EventPage, EventPlace, Hearing, HearingState, KeptEvent, NotAnEventPlace};
pub use onlooker::{Bookmark, NotABookmark, Onlooker};
pub use options::Options;
pub use outbox::outbox_insert;
pub use runs::{RunFilter, TaskRun, TaskState};
pub use schedules::{Origin, Owner, Schedule, ScheduleFilter};
pub use tables::prepare;
