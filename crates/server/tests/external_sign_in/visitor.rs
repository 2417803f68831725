//! Somebody with a browser, who signs in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use openidconnect::url::Url;
use switchboard_api::{Failure, capability::Clock};
use switchboard_server::external_sign_in::{
    Begun, ExternalParts, ExternalSignIn, Finished, ProviderKind, ProviderSettings, Purpose, Returned,
};
use switchboard_vault::Vault;

use crate::{
    client::client,
    discord_double::DiscordDouble,
    issuer::{CLIENT, Issuer, SECRET},
};

/// A clock that a test moves.
#[derive(Default)]
pub(crate) struct Moved(Mutex<SignedDuration>);

impl Moved {
    pub(crate) fn on(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::constant(1_767_323_045, 0) + *self.0.lock().unwrap()
    }
}

/// An issuer by its name here.
pub(crate) fn by_issuer(id: &str, issuer: &Issuer) -> ProviderSettings {
    ProviderSettings {
        id: id.to_owned(),
        name: "Example".to_owned(),
        kind: ProviderKind::OpenIdConnect { issuer: issuer.url.clone() },
        client_id: CLIENT.to_owned(),
        client_secret: Some(SECRET.to_owned()),
        scopes: Vec::new(),
    }
}

pub(crate) fn by_discord(discord: &DiscordDouble) -> ProviderSettings {
    ProviderSettings {
        id: "discord".to_owned(),
        name: "Discord".to_owned(),
        kind: ProviderKind::Discord { base_url: discord.url.clone() },
        client_id: "157730590492196864".to_owned(),
        client_secret: Some("hush".to_owned()),
        scopes: Vec::new(),
    }
}

/// All that this server knows of these.
pub(crate) fn parts(providers: Vec<ProviderSettings>) -> ExternalParts {
    ExternalParts {
        providers,
        url: "https://clips.example.com".parse().unwrap(),
        vault: Arc::new(Vault::in_memory().unwrap()),
        clock: Arc::<Moved>::default(),
        patience: Duration::from_secs(5),
    }
}

pub(crate) fn knowing(providers: Vec<ProviderSettings>) -> ExternalSignIn {
    ExternalSignIn::new(parts(providers)).unwrap()
}

/// What a browser sends of a cookie that it was given.
pub(crate) fn cookie(begun: &Begun) -> String {
    begun.cookie.split(';').next().unwrap().to_owned()
}

/// Goes to the provider's page, and comes back with what is in the address.
pub(crate) async fn visit(begun: &Begun, callback: &str) -> Returned {
    let answer = client().get(&begun.location).send().await.unwrap();
    let back: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    assert!(back.as_str().starts_with(&format!("https://clips.example.com{callback}?")), "{back}");
    let mut query: HashMap<String, String> = back.query_pairs().into_owned().collect();
    let mut take = |name: &str| query.remove(name);
    Returned { state: take("state"), code: take("code"), error: take("error"), iss: take("iss") }
}

/// From the beginning to the end.
pub(crate) async fn sign_in(external: &ExternalSignIn, provider: &str) -> Result<Finished, Failure> {
    let begun = external.begin(provider, Purpose::SignIn, Some("/clips?mine=1")).await?;
    let returned = visit(&begun, &format!("/api/auth/external/{provider}/callback")).await;
    external.finish(provider, returned, Some(&cookie(&begun))).await
}

/// Requires that it failed in that way, and gives the sentence.
#[track_caller]
pub(crate) fn sentence<T: std::fmt::Debug>(kind: &str, result: Result<T, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.kind(), kind, "{failure}");
    failure.to_string()
}
