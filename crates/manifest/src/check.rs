//! What a manifest must say beyond its shape: names that must be declared, or differ, or agree.

mod capabilities;
mod commands;
mod dependencies;
mod identity;
mod listening;
mod names;
mod permissions;
mod routes;
mod schedule;
mod schemas;

pub(crate) use identity::completed;

use crate::inspection::Inspection;

/// Finds everything that is wrong with what a manifest means, as far as its shape can be understood.
pub(crate) fn check(manifest: &mut Inspection<'_>) {
    identity::check(manifest);
    dependencies::check(manifest);
    capabilities::check(manifest);
    routes::check(manifest);
    names::check(manifest);
    listening::check(manifest);
    permissions::check(manifest);
    commands::check(manifest);
    schedule::check(manifest);
    schemas::check(manifest);
}
