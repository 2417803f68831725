//! What an organization does for itself, as a plugin like any other: a manifest, and a handler for each of its routes.
//!
//! It does nothing itself: every change is the kernel's, and what stands in the way is the kernel's sentence. What only owners
//! may, and what lifts somebody above others, is asked here on top of the route's own action.

mod audit;
mod commands;
mod configuration;
mod creation;
mod events;
mod invitations;
mod members;
mod people;
mod plugins;
mod profile;
pub(crate) mod requests;
mod roles;
mod tasks;
mod tokens;

pub use creation::Creation;
pub use people::{Nobody, People, Person};

use std::sync::Arc;

use switchboard_api::Organization;
use switchboard_delivery::Delivery;
use switchboard_sdk::{Context, Definition, Result, forbidden};

use crate::kernel_handle::KernelHandle;

/// The organization plugin, acting on the kernel that the handle will be given, and on what must happen later.
pub fn organization(
    kernel: KernelHandle,
    delivery: Arc<Delivery>,
    people: Arc<dyn People>,
    creation: Creation,
) -> Definition {
    let definition = Definition::new(include_str!("manifest.yaml"))
        .share(kernel)
        .share(delivery)
        .share(people)
        .share(creation)
        .get("/", profile::get_organization)
        .patch("/", profile::change_organization)
        .delete("/", profile::remove_organization)
        .post("/leave", members::leave_organization)
        .get("/members", members::list_members)
        .patch("/members/{account}", members::change_member)
        .delete("/members/{account}", members::remove_member)
        .get("/invitations", invitations::list_invitations)
        .post("/invitations", invitations::create_invitation)
        .delete("/invitations/{id}", invitations::revoke_invitation)
        .get("/roles", roles::list_roles)
        .put("/roles/{name}", roles::set_role)
        .delete("/roles/{name}", roles::remove_role)
        .get("/tokens", tokens::list_tokens)
        .post("/tokens", tokens::create_token)
        .delete("/tokens/{id}", tokens::revoke_token)
        .get("/audit", audit::list_own_audit)
        .get("/audit/export", audit::export_own_audit)
        .get("/commands", commands::list_own_commands)
        .post("/commands", commands::give_line)
        .post("/commands/{plugin}/{command}", commands::give_command)
        .get("/plugins", plugins::list_own_plugins)
        .post("/plugins/{id}/enable", plugins::enable_own_plugin)
        .post("/plugins/{id}/disable", plugins::disable_own_plugin)
        .get("/plugins/{id}/config", configuration::get_own_configuration)
        .put("/plugins/{id}/config", configuration::configure_own_plugin)
        .patch("/plugins/{id}/config", configuration::change_own_configuration)
        .get("/plugins/{id}/config/history", configuration::list_own_configuration_changes)
        .post("/plugins/{id}/config/history/{number}/undo", configuration::undo_own_configuration_change)
        .get("/plugins/{id}/config/export", configuration::export_own_configuration)
        .post("/plugins/{id}/config/import", configuration::import_own_configuration)
        .get("/api/invitations/{code}", invitations::get_invitation)
        .post("/api/invitations/{code}/accept", invitations::accept_invitation)
        .get("/api/organization-requests", requests::list_own_requests)
        .post("/api/organization-requests", requests::request_organization);
    events::bind(tasks::bind(definition))
}

/// The organization that a call is for.
fn called_for(ctx: &Context) -> Result<Arc<Organization>> {
    ctx.organization()?;
    ctx.call().organization.clone().ok_or_else(|| forbidden!("this is done for one organization"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Creation, KernelHandle, Nobody, organization};

    #[test]
    fn every_declared_route_is_bound_and_every_bound_one_declared() {
        let (kernel, delivery) = (KernelHandle::default(), crate::events::nowhere());
        let plugin = organization(kernel, delivery, Arc::new(Nobody), Creation::default());
        let plugin = plugin.build().unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(switchboard_kernel::disagreements(plugin.manifest(), plugin.description()), [""; 0]);
    }
}
