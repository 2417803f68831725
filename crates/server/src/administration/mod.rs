//! The server's own administration, as a plugin like any other: a manifest, and a handler for each of its routes.
//!
//! It does nothing itself: every change is the kernel's, and what stands in the way is the kernel's sentence.

mod access;
mod audit;
mod belongings;
mod calls;
mod captures;
mod configuration;
mod events;
mod organizations;
mod plugins;
mod registrations;
mod rollouts;
mod secrets;
mod tasks;
mod tokens;
mod versions;
mod whose;

pub use crate::kernel_handle::KernelHandle;

use std::sync::Arc;

use switchboard_delivery::Delivery;
use switchboard_sdk::Definition;

/// The administration plugin, acting on the kernel that the handle will be given, and on what must happen later.
pub fn administration(kernel: KernelHandle, delivery: Arc<Delivery>) -> Definition {
    let definition = Definition::new(include_str!("manifest.yaml"))
        .share(kernel)
        .share(delivery)
        .get("/api/admin/plugins", plugins::list_plugins)
        .get("/api/admin/plugins/{id}", plugins::get_plugin)
        .post("/api/admin/plugins/{id}/enable", plugins::enable_plugin)
        .post("/api/admin/plugins/{id}/reload", plugins::reload_plugin)
        .post("/api/admin/plugins/{id}/disable", plugins::disable_plugin)
        .get("/api/admin/plugins/{id}/data", belongings::get_belongings)
        .delete("/api/admin/plugins/{id}/data", belongings::purge_plugin)
        .get("/api/admin/plugins/{id}/versions", versions::list_versions)
        .put("/api/admin/plugins/{id}/versions/{version}", versions::serve_version)
        .delete("/api/admin/plugins/{id}/versions/{version}", versions::withdraw_version)
        .get("/api/admin/plugins/{id}/access", access::list_access)
        .put("/api/admin/plugins/{id}/access/{organization}", access::grant_access)
        .delete("/api/admin/plugins/{id}/access/{organization}", access::revoke_access)
        .get("/api/admin/plugins/{id}/rollout", rollouts::get_rollout)
        .put("/api/admin/plugins/{id}/rollout", rollouts::set_rollout)
        .delete("/api/admin/plugins/{id}/rollout", rollouts::end_rollout)
        .post("/api/admin/enablement", rollouts::switch_many)
        .get("/api/admin/plugins/{id}/config", configuration::get_configuration)
        .put("/api/admin/plugins/{id}/config", configuration::configure_plugin)
        .patch("/api/admin/plugins/{id}/config", configuration::change_configuration)
        .get("/api/admin/plugins/{id}/config/history", configuration::list_configuration_changes)
        .post(
            "/api/admin/plugins/{id}/config/history/{number}/undo",
            configuration::undo_configuration_change,
        )
        .get("/api/admin/plugins/{id}/config/export", configuration::export_configuration)
        .post("/api/admin/plugins/{id}/config/import", configuration::import_configuration)
        .get("/api/admin/configuration/export", configuration::export_all_configuration)
        .post("/api/admin/configuration/import", configuration::import_all_configuration)
        .post("/api/admin/configuration/reload", configuration::reload_configuration)
        .get("/api/admin/secrets", secrets::get_secrets_status)
        .post("/api/admin/secrets/rotate", secrets::rotate_secrets)
        .get("/api/admin/organizations", organizations::list_organizations)
        .post("/api/admin/organizations", organizations::create_organization)
        .get("/api/admin/audit", audit::list_audit)
        .get("/api/admin/audit/export", audit::export_audit)
        .get("/api/admin/audit/verification", audit::verify_audit)
        .get("/api/admin/organizations/{organization}", organizations::get_organization)
        .delete("/api/admin/organizations/{organization}", organizations::remove_organization)
        .put("/api/admin/organizations/{organization}/rate", organizations::set_rate)
        .post("/api/admin/organizations/{organization}/restore", organizations::restore_organization)
        .get("/api/admin/organization-requests", organizations::list_requests)
        .post("/api/admin/organization-requests/{id}/approve", organizations::approve_request)
        .post("/api/admin/organization-requests/{id}/refuse", organizations::refuse_request)
        .get("/api/admin/tokens", tokens::list_tokens)
        .post("/api/admin/tokens", tokens::create_token)
        .delete("/api/admin/tokens/{id}", tokens::revoke_token);
    registrations::bind(events::bind(tasks::bind(captures::bind(calls::bind(definition)))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use switchboard_api::Plugin;

    use super::{KernelHandle, administration};

    fn built() -> Arc<dyn Plugin> {
        let administration = administration(KernelHandle::default(), crate::events::nowhere());
        administration.build().unwrap_or_else(|faults| panic!("{faults}"))
    }

    #[test]
    fn every_declared_route_is_bound_and_every_bound_one_declared() {
        let plugin = built();
        assert_eq!(switchboard_kernel::disagreements(plugin.manifest(), plugin.description()), [""; 0]);
    }

    #[test]
    fn every_route_asks_for_an_action_that_only_administrators_have() {
        for route in &built().manifest().provides.api_routes {
            let permission = route.permission.as_deref().unwrap_or_default();
            assert!(permission.starts_with("admin:"), "{}", route.key());
        }
    }
}
