//! Signing in elsewhere with browsers, and attacks on it.

use reqwest::Method;
use serde_json::json;
use switchboard_accounts::csrf_token;
use switchboard_api::Roles;
use switchboard_kernel::{By, InvitationTerms};
use switchboard_server::account::Registration;

use crate::{browser::Stage, issuer::Manner};

#[tokio::test]
async fn somebody_follows_a_link_and_is_signed_in() {
    let stage = Stage::new(Registration::Open).await;
    let mut browser = stage.browser();
    let providers = browser.get("/api/auth/external").await;
    assert_eq!(
        providers.json,
        json!([{"id": "example", "name": "Example", "href": "/api/auth/external/example"}])
    );
    assert_eq!(browser.get("/api/me/identities").await.status, 401);
    // Whoever put a session of their own in the browser does not have it afterwards.
    browser.cookies.insert("swb_session".to_owned(), "planted".to_owned());
    let back = browser.sign_in().await;
    assert_eq!((back.status, back.location.as_str()), (303, "/clips"), "{back:?}");
    let session = back.cookies.iter().find(|cookie| cookie.starts_with("swb_session=")).unwrap();
    assert!(session.contains("; HttpOnly; SameSite=Lax") && !session.contains("planted"), "{session}");
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["swb_session"], "the attempt is forgotten");
    let identities = browser.get("/api/me/identities").await.json;
    assert_eq!(identities[0]["subject"], "ada-7");
    let first = stage.accounts.session(&browser.cookies["swb_session"]).await.unwrap().unwrap();
    assert_eq!(first.account.email.as_str(), "ada@example.com");
    let mut elsewhere = stage.browser();
    elsewhere.sign_in().await;
    let second = stage.accounts.session(&elsewhere.cookies["swb_session"]).await.unwrap().unwrap();
    assert_eq!(first.account.id, second.account.id, "the same person");
}

#[tokio::test]
async fn nobody_is_signed_in_as_the_one_who_sent_them_the_link() {
    let stage = Stage::new(Registration::Open).await;
    let (mut attacker, mut victim) = (stage.browser(), stage.browser());
    let link = attacker.visit_the_provider().await;
    let refused = victim.get(&link).await;
    assert_eq!((refused.status, refused.cookies.len()), (403, 0), "{refused:?}");
    victim.visit_the_provider().await;
    assert_eq!(victim.get(&link).await.status, 403, "nor with an attempt of their own");
    assert_eq!(attacker.get(&link).await.status, 303, "their own browser is another matter");
}

#[tokio::test]
async fn neither_a_state_nor_a_code_serves_twice() {
    let stage = Stage::new(Registration::Open).await;
    let mut browser = stage.browser();
    let link = browser.visit_the_provider().await;
    let mut thief = browser.clone();
    assert_eq!(browser.get(&link).await.status, 303);
    assert_eq!(thief.get(&link).await.status, 403, "with a copy of the cookie");
    let mut again = stage.browser();
    let other = again.visit_the_provider().await;
    let code = |link: &str| link.split(['?', '&']).find(|part| part.starts_with("code=")).unwrap().to_owned();
    let replayed = other.replace(&code(&other), &code(&link));
    assert_eq!(again.get(&replayed).await.status, 403);
    assert!(!again.cookies.contains_key("swb_session"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_server() {
    let stage = Stage::new(Registration::Open).await;
    for elsewhere in ["https://evil.example", "//evil.example", "/%5Cevil.example", "/%09/evil.example"] {
        let refused = stage.browser().get(&format!("/api/auth/external/example?return_to={elsewhere}")).await;
        assert_eq!((refused.status, refused.location.as_str()), (422, ""), "{elsewhere}");
    }
    assert_eq!(stage.browser().get("/api/auth/external/nowhere").await.status, 404);
    assert_eq!(stage.browser().get("/api/auth/external/example/callback").await.status, 403);
}

#[tokio::test]
async fn an_address_links_only_when_both_sides_have_verified_it() {
    let stage = Stage::new(Registration::Open).await;
    let ada = stage.account("ada@example.com", true).await;
    stage.account("eve@example.com", false).await;
    for (person, status) in [
        (json!({"sub": "1", "email": "ada@example.com", "email_verified": false}), 409),
        (json!({"sub": "2", "email": "ADA@example.com"}), 409),
        (json!({"sub": "3", "email": "eve@example.com", "email_verified": true}), 409),
        (json!({"sub": "4", "email": "ada@example.com", "email_verified": true}), 303),
    ] {
        stage.issuer.person(person.clone());
        let mut browser = stage.browser();
        assert_eq!(browser.sign_in().await.status, status, "{person}");
        assert_eq!(browser.cookies.contains_key("swb_session"), status == 303, "{person}");
    }
    let links = stage.accounts.links(ada.id).await.unwrap();
    assert_eq!(links.iter().map(|link| link.subject.as_str()).collect::<Vec<_>>(), ["4"]);
}

#[tokio::test]
async fn by_invitation_a_stranger_gets_an_account_and_joins() {
    let stage = Stage::new(Registration::Invitation).await;
    let organization = stage.kernel.named("default").unwrap();
    let terms = InvitationTerms { roles: Roles::new(["member"]), email: None, days: 1, use_limit: Some(1) };
    let code = stage.kernel.invite(&By::system("test"), &organization, terms).await.unwrap().code;
    let come = async |more: &str| {
        let mut browser = stage.browser();
        let link = browser.visit_the_provider_with(more).await;
        browser.get(&link).await
    };
    assert_eq!(come("").await.status, 403, "without one");
    assert_eq!(come("&invitation=0000").await.status, 404);
    assert_eq!(stage.accounts.count().await.unwrap(), 0);
    let joined = come(&format!("&invitation={code}")).await;
    assert_eq!(joined.status, 303, "{joined:?}");
    let ada = stage.accounts.find_by_email("ada@example.com").await.unwrap().unwrap();
    assert_eq!(stage.kernel.memberships(ada.id).await.unwrap()[0].0.slug, "default");
    assert_eq!(come("").await.status, 303, "who is known needs none");

    stage.issuer.person(json!({"sub": "ben-8", "email": "ben@example.com", "email_verified": true}));
    assert_eq!(come(&format!("&invitation={code}")).await.status, 409, "it was used up");
    assert_eq!(stage.accounts.count().await.unwrap(), 1);
}

#[tokio::test]
async fn where_administrators_make_accounts_a_stranger_gets_none() {
    let stage = Stage::new(Registration::Off).await;
    let mut stranger = stage.browser();
    assert_eq!(stranger.sign_in().await.status, 403);
    assert!(!stranger.cookies.contains_key("swb_session"));
    stage.issuer.behave(Manner::WrongNonce);
    assert_eq!(stage.browser().sign_in().await.status, 403);
    stage.issuer.behave(Manner::BrokenTokens);
    assert_eq!(stage.browser().sign_in().await.status, 503);
}

#[tokio::test]
async fn somebody_links_an_identity_and_takes_it_away() {
    let stage = Stage::new(Registration::Off).await;
    stage.account("charles@example.com", true).await;
    let mut browser = stage.browser_of("charles@example.com").await;
    let csrf = csrf_token(&browser.cookies["swb_session"]);
    let link = "/api/me/identities/example?return_to=/me";
    assert_eq!(stage.browser().ask(Method::POST, link, Some(&csrf)).await.status, 401, "nobody");
    assert_eq!(browser.ask(Method::POST, link, None).await.status, 403, "a page elsewhere");
    assert_eq!(browser.ask(Method::POST, link, Some("forged")).await.status, 403);
    let begun = browser.ask(Method::POST, link, Some(&csrf)).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let back = browser.get(begun.json["location"].as_str().unwrap()).await.location;
    let mut other = stage.browser_of("charles@example.com").await;
    other.cookies.insert("swb_sign_in".to_owned(), browser.cookies["swb_sign_in"].clone());
    let mut nobody = browser.clone();
    nobody.cookies.remove("swb_session");
    let done = browser.get(&back).await;
    assert_eq!((done.status, done.location.as_str()), (303, "/me"), "{done:?}");
    assert_eq!(nobody.get(&back).await.status, 403);
    assert_eq!(browser.get("/api/me/identities").await.json[0]["subject"], "ada-7");

    let mut by_issuer = stage.browser();
    assert_eq!(by_issuer.sign_in().await.status, 303, "known by it now");
    let gone = "/api/me/identities/example/ada-7";
    assert_eq!(browser.ask(Method::DELETE, gone, None).await.status, 403);
    assert_eq!(browser.ask(Method::DELETE, gone, Some(&csrf)).await.status, 204);
    assert_eq!(browser.ask(Method::DELETE, gone, Some(&csrf)).await.status, 409);
    assert_eq!(stage.browser().sign_in().await.status, 403, "and not any more");
}

#[tokio::test]
async fn an_identity_is_linked_to_the_session_that_asked_and_to_no_other() {
    let stage = Stage::new(Registration::Off).await;
    for email in ["charles@example.com", "mallory@example.com"] {
        stage.account(email, true).await;
    }
    let mut mallory = stage.browser_of("mallory@example.com").await;
    let csrf = csrf_token(&mallory.cookies["swb_session"]);
    let begun = mallory.ask(Method::POST, "/api/me/identities/example", Some(&csrf)).await;
    let back = mallory.get(begun.json["location"].as_str().unwrap()).await.location;
    // Mallory's attempt in the browser of somebody else, who would be linked to whom Mallory is there.
    let mut charles = stage.browser_of("charles@example.com").await;
    charles.cookies.insert("swb_sign_in".to_owned(), mallory.cookies["swb_sign_in"].clone());
    assert_eq!(charles.get(&back).await.status, 403);
    assert_eq!(charles.get("/api/me/identities").await.json, json!([]));
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let stage = Stage::new(Registration::Open).await;
    let mut browser = stage.browser();
    browser.sign_in().await;
    let csrf = csrf_token(&browser.cookies["swb_session"]);
    let kept = browser.ask(Method::DELETE, "/api/me/identities/example/ada-7", Some(&csrf)).await;
    assert_eq!(kept.status, 409, "{kept:?}");
    assert_eq!(browser.get("/api/me/identities").await.json[0]["subject"], "ada-7");
}
