//! The exports, which call the plugin's handlers.

use std::sync::Arc;

use serde_json::Value as Json;
use switchboard_api::{
    CommandCall, Event, Failure, HookKind, OrganizationId, Payload, Request, TaskCall, Timestamp,
};

use super::{
    bindings::{
        exports::switchboard::plugin::{
            commands, description, filters, lifecycle, listeners, offered_services, routes, tasks,
        },
        switchboard::plugin::types,
    },
    body,
    component::{Component, Plugged, plugged},
    header, panicking,
    waiting::outcome,
};

impl<P: Component> description::Guest for P {
    fn describe() -> String {
        panicking::log_panics();
        // A description has nothing that JSON cannot say.
        serde_json::to_string(&P::definition().description()).unwrap_or_default()
    }
}

impl<P: Component> routes::Guest for P {
    fn handle(request: routes::Request) -> Result<routes::Response, types::Failure> {
        Ok(outcome(answer(plugged::<P>(), request))?)
    }
}

impl<P: Component> filters::Guest for P {
    fn apply(point: String, payload: String) -> Result<Option<String>, types::Failure> {
        let plugin = plugged::<P>();
        let handler = plugin.find("filter", &plugin.bound.filters, &point)?;
        let payload = outcome(handler(plugin.context(), Payload::from_checked_text(payload)))?;
        Ok(Some(payload.into_text().into()))
    }
}

impl<P: Component> offered_services::Guest for P {
    fn answer(service: String, payload: String) -> Result<String, types::Failure> {
        let plugin = plugged::<P>();
        let handler = plugin.find("service", &plugin.bound.services, &service)?;
        let payload = outcome(handler(plugin.context(), Payload::from_checked_text(payload)))?;
        Ok(payload.into_text().into())
    }
}

impl<P: Component> tasks::Guest for P {
    fn run(task: tasks::TaskRun) -> Result<(), types::Failure> {
        let plugin = plugged::<P>();
        let handler = plugin.find("task", &plugin.bound.tasks, &task.name)?;
        let tasks::TaskRun { name, run, payload, attempt } = task;
        let task = TaskCall { name, run, payload: Payload::from_checked_text(payload), attempt };
        Ok(outcome(handler(plugin.context(), task))?)
    }
}

impl<P: Component> commands::Guest for P {
    fn run(name: String, arguments: String, origin: String) -> Result<String, types::Failure> {
        let plugin = plugged::<P>();
        let handler = plugin.find("command", &plugin.bound.commands, &name)?;
        let (arguments, origin) = (Payload::from_checked_text(arguments), Payload::from_checked_text(origin));
        let said = outcome(handler(plugin.context(), CommandCall { name, arguments, origin }))?;
        Ok(Payload::of(&said)?.into_text().into())
    }
}

impl<P: Component> listeners::Guest for P {
    fn hear(event: listeners::Event) -> Result<(), types::Failure> {
        let plugin = plugged::<P>();
        let listeners::Event { id, source, name, subject, time, organization, actor, trace, data, attempt } =
            event;
        let time = Timestamp::from_microsecond(time)
            .map_err(|error| Failure::broken(format!("event {source}/{id} has no time: {error}")))?;
        let (organization, data) = (organization.map(OrganizationId), Payload::from_checked_text(data));
        let event = Event { id, source, name, subject, time, organization, actor, trace, data, attempt };
        let context = plugin.context();
        for (listener, (_, handler)) in plugin.listeners.iter().zip(&plugin.bound.listeners) {
            if listener.hears(&event.name) {
                outcome(handler(context.clone(), event.clone()))?;
            }
        }
        Ok(())
    }
}

impl<P: Component> lifecycle::Guest for P {
    fn run(hook: String, details: String) -> Result<(), types::Failure> {
        let plugin = plugged::<P>();
        let bound = plugin.bound.hooks.iter().find(|(kind, _)| kind.as_str() == hook);
        let (kind, handler) = bound.ok_or_else(|| plugin.unbound("hook", &hook))?;
        let details = Payload::from_checked_text(details);
        let payload = match kind {
            HookKind::Enable | HookKind::ConfigChanged => {
                let details: Json = details.to()?;
                Payload::of(details.get("config").unwrap_or(&Json::Null))?
            }
            HookKind::Upgrade => details,
            _ => Payload::null(),
        };
        Ok(outcome(handler(plugin.context(), payload))?)
    }
}

async fn answer(plugin: &Plugged, request: routes::Request) -> Result<routes::Response, Failure> {
    let routes::Request { route, params, query, headers, head_only, content, rest } = request;
    let position = usize::try_from(route).unwrap_or(usize::MAX);
    let handler =
        plugin.bound.routes.get(position).ok_or_else(|| plugin.unbound("route", &route.to_string()))?;
    let param = |(name, value): (String, String)| Ok((Arc::from(name), json(&value)?));
    let request = Request {
        route: position,
        uri: Default::default(),
        params: params.into_iter().map(param).collect::<Result<_, Failure>>()?,
        query: if query == "{}" { Default::default() } else { json(&query)? },
        headers: header::taken(headers),
        head_only,
        body: body::taken(content, rest),
    };
    let response = handler(plugin.context(), request).await?;
    let (content, rest) = body::given(response.body).await?;
    let headers = header::given(&response.headers);
    Ok(routes::Response { status: response.status.as_u16(), headers, content, rest })
}

/// JSON of the host's.
fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::broken(format!("the host hands over what is not as it should be: {error}")))
}
