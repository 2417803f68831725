//! Events and tasks, through a real kernel with real plugins on real databases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod backlog;
mod belongings;
mod dead_letters;
mod events;
mod gates;
mod history;
mod marks;
mod pauses;
mod plugins;
mod rest;
mod restart;
mod room;
mod schedules;
mod tasks;
