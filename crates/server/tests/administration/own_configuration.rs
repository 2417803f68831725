//! `/api/org/{org}/organization/plugins/{id}/config`: what an organization sets for itself, and what it is kept from.

use reqwest::Method;
use serde_json::{Value as Json, json};
use switchboard_kernel::By;

use crate::stage::{Answer, Stage};

const OWN: &str = "/api/org/default/organization/plugins/greeter/config";
const ADMINISTRATED: &str = "/api/admin/plugins/greeter/config";
const HELLO: &str = "/api/org/default/greeter/hello";

/// A server, and tokens of its organization: of one who may configure plugins, and of one who may look.
async fn stage() -> (Stage, String, String) {
    let stage = Stage::new().await;
    let configures = stage.token("configures", Some("default"), &["plugin:read", "plugin:configure"]).await;
    let looks = stage.token("looks", Some("default"), &["plugin:read"]).await;
    (stage, configures, looks)
}

async fn ask(stage: &Stage, method: Method, below: &str, token: &str, body: Json) -> Answer {
    let body = (method != Method::GET).then_some(body);
    stage.ask(method, &format!("{OWN}{below}"), Some(token), body).await
}

fn property(shown: &Json, name: &str) -> Json {
    let properties = shown["properties"].as_array().unwrap();
    properties.iter().find(|property| property["name"] == name).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_sets_its_own_layer_and_sees_the_others() {
    let (stage, configures, looks) = stage().await;
    stage.put(ADMINISTRATED, json!({"greeting": "Hi", "volume": 5})).await.json(200);
    let set = ask(&stage, Method::PUT, "", &configures, json!({"greeting": "Moin", "key": "hush-1"})).await;
    assert!(!set.text.contains("hush"), "{}", set.text);
    assert_eq!(set.json(200)["set"], json!({"greeting": "Moin"}));
    let shown = ask(&stage, Method::GET, "", &looks, Json::Null).await.json(200);
    assert_eq!(shown["organization"], "default");
    let layers = ["greeting", "volume", "key"].map(|name| property(&shown, name)["layer"].clone());
    assert_eq!(layers, ["organization", "installation", "organization"]);
    assert_eq!(property(&shown, "key")["set"], true);
    assert_eq!(stage.get(HELLO).await.json(200)["said"], "Moin");

    ask(&stage, Method::PATCH, "", &configures, json!({"greeting": null})).await.json(200);
    assert_eq!(stage.get(HELLO).await.json(200)["said"], "Hi", "what stands below holds again");
    assert_eq!(stage.get(ADMINISTRATED).await.json(200)["set"], json!({"greeting": "Hi", "volume": 5}));
    let faults = ask(&stage, Method::PATCH, "", &configures, json!({"volume": -1, "loud": true})).await;
    assert_eq!(faults.faults(), ["extra_forbidden config.loud", "greater_than_equal config.volume"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_taken_back_and_moved() {
    let (stage, configures, _) = stage().await;
    ask(&stage, Method::PATCH, "", &configures, json!({"volume": 5, "key": "hush-1"})).await.json(200);
    ask(&stage, Method::PATCH, "", &configures, json!({"volume": 6, "key": "hush-2"})).await.json(200);
    let history = ask(&stage, Method::GET, "/history?limit=1", &configures, Json::Null).await;
    assert!(!history.text.contains("hush"), "{}", history.text);
    let history = history.json(200);
    assert_eq!((&history["total"], &history["entries"][0]["actor"]), (&json!(2), &json!("configures")));
    let undone = ask(&stage, Method::POST, "/history/2/undo", &configures, json!({})).await.json(200);
    assert_eq!(undone["set"], json!({"volume": 5}));

    let exported = ask(&stage, Method::GET, "/export", &configures, Json::Null).await.json(200);
    let expected = json!({"config": {"volume": 5}, "secrets": ["key"]});
    assert_eq!(exported, json!({"organization": "default", "plugins": {"greeter": expected}}));
    let mut imported = exported.clone();
    imported["plugins"]["greeter"]["config"]["volume"] = json!(9);
    // Only the plugin of the address is set, be others in it too.
    imported["plugins"]["choir"] = json!({"config": {"nonsense": 1}});
    let tried =
        ask(&stage, Method::POST, "/import?dry_run=true", &configures, imported.clone()).await.json(200);
    assert_eq!((&tried["done"], &tried["plugins"][0]["plugin"]), (&json!(false), &json!("greeter")));
    assert_eq!(ask(&stage, Method::GET, "", &configures, Json::Null).await.json(200)["set"]["volume"], 5);
    ask(&stage, Method::POST, "/import", &configures, imported).await.json(200);
    assert_eq!(ask(&stage, Method::GET, "", &configures, Json::Null).await.json(200)["set"]["volume"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_environment_and_files_are_out_of_reach_by_every_way_in() {
    let (stage, configures, looks) = stage().await;
    let reference = json!({"$env": "SWITCHBOARD_PLUGIN_GREETING"});
    for reference in [&reference, &json!({"$file": "secrets/key"})] {
        for method in [Method::PUT, Method::PATCH] {
            for token in [configures.as_str(), stage.admin()] {
                let refused = ask(&stage, method.clone(), "", token, json!({"greeting": reference})).await;
                assert!(refused.detail(403).contains("only an administrator of the whole server"));
            }
        }
        let import = json!({"plugins": {"greeter": {"config": {"greeting": reference}}}});
        let refused = ask(&stage, Method::POST, "/import", &configures, import).await;
        assert!(refused.text.contains("only an administrator of the whole server"), "{}", refused.text);
        assert_eq!(refused.status, 422);
    }
    // What the installation takes from there serves, and where it stands is not told.
    stage.patch(ADMINISTRATED, json!({"greeting": reference})).await.json(200);
    assert_eq!(stage.get(HELLO).await.json(200)["said"], "value of SWITCHBOARD_PLUGIN_GREETING");
    for token in [&looks, &configures] {
        let shown = ask(&stage, Method::GET, "", token, Json::Null).await;
        assert!(!shown.text.contains("SWITCHBOARD_PLUGIN"), "{}", shown.text);
        let greeting = property(&shown.json(200), "greeting");
        assert_eq!((&greeting["set"], &greeting["layer"]), (&json!(true), &json!("installation")));
    }
    // What is wrong with the organization's own is told by field, with nothing of that.
    let wrong = ask(&stage, Method::PATCH, "", &configures, json!({"volume": -1})).await;
    assert_eq!(wrong.faults(), ["greater_than_equal config.volume"]);
    assert!(!wrong.text.contains("SWITCHBOARD_PLUGIN"), "{}", wrong.text);
    ask(&stage, Method::PATCH, "", &configures, json!({"volume": 4})).await.json(200);
    // The installation's history is another one: it cannot be undone from here.
    ask(&stage, Method::POST, "/history/1/undo", &configures, json!({})).await.json(200);
    let undo = ask(&stage, Method::POST, "/history/9/undo", &configures, json!({})).await;
    assert!(undo.detail(404).contains("no change 9"), "{}", undo.text);
    assert_eq!(stage.get(ADMINISTRATED).await.json(200)["set"]["greeting"], reference);
}

/// The new routes, and a body for each.
fn routes() -> [(Method, &'static str, Json); 7] {
    let import = json!({"plugins": {"encore": {"config": {}}, "greeter": {"config": {}}}});
    [
        (Method::GET, "", Json::Null),
        (Method::PUT, "", json!({})),
        (Method::PATCH, "", json!({})),
        (Method::GET, "/history", Json::Null),
        (Method::POST, "/history/1/undo", json!({})),
        (Method::GET, "/export", Json::Null),
        (Method::POST, "/import", import),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_plugin_that_was_not_granted_is_as_one_that_is_not_there() {
    let (stage, configures, _) = stage().await;
    for (method, below, body) in routes() {
        let said = async |plugin: &str| {
            let address = format!("{}{below}", OWN.replace("greeter", plugin));
            let body = (!body.is_null()).then(|| body.clone());
            let answer = stage.ask(method.clone(), &address, Some(&configures), body).await;
            answer.detail(404).replace(plugin, "it")
        };
        assert_eq!(said("encore").await, said("nobody").await, "{method} {below}");
    }
    stage.put("/api/admin/plugins/encore/access/default", json!({})).await;
    let granted = OWN.replace("greeter", "encore");
    stage.ask(Method::GET, &granted, Some(&configures), None).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_changes_nothing_and_another_organization_is_out_of_reach() {
    let (stage, _, looks) = stage().await;
    stage.kernel.create_organization(&By::system("test"), "rival", "Rival").await.unwrap();
    let rival = stage.token("rival", Some("rival"), &["*"]).await;
    for (method, below, body) in routes() {
        let status = ask(&stage, method.clone(), below, &looks, body.clone()).await.status;
        let may = method == Method::GET && below.is_empty();
        assert_eq!(status, if may { 200 } else { 403 }, "{method} {below}");
        assert_eq!(ask(&stage, method, below, &rival, body).await.status, 404, "{below}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_has_its_line_in_the_organizations_audit_log() {
    let (stage, configures, _) = stage().await;
    let import = json!({"plugins": {"greeter": {"config": {"volume": 8}}}});
    for (method, below, body, action) in [
        (Method::PUT, "", json!({"volume": 5, "key": "hush-1"}), "plugin.configured"),
        (Method::PATCH, "", json!({"volume": 6}), "plugin.configured"),
        (Method::POST, "/history/2/undo", json!({}), "plugin.config_undone"),
        (Method::POST, "/import", import, "config.imported"),
    ] {
        ask(&stage, method.clone(), below, &configures, body).await.json(200);
        let audit = "/api/org/default/organization/audit?limit=1";
        let line = stage.get(audit).await;
        assert!(!line.text.contains("hush"), "{}", line.text);
        let line = &line.json(200)["lines"][0];
        assert_eq!((&line["action"], &line["organization"]), (&json!(action), &json!("default")));
        assert_eq!(line["actor"]["name"], "configures", "{method} {below}");
    }
}
