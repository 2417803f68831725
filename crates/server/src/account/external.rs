//! Signing in elsewhere: the way to a provider and back.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use switchboard_accounts::{Account, Error, ExternalIdentity, Session};
use switchboard_sdk::{Response, extract::Shared, prelude::*};

use super::{
    failed_sign_ins::FailedSignIns,
    people::{People, entry},
    visitor::Visitor,
};
use crate::external_sign_in::{ExternalSignIn, Finished, Person, Purpose, Returned};

/// Somewhere else to sign in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Provider {
    /// What it is called in addresses.
    id: String,
    /// What people call it.
    name: String,
    /// Where a browser goes to sign in by it.
    href: String,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Afterwards {
    /// A path of this server, such as `/clips`.
    #[serde(default)]
    return_to: Option<String>,
}

/// How somebody signs in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Beginning {
    /// A path of this server to go to afterwards, such as `/clips`.
    #[serde(default)]
    return_to: Option<String>,
    /// The code of an invitation: whoever has no account yet gets one by it, and becomes a member where it leads to.
    #[serde(default)]
    #[schemars(length(max = 100))]
    invitation: Option<String>,
}

/// What a provider sends back.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Callback {
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
pub(super) struct Location {
    /// The provider's page.
    location: String,
}

pub(super) async fn list_providers(people: Shared<People>) -> Result<Json<Vec<Provider>>> {
    let all = people.elsewhere.iter().flat_map(|elsewhere| elsewhere.providers());
    let shown = all.map(|(id, name)| Provider {
        id: id.to_owned(),
        name: name.to_owned(),
        href: format!("/api/auth/external/{id}"),
    });
    Ok(Json(shown.collect()))
}

pub(super) async fn begin(
    people: Shared<People>,
    Path(provider): Path<String>,
    Query(Beginning { return_to, invitation }): Query<Beginning>,
) -> Result<Response> {
    let purpose = invitation.map_or(Purpose::SignIn, Purpose::Register);
    let begun = elsewhere(&people, &provider)?.begin(&provider, purpose, return_to.as_deref()).await?;
    let mut away = see_other(&begun.location)?;
    away.headers.append(header::SET_COOKIE, written(&begun.cookie)?);
    Ok(away)
}

pub(super) async fn finish(
    ctx: Context,
    people: Shared<People>,
    failed: Shared<Arc<FailedSignIns>>,
    visitor: Visitor,
    Path(provider): Path<String>,
    Query(Callback { state, code, error, iss }): Query<Callback>,
) -> Result<Response> {
    let elsewhere = elsewhere(&people, &provider)?;
    let returned = Returned { state, code, error, iss };
    let finished = elsewhere.finish(&provider, returned, Some(&visitor.cookies())).await?;
    let Finished { provider, person, purpose, return_to } = finished;
    let identity = identity(provider, person);
    let mut back = see_other(&return_to)?;
    match purpose {
        Purpose::SignIn | Purpose::Register(_) => {
            let account = match people.accounts.recognize(&identity).await? {
                // An invitation is accepted by who asks for it, not by who follows a link.
                Some(account) => account,
                None => register(&ctx, &people, &identity, purpose).await?,
            };
            let signed_in = people.accounts.sign_in_external(&account, &visitor.client).await;
            let signed_in =
                signed_in.map_err(|refused| failed.note(&ctx, &people, refused, &visitor.client))?;
            // Whatever session the browser had, maybe one that somebody else put there, ends.
            if let Some(before) = visitor.shown() {
                people.accounts.sign_out(before).await?;
            }
            let account = &signed_in.session.account;
            let line = entry("session.begun", account).after(&identity.provider);
            people.note_of(&ctx, account, line).await?;
            back.headers.extend(visitor.keeping(&signed_in));
        }
        Purpose::Link(number) => {
            let (secret, session) = session_of(&people, &visitor).await?;
            if session.id != number {
                return Err(forbidden!(
                    "you signed in anew since you began to link that identity; begin again"
                ));
            }
            people.accounts.link(secret, &identity).await?;
            let line = entry("account.identity_linked", &session.account).after(&identity.provider);
            people.note_of(&ctx, &session.account, line).await?;
        }
    }
    back.headers.append(header::SET_COOKIE, written(&elsewhere.forget())?);
    Ok(back)
}

/// Makes an account for who is new here, if they may have one.
async fn register(
    ctx: &Context,
    people: &People,
    identity: &ExternalIdentity,
    purpose: Purpose,
) -> Result<Account> {
    let code = if let Purpose::Register(code) = purpose { Some(code) } else { None };
    let email = identity.email.as_deref().unwrap_or_default();
    let invited = people.may_register(code.as_deref(), email).await?;
    let account = people.accounts.register_external(identity).await?;
    people.join(ctx, &account, invited).await?;
    people.note_of(ctx, &account, entry("account.registered", &account).after(&account.email)).await?;
    Ok(account)
}

pub(super) async fn begin_linking(
    people: Shared<People>,
    visitor: Visitor,
    Path(provider): Path<String>,
    Query(Afterwards { return_to }): Query<Afterwards>,
) -> Result<(HeaderMap, Json<Location>)> {
    let (_, session) = session_of(&people, &visitor).await?;
    if session.impersonator().is_some() {
        return Err(forbidden!("how {} signs in is theirs alone to change", session.actor().email));
    }
    let link = Purpose::Link(session.id);
    let begun = elsewhere(&people, &provider)?.begin(&provider, link, return_to.as_deref()).await?;
    let cookie = HeaderMap::from_iter([(header::SET_COOKIE, written(&begun.cookie)?)]);
    Ok((cookie, Json(Location { location: begun.location })))
}

fn elsewhere<'a>(people: &'a People, provider: &str) -> Result<&'a Arc<ExternalSignIn>> {
    people.elsewhere.as_ref().ok_or_else(|| not_found!("nobody signs in by `{provider}` here"))
}

fn identity(provider: String, person: Person) -> ExternalIdentity {
    let Person { subject, email, is_email_verified, name } = person;
    ExternalIdentity { provider, subject, email, is_email_verified, name }
}

/// The session that a browser is in, with its secret.
async fn session_of<'a>(people: &People, visitor: &'a Visitor) -> Result<(&'a str, Arc<Session>)> {
    let secret = visitor.secret()?;
    let session = people.accounts.session(secret).await?.filter(|session| !session.needs_second_factor);
    Ok((secret, session.ok_or(Error::NoSession)?))
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
