//! `/api/admin/plugins/{id}/config`: how plugins are set, in layers.

use serde_json::{Value as Json, json};

use crate::stage::Stage;

const CONFIG: &str = "/api/admin/plugins/greeter/config";
const HERE: &str = "/api/admin/plugins/greeter/config?organization=default";
const HELLO: &str = "/api/org/default/greeter/hello";

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
    let greeter = "greeter".parse().unwrap();
    let kept =
        |stage: &Stage| stage.kernel.settings().layer(&greeter, switchboard_kernel::Layer::Installation);
    assert_eq!(json!(kept(&stage)), json!({"greeting": "Hey", "key": "hush"}));
    stage.put(CONFIG, json!({"greeting": "Hey", "key": null})).await.json(200);
    assert_eq!(json!(kept(&stage)), json!({"greeting": "Hey"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_nobody_is_404() {
    let stage = Stage::new().await;
    let nobody = format!("{CONFIG}?organization=nobody");
    assert_eq!(stage.get(&nobody).await.detail(404), "there is no organization `nobody`");
    assert_eq!(stage.put(&nobody, json!({})).await.detail(404), "there is no organization `nobody`");
}
