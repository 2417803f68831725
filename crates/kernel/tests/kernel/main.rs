//! The kernel with small plugins on it: how they come to serve, how they are switched, and what stands around a call.

mod calls;
mod enablement;
mod life;
mod small_plugins;
