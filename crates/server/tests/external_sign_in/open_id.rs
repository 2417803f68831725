//! OpenID Connect: who signs in, and whom nobody believes.

use std::time::Duration;

use serde_json::json;
use switchboard_server::external_sign_in::{ExternalParts, ExternalSignIn, Finished, Person, Purpose};

use crate::{
    issuer::{Issuer, Manner},
    signing::Key,
    visitor::{by_issuer, knowing, parts, sentence, sign_in},
};

fn ada() -> Person {
    Person {
        subject: "ada-7".to_owned(),
        email: Some("ada@example.com".to_owned()),
        is_email_verified: true,
        name: Some("Ada".to_owned()),
    }
}

#[tokio::test]
async fn somebody_signs_in_at_an_issuer_and_comes_back_to_where_they_were() {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer)]);
    assert_eq!(external.providers().collect::<Vec<_>>(), [("example", "Example")]);
    for key in [Key::Ed25519, Key::Rsa] {
        issuer.sign_with(key);
        let finished = sign_in(&external, "example").await.unwrap();
        let expected = Finished {
            provider: "example".to_owned(),
            person: ada(),
            purpose: Purpose::SignIn,
            return_to: "/clips?mine=1".to_owned(),
        };
        assert_eq!(finished, expected, "{key:?}");
    }
    assert_eq!(issuer.asked("/me"), 0, "the ID token said it all");
}

#[tokio::test]
async fn a_client_without_a_secret_proves_itself_by_its_verifier() {
    let issuer = Issuer::start().await;
    issuer.be_public();
    let mut public = by_issuer("example", &issuer);
    public.client_secret = None;
    assert_eq!(sign_in(&knowing(vec![public]), "example").await.unwrap().person, ada());
}

#[tokio::test]
async fn what_the_id_token_leaves_out_is_asked_for() {
    let issuer = Issuer::start().await;
    issuer.be_reserved();
    let external = knowing(vec![by_issuer("example", &issuer)]);
    assert_eq!(sign_in(&external, "example").await.unwrap().person, ada());
    assert_eq!(issuer.asked("/me"), 1);
    issuer.behave(Manner::UserInfoOfAnother);
    sentence("forbidden", sign_in(&external, "example").await);
    issuer.behave(Manner::BadAccessToken);
    sentence("forbidden", sign_in(&external, "example").await);
}

#[tokio::test]
async fn an_address_that_the_issuer_has_not_verified_is_said_to_be_none() {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer)]);
    for person in [
        json!({"sub": "ada-7", "email": "ada@example.com", "email_verified": false}),
        json!({"sub": "ada-7", "email": "ada@example.com"}),
    ] {
        issuer.person(person);
        let person = sign_in(&external, "example").await.unwrap().person;
        assert_eq!((person.email.as_deref(), person.is_email_verified), (Some("ada@example.com"), false));
    }
}

#[tokio::test]
async fn what_cannot_be_believed_signs_nobody_in() {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer)]);
    for manner in [
        Manner::WrongNonce,
        Manner::NoNonce,
        Manner::WrongAudience,
        Manner::OneMoreAudience,
        Manner::OtherParty,
        Manner::Expired,
        Manner::WrongIssuer,
        Manner::Unsigned,
        Manner::SignedBySecret,
        Manner::OtherKeySameName,
        Manner::NoIdToken,
        Manner::NoSubject,
    ] {
        issuer.behave(manner);
        let result = sign_in(&external, "example").await;
        assert!(result.is_err(), "{manner:?}");
        sentence("forbidden", result);
    }
    issuer.behave(Manner::Well);
    assert!(sign_in(&external, "example").await.is_ok(), "none of it leaves a mark");
}

#[tokio::test]
async fn an_access_token_that_is_not_the_id_tokens_is_not_used() {
    let issuer = Issuer::start().await;
    issuer.sign_with(Key::Rsa);
    let external = knowing(vec![by_issuer("example", &issuer)]);
    sign_in(&external, "example").await.unwrap();
    issuer.behave(Manner::OtherAccessToken);
    sentence("forbidden", sign_in(&external, "example").await);
}

#[tokio::test]
async fn keys_that_change_are_learned_and_not_asked_for_at_every_turn() {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer)]);
    for _ in 0..3 {
        sign_in(&external, "example").await.unwrap();
    }
    assert_eq!((issuer.asked("/keys"), issuer.asked("/.well-known/openid-configuration")), (1, 1));
    issuer.sign_with(Key::Other);
    assert_eq!(sign_in(&external, "example").await.unwrap().person, ada());
    assert_eq!(issuer.asked("/keys"), 2);
    issuer.behave(Manner::OtherKeySameName);
    issuer.sign_with(Key::Ed25519);
    for _ in 0..5 {
        sentence("forbidden", sign_in(&external, "example").await);
    }
    assert_eq!(issuer.asked("/keys"), 2, "forged tokens do not make this server ask and ask");
}

#[tokio::test]
async fn an_issuer_in_trouble_is_unavailable_and_costs_bounded_time_and_memory() {
    let issuer = Issuer::start().await;
    let short =
        ExternalParts { patience: Duration::from_millis(500), ..parts(vec![by_issuer("example", &issuer)]) };
    let external = ExternalSignIn::new(short).unwrap();
    for manner in [
        Manner::SlowTokens,
        Manner::BrokenTokens,
        Manner::NonsenseTokens,
        Manner::HugeTokens,
        Manner::RedirectedTokens,
    ] {
        issuer.behave(manner);
        let why = sentence("unavailable", sign_in(&external, "example").await);
        assert!(why.contains("Example"), "{manner:?}: {why}");
    }
    assert_eq!(issuer.asked("/elsewhere"), 0, "no redirect is followed");
    issuer.behave(Manner::Well);
    sign_in(&external, "example").await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_or_sends_people_astray_is_not_used() {
    for manner in [Manner::DiscoveryOfAnother, Manner::OpenAuthorization, Manner::HugeDiscovery] {
        let issuer = Issuer::start().await;
        issuer.behave(manner);
        let external = knowing(vec![by_issuer("example", &issuer)]);
        let begun = external.begin("example", Purpose::SignIn, None).await;
        assert!(begun.is_err(), "{manner:?}");
        sentence("unavailable", begun);
        sentence("unavailable", external.begin("example", Purpose::SignIn, None).await);
        assert_eq!(
            issuer.asked("/.well-known/openid-configuration"),
            1,
            "who failed is left alone for a moment"
        );
    }
}

#[test]
fn settings_that_cannot_be_right_are_named() {
    let provider = |id: &str, issuer: &str| {
        use switchboard_server::external_sign_in::{ProviderKind, ProviderSettings};
        ProviderSettings {
            id: id.to_owned(),
            name: "Example".to_owned(),
            kind: ProviderKind::OpenIdConnect { issuer: issuer.to_owned() },
            client_id: "switchboard".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
        }
    };
    let fault = |providers| ExternalSignIn::new(parts(providers)).err().unwrap_or_default();
    let good = "https://id.example.com";
    assert_eq!(fault(vec![provider("a", good), provider("b", good)]), "");
    assert!(fault(vec![provider("a", good), provider("a", good)]).contains("two"));
    assert!(fault(vec![provider("A b", good)]).contains("its id"));
    assert!(fault(vec![provider("a", "http://id.example.com")]).contains("https"));
    assert!(fault(vec![provider("a", "id.example.com")]).contains("issuer"));
}
