//! Signing in elsewhere over HTTP: the way to a provider and back, and the identities by which somebody can sign in.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use switchboard_accounts::{Accounts, Client, ExternalIdentity, Session, is_csrf_token};
use switchboard_sdk::{
    Definition, Response,
    extract::{Headers, Shared},
    prelude::*,
};

use super::{ExternalSignIn, Finished, Person, Purpose, Returned};

/// What these routes act on.
pub struct ExternalRoutes {
    /// The providers.
    pub sign_in: Arc<ExternalSignIn>,
    /// Who people are here.
    pub accounts: Arc<Accounts>,
    /// Whether somebody who is not known here yet gets an account.
    pub may_register: bool,
}

/// The plugin that signs people in elsewhere.
pub fn external_sign_in(routes: ExternalRoutes) -> Definition {
    Definition::new(include_str!("manifest.yaml"))
        .share(routes)
        .get("/api/auth/external", list_providers)
        .get("/api/auth/external/{provider}", begin)
        .get("/api/auth/external/{provider}/callback", finish)
        .get("/api/me/identities", list_identities)
        .post("/api/me/identities/{provider}", begin_linking)
        .delete("/api/me/identities/{provider}/{subject}", unlink)
}

/// Somewhere else to sign in.
#[derive(Debug, Serialize, JsonSchema)]
struct Provider {
    /// What it is called in addresses.
    id: String,
    /// What people call it.
    name: String,
    /// Where a browser goes to sign in by it.
    href: String,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize, JsonSchema)]
struct Begin {
    /// A path of this server, such as `/clips`.
    #[serde(default)]
    return_to: Option<String>,
}

/// What a provider sends back.
#[derive(Debug, Deserialize, JsonSchema)]
struct Callback {
    /// What the attempt is known by.
    #[serde(default)]
    state: Option<String>,
    /// What is exchanged for who it is.
    #[serde(default)]
    code: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    error: Option<String>,
    /// Who answers.
    #[serde(default)]
    iss: Option<String>,
}

/// Where to go to link an identity.
#[derive(Debug, Serialize, JsonSchema)]
struct Location {
    /// The provider's page.
    location: String,
}

/// An identity by which somebody can sign in.
#[derive(Debug, Serialize, JsonSchema)]
struct Identity {
    /// The provider.
    provider: String,
    /// What they are called there.
    subject: String,
    /// The e-mail address that they had there.
    email: Option<String>,
    /// Since when it is linked, in UTC.
    linked_at: String,
}

async fn list_providers(routes: Shared<ExternalRoutes>) -> Result<Json<Vec<Provider>>> {
    let all = routes.sign_in.providers().map(|(id, name)| Provider {
        id: id.to_owned(),
        name: name.to_owned(),
        href: format!("/api/auth/external/{id}"),
    });
    Ok(Json(all.collect()))
}

async fn begin(
    Path(provider): Path<String>,
    Query(Begin { return_to }): Query<Begin>,
    routes: Shared<ExternalRoutes>,
) -> Result<Response> {
    let begun = routes.sign_in.begin(&provider, Purpose::SignIn, return_to.as_deref()).await?;
    let mut away = see_other(&begun.location)?;
    away.headers.append(header::SET_COOKIE, written(&begun.cookie)?);
    Ok(away)
}

async fn finish(
    ctx: Context,
    Path(provider): Path<String>,
    Query(Callback { state, code, error, iss }): Query<Callback>,
    headers: Headers,
    routes: Shared<ExternalRoutes>,
) -> Result<Response> {
    let (cookies, returned) = (cookies(&headers), Returned { state, code, error, iss });
    let finished = routes.sign_in.finish(&provider, returned, Some(&cookies)).await?;
    let Finished { provider, person, purpose, return_to } = finished;
    let identity = identity(provider, person);
    let mut back = see_other(&return_to)?;
    match purpose {
        Purpose::SignIn => {
            let client =
                Client { address: ctx.from(), user_agent: headers.get("user-agent").map(str::to_owned) };
            let signed_in = routes.accounts.sign_in_external(&identity, routes.may_register, &client).await?;
            let cookie = session_cookie(&signed_in.secret, routes.sign_in.is_secure());
            back.headers.append(header::SET_COOKIE, written(&cookie)?);
        }
        Purpose::Link(session) => {
            let (secret, own) = session_of(&routes, &cookies).await?;
            if own.id != session {
                let message = "you signed in anew since you began to link that identity; begin again";
                return Err(Failure::forbidden(message));
            }
            routes.accounts.link(&secret, &identity).await?;
        }
    }
    back.headers.append(header::SET_COOKIE, written(&routes.sign_in.forget())?);
    Ok(back)
}

async fn list_identities(headers: Headers, routes: Shared<ExternalRoutes>) -> Result<Json<Vec<Identity>>> {
    let (_, session) = session_of(&routes, &cookies(&headers)).await?;
    let linked = routes.accounts.links(session.actor().id).await?;
    let all = linked.into_iter().map(|one| Identity {
        provider: one.provider,
        subject: one.subject,
        email: one.email,
        linked_at: one.linked_at.to_string(),
    });
    Ok(Json(all.collect()))
}

async fn begin_linking(
    Path(provider): Path<String>,
    Query(Begin { return_to }): Query<Begin>,
    headers: Headers,
    routes: Shared<ExternalRoutes>,
) -> Result<(HeaderMap, Json<Location>)> {
    let (secret, session) = session_of(&routes, &cookies(&headers)).await?;
    of_our_page(&headers, &secret)?;
    if session.impersonator().is_some() {
        return Err(forbidden!("how {} signs in is theirs alone to change", session.actor().email));
    }
    let begun = routes.sign_in.begin(&provider, Purpose::Link(session.id), return_to.as_deref()).await?;
    let cookie = HeaderMap::from_iter([(header::SET_COOKIE, written(&begun.cookie)?)]);
    Ok((cookie, Json(Location { location: begun.location })))
}

async fn unlink(
    Path((provider, subject)): Path<(String, String)>,
    headers: Headers,
    routes: Shared<ExternalRoutes>,
) -> Result<NoContent> {
    let (secret, _) = session_of(&routes, &cookies(&headers)).await?;
    of_our_page(&headers, &secret)?;
    routes.accounts.unlink(&secret, &provider, &subject).await?;
    Ok(NoContent)
}

fn identity(provider: String, person: Person) -> ExternalIdentity {
    let Person { subject, email, is_email_verified, name } = person;
    ExternalIdentity { provider, subject, email, is_email_verified, name }
}

/// The session that a browser is in, with its secret.
async fn session_of(routes: &ExternalRoutes, cookies: &str) -> Result<(String, Arc<Session>)> {
    let nobody = || Failure::forbidden("nobody is signed in here; sign in first");
    let mut own = cookies.split(';').filter_map(|cookie| cookie.trim().strip_prefix("swb_session="));
    let secret = own.next().ok_or_else(nobody)?;
    let session = routes.accounts.session(secret).await?.filter(|session| !session.needs_second_factor);
    Ok((secret.to_owned(), session.ok_or_else(nobody)?))
}

/// Refuses what a page elsewhere has a browser send: it cannot know the session's token.
fn of_our_page(headers: &Headers, secret: &str) -> Result<()> {
    match headers.get("x-csrf-token") {
        Some(given) if is_csrf_token(secret, given) => Ok(()),
        _ => Err(Failure::forbidden("send the session's token in `X-CSRF-Token`")),
    }
}

/// All cookies of a request, which may come in more than one header.
fn cookies(headers: &Headers) -> String {
    let all: Vec<&str> =
        headers.0.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    all.join("; ")
}

/// Sends a browser elsewhere. Nothing of it is kept, and the next server is not told from where it comes.
fn see_other(location: &str) -> Result<Response> {
    let mut answer = Response::new(StatusCode::SEE_OTHER);
    answer.headers.insert(header::LOCATION, written(location)?);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer)
}

fn written(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Failure::broken("an address or a cookie has letters that no header has"))
}

/// The cookie of a session, as long as the longest one lasts.
fn session_cookie(secret: &str, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("swb_session={secret}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax{secure}")
}
