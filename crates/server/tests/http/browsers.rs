//! Pages of other origins that call the API.

use reqwest::Method;
use switchboard_server::{Options, Times};

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
};

async fn preflight(stage: &Stage, origin: &str, address: &str) -> Answer {
    let asked = stage
        .ask(Method::OPTIONS, address)
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,content-type,x-organization");
    Answer::of(asked.send().await.unwrap()).await
}

async fn call(stage: &Stage, origin: &str, address: &str) -> Answer {
    let asked = stage.ask(Method::GET, address).header("origin", origin).bearer_auth(stage.admin());
    Answer::of(asked.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_origin_that_is_configured_may_call_every_address() {
    let stage = Stage::new().await;
    for origin in ["tauri://localhost", "http://localhost:5173"] {
        for address in [CLIPS, "/api/v1/clips/7", "/api/v1/health", "/api/openapi.json", "/nowhere"] {
            let allowed = preflight(&stage, origin, address).await.expect(200);
            assert_eq!(allowed.header("access-control-allow-origin"), origin, "{address}");
            assert!(allowed.header("access-control-allow-methods").contains("PATCH"));
            assert_eq!(
                allowed.header("access-control-allow-headers"),
                "authorization,content-type,x-organization"
            );
            assert_eq!(allowed.header("access-control-max-age"), "600");
            assert!(!allowed.header("x-request-id").is_empty());

            let answer = call(&stage, origin, address).await;
            assert_eq!(answer.header("access-control-allow-origin"), origin, "{address}");
            assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
            assert_eq!(answer.header("access-control-allow-credentials"), "", "no cookies, ever");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_any_other_origin_may_not() {
    let origins =
        ["http://localhost:3000", "https://localhost:5173", "http://localhost:5173.evil.example", "null"];
    let stage = Stage::new().await;
    for origin in origins {
        assert_eq!(
            preflight(&stage, origin, CLIPS).await.header("access-control-allow-origin"),
            "",
            "{origin}"
        );
        let answer = call(&stage, origin, CLIPS).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_origins_take_the_place_of_the_defaults() {
    let options = Options { cors_origins: vec!["https://clips.example/".to_owned()], ..Options::default() };
    let stage = Stage::with(options, Times::default()).await;
    let origin = "https://clips.example";
    assert_eq!(call(&stage, origin, CLIPS).await.header("access-control-allow-origin"), origin);
    assert_eq!(call(&stage, "http://localhost:5173", CLIPS).await.header("access-control-allow-origin"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_learns_why_it_was_refused() {
    let stage = Stage::new().await;
    let asked = stage.ask(Method::GET, CLIPS).header("origin", "tauri://localhost");
    let refused = Answer::of(asked.send().await.unwrap()).await.expect(401);
    assert_eq!(refused.header("access-control-allow-origin"), "tauri://localhost");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cache_keeps_for_one_origin_it_does_not_give_to_another() {
    let stage = Stage::new().await;
    let plain = stage.get(CLIPS).await;
    for answer in
        [plain, call(&stage, "tauri://localhost", CLIPS).await, call(&stage, "http://a.example", CLIPS).await]
    {
        let names = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_lowercase());
        assert!(names.collect::<Vec<_>>().join(",").contains("origin"), "{:?}", answer.headers);
    }
}
