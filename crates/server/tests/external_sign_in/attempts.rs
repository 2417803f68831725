//! An attempt belongs to the browser that began it, and is over when it is over.

use std::sync::Arc;

use jiff::SignedDuration;
use switchboard_server::external_sign_in::{Begun, ExternalParts, ExternalSignIn, Purpose, Returned};

use crate::{
    issuer::Issuer,
    visitor::{Moved, by_issuer, cookie, knowing, parts, sentence, visit},
};

const CALLBACK: &str = "/api/auth/external/example/callback";

async fn begun() -> (ExternalSignIn, Issuer, Begun) {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer), by_issuer("other", &issuer)]);
    let begun = external.begin("example", Purpose::SignIn, None).await.unwrap();
    (external, issuer, begun)
}

#[tokio::test]
async fn another_browser_cannot_finish_what_one_began() {
    let (external, issuer, victim) = begun().await;
    let attacker = external.begin("example", Purpose::SignIn, None).await.unwrap();
    let returned = visit(&attacker, CALLBACK).await;
    let own = cookie(&victim);
    for cookies in
        [None, Some(""), Some("swb_sign_in=x"), Some("__Host-swb_sign_in=swb1:a:b"), Some(own.as_str())]
    {
        let why = sentence("forbidden", external.finish("example", returned.clone(), cookies).await);
        assert!(why.contains("begin again"), "{why}");
    }
    assert_eq!(issuer.asked("/token"), 0, "the code was not touched");
    external.finish("example", returned, Some(&cookie(&attacker))).await.unwrap();
}

#[tokio::test]
async fn an_attempt_is_finished_once() {
    let (external, issuer, begun) = begun().await;
    let returned = visit(&begun, CALLBACK).await;
    external.finish("example", returned.clone(), Some(&cookie(&begun))).await.unwrap();
    sentence("forbidden", external.finish("example", returned.clone(), Some(&cookie(&begun))).await);
    assert_eq!(issuer.asked("/token"), 1);
    // The code in another attempt.
    let second = external.begin("example", Purpose::SignIn, None).await.unwrap();
    let state = visit(&second, CALLBACK).await.state;
    let replayed = Returned { state, ..returned };
    let why = sentence("forbidden", external.finish("example", replayed, Some(&cookie(&second))).await);
    assert!(why.contains("Example"), "{why}");
    assert!(external.forget().contains("Max-Age=0"));
}

#[tokio::test]
async fn one_provider_does_not_answer_for_another() {
    let (external, issuer, begun) = begun().await;
    let returned = visit(&begun, CALLBACK).await;
    sentence("forbidden", external.finish("other", returned.clone(), Some(&cookie(&begun))).await);
    let elsewhere = Returned { iss: Some("https://another.example".to_owned()), ..returned };
    let why = sentence("forbidden", external.finish("example", elsewhere, Some(&cookie(&begun))).await);
    assert!(why.contains("somebody else"), "{why}");
    assert_eq!(issuer.asked("/token"), 0);
    sentence("not_found", external.begin("nowhere", Purpose::SignIn, None).await);
}

#[tokio::test]
async fn an_attempt_lasts_ten_minutes() {
    let issuer = Issuer::start().await;
    let clock = Arc::new(Moved::default());
    let moved = ExternalParts { clock: clock.clone(), ..parts(vec![by_issuer("example", &issuer)]) };
    let external = ExternalSignIn::new(moved).unwrap();
    let begun = external.begin("example", Purpose::SignIn, None).await.unwrap();
    let returned = visit(&begun, CALLBACK).await;
    clock.on(SignedDuration::from_secs(601));
    sentence("forbidden", external.finish("example", returned, Some(&cookie(&begun))).await);
}

#[tokio::test]
async fn what_an_attempt_is_for_comes_back_as_it_was() {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer)]);
    let link = Purpose::Link(7);
    let begun = external.begin("example", link.clone(), Some("/me")).await.unwrap();
    let returned = visit(&begun, CALLBACK).await;
    let finished = external.finish("example", returned, Some(&cookie(&begun))).await.unwrap();
    assert_eq!((finished.purpose, finished.return_to.as_str()), (link, "/me"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_server_afterwards() {
    let issuer = Issuer::start().await;
    let external = knowing(vec![by_issuer("example", &issuer)]);
    for elsewhere in
        ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a/..//evil.example"]
    {
        let why = sentence("invalid", external.begin("example", Purpose::SignIn, Some(elsewhere)).await);
        assert!(why.contains("return_to"), "{why}");
    }
}

#[tokio::test]
async fn a_provider_that_says_no_is_quoted_without_harm() {
    for (error, kind, part) in [
        ("access_denied", "forbidden", "not allowed"),
        ("server_error", "unavailable", "try again"),
        ("<script>\r\nalert(1)", "forbidden", "<script>alert(1)"),
    ] {
        let (external, _, begun) = begun().await;
        let state = visit(&begun, CALLBACK).await.state;
        let returned = Returned { state, error: Some(error.to_owned()), ..Returned::default() };
        let why = sentence(kind, external.finish("example", returned, Some(&cookie(&begun))).await);
        assert!(why.contains(part), "{why}");
    }
    let (external, _, begun) = begun().await;
    let state = visit(&begun, CALLBACK).await.state;
    let returned = Returned { state, ..Returned::default() };
    sentence("invalid", external.finish("example", returned, Some(&cookie(&begun))).await);
}
