//! A definition as the kernel sees it.

use std::sync::Arc;

use switchboard_api::{BoxFuture, Call, Description, Failure, Hook, Host, Payload, Plugin, Reply};
use switchboard_manifest::Manifest;

use crate::{Context, binding::Bound, context::Shares};

/// A native plugin.
pub(crate) struct Binding {
    manifest: Arc<Manifest>,
    description: Description,
    migrations: Vec<(String, String)>,
    shared: Shares,
    bound: Bound,
    /// Position in the manifest's routes → position among the bound ones.
    routes: Vec<Option<usize>>,
}

impl Binding {
    pub(crate) fn new(
        manifest: Arc<Manifest>,
        description: Description,
        migrations: Vec<(String, String)>,
        shared: Shares,
        bound: Bound,
    ) -> Self {
        let routes = manifest
            .provides
            .api_routes
            .iter()
            .map(|route| {
                let key = route.key().to_string();
                description.routes.iter().position(|operation| operation.key == key)
            })
            .collect();
        Self { manifest, description, migrations, shared, bound, routes }
    }

    async fn reply(&self, context: Context, call: Call) -> Result<Reply, Failure> {
        match call {
            Call::Request(request) => {
                let position = self.routes.get(request.route).copied().flatten();
                let handler = position.and_then(|position| self.bound.routes.get(position));
                let handler = handler.ok_or_else(|| self.unbound("route", &request.route.to_string()))?;
                handler(context, request).await.map(Reply::Response)
            }
            Call::Filter(filter) => {
                let handler = self.find("filter", &self.bound.filters, &filter.name)?;
                handler(context, filter.payload).await.map(Reply::Payload)
            }
            Call::Service(service) => {
                let handler = self.find("service", &self.bound.services, &service.name)?;
                handler(context, service.payload).await.map(Reply::Payload)
            }
            Call::Task(task) => {
                let handler = self.find("task", &self.bound.tasks, &task.name)?;
                handler(context, task).await.map(|()| Reply::Done)
            }
            Call::Command(command) => {
                let handler = self.find("command", &self.bound.commands, &command.name)?;
                handler(context, command).await.map(Reply::Said)
            }
            Call::Event(event) => {
                let declared = &self.manifest.provides.listeners;
                for listener in declared.iter().filter(|listener| listener.hears(&event.name)) {
                    let handler = self.find("listener", &self.bound.listeners, &listener.event)?;
                    handler(context.clone(), event.clone()).await?;
                }
                Ok(Reply::Done)
            }
            Call::Lifecycle(hook) => {
                let kind = hook.kind();
                let payload = match hook {
                    Hook::Enable { config } | Hook::ConfigChanged { config } => config,
                    Hook::Upgrade { from, to } => {
                        Payload::of(&serde_json::json!({ "from": from.to_string(), "to": to.to_string() }))?
                    }
                    _ => Payload::null(),
                };
                if let Some((_, handler)) = self.bound.hooks.iter().find(|(bound, _)| *bound == kind) {
                    handler(context, payload).await?;
                }
                Ok(Reply::Done)
            }
        }
    }

    fn find<'a, T>(&self, kind: &str, bound: &'a [(String, T)], name: &str) -> Result<&'a T, Failure> {
        bound
            .iter()
            .find(|(bound, _)| bound == name)
            .map(|(_, handler)| handler)
            .ok_or_else(|| self.unbound(kind, name))
    }

    fn unbound(&self, kind: &str, name: &str) -> Failure {
        Failure::broken(format!("plugin `{}` binds no {kind} `{name}`", self.manifest.id))
    }
}

impl Plugin for Binding {
    fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    fn description(&self) -> &Description {
        &self.description
    }

    fn migrations(&self) -> &[(String, String)] {
        &self.migrations
    }

    fn call<'a>(
        &'a self,
        host: &'a Arc<Host>,
        context: &'a switchboard_api::Context,
        call: Call,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        let context =
            Context { host: Arc::clone(host), call: context.clone(), shared: Arc::clone(&self.shared) };
        Box::pin(self.reply(context, call))
    }
}
