//! Each request has a name, by which its answer and the log are found.

use std::collections::HashSet;

use reqwest::Method;

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
};

const ADDRESSES: [&str; 7] =
    ["/", "/healthz", "/metrics", "/nowhere", "/%zz", CLIPS, "/api/org/default/trial/panic"];

async fn ask(stage: &Stage, address: &str, id: Option<&str>) -> Answer {
    let asked = stage.ask(Method::GET, address).bearer_auth(stage.admin());
    let asked = id.into_iter().fold(asked, |asked, id| asked.header("x-request-id", id));
    Answer::of(asked.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_that_a_client_gives_comes_back_at_every_address() {
    let stage = Stage::new().await;
    for address in ADDRESSES {
        let answer = ask(&stage, address, Some("shop.order_7-a")).await;
        assert_eq!(answer.header("x-request-id"), "shop.order_7-a", "{address}");
        if answer.header("content-type") == "application/problem+json" {
            let status = answer.status;
            assert_eq!(answer.json(status)["instance"], "shop.order_7-a", "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_name_or_with_one_that_is_none_gets_a_new_one() {
    let stage = Stage::new().await;
    let mut seen = HashSet::new();
    for address in ADDRESSES {
        for id in [None, Some("two words"), Some("a\"b"), Some(""), Some("../x"), Some(&*"x".repeat(65))] {
            let answer = ask(&stage, address, id).await;
            let name = answer.header("x-request-id").to_owned();
            assert!(!name.is_empty() && Some(&*name) != id, "{address}: {name}");
            assert!(seen.insert(name), "{address}");
        }
    }
}
