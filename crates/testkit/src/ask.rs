//! A request to a route.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use switchboard_api::{Actions, Actor, ActorKind, Body, Call, Failure, Reply, Request, Response, Stop};
use switchboard_kernel::{BodyKind, Caller, NotFound, Terms, dispatch};
use switchboard_manifest::{Method, Scope};

use crate::{Answer, Stage};

/// A request that is being put together; [`send`](Self::send) sends it.
pub struct Ask<'a> {
    stage: &'a Stage,
    method: Method,
    head_only: bool,
    address: String,
    organization: String,
    actions: Actions,
    headers: HeaderMap,
    body: Body,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(stage: &'a Stage, method: &str, address: &str) -> Self {
        let read = if method == "HEAD" { "GET" } else { method };
        let method_of = serde_json::from_value(read.into());
        Self {
            stage,
            method: method_of.unwrap_or_else(|_| panic!("`{method}` is no method that routes answer")),
            head_only: method == "HEAD",
            address: address.to_owned(),
            organization: "default".to_owned(),
            actions: Actions::all(),
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    /// For another organization than `default`, where the address does not say which.
    #[must_use]
    pub fn organization(mut self, slug: &str) -> Self {
        slug.clone_into(&mut self.organization);
        self
    }

    /// On behalf of someone who may do these actions only.
    #[must_use]
    pub fn allowed(mut self, actions: &[&str]) -> Self {
        self.actions = Actions::new(actions.iter().map(|action| (*action).to_owned()));
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, value: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(value).expect("a value that has a JSON form").into();
        self.header("content-type", "application/json")
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it, and reads the answer to its end.
    pub async fn send(self) -> Answer {
        Answer::of(self.reply().await).await
    }

    async fn reply(self) -> Result<Response, Failure> {
        let kernel = self.stage.kernel();
        let snapshot = kernel.snapshot();
        let (path, query) = self.address.split_once('?').unwrap_or((&self.address, ""));
        let found = snapshot.routes().find(self.method, path).map_err(|error| match error {
            NotFound::NoSuchAddress => Failure::not_found(format!("nothing stands at {path}")),
            NotFound::OtherMethods(_) => Failure::not_found(format!("{path} answers other methods")),
        })?;
        let shape = found.address.plugin.shape(found.address.position).expect("every route has a shape");
        let mut body = self.body;
        if shape.body_kind() == BodyKind::Json {
            let whole = body.collect(u64::MAX).await?;
            shape.check_body(&whole)?;
            body = whole.into();
        }
        let mut params = found.params;
        let organization = match found.address.scope {
            Scope::Global | Scope::Admin => None,
            Scope::Root => Some(kernel.named(&self.organization)?),
            // The address says which; it is none of the route's own parameters.
            Scope::Organization => match params.iter().position(|(name, _)| name == "org") {
                Some(position) => Some(kernel.named(&params.remove(position).1)?),
                None => None,
            },
        };
        let request = Request {
            route: found.address.position,
            uri: self.address.parse().expect("an address"),
            params: shape.path(params)?,
            query: shape.query(query)?,
            headers: self.headers,
            head_only: self.head_only,
            body,
        };
        let actor = Actor::free(ActorKind::Token, "a test", self.actions);
        let caller = Caller {
            organization,
            actor: actor.into(),
            from: None,
            trace: "test".into(),
            stop: Stop::default(),
            depth: 0,
        };
        let terms = Terms { permission: found.address.permission.as_deref(), ..Terms::default() };
        match dispatch(&snapshot, &found.address.plugin, caller, terms, Call::Request(request)).await? {
            Reply::Response(response) => Ok(response),
            _ => Err(Failure::broken("a route gave no response")),
        }
    }
}
