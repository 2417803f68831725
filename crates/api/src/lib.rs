//! What crosses the boundary between the host and a plugin: one door in, one door out.
//!
//! In: [`Plugin::call`] takes a [`Call`] and gives a [`Reply`] or a [`Failure`]. Out: the [`Host`] hands out
//! capabilities, one small trait each in [`capability`]. A [`Context`] says for whom and how long.
//!
//! This crate knows no database, no server and no WebAssembly; a native plugin and a sandboxed one are the same
//! to it. Read [`Plugin`], [`Call`] and [`Host`] first.

pub mod capability;

mod actor;
mod body;
mod call;
mod context;
mod description;
mod event;
mod failure;
mod faults;
mod host;
mod payload;
mod plugin;
mod secret;
mod usage;

pub use actor::{AccountId, Actions, Actor, ActorKind, Roles, Standing};
pub use body::{Body, Chunks, Lent};
pub use call::{
    Call, CallKind, CommandCall, FilterCall, Hook, HookKind, Reply, Request, Response, Said, ServiceCall,
    TaskCall,
};
pub use context::{About, Context, Deadline, Organization, OrganizationId, StandingStill, Stop};
pub use description::{
    Answer, BodyDescription, Description, Operation, Parameter, ParameterPlace, ServiceDescription,
};
pub use event::{Event, NewEvent};
pub use failure::{Failure, Fault};
pub use faults::Faults;
pub use host::Host;
pub use payload::Payload;
pub use plugin::{BoxFuture, Plugin};
pub use secret::Secret;
pub use usage::Usage;

pub use switchboard_sql::{NotThatShape, Params, Row, Rows, Value};

/// A moment in UTC.
pub use jiff::Timestamp;
