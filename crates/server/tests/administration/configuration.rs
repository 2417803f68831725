//! `/api/admin/plugins/{id}/config`: how plugins are set, in layers.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::stage::Stage;

const CONFIG: &str = "/api/admin/plugins/greeter/config";
const HERE: &str = "/api/admin/plugins/greeter/config?organization=default";
const HELLO: &str = "/api/org/default/greeter/hello";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that is logged in this program.
fn captured() -> Lines {
    static LINES: LazyLock<Lines> = LazyLock::new(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
        let subscriber = everything.with_writer(move || writer.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        lines
    });
    LINES.clone()
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

async fn effective(stage: &Stage, address: &str) -> Json {
    stage.get(address).await.json(200)["effective"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organizations_configuration_stands_above_the_installations_and_that_above_the_defaults() {
    let stage = Stage::new().await;
    let read = stage.get(CONFIG).await.json(200);
    assert_eq!((&read["organization"], &read["set"]), (&Json::Null, &json!({})));
    assert_eq!(read["effective"], json!({"greeting": "Hello", "volume": 3}));
    assert_eq!(read["schema"]["properties"]["volume"], json!({"type": "integer", "minimum": 0}));
    let written = stage.put(CONFIG, json!({"greeting": "Hi", "volume": 5})).await.json(200);
    assert_eq!(written["set"], json!({"greeting": "Hi", "volume": 5}));
    let written = stage.put(HERE, json!({"greeting": "Moin"})).await.json(200);
    assert_eq!(
        (&written["organization"], &written["set"]),
        (&json!("default"), &json!({"greeting": "Moin"}))
    );
    assert_eq!(written["effective"], json!({"greeting": "Moin", "volume": 5}));
    assert_eq!(stage.get(HELLO).await.json(200), json!({"said": "Moin"}));
    stage.put(HERE, json!({})).await.json(200);
    assert_eq!(stage.get(HELLO).await.json(200), json!({"said": "Hi"}));
    let stage = stage.again().await;
    assert_eq!(effective(&stage, HERE).await, json!({"greeting": "Hi", "volume": 5}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_breaks_its_schema_is_422_with_every_fault_and_changes_nothing() {
    let stage = Stage::new().await;
    let faults = stage.put(CONFIG, json!({"greeting": "", "volume": -1, "colour": "red"})).await.faults();
    let expected = [
        "extra_forbidden config.colour",
        "greater_than_equal config.volume",
        "string_too_short config.greeting",
    ];
    assert_eq!(faults, expected);
    assert_eq!(stage.put(CONFIG, json!([])).await.status, 422);
    assert_eq!(effective(&stage, CONFIG).await, json!({"greeting": "Hello", "volume": 3}));
    let none = stage.put("/api/admin/plugins/choir/config", json!({"pitch": 1})).await.faults();
    assert_eq!(none, ["extra_forbidden config.pitch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_does_not_want_a_configuration_keeps_the_one_it_has() {
    let stage = Stage::new().await;
    stage.direction.fail("on_config_changed", "I know no such word");
    for address in [CONFIG, HERE] {
        let said = stage.put(address, json!({"greeting": "Xyzzy"})).await.detail(409);
        assert_eq!(said, "`on_config_changed` of plugin `greeter` failed: I know no such word");
    }
    assert_eq!(stage.get(HELLO).await.json(200), json!({"said": "Hello"}));
    let stage = stage.again().await;
    assert_eq!(effective(&stage, HERE).await, json!({"greeting": "Hello", "volume": 3}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_in_and_never_out_and_stays_when_the_rest_is_sent_back() {
    let stage = Stage::new().await;
    let written = stage.put(CONFIG, json!({"greeting": "Hi", "key": "hush"})).await;
    let read = stage.get(CONFIG).await;
    let below = stage.get(HERE).await;
    for answer in [&written, &read, &below] {
        assert!(!answer.text.contains("hush"), "{}", answer.text);
    }
    let mut back = read.json(200)["set"].clone();
    back["greeting"] = json!("Hey");
    stage.put(CONFIG, back).await.json(200);
    let kept =
        |stage: &Stage| stage.kernel.config(&"greeter".parse().unwrap(), None).unwrap().to::<Json>().unwrap();
    assert_eq!(kept(&stage), json!({"greeting": "Hey", "key": "hush", "volume": 3}));
    stage.put(CONFIG, json!({"greeting": "Hey", "key": null})).await.json(200);
    assert_eq!(kept(&stage), json!({"greeting": "Hey", "volume": 3}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_no_answer_no_file_and_no_line() {
    let lines = captured();
    let stage = Stage::new().await;
    stage.put(CONFIG, json!({"greeting": "Hi", "key": "hush-one"})).await.json(200);
    stage.patch(CONFIG, json!({"key": "hush-two"})).await.json(200);
    stage.patch(HERE, json!({"key": "hush-three", "volume": -1})).await.faults();
    let refused = stage.patch(HERE, json!({"key": ["hush-four"], "kee": "hush-five"})).await;
    assert_eq!(refused.faults(), ["extra_forbidden config.kee", "string_type config.key"]);
    assert!(!refused.text.contains("hush"), "{}", refused.text);
    stage.direction.fail("on_config_changed", "I know no such word");
    stage.patch(HERE, json!({"key": "hush-six"})).await.detail(409);
    stage.direction.fail_no_more();
    stage.post(&format!("{CONFIG}/history/2/undo"), json!({})).await.json(200);
    let addresses = [
        CONFIG.to_owned(),
        HERE.to_owned(),
        format!("{CONFIG}/history"),
        format!("{CONFIG}/export"),
        "/api/admin/configuration/export".to_owned(),
        "/api/admin/secrets".to_owned(),
        "/api/admin/plugins/greeter".to_owned(),
        HELLO.to_owned(),
    ];
    for address in addresses {
        let answer = stage.get(&address).await;
        assert_eq!(answer.status, 200, "{address}");
        assert!(
            !answer.text.contains("hush") && !answer.text.contains("swb1:"),
            "{address}: {}",
            answer.text
        );
    }
    assert!(!stage.is_in_files("hush-"), "a secret is in a file");
    let lines = lines.text();
    assert!(!lines.contains("hush"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_property_is_shown_with_where_its_value_comes_from() {
    let stage = Stage::new().await;
    stage.put(CONFIG, json!({"key": "hush"})).await.json(200);
    stage.put(HERE, json!({"greeting": "Moin"})).await.json(200);
    let shown = stage.get(HERE).await.json(200);
    let properties = shown["properties"].as_array().unwrap();
    let row = |name: &str| {
        let property = properties.iter().find(|property| property["name"] == name).unwrap();
        ["layer", "value", "default", "secret", "set"].map(|column| property[column].clone())
    };
    let (none, yes, no) = (Json::Null, json!(true), json!(false));
    let greeting = [json!("organization"), json!("Moin"), json!("Hello"), no.clone(), yes.clone()];
    assert_eq!(row("greeting"), greeting);
    assert_eq!(row("volume"), [json!("manifest"), json!(3), json!(3), no, yes.clone()]);
    assert_eq!(row("key"), [json!("installation"), none.clone(), none, yes.clone(), yes]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_the_history_and_can_be_taken_back() {
    let stage = Stage::new().await;
    stage.put(HERE, json!({"volume": 5, "key": "hush"})).await.json(200);
    stage.patch(HERE, json!({"volume": 6, "key": null})).await.json(200);
    let history = stage.get(&HERE.replace("config?", "config/history?limit=1&")).await.json(200);
    assert_eq!(history["total"], 2);
    let latest = &history["entries"][0];
    assert_eq!((&latest["number"], &latest["changed"]), (&json!(2), &json!(["key", "volume"])));
    assert_eq!((&latest["before"]["key"], &latest["after"]), (&json!("•••"), &json!({"volume": 6})));
    assert_eq!((&latest["actor_kind"], &latest["address"]), (&json!("token"), &json!("127.0.0.1")));
    let back = stage.post(&HERE.replace("config?", "config/history/2/undo?"), json!({})).await.json(200);
    assert_eq!(back["set"], json!({"volume": 5}));
    let key =
        back["properties"].as_array().unwrap().iter().find(|property| property["name"] == "key").unwrap();
    assert_eq!(key["set"], true);
    let none = stage.post(&HERE.replace("config?", "config/history/9/undo?"), json!({})).await;
    assert!(none.detail(404).contains("no change 9"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_may_stand_in_the_environment_for_the_installation_alone() {
    let stage = Stage::new().await;
    let reference = json!({"$env": "SWITCHBOARD_PLUGIN_GREETING"});
    let shown = stage.patch(CONFIG, json!({"greeting": reference})).await;
    assert!(!shown.text.contains("value of"), "{}", shown.text);
    let shown = shown.json(200);
    assert_eq!(
        (&shown["effective"]["greeting"], &shown["properties"][0]["reference"]),
        (&reference, &reference)
    );
    assert_eq!(stage.get(HELLO).await.json(200), json!({"said": "value of SWITCHBOARD_PLUGIN_GREETING"}));
    // Where a value does not fit, that is said, and not what it is.
    let wrong = stage.patch(CONFIG, json!({"volume": {"$env": "SWITCHBOARD_PLUGIN_VOLUME"}})).await;
    assert_eq!(wrong.faults(), ["int_type config.volume"]);
    assert!(!wrong.text.contains("value of"), "{}", wrong.text);
    let said = stage.patch(HERE, json!({"greeting": reference})).await.detail(403);
    assert!(said.contains("only an administrator of the whole server"), "{said}");
    for (name, why) in [("HOME", "may not be referred to"), ("SWITCHBOARD_PLUGIN_MISSING", "is not set")] {
        let answer = stage.patch(CONFIG, json!({"greeting": {"$env": name}})).await;
        assert_eq!(answer.faults(), ["reference config.greeting"]);
        assert!(answer.text.contains(why), "{}", answer.text);
    }
    stage.post("/api/admin/configuration/reload", json!({})).await.is_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_is_tried_and_then_imported() {
    let stage = Stage::new().await;
    stage.put(CONFIG, json!({"volume": 5, "key": "hush"})).await.json(200);
    let exported = stage.get("/api/admin/configuration/export").await.json(200);
    let expected = json!({"config": {"volume": 5}, "secrets": ["key"]});
    assert_eq!(exported, json!({"organization": null, "plugins": {"greeter": expected}}));
    let import = "/api/admin/configuration/import?organization=default";
    let tried = stage.post(&format!("{import}&dry_run=true"), exported.clone()).await.json(200);
    assert_eq!((&tried["done"], &tried["plugins"][0]["missing_secrets"]), (&json!(false), &json!(["key"])));
    assert_eq!(stage.get(HERE).await.json(200)["set"], json!({}));
    stage.post(import, exported.clone()).await.json(200);
    assert_eq!(stage.get(HERE).await.json(200)["set"], json!({"volume": 5}));
    let mut wrong = exported;
    wrong["plugins"]["greeter"]["config"]["volume"] = json!(-1);
    assert_eq!(
        stage.post(import, wrong).await.faults(),
        ["greater_than_equal plugins.greeter.config.volume"]
    );
    let other = stage.post(&format!("{CONFIG}/import"), json!({"plugins": {"choir": {"config": {}}}})).await;
    assert!(other.detail(422).contains("no configuration of plugin `greeter`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_and_secrets_are_what_they_were() {
    let stage = Stage::new().await;
    stage.put(CONFIG, json!({"key": "hush"})).await.json(200);
    let old = stage.get("/api/admin/secrets").await.json(200)["keys"][0]["key"].clone();
    let rotated = stage.post("/api/admin/secrets/rotate", json!({})).await.json(200);
    assert_eq!((&rotated["dropped"], &rotated["left"]), (&json!([old]), &json!([])));
    let stage = stage.again().await;
    let config = stage.kernel.config(&"greeter".parse().unwrap(), None).unwrap().to::<Json>().unwrap();
    assert_eq!(config["key"], "hush");
    let observer = stage.token("observer", None, &["admin:read", "admin:plugins"]).await;
    for (method, address) in
        [(Method::GET, "/api/admin/secrets"), (Method::POST, "/api/admin/secrets/rotate")]
    {
        assert_eq!(stage.ask(method, address, Some(&observer), Some(json!({}))).await.status, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_nobody_is_404() {
    let stage = Stage::new().await;
    let nobody = format!("{CONFIG}?organization=nobody");
    assert_eq!(stage.get(&nobody).await.detail(404), "there is no organization `nobody`");
    assert_eq!(stage.put(&nobody, json!({})).await.detail(404), "there is no organization `nobody`");
}
