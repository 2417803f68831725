//! Why somebody may, or may not, do something.

use std::sync::Arc;

use switchboard_kernel::{Kernel, Principal};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::people::People;
use crate::identity::person;

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Question {
    /// Who: a person by their e-mail address, or a token as `token:` and its name.
    #[schemars(length(min = 1, max = 300))]
    who: String,
    /// What they would do: `clip:delete`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$"))]
    action: String,
    /// Where, and to what: an organization by its name in addresses, and behind a `/` one thing in it: `acme/clip:7`. Outside of
    /// organizations when absent.
    #[serde(default)]
    resource: Option<String>,
}

/// Whether they may, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Explanation {
    /// Whether they may.
    allowed: bool,
    /// The roles that they hold there; none for who is bound by no roles, or is no member.
    roles: Vec<String>,
    /// Each reason in a sentence.
    because: Vec<String>,
}

pub(super) async fn explain_authorization(
    people: Shared<People>,
    Query(question): Query<Question>,
) -> Result<Json<Explanation>> {
    let kernel = people.kernel.kernel()?;
    let principal = principal(&people, &kernel, &question.who).await?;
    let (organization, thing) =
        match question.resource.as_deref().map(|text| text.split_once('/').unwrap_or((text, ""))) {
            Some((slug, thing)) => (Some(kernel.named(slug)?), Some(thing).filter(|thing| !thing.is_empty())),
            None => (None, None),
        };
    let explained = kernel.explain(&principal, organization.as_deref(), &question.action, thing).await?;
    Ok(Json(Explanation { allowed: explained.allowed, roles: explained.roles, because: explained.because }))
}

async fn principal(people: &People, kernel: &Kernel, who: &str) -> Result<Arc<Principal>> {
    if let Some(name) = who.strip_prefix("token:") {
        let token = kernel.directory().tokens().into_iter().find(|token| token.name == name);
        let token = token.ok_or_else(|| not_found!("there is no token `{name}`, or it was revoked"))?;
        return Ok(Arc::clone(&token.principal));
    }
    let account = people.accounts.find_by_email(who).await?;
    let account = account.ok_or_else(|| {
        not_found!("there is no account `{who}`; a token is written as `token:` and its name")
    })?;
    if account.is_disabled() {
        return Err(conflict!("the account `{who}` is disabled: nobody acts as it"));
    }
    Ok(Arc::new(person(&account)))
}
