//! What a component does, called by the contract.

use http::StatusCode;
use serde_json::{Value as Json, json};
use switchboard_api::{
    Body, Call, CommandCall, Event, Failure, Hook, Payload, Reply, Request, Response, Said, TaskCall,
};
use switchboard_manifest::Manifest;
use wasmtime::{
    Store,
    component::{Instance, InstancePre, Resource},
};
use wasmtime_wasi_http::p2::bindings::exports::wasi::http::incoming_handler;

use crate::{
    bindings::exported::{
        commands, description, filters, lifecycle, listeners, offered_services, routes, tasks,
    },
    capabilities::bodies::Held,
    conversion::{failure_in, headers_in, headers_out, moment_out, payload_in, payload_out},
    plain,
    state::State,
};

/// A body that is at hand and no larger than this is handed over with the request.
const AT_HAND: usize = 256 << 10;

/// Where a component's exports are, found once.
pub(crate) struct Exported {
    pub(crate) description: Option<description::GuestIndices>,
    pub(crate) lifecycle: Option<lifecycle::GuestIndices>,
    pub(crate) routes: Option<routes::GuestIndices>,
    pub(crate) filters: Option<filters::GuestIndices>,
    pub(crate) listeners: Option<listeners::GuestIndices>,
    pub(crate) tasks: Option<tasks::GuestIndices>,
    pub(crate) offered_services: Option<offered_services::GuestIndices>,
    pub(crate) commands: Option<commands::GuestIndices>,
    /// Of a component for `wasi:http`, which describes nothing.
    pub(crate) incoming_handler: Option<incoming_handler::GuestIndices>,
}

/// The exports of one instance.
pub(crate) struct Exports {
    lifecycle: Option<lifecycle::Guest>,
    routes: Option<routes::Guest>,
    filters: Option<filters::Guest>,
    listeners: Option<listeners::Guest>,
    tasks: Option<tasks::Guest>,
    offered_services: Option<offered_services::Guest>,
    commands: Option<commands::Guest>,
    incoming_handler: Option<incoming_handler::Guest>,
}

impl Exported {
    pub(crate) fn find(pre: &InstancePre<State>) -> Self {
        // An interface that is not exported is one that the component does without.
        let description = description::GuestIndices::new(pre).ok();
        let is_plain = description.is_none();
        Self {
            description,
            lifecycle: lifecycle::GuestIndices::new(pre).ok(),
            routes: routes::GuestIndices::new(pre).ok(),
            filters: filters::GuestIndices::new(pre).ok(),
            listeners: listeners::GuestIndices::new(pre).ok(),
            tasks: tasks::GuestIndices::new(pre).ok(),
            offered_services: offered_services::GuestIndices::new(pre).ok(),
            commands: commands::GuestIndices::new(pre).ok(),
            incoming_handler: incoming_handler::GuestIndices::new(pre).ok().filter(|_| is_plain),
        }
    }

    /// The exports of an instance.
    pub(crate) fn of(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Exports> {
        macro_rules! load {
            ($($name:ident),+) => {
                Exports { $($name: self.$name.as_ref().map(|it| it.load(&mut *store, instance)).transpose()?),+ }
            };
        }
        Ok(load!(lifecycle, routes, filters, listeners, tasks, offered_services, commands, incoming_handler))
    }
}

/// What comes of a call: the engine's error, or the plugin's answer.
pub(crate) type Answered<T> = wasmtime::Result<Result<T, Failure>>;

impl Exports {
    /// Calls the component. `route` says at which position of the component's description a route of the manifest stands.
    pub(crate) async fn call(
        &self,
        store: &mut Store<State>,
        call: Call,
        manifest: &Manifest,
        route: impl Fn(usize) -> Option<u32>,
    ) -> Answered<Reply> {
        match call {
            Call::Request(request) => match (&self.incoming_handler, route(request.route)) {
                (Some(handler), _) => plain::answer(store, handler, manifest, request).await,
                (None, Some(route)) => self.request(store, route, request).await,
                (None, None) => Ok(Err(unbound("this route"))),
            },
            Call::Filter(filter) => {
                let Some(filters) = &self.filters else { return Ok(Err(unbound("filters"))) };
                let answer = filters.call_apply(store, &filter.name, &payload_out(&filter.payload)).await?;
                Ok(answer.map_err(failure_in).and_then(|changed| match changed {
                    Some(payload) => answered(payload).map(Reply::Payload),
                    None => Ok(Reply::Done),
                }))
            }
            Call::Service(service) => {
                let Some(services) = &self.offered_services else { return Ok(Err(unbound("services"))) };
                let answer =
                    services.call_answer(store, &service.name, &payload_out(&service.payload)).await?;
                Ok(answer.map_err(failure_in).and_then(answered).map(Reply::Payload))
            }
            Call::Command(CommandCall { name, arguments, origin }) => {
                let Some(commands) = &self.commands else { return Ok(Err(unbound("commands"))) };
                let (arguments, origin) = (payload_out(&arguments), payload_out(&origin));
                let answer = commands.call_run(store, &name, &arguments, &origin).await?;
                Ok(answer.map_err(failure_in).and_then(said).map(Reply::Said))
            }
            Call::Event(event) => {
                let Some(listeners) = &self.listeners else { return Ok(Err(unbound("events"))) };
                done(listeners.call_hear(store, &event_out(event)).await?)
            }
            Call::Task(task) => {
                let Some(tasks) = &self.tasks else { return Ok(Err(unbound("tasks"))) };
                let TaskCall { name, run, payload, attempt } = task;
                let run = tasks::TaskRun { name, run, payload: payload_out(&payload), attempt };
                done(tasks.call_run(store, &run).await?)
            }
            Call::Lifecycle(hook) => {
                let Some(lifecycle) = &self.lifecycle else { return Ok(Err(unbound("hooks"))) };
                let name = hook.kind().as_str();
                done(lifecycle.call_run(store, name, &details(hook).to_string()).await?)
            }
        }
    }

    async fn request(&self, store: &mut Store<State>, route: u32, request: Request) -> Answered<Reply> {
        let Some(routes) = &self.routes else { return Ok(Err(unbound("routes"))) };
        let Request { params, query, headers, head_only, body, .. } = request;
        let (content, rest) = match body {
            Body::Empty => (Vec::new(), None),
            Body::Whole(bytes) if bytes.len() <= AT_HAND => (bytes.into(), None),
            body => (Vec::new(), Some(store.data_mut().hold(Held::lent(body))?)),
        };
        let request = routes::Request {
            route,
            params: params.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            query: Json::Object(query).to_string(),
            headers: headers_out(&headers),
            head_only,
            content,
            rest,
        };
        match routes.call_handle(&mut *store, &request).await? {
            Ok(response) => {
                let body = body_in(store, response.content, response.rest)?;
                Ok(response_in(response.status, response.headers, body).map(Reply::Response))
            }
            Err(failure) => Ok(Err(failure_in(failure))),
        }
    }
}

fn body_in(
    store: &mut Store<State>,
    content: Vec<u8>,
    rest: Option<Resource<Held>>,
) -> wasmtime::Result<Body> {
    let Some(rest) = rest else { return Ok(content.into()) };
    let held = store.data_mut().take_back(rest)?;
    Ok(if content.is_empty() { held.into_body() } else { held.behind(content.into()) })
}

fn response_in(
    status: u16,
    headers: Vec<crate::bindings::imports::types::Header>,
    body: Body,
) -> Result<Response, Failure> {
    let status = StatusCode::from_u16(status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let status = status.ok_or_else(|| Failure::broken("it answered with a status that is none"))?;
    let headers = headers_in(headers)
        .map_err(|wrong| Failure::broken(format!("it answered with what is none: {wrong}")))?;
    Ok(Response { status, headers, body })
}

fn unbound(what: &str) -> Failure {
    Failure::broken(format!("its component has no handler for {what}"))
}

fn done(answer: Result<(), crate::bindings::imports::types::Failure>) -> Answered<Reply> {
    Ok(answer.map(|()| Reply::Done).map_err(failure_in))
}

fn answered(payload: String) -> Result<Payload, Failure> {
    payload_in(payload).map_err(|error| Failure::broken(format!("it answered with what is no JSON: {error}")))
}

fn said(answer: String) -> Result<Said, Failure> {
    serde_json::from_str(&answer).map_err(|error| {
        Failure::broken(format!("it answered a command with what nobody can be told: {error}"))
    })
}

fn event_out(event: Event) -> listeners::Event {
    let Event { id, source, name, subject, time, organization, actor, trace, data, attempt } = event;
    listeners::Event {
        id,
        source,
        name,
        subject,
        time: moment_out(time),
        organization: organization.map(|organization| organization.0),
        actor,
        trace,
        data: payload_out(&data),
        attempt,
    }
}

fn details(hook: Hook) -> Json {
    match hook {
        Hook::Enable { config } | Hook::ConfigChanged { config } => {
            json!({ "config": config.to::<Json>().unwrap_or_default() })
        }
        Hook::Upgrade { from, to } => json!({ "from": from.to_string(), "to": to.to_string() }),
        Hook::Install | Hook::Load | Hook::Disable | Hook::Unload | Hook::Uninstall => json!({}),
    }
}
