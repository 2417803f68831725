//! The kernel with small plugins on it: how they come to serve, how they are switched, and what stands around a call.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod calls;
mod capturing;
mod configuration;
mod enablement;
mod life;
mod organizations;
mod roles;
mod small_plugins;
mod watching;
