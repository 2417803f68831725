//! As whom an administrator acts: a bar on the server's own page that says so, and the form in it that ends it.
//!
//! The form works without JavaScript, and so cannot send the session's token in a header: it stands in a field.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use maud::{Markup, html};
use switchboard_accounts::{Error, csrf_token, is_csrf_token};
use switchboard_api::Failure;
use switchboard_kernel::{AuditEntry, By};
use switchboard_manifest::ErrorShape;

use crate::{
    csrf, identity::principal_of, peer::Peer, problem::Problem, request_id::RequestId, server::Server,
    session_cookie,
};

/// The address to which the form is sent.
pub(crate) const END: &str = "/impersonation/end";

/// The field in which the session's token stands.
const FIELD: &str = "csrf_token";

/// The most bytes of a form.
const LARGEST: usize = 1024;

/// As whom an administrator acts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActingAs {
    /// What people call whom they act as.
    name: String,
    /// That one's e-mail address.
    email: String,
    /// The administrator's e-mail address.
    administrator: String,
    /// The session's token, for the form.
    csrf_token: String,
}

impl ActingAs {
    /// As whom the browser's session acts, if as somebody else.
    pub(crate) async fn of(server: &Server, headers: &HeaderMap) -> Option<Self> {
        let (accounts, secret) = (server.options.accounts.as_ref()?, session_cookie::of(headers)?);
        let session = accounts.session(secret).await.ok().flatten()?;
        let (administrator, actor) = (session.impersonator()?, session.actor());
        Some(Self {
            name: actor.name.clone(),
            email: actor.email.clone(),
            administrator: administrator.email.clone(),
            csrf_token: csrf_token(secret),
        })
    }

    /// The bar.
    pub(crate) fn bar(&self) -> Markup {
        html! {
            aside.acting-as aria-label="Acting as somebody else" {
                form method="post" action=(END) {
                    p {
                        "You act as " b { (self.name) } " (" (self.email) "). You are "
                        b { (self.administrator) } ", an administrator; all that you do is noted under both names."
                    }
                    input type="hidden" name=(FIELD) value=(self.csrf_token);
                    button.button type="submit" { "End acting as " (self.name) }
                }
            }
        }
    }
}

/// Has the administrator act as themselves again, and shows the page anew.
pub(crate) async fn end(
    State(server): State<Server>,
    Extension(id): Extension<RequestId>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let ended = async {
        let accounts = server.options.accounts.as_ref();
        let accounts = accounts.ok_or_else(|| Failure::not_found("nobody signs in here"))?;
        let secret = shown(&headers, &token_in(body, server.options.request_time).await?)?;
        let session = accounts.session(secret).await?.ok_or(Error::NoSession)?;
        let ended = accounts.end_impersonation(secret).await?;
        let entry = AuditEntry::new("impersonation.ended", format!("account:{}", session.actor().id));
        let actor = server.kernel.actor(&principal_of(&session), None).await?;
        let from = peer.map(|Extension(Peer(address))| address);
        server.kernel.note(&By { actor, from, request: Arc::clone(&id.0) }, entry).await?;
        Ok::<_, Failure>(session_cookie::keeping(&ended.secret, &headers))
    };
    match ended.await {
        Ok(cookie) => {
            let back = [(header::LOCATION, "/"), (header::CACHE_CONTROL, "no-store")];
            (StatusCode::SEE_OTHER, back, cookie).into_response()
        }
        Err(failure) => Problem::of(failure, "account", &id).into_response(ErrorShape::Problem, &id),
    }
}

/// The token in the form.
async fn token_in(body: Body, patience: Duration) -> Result<String, Failure> {
    let read = tokio::time::timeout(patience, axum::body::to_bytes(body, LARGEST)).await;
    let form = read.ok().and_then(Result::ok).ok_or_else(|| {
        Failure::invalid(format!("what was sent is no form of at most {LARGEST} bytes, or came too slowly"))
    })?;
    let mut fields = form_urlencoded::parse(&form);
    Ok(fields.find(|(name, _)| name == FIELD).map(|(_, token)| token.into_owned()).unwrap_or_default())
}

/// The session's secret, of a form that the server's own page sent.
fn shown<'a>(headers: &'a HeaderMap, token: &str) -> Result<&'a str, Failure> {
    let secret = session_cookie::of(headers).ok_or(Error::NoSession)?;
    match csrf::is_of_this_site(headers) && is_csrf_token(secret, token) {
        true => Ok(secret),
        false => {
            let message = "only the page of this session ends that: open `/` and press the button there";
            Err(Failure::forbidden(message))
        }
    }
}
