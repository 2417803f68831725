//! `/api/v1/plugins/{id}/config`: the loose settings of a record.

use std::collections::BTreeSet;

use serde_json::json;

use crate::stage::Stage;

/// A stage with a record, and the address of its settings.
async fn with_record(name: &str) -> (Stage, String) {
    let stage = Stage::new().await;
    let new = json!({"name": name, "display_name": "A plugin", "version": "1.0", "entry_point": "main.py"});
    let id = stage.post("/api/v1/plugins", new).await.json(201)["id"].clone();
    (stage, format!("/api/v1/plugins/{id}/config"))
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_listed_as_they_were_added() {
    let (stage, config) = with_record("mine").await;
    assert_eq!(stage.get(&config).await.json(200), json!([]));
    let values =
        [("b", json!("text")), ("a", json!(7)), ("c", json!({"deep": [1, null]})), ("d", json!(null))];
    for (key, value) in &values {
        let made = stage.post(&config, json!({"key": key, "value": value})).await.json(201);
        assert_eq!((&made["key"], &made["value"]), (&json!(key), value));
        let fields: BTreeSet<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(["id", "plugin_id", "key", "value", "created_at", "updated_at"]));
        assert!(made["id"].is_i64() && made["plugin_id"].is_i64());
    }
    let list = stage.get(&config).await.json(200);
    let listed: Vec<_> =
        list.as_array().unwrap().iter().map(|it| (it["key"].clone(), it["value"].clone())).collect();
    assert_eq!(listed, values.map(|(key, value)| (json!(key), value)));
    let stage = stage.again().await;
    assert_eq!(stage.get(&config).await.json(200), list);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_setting_of_a_key_is_refused_within_one_record() {
    let (stage, config) = with_record("mine").await;
    stage.post(&config, json!({"key": "k", "value": 1})).await.json(201);
    let said = stage.post(&config, json!({"key": "k", "value": 2})).await.detail(409);
    assert!(said.starts_with("Config with key 'k' already exists for plugin "), "{said}");
    assert_eq!(stage.get(&config).await.json(200)[0]["value"], 1);
    let other = json!({"name": "other", "display_name": "o", "version": "1", "entry_point": "o"});
    let id = stage.post("/api/v1/plugins", other).await.json(201)["id"].clone();
    stage.post(&format!("/api/v1/plugins/{id}/config"), json!({"key": "k", "value": 3})).await.json(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_needs_a_key_and_a_value() {
    let (stage, config) = with_record("mine").await;
    assert_eq!(stage.post(&config, json!({})).await.faults(), ["missing body.key", "missing body.value"]);
    let faults = stage.post(&config, json!({"key": "", "value": 1})).await.faults();
    assert_eq!(faults, ["string_too_short body.key"]);
    let faults = stage.post(&config, json!({"key": "k".repeat(256), "value": 1})).await.faults();
    assert_eq!(faults, ["string_too_long body.key"]);
    assert_eq!(stage.get(&config).await.json(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settings_value_alone_is_changed_by_either_method() {
    let (stage, config) = with_record("mine").await;
    let before = stage.post(&config, json!({"key": "k", "value": 1})).await.json(201);
    let address = format!("{config}/{}", before["id"]);
    let after = stage.put(&address, json!({"value": {"new": true}})).await.json(200);
    assert_eq!((&after["value"], &after["key"]), (&json!({"new": true}), &json!("k")));
    assert_eq!((&after["id"], &after["created_at"]), (&before["id"], &before["created_at"]));
    assert_ne!(after["updated_at"], before["updated_at"]);
    let after = stage.patch(&address, json!({"value": null})).await.json(200);
    assert_eq!(after["value"], json!(null));
    assert_eq!(stage.patch(&address, json!({})).await.faults(), ["missing body.value"]);
    let faults = stage.put(&address, json!({"value": 1, "key": "other"})).await.faults();
    assert_eq!(faults, ["extra_forbidden body.key"]);
    assert_eq!(stage.get(&config).await.json(200), json!([after]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_removed_and_its_key_free_again() {
    let (stage, config) = with_record("mine").await;
    let id = stage.post(&config, json!({"key": "k", "value": 1})).await.json(201)["id"].clone();
    let address = format!("{config}/{id}");
    stage.delete(&address).await.is_empty();
    let gone = format!("Config with id {id} not found");
    assert_eq!(stage.delete(&address).await.detail(404), gone);
    assert_eq!(stage.put(&address, json!({"value": 2})).await.detail(404), gone);
    stage.post(&config, json!({"key": "k", "value": 2})).await.json(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_reached_through_its_own_record_only() {
    let (stage, config) = with_record("mine").await;
    let id = stage.post(&config, json!({"key": "k", "value": 1})).await.json(201)["id"].clone();
    let other = json!({"name": "other", "display_name": "o", "version": "1", "entry_point": "o"});
    let other = stage.post("/api/v1/plugins", other).await.json(201)["id"].clone();
    let address = format!("/api/v1/plugins/{other}/config/{id}");
    let gone = format!("Config with id {id} not found");
    assert_eq!(stage.patch(&address, json!({"value": 2})).await.detail(404), gone);
    assert_eq!(stage.delete(&address).await.detail(404), gone);
    assert_eq!(stage.get(&config).await.json(200)[0]["value"], 1);
    assert_eq!(stage.delete(&format!("{config}/one")).await.faults(), ["int_parsing path.config_id"]);
}
