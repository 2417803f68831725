//! `kv`: values are there until their time is over, seen by their organization alone, and changed by one at a time.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_sdk::{Definition, prelude::*};

use crate::small_plugins::{plugin, sentence, with_acme};

/// A plugin that does with values what it is asked for.
fn keeper() -> Definition {
    plugin(
        "keeper",
        "capabilities: [{name: kv, reason: Keeps values.}]\nprovides: {services: [{name: keeper.do}]}",
    )
    .service("keeper.do", async |ctx: Context, asked: Value| {
        let (kv, key) = (ctx.kv(), asked["key"].as_str().unwrap_or_default());
        let value = asked["value"].as_str().unwrap_or_default().to_owned();
        let time = asked["seconds"].as_u64().map(Duration::from_secs);
        match asked["do"].as_str().unwrap_or_default() {
            "get" => Ok(kv.get(key).await?.map_or(
                Value::Null,
                |entry| json!({ "value": String::from_utf8_lossy(&entry.value), "version": entry.version }),
            )),
            "set" => kv.set(key, value, time).await.map(|()| Value::Null),
            "add" => kv.add(key, value, time).await.map(Value::from),
            "replace" => {
                let version = asked["version"].as_u64().unwrap_or_default();
                kv.replace(key, version, value).await.map(Value::from)
            }
            "delete" => kv.delete(key).await.map(Value::from),
            "list" => {
                let after = asked["after"].as_str();
                kv.list(key, after, asked["limit"].as_u64().unwrap_or(100) as u32).await.map(Value::from)
            }
            "json" => {
                kv.set_json(key, &asked["value"], None).await?;
                Ok(kv.get_json::<Value>(key).await?.unwrap_or_default())
            }
            other => Err(invalid!("{other}")),
        }
    })
}

#[tokio::test]
async fn a_value_is_there_until_it_is_removed_or_its_time_is_over() {
    let stage = with_acme([keeper()]).await;
    let ask = async |asked: Value| stage.service("keeper.do", &asked).await.unwrap();
    assert_eq!(ask(json!({"do": "get", "key": "a"})).await, Value::Null);
    ask(json!({"do": "set", "key": "a", "value": "one"})).await;
    ask(json!({"do": "set", "key": "b", "value": "brief", "seconds": 60})).await;
    assert_eq!(ask(json!({"do": "get", "key": "a"})).await["value"], "one");
    assert_eq!(ask(json!({"do": "get", "key": "b"})).await["value"], "brief");
    stage.clock().advance(Duration::from_secs(60));
    assert_eq!(ask(json!({"do": "get", "key": "b"})).await, Value::Null);
    assert_eq!(ask(json!({"do": "list", "key": ""})).await, json!(["a"]));
    assert_eq!(ask(json!({"do": "delete", "key": "b"})).await, json!(false), "it was gone already");
    assert_eq!(ask(json!({"do": "delete", "key": "a"})).await, json!(true));
    assert_eq!(ask(json!({"do": "delete", "key": "a"})).await, json!(false));
    assert_eq!(ask(json!({"do": "json", "key": "c", "value": {"x": [1]}})).await, json!({"x": [1]}));
}

#[tokio::test]
async fn of_those_who_change_a_value_at_once_one_does() {
    let stage = with_acme([keeper()]).await;
    let ask = async |asked: Value| stage.service("keeper.do", &asked).await.unwrap();
    let add = || ask(json!({"do": "add", "key": "lock", "value": "mine", "seconds": 60}));
    let (one, other, third) = tokio::join!(add(), add(), add());
    assert_eq!([one, other, third].iter().filter(|did| **did == json!(true)).count(), 1);
    stage.clock().advance(Duration::from_secs(61));
    assert_eq!(add().await, json!(true), "the time of the one before is over");

    ask(json!({"do": "set", "key": "count", "value": "0"})).await;
    let read = ask(json!({"do": "get", "key": "count"})).await;
    let replace = || ask(json!({"do": "replace", "key": "count", "version": read["version"], "value": "1"}));
    let (one, other) = tokio::join!(replace(), replace());
    assert_eq!([one, other].iter().filter(|did| **did == json!(true)).count(), 1);
    // What is set anew is never of a version that was there before.
    ask(json!({"do": "delete", "key": "count"})).await;
    ask(json!({"do": "set", "key": "count", "value": "0"})).await;
    assert_eq!(replace().await, json!(false));
}

#[tokio::test]
async fn an_organization_sees_its_own_values_alone() {
    let stage = with_acme([keeper()]).await;
    let set = |value: &str| json!({"do": "set", "key": "whose", "value": value});
    stage.service_for("default", "keeper.do", &set("default's")).await.unwrap();
    stage.service_for("acme", "keeper.do", &set("acme's")).await.unwrap();
    for (slug, value) in [("default", "default's"), ("acme", "acme's")] {
        let read = stage.service_for(slug, "keeper.do", &json!({"do": "get", "key": "whose"})).await.unwrap();
        assert_eq!(read["value"], value);
    }
    let gone =
        stage.service_for("acme", "keeper.do", &json!({"do": "delete", "key": "whose"})).await.unwrap();
    assert_eq!(gone, json!(true));
    let read = stage.service("keeper.do", &json!({"do": "get", "key": "whose"})).await.unwrap();
    assert_eq!(read["value"], "default's");
}

#[tokio::test]
async fn keys_are_listed_in_order_a_page_at_a_time() {
    let stage = with_acme([keeper()]).await;
    let ask = async |asked: Value| stage.service("keeper.do", &asked).await.unwrap();
    for key in ["seen/10", "seen/2", "Seen/1", "seen_", "seen/ü", "other", "100%"] {
        ask(json!({"do": "set", "key": key, "value": "x"})).await;
    }
    assert_eq!(ask(json!({"do": "list", "key": "seen/"})).await, json!(["seen/10", "seen/2", "seen/ü"]));
    let page = ask(json!({"do": "list", "key": "seen/", "after": "seen/10", "limit": 1})).await;
    assert_eq!(page, json!(["seen/2"]));
    assert_eq!(
        ask(json!({"do": "list", "key": "seen_"})).await,
        json!(["seen_"]),
        "no character stands for others"
    );
    assert_eq!(ask(json!({"do": "list", "key": "", "limit": 2})).await, json!(["100%", "Seen/1"]));
}

#[tokio::test]
async fn what_is_no_key_and_what_is_too_large_is_refused_and_so_is_who_did_not_ask() {
    let stage = with_acme([
        keeper(),
        plugin("idle", "provides: {services: [{name: idle.try}]}")
            .service("idle.try", async |ctx: Context, (): ()| ctx.kv().get("a").await.map(|_| ())),
    ])
    .await;
    let long = "k".repeat(201);
    for key in ["", "a\nb", long.as_str()] {
        let refused = stage.service("keeper.do", &json!({"do": "set", "key": key, "value": "x"})).await;
        assert!(sentence("invalid", refused).contains("1 to 200 bytes"), "{key:?}");
    }
    let large = json!({"do": "set", "key": "a", "value": "x".repeat((64 << 10) + 1)});
    assert!(sentence("too_large", stage.service("keeper.do", &large).await).contains("`blobs`"));
    let idle = sentence("forbidden", stage.service("idle.try", &Value::Null).await);
    assert!(idle.contains("may not use `kv`"), "{idle}");
}
