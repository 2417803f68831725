//! What a plugin was called with.

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use switchboard_api::{Body, Call, CommandCall, Event, FilterCall, Payload, Request, ServiceCall, TaskCall};
use switchboard_manifest::Manifest;

use crate::{captured::Error, taped::MOST, wire::Wire};

/// What a plugin was called with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Input {
    /// A request to one of its routes.
    Request {
        /// The route as the manifest writes it: `GET /clips/{id}`.
        route: String,
        /// The path and the query as they were sent.
        uri: String,
        /// The path's parameters.
        params: Vec<(String, Json)>,
        /// The query's parameters.
        query: Map<String, Json>,
        /// The headers, without what the caller signed in with.
        headers: Json,
        /// Whether only the head of the answer was wanted.
        head_only: bool,
        /// The body.
        body: Json,
    },
    /// An event.
    Event {
        /// The event.
        event: Json,
    },
    /// A part taken in a filter point.
    Filter {
        /// The filter point.
        name: String,
        /// What passed through.
        payload: Json,
    },
    /// A task.
    Task {
        /// The task's name.
        name: String,
        /// Names the run.
        run: String,
        /// What it was asked for with.
        payload: Json,
        /// 1 the first time.
        attempt: u32,
    },
    /// A service.
    Service {
        /// The service.
        name: String,
        /// What was asked.
        payload: Json,
    },
    /// A command.
    Command {
        /// The command's name.
        name: String,
        /// The arguments that were given.
        arguments: Json,
        /// Where it was given.
        origin: Json,
    },
}

impl Input {
    /// What a call is made with, and the call itself, whose body is at hand then. There is none of a hook, and of a request
    /// whose body is larger than 1 MiB or does not say how large it is.
    pub async fn of(call: Call, manifest: &Manifest) -> (Option<Self>, Call) {
        let input = match &call {
            Call::Request(_) => return Self::of_request(call, manifest).await,
            Call::Event(event) => Self::Event { event: event.out() },
            Call::Filter(it) => Self::Filter { name: it.name.clone(), payload: it.payload.out() },
            Call::Task(it) => Self::Task {
                name: it.name.clone(),
                run: it.run.clone(),
                payload: it.payload.out(),
                attempt: it.attempt,
            },
            Call::Service(it) => Self::Service { name: it.name.clone(), payload: it.payload.out() },
            Call::Command(it) => Self::Command {
                name: it.name.clone(),
                arguments: it.arguments.out(),
                origin: it.origin.out(),
            },
            Call::Lifecycle(_) => return (None, call),
        };
        (Some(input), call)
    }

    async fn of_request(call: Call, manifest: &Manifest) -> (Option<Self>, Call) {
        let Call::Request(mut request) = call else { return (None, call) };
        let route = manifest.provides.api_routes.get(request.route);
        let is_small = request.body.length().is_some_and(|length| length <= MOST);
        let Some(route) = route.filter(|_| is_small) else { return (None, Call::Request(request)) };
        let bytes = match std::mem::take(&mut request.body).collect(MOST).await {
            Ok(bytes) => bytes,
            Err(failure) => {
                // The plugin is told what it would have been told.
                let failing = futures_util::stream::once(std::future::ready(Err(failure)));
                request.body = Body::stream(failing, None);
                return (None, Call::Request(request));
            }
        };
        let input = Self::Request {
            route: route.key().to_string(),
            uri: request.uri.to_string(),
            params: request.params.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            query: request.query.clone(),
            headers: request.headers.out(),
            head_only: request.head_only,
            body: bytes.out(),
        };
        request.body = bytes.into();
        (Some(input), Call::Request(request))
    }

    /// The call again, of a plugin with this manifest.
    ///
    /// # Errors
    /// [`Error::NoSuchRoute`] when the manifest has no such route any more, and [`Error::Form`] when what was captured is none.
    pub(crate) fn again(&self, manifest: &Manifest) -> Result<Call, Error> {
        let payload = |form: &Json| Payload::back(form).ok_or(Error::Form("a payload"));
        Ok(match self.clone() {
            Self::Request { route, uri, params, query, headers, head_only, body } => {
                let routes = &manifest.provides.api_routes;
                let position = routes.iter().position(|it| it.key().to_string() == route);
                Call::Request(Request {
                    route: position.ok_or(Error::NoSuchRoute(route))?,
                    uri: uri.parse().map_err(|_| Error::Form("the address"))?,
                    params: params.into_iter().map(|(name, value)| (name.into(), value)).collect(),
                    query,
                    headers: HeaderMap::back(&headers).ok_or(Error::Form("the headers"))?,
                    head_only,
                    body: bytes::Bytes::back(&body).ok_or(Error::Form("the body"))?.into(),
                })
            }
            Self::Event { event } => Call::Event(Event::back(&event).ok_or(Error::Form("the event"))?),
            Self::Filter { name, payload: form } => {
                Call::Filter(FilterCall { name, payload: payload(&form)? })
            }
            Self::Task { name, run, payload: form, attempt } => {
                Call::Task(TaskCall { name, run, payload: payload(&form)?, attempt })
            }
            Self::Service { name, payload: form } => {
                Call::Service(ServiceCall { name, payload: payload(&form)? })
            }
            Self::Command { name, arguments, origin } => Call::Command(CommandCall {
                name,
                arguments: payload(&arguments)?,
                origin: payload(&origin)?,
            }),
        })
    }

    /// What was called, in a few words: `GET /clips/{id}`, `the task tidy`.
    pub fn what(&self) -> String {
        match self {
            Self::Request { route, .. } => route.clone(),
            Self::Event { event } => {
                format!("the event {}", event.get("name").and_then(Json::as_str).unwrap_or_default())
            }
            Self::Filter { name, .. } => format!("the filter {name}"),
            Self::Task { name, .. } => format!("the task {name}"),
            Self::Service { name, .. } => format!("the service {name}"),
            Self::Command { name, .. } => format!("the command {name}"),
        }
    }
}
