//! A provider of sign-ins.

use openidconnect::{ClientId, ClientSecret, RedirectUrl, Scope};
use switchboard_api::Failure;

use super::{Answer, Asked, discord::Discord, open_id::OpenId, outbound::Outbound, person::Person};

/// What an operator says of a provider.
#[derive(Clone)]
pub struct ProviderSettings {
    /// What it is called in addresses: `a-z`, `0-9`, `_` and `-`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it is spoken to.
    pub kind: ProviderKind,
    /// What this server is called there.
    pub client_id: String,
    /// By what it knows this server; none for a public client of OpenID Connect.
    pub client_secret: Option<String>,
    /// What is asked for; what a kind needs at the least when empty.
    pub scopes: Vec<String>,
}

/// How a provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect, by discovery at the issuer.
    OpenIdConnect {
        /// The issuer, exactly as it calls itself.
        issuer: String,
    },
    /// Discord.
    Discord {
        /// Where it is; `https://discord.com` for all but tests.
        base_url: String,
    },
}

/// A provider of sign-ins.
pub(super) struct Provider {
    pub(super) id: String,
    pub(super) name: String,
    way: Way,
}

enum Way {
    OpenId(Box<OpenId>),
    Discord(Box<Discord>),
}

/// What this server is at a provider.
pub(super) struct Registration {
    /// What people call the provider.
    pub(super) name: String,
    pub(super) client_id: ClientId,
    pub(super) client_secret: Option<ClientSecret>,
    pub(super) scopes: Vec<Scope>,
    pub(super) callback: RedirectUrl,
}

impl Provider {
    pub(super) fn new(
        settings: ProviderSettings,
        callback: RedirectUrl,
        outbound: Outbound,
    ) -> Result<Self, String> {
        let ProviderSettings { id, name, kind, client_id, client_secret, scopes } = settings;
        let is_word =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter);
        if id.is_empty() || id.len() > 40 || !id.chars().all(is_word) {
            return Err("its id is 1 to 40 of `a-z`, `0-9`, `_` and `-`".to_owned());
        }
        if client_id.is_empty() {
            return Err("it has no `client_id`".to_owned());
        }
        let registration = |least: &[&str]| {
            let asked = match scopes.is_empty() {
                true => least.iter().map(|scope| Scope::new((*scope).to_owned())).collect(),
                false => scopes.iter().cloned().map(Scope::new).collect(),
            };
            Registration {
                name: name.clone(),
                client_id: ClientId::new(client_id),
                client_secret: client_secret.map(ClientSecret::new),
                scopes: asked,
                callback,
            }
        };
        let way = match kind {
            ProviderKind::OpenIdConnect { issuer } => {
                let registration = registration(&["email", "profile"]);
                Way::OpenId(Box::new(OpenId::new(&issuer, registration, outbound)?))
            }
            ProviderKind::Discord { base_url } => {
                let registration = registration(&["identify", "email"]);
                Way::Discord(Box::new(Discord::new(&base_url, registration, outbound)?))
            }
        };
        Ok(Self { id, name, way })
    }

    /// Where to send a browser, and what to hold the answer against.
    pub(super) async fn ask(&self) -> Result<Asked, Failure> {
        match &self.way {
            Way::OpenId(way) => way.ask().await,
            Way::Discord(way) => Ok(way.ask()),
        }
    }

    /// Who it is.
    pub(super) async fn recognize(&self, answer: Answer) -> Result<Person, Failure> {
        match &self.way {
            Way::OpenId(way) => way.recognize(answer).await,
            Way::Discord(way) => way.recognize(answer).await,
        }
    }

    /// Refuses an answer in which somebody else gives their name: RFC 9207.
    pub(super) fn is_who_answers(&self, iss: Option<&str>) -> Result<(), Failure> {
        match (&self.way, iss) {
            (Way::OpenId(way), Some(iss)) if iss != way.issuer() => {
                Err(Failure::forbidden(format!("somebody else than {} answered; begin again", self.name)))
            }
            _ => Ok(()),
        }
    }

    /// The provider says no, with a word of RFC 6749, 4.1.2.1.
    pub(super) fn refusal(&self, error: &str) -> Failure {
        let name = &self.name;
        match error {
            "access_denied" => {
                Failure::forbidden(format!("you were not signed in at {name}: it was not allowed there"))
            }
            "temporarily_unavailable" | "server_error" => {
                Failure::unavailable(format!("{name} cannot sign you in now; try again later"))
            }
            _ => {
                let known: String = error.chars().filter(char::is_ascii_graphic).take(60).collect();
                tracing::warn!(
                    provider = self.id,
                    error = known,
                    "a provider of sign-ins refuses what was asked"
                );
                Failure::forbidden(format!("{name} does not sign you in here: `{known}`"))
            }
        }
    }
}

/// A provider that cannot be used now; what is wrong is for the operator.
pub(super) fn unusable(name: &str, why: &str) -> Failure {
    tracing::warn!(provider = name, "a provider of sign-ins cannot be used: {why}");
    Failure::unavailable(format!("{name} cannot be reached, or answers what it should not; try again later"))
}

/// A provider whose answer is not to be believed; what is wrong with it is for the operator.
pub(super) fn unbelievable(name: &str, why: &str) -> Failure {
    tracing::warn!(provider = name, "the answer of a provider of sign-ins is refused: {why}");
    Failure::forbidden(format!("what {name} says of you cannot be believed; begin again"))
}
