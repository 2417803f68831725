//! How often callers may ask, and how they are told.

use reqwest::Method;
use switchboard_api::Actions;
use switchboard_kernel::{By, Rate, Ticks, TokenTerms};
use switchboard_server::{Options, Proxies, ProxyHeader, RateLimits, Times};

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
};

const HERE: &str = "/api/org/default/trial/words/here";
const THERE: &str = "/api/org/acme/trial/words/there";

/// Three a second for a token, eight for an organization, two for an address; time stands still.
fn limits(ticks: &Ticks) -> RateLimits {
    RateLimits {
        token: Rate::new(1, 3),
        organization: Rate::new(1, 8),
        address: Rate::new(1, 2),
        ticks: ticks.clone(),
    }
}

/// A server with two organizations.
async fn limited(limits: RateLimits, proxies: Proxies) -> Stage {
    let options = Options { rate_limits: limits, proxies, ..Options::default() };
    let stage = Stage::with(options, Times::default()).await;
    stage.kernel.create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    stage
}

/// What the tightest limit is called, how many are left of it, and when it is worth to look again.
fn left(answer: &Answer) -> (&str, &str) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

async fn anonymous(stage: &Stage, forwarded_for: &str) -> Answer {
    let asked = stage.ask(Method::GET, CLIPS).header("x-forwarded-for", forwarded_for);
    Answer::of(asked.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_calls_so_often_and_is_told_what_is_left_and_when_to_come_again() {
    let ticks = Ticks::by_hand();
    let stage = limited(limits(&ticks), Proxies::default()).await;
    let token = stage.token("eager", None).await;
    for r in [2, 1, 0] {
        let answer = stage.send(Method::GET, HERE, &token).await.expect(200);
        assert_eq!(left(&answer), ("\"token\";q=3;w=3", format!("\"token\";r={r};t={}", 3 - r).as_str()));
        assert_eq!(answer.header("retry-after"), "");
    }
    let refused = stage.send(Method::GET, HERE, &token).await;
    assert_eq!(left(&refused), ("\"token\";q=3;w=3", "\"token\";r=0;t=1"));
    assert_eq!(refused.header("retry-after"), "1");
    let problem = refused.problem(429, "rate_limited");
    assert_eq!(problem["violated-policies"], serde_json::json!(["token"]));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`eager`") && detail.contains("1 a second, and 3 at once"), "{detail}");

    let other = stage.token("patient", None).await;
    stage.send(Method::GET, HERE, &other).await.expect(200);
    ticks.advance(std::time::Duration::from_secs(1));
    stage.send(Method::GET, HERE, &token).await.expect(200);
    stage.send(Method::GET, HERE, &token).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_be_made_with_a_rate_of_its_own() {
    let stage = limited(limits(&Ticks::by_hand()), Proxies::default()).await;
    let terms = TokenTerms {
        name: "quick",
        actions: Actions::all(),
        calls_per_second: Some(1000),
        ..TokenTerms::default()
    };
    let quick = stage.kernel.create_token(&By::system("test"), terms).await.unwrap().token;
    let answer = stage.send(Method::GET, "/api/admin/plugins", &quick).await.expect(200);
    assert_eq!(left(&answer), ("\"token\";q=2000;w=2", "\"token\";r=1999;t=1"));
    // What is the organization's is the organization's.
    let answer = stage.send(Method::GET, HERE, &quick).await.expect(200);
    assert_eq!(left(&answer).0, "\"organization\";q=8;w=8");
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_clients_are_told_in_the_shape_that_they_know() {
    let stage = limited(limits(&Ticks::by_hand()), Proxies::default()).await;
    let token = stage.token("ours", Some("default")).await;
    for _ in 0..3 {
        stage.send(Method::GET, CLIPS, &token).await.expect(200);
    }
    let refused = stage.send(Method::GET, CLIPS, &token).await;
    assert_eq!((refused.header("retry-after"), left(&refused).1), ("1", "\"token\";r=0;t=1"));
    assert!(refused.detail(429).contains("call more slowly"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organizations_flood_costs_no_other_anything() {
    let stage = limited(limits(&Ticks::by_hand()), Proxies::default()).await;
    // Each with a token of its own, so that the organization's limit is the one that is met.
    let mut refused = Vec::new();
    for number in 0..6 {
        let token = stage.token(&format!("flood {number}"), Some("default")).await;
        for _ in 0..3 {
            let answer = stage.send(Method::GET, HERE, &token).await;
            if answer.status == 429 {
                refused.push(answer);
            }
        }
    }
    assert_eq!(refused.len(), 6 * 3 - 8);
    let refused = refused.pop().unwrap();
    assert_eq!(left(&refused).0, "\"organization\";q=8;w=8");
    let problem = refused.problem(429, "rate_limited");
    assert_eq!(problem["violated-policies"], serde_json::json!(["organization"]));
    assert!(problem["detail"].as_str().unwrap().contains("organization `default`"), "{problem}");

    let theirs = stage.token("theirs", Some("acme")).await;
    let answer = stage.send(Method::GET, THERE, &theirs).await.expect(200);
    assert_eq!(left(&answer), ("\"token\";q=3;w=3", "\"token\";r=2;t=1"));
    let everywhere = stage.token("everywhere", None).await;
    stage.send(Method::GET, HERE, &everywhere).await.expect(429);
    stage.send(Method::GET, THERE, &everywhere).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_valid_token_is_counted_by_address_and_nobody_else_is() {
    let stage = limited(limits(&Ticks::by_hand()), Proxies::default()).await;
    let answer = stage.send(Method::GET, HERE, "swb_guessed").await.expect(401);
    assert_eq!(left(&answer), ("\"address\";q=2;w=2", "\"address\";r=1;t=1"));
    stage.send(Method::GET, "/metrics", "swb_guessed").await.expect(401);
    let refused = stage.send(Method::GET, HERE, "swb_guessed").await;
    let problem = refused.problem(429, "rate_limited");
    assert_eq!(problem["violated-policies"], serde_json::json!(["address"]));
    for address in ["/", "/api/openapi.json"] {
        Answer::of(stage.ask(Method::GET, address).send().await.unwrap()).await.expect(429);
    }
    // From the same address.
    stage.get(HERE).await.expect(200);
    for _ in 0..10 {
        for address in ["/healthz", "/readyz", "/api/v1/health"] {
            let answer = Answer::of(stage.ask(Method::GET, address).send().await.unwrap()).await.expect(200);
            assert_eq!(left(&answer), ("", ""));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_becomes_another_by_saying_from_where_they_come() {
    let stage = limited(limits(&Ticks::by_hand()), Proxies::default()).await;
    let statuses = [anonymous(&stage, "192.0.2.1").await, anonymous(&stage, "192.0.2.2").await];
    assert_eq!(statuses.map(|answer| answer.status), [401, 401]);
    anonymous(&stage, "192.0.2.3").await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_the_operator_named_each_client_is_one() {
    let proxies = Proxies::new(["127.0.0.1"], ProxyHeader::default()).unwrap();
    let stage = limited(limits(&Ticks::by_hand()), proxies).await;
    for _ in 0..2 {
        anonymous(&stage, "192.0.2.1").await.expect(401);
        anonymous(&stage, "192.0.2.2").await.expect(401);
    }
    // What stands before the address that the proxy wrote is the client's own invention.
    for said in ["192.0.2.1", "198.51.100.9, 192.0.2.2"] {
        anonymous(&stage, said).await.expect(429);
    }
    anonymous(&stage, "192.0.2.3").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_is_said_of_any() {
    let stage = Stage::new().await;
    for _ in 0..300 {
        let answer = stage.send(Method::GET, HERE, "swb_guessed").await.expect(401);
        assert_eq!(left(&answer), ("", ""));
    }
}
