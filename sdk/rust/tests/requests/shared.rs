//! `Shared`.

use std::sync::atomic::{AtomicU64, Ordering};

use switchboard_sdk::{extract::Shared, prelude::*};

use crate::{on, with_route};

#[derive(Default)]
struct Counter(AtomicU64);

async fn count(counter: Shared<Counter>, greeting: Shared<String>) -> Result<Json<String>> {
    Ok(Json(format!("{} {}", *greeting, counter.0.0.fetch_add(1, Ordering::Relaxed))))
}

#[tokio::test]
async fn a_value_is_shared_between_calls_and_found_by_its_type() {
    let stage = on(with_route("GET", "/", count).share(Counter::default()).share("hello".to_owned())).await;
    assert_eq!(stage.ask("GET", "/t").send().await.json::<String>(200), "hello 0");
    assert_eq!(stage.ask("GET", "/t").send().await.json::<String>(200), "hello 1");
}

#[tokio::test]
async fn one_that_was_not_given_is_the_plugins_fault_by_name() {
    let stage = on(with_route("GET", "/", count).share("hello".to_owned())).await;
    let answer = stage.ask("GET", "/t").send().await;
    assert_eq!(answer.failure().kind(), "broken");
    assert!(answer.failure().to_string().contains("Counter"), "{}", answer.failure());
}
