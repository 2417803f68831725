//! `/api/v1/plugins`: registered and installed plugins, as existing clients know them.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    cast::Direction,
    stage::{Answer, Stage},
};

const PLUGINS: &str = "/api/v1/plugins";

fn new(name: &str) -> Json {
    json!({"name": name, "display_name": "A plugin", "version": "1.0", "entry_point": "main.py"})
}

async fn registered(stage: &Stage, name: &str) -> i64 {
    stage.post(PLUGINS, new(name)).await.json(201)["id"].as_i64().unwrap()
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json(200);
    list.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect()
}

/// The number of the record of that name.
async fn numbered(stage: &Stage, name: &str) -> i64 {
    let list = stage.get(PLUGINS).await.json(200);
    let record = list.as_array().unwrap().iter().find(|record| record["name"] == name);
    record.unwrap_or_else(|| panic!("no `{name}` in {list}"))["id"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_holds_records_by_number_a_page_at_a_time() {
    let stage = Stage::new().await;
    assert_eq!(stage.get(PLUGINS).await.json(200), json!([]));
    for name in ["c", "a", "b"] {
        registered(&stage, name).await;
    }
    assert_eq!(names(&stage.get(PLUGINS).await), ["c", "a", "b"]);
    assert_eq!(names(&stage.get("/api/v1/plugins/").await), ["c", "a", "b"]);
    assert_eq!(names(&stage.get("/api/v1/plugins/?skip=1&limit=1").await), ["a"]);
    assert_eq!(names(&stage.get("/api/v1/plugins?skip=9").await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_can_be_of_enabled_ones_only() {
    let stage = Stage::new().await;
    registered(&stage, "on").await;
    let mut off = new("off");
    off["enabled"] = json!(false);
    stage.post(PLUGINS, off).await.json(201);
    for yes in ["true", "1", "yes", "ON"] {
        assert_eq!(names(&stage.get(&format!("{PLUGINS}?enabled_only={yes}")).await), ["on"]);
    }
    assert_eq!(names(&stage.get("/api/v1/plugins?enabled_only=false").await), ["on", "off"]);
    assert_eq!(names(&stage.get("/api/v1/plugins?enabled_only=true&skip=1").await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_none_is_422_by_parameter() {
    let stage = Stage::new().await;
    let faults = async |query| stage.get(&format!("{PLUGINS}?{query}")).await.faults();
    assert_eq!(faults("skip=-1").await, ["greater_than_equal query.skip"]);
    assert_eq!(faults("limit=0").await, ["greater_than_equal query.limit"]);
    assert_eq!(faults("limit=1001").await, ["less_than_equal query.limit"]);
    assert_eq!(
        faults("skip=x&enabled_only=maybe").await,
        ["bool_parsing query.enabled_only", "int_parsing query.skip"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_fields_that_clients_know() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let record = stage.get(&format!("{PLUGINS}/{id}")).await.json(200);
    let fields: BTreeSet<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    let known = [
        "id",
        "name",
        "display_name",
        "description",
        "version",
        "author",
        "plugin_type",
        "entry_point",
        "enabled",
        "metadata",
        "install_path",
        "created_at",
        "updated_at",
        "status",
    ];
    assert_eq!(fields, BTreeSet::from(known));
    assert!(record["id"].is_i64() && record["enabled"] == true && record["plugin_type"] == "python");
    for absent in ["description", "author", "metadata", "install_path"] {
        assert_eq!(record[absent], Json::Null, "{absent}");
    }
    assert_eq!(record["created_at"], record["updated_at"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_a_record_is_404_and_what_is_no_number_422_at_every_address() {
    let stage = Stage::new().await;
    let (change, add, set) = (json!({}), json!({"key": "k", "value": 1}), json!({"value": 1}));
    for (method, below, body) in [
        (Method::GET, "", None),
        (Method::PUT, "", Some(&change)),
        (Method::PATCH, "", Some(&change)),
        (Method::DELETE, "", None),
        (Method::POST, "/enable", None),
        (Method::POST, "/disable", None),
        (Method::GET, "/config", None),
        (Method::POST, "/config", Some(&add)),
        (Method::PUT, "/config/1", Some(&set)),
        (Method::PATCH, "/config/1", Some(&set)),
        (Method::DELETE, "/config/1", None),
    ] {
        let ask = async |id| {
            let address = format!("{PLUGINS}/{id}{below}");
            stage.ask(method.clone(), &address, Some(stage.admin()), body.cloned()).await
        };
        assert_eq!(ask("9").await.detail(404), "Plugin with id 9 not found", "{method} {below}");
        assert_eq!(ask("nine").await.faults(), ["int_parsing path.id"], "{method} {below}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_keeps_what_is_sent_and_a_reason_why_it_does_not_run() {
    let stage = Stage::new().await;
    let sent = json!({
        "name": "rusty", "display_name": "Rusty", "description": "Old", "version": "0.1", "author": "Me",
        "plugin_type": "rust", "entry_point": "librusty.so", "plugin_metadata": {"tags": ["a"]},
    });
    let record = stage.post("/api/v1/plugins/", sent).await.json(201);
    for (field, value) in [
        ("name", json!("rusty")),
        ("display_name", json!("Rusty")),
        ("description", json!("Old")),
        ("version", json!("0.1")),
        ("author", json!("Me")),
        ("plugin_type", json!("rust")),
        ("entry_point", json!("librusty.so")),
        ("metadata", json!({"tags": ["a"]})),
        ("enabled", json!(true)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let status = record["status"].as_str().unwrap();
    assert!(
        status.starts_with("entry point `librusty.so` of rust plugin 'rusty' cannot be found"),
        "{status}"
    );
    assert_eq!(stage.get(&format!("{PLUGINS}/{}", record["id"])).await.json(200), record);
    assert!(stage.kernel.snapshot().plugin("rusty").is_none(), "nothing else starts");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_shall_not_run_has_no_reason_why_it_does_not() {
    let stage = Stage::new().await;
    let mut off = new("off");
    off["enabled"] = json!(false);
    let record = stage.post(PLUGINS, off).await.json(201);
    assert_eq!((&record["enabled"], &record["status"]), (&json!(false), &Json::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_of_a_name_is_refused_whoever_has_the_first() {
    let stage = Stage::with_folders().await;
    registered(&stage, "mine").await;
    for taken in ["mine", "greeter", "parrot", "administration"] {
        let said = stage.post(PLUGINS, new(taken)).await.detail(409);
        assert_eq!(said, format!("Plugin with name '{taken}' already exists"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_register_one_name_at_a_time_one_gets_it() {
    let stage = Stage::new().await;
    let all = (0..8).map(|_| stage.post(PLUGINS, new("mine")));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(all).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_breaks_rules_is_422_with_every_fault() {
    let stage = Stage::new().await;
    let faults = stage.post(PLUGINS, json!({})).await.faults();
    let missing = [
        "missing body.display_name",
        "missing body.entry_point",
        "missing body.name",
        "missing body.version",
    ];
    assert_eq!(faults, missing);
    let long = json!({
        "name": "n".repeat(256), "display_name": "", "version": "v".repeat(51), "entry_point": "e".repeat(501),
        "enabled": "perhaps", "plugin_metadata": [],
    });
    let faults = stage.post(PLUGINS, long).await.faults();
    let expected = [
        "bool_type body.enabled",
        "dict_type body.plugin_metadata",
        "string_too_long body.entry_point",
        "string_too_long body.name",
        "string_too_long body.version",
        "string_too_short body.display_name",
    ];
    assert_eq!(faults, expected);
    let longest = json!({
        "name": "n".repeat(255), "display_name": "d", "version": "v".repeat(50), "entry_point": "e".repeat(500),
    });
    stage.post(PLUGINS, longest).await.json(201);
    assert_eq!(stage.get(PLUGINS).await.json(200).as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_partial_by_either_method() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let address = format!("{PLUGINS}/{id}");
    let before = stage.get(&address).await.json(200);
    let after = stage.put(&address, json!({"display_name": "New", "version": "2"})).await.json(200);
    assert_eq!((&after["display_name"], &after["version"]), (&json!("New"), &json!("2")));
    assert_eq!((&after["name"], &after["entry_point"]), (&before["name"], &before["entry_point"]));
    assert_eq!(after["created_at"], before["created_at"]);
    assert_ne!(after["updated_at"], before["updated_at"]);
    let more = json!({"description": "Does", "author": "Me", "plugin_metadata": {"a": 1}});
    let after = stage.patch(&address, more).await.json(200);
    assert_eq!((&after["description"], &after["author"]), (&json!("Does"), &json!("Me")));
    assert_eq!((&after["metadata"], &after["display_name"]), (&json!({"a": 1}), &json!("New")));
    let less = json!({"description": null, "author": null, "plugin_metadata": null, "display_name": null});
    let after = stage.patch(&address, less).await.json(200);
    assert_eq!(json!([after["description"], after["author"], after["metadata"]]), json!([null, null, null]));
    assert_eq!(after["display_name"], "New", "what a record always has is not removed");
    assert_eq!(stage.get(&address).await.json(200), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_unknown_field_is_422_and_changes_nothing() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let address = format!("{PLUGINS}/{id}");
    let before = stage.get(&address).await.json(200);
    for field in
        ["name", "entry_point", "plugin_type", "metadata", "id", "status", "install_path", "nonsense"]
    {
        let change = json!({"display_name": "New", field: "x"});
        let expected = [format!("extra_forbidden body.{field}")];
        assert_eq!(stage.put(&address, change.clone()).await.faults(), expected);
        assert_eq!(stage.patch(&address, change).await.faults(), expected);
    }
    assert_eq!(stage.get(&address).await.json(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_switches_on_what_does_not_load_changes_nothing_else_either() {
    let stage = Stage::new().await;
    let mut off = new("mine");
    off["enabled"] = json!(false);
    let before = stage.post(PLUGINS, off).await.json(201);
    let address = format!("{PLUGINS}/{}", before["id"]);
    let said = stage.patch(&address, json!({"enabled": true, "display_name": "New"})).await.detail(500);
    assert!(said.starts_with("Failed to load plugin: entry point `main.py`"), "{said}");
    assert_eq!(stage.get(&address).await.json(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_record_can_be_sent_back_without_switching_anything() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let all = json!({
        "display_name": "New", "description": null, "version": "1.0", "author": null, "enabled": true,
        "plugin_metadata": null,
    });
    let after = stage.put(&format!("{PLUGINS}/{id}"), all).await.json(200);
    assert_eq!((&after["display_name"], &after["enabled"]), (&json!("New"), &json!(true)));
    assert!(after["status"].is_string(), "it still does not run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_removed_with_its_settings() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let address = format!("{PLUGINS}/{id}");
    stage.post(&format!("{address}/config"), json!({"key": "k", "value": 1})).await.json(201);
    stage.delete(&address).await.is_empty();
    let gone = format!("Plugin with id {id} not found");
    assert_eq!(stage.get(&address).await.detail(404), gone);
    assert_eq!(stage.delete(&address).await.detail(404), gone);
    assert_eq!(stage.get(&format!("{address}/config")).await.detail(404), gone);
    let again = registered(&stage, "mine").await;
    assert_ne!(again, id, "a number is not given twice");
    assert_eq!(stage.get(&format!("{PLUGINS}/{again}/config")).await.json(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_on_what_cannot_load_is_500_and_leaves_it_as_it_was() {
    let stage = Stage::new().await;
    let mut off = new("mine");
    off["enabled"] = json!(false);
    let before = stage.post(PLUGINS, off).await.json(201);
    let address = format!("{PLUGINS}/{}", before["id"]);
    let said = stage.post(&format!("{address}/enable"), json!(null)).await.detail(500);
    assert!(
        said.starts_with("Failed to load plugin: entry point `main.py` of python plugin 'mine' cannot be"),
        "{said}"
    );
    assert_eq!(stage.get(&address).await.json(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_off_is_for_good_and_takes_the_reason_away() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let disable = format!("{PLUGINS}/{id}/disable");
    for _ in 0..2 {
        let record = stage.post(&disable, json!(null)).await.json(200);
        assert_eq!(json!([record["id"], record["enabled"], record["status"]]), json!([id, false, null]));
    }
    let stage = stage.again().await;
    assert_eq!(stage.get(&format!("{PLUGINS}/{id}")).await.json(200)["enabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_has_a_record_and_what_is_built_in_has_none() {
    let stage = Stage::with_folders().await;
    let list = stage.get(PLUGINS).await;
    assert_eq!(names(&list), ["mute", "parrot"]);
    let list = list.json(200);
    let (mute, parrot) = (&list[0], &list[1]);
    assert_eq!((&mute["plugin_type"], &mute["entry_point"]), (&json!("python"), &json!("mute.py")));
    assert_eq!((&mute["enabled"], &mute["status"]), (&json!(true), &json!("`mute.py` is no component")));
    assert_eq!((&parrot["plugin_type"], &parrot["display_name"]), (&json!("wasm"), &json!("Parrot")));
    assert_eq!((&parrot["version"], &parrot["author"]), (&json!("0.3.0"), &json!("A friend")));
    assert_eq!((&parrot["enabled"], &parrot["status"]), (&json!(true), &Json::Null));
    assert!(parrot["install_path"].as_str().unwrap().ends_with("plugins/parrot"));
    let again = stage.again().await;
    assert_eq!(again.get(PLUGINS).await.json(200), list, "the same records after another start");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_is_switched_off_and_on_while_the_server_serves() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "parrot").await);
    let repeat = "/api/org/default/parrot/repeat";
    stage.get(repeat).await.json(200);
    let record = stage.post(&format!("{address}/disable"), json!(null)).await.json(200);
    assert_eq!((&record["enabled"], stage.get(repeat).await.status), (&json!(false), 404));
    assert!(!names(&stage.get("/api/v1/plugins?enabled_only=true").await).contains(&"parrot".to_owned()));
    let record = stage.post(&format!("{address}/enable"), json!(null)).await.json(200);
    assert_eq!((&record["enabled"], &record["status"]), (&json!(true), &Json::Null));
    stage.get(repeat).await.json(200);
    let record = stage.patch(&address, json!({"enabled": false})).await.json(200);
    assert_eq!((&record["enabled"], stage.get(repeat).await.status), (&json!(false), 404));
    let stage = stage.again().await;
    assert_eq!(
        (stage.get(&address).await.json(200)["enabled"].clone(), stage.get(repeat).await.status),
        (json!(false), 404)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_hook_leaves_what_is_installed_switched_off() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "parrot").await);
    let before = stage.post(&format!("{address}/disable"), json!(null)).await.json(200);
    stage.direction.fail("on_load", "no voice today");
    let said = stage.post(&format!("{address}/enable"), json!(null)).await.detail(500);
    assert_eq!(said, "Failed to load plugin: `on_load` of plugin `parrot` failed: no voice today");
    assert_eq!(stage.get(&address).await.json(200), before);
    assert_eq!(stage.get("/api/org/default/parrot/repeat").await.status, 404);
    stage.direction.fail_no_more();
    stage.post(&format!("{address}/enable"), json!(null)).await.json(200);
    stage.get("/api/org/default/parrot/repeat").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_and_broken_says_why_each_time() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "mute").await);
    let before = stage.get(&address).await.json(200);
    let said = stage.post(&format!("{address}/enable"), json!(null)).await.detail(500);
    assert_eq!(said, "Failed to load plugin: `mute.py` is no component");
    assert_eq!(stage.get(&address).await.json(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_is_not_removed_as_long_as_its_folder_stands() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "parrot").await);
    let said = stage.delete(&address).await.detail(409);
    assert!(said.starts_with("Plugin 'parrot' is installed in `"), "{said}");
    stage.get(&address).await.json(200);
    stage.get("/api/org/default/parrot/repeat").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_can_be_switched_off_and_is_off_after_another_start() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "mute").await);
    let off = stage.post(&format!("{address}/disable"), json!(null)).await.json(200);
    assert_eq!(off["enabled"], false);
    let stage = stage.again().await;
    assert_eq!(stage.get(&address).await.json(200)["enabled"], false);
    assert_eq!(stage.post(&format!("{address}/enable"), json!(null)).await.status, 500);
    assert_eq!(stage.get(&address).await.json(200)["enabled"], false);
    assert_eq!(stage.again().await.get(&address).await.json(200)["enabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_folder_is_gone_says_so_and_can_be_removed() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "parrot").await);
    std::fs::write(stage.plugins().join("parrot/manifest.yaml"), "id: [").unwrap();
    let stage = stage.again().await;
    let status = stage.get(&address).await.json(200)["status"].as_str().unwrap().to_owned();
    assert!(status.contains("parrot/manifest.yaml` has a fault"), "{status}");
    std::fs::remove_dir_all(stage.plugins().join("parrot")).unwrap();
    let stage = stage.again().await;
    let record = stage.get(&address).await.json(200);
    let status = record["status"].as_str().unwrap();
    assert!(
        status.starts_with("there is no plugin 'parrot' in `") && status.ends_with("any more"),
        "{status}"
    );
    stage.delete(&address).await.is_empty();
    assert_eq!(names(&stage.again().await.get(PLUGINS).await), ["mute"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_several_fields_at_a_time_all_hold() {
    let stage = Stage::new().await;
    let id = registered(&stage, "mine").await;
    let address = format!("{PLUGINS}/{id}");
    for round in 0..10 {
        let new = format!("round {round}");
        let fields = ["display_name", "description", "version", "author"];
        let all = fields.map(|field| stage.patch(&address, json!({ field: new })));
        for answer in futures_util::future::join_all(all).await {
            answer.json(200);
        }
        let record = stage.get(&address).await.json(200);
        assert_eq!(fields.map(|field| record[field].clone()), fields.map(|_| json!(new)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_while_it_was_installed_is_installed_anew_when_it_is_switched_on() {
    let direction = Direction::default();
    direction.fail("on_enable", "no perch");
    let stage = Stage::with_folders_directed(direction).await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "parrot").await);
    let record = stage.get(&address).await.json(200);
    assert_eq!(record["status"], "`on_enable` of plugin `parrot` failed: no perch");
    stage.direction.fail_no_more();
    let record = stage.post(&format!("{address}/enable"), json!(null)).await.json(200);
    assert_eq!(record["status"], Json::Null);
    stage.get("/api/org/default/parrot/repeat").await.json(200);
    stage.again().await.get("/api/org/default/parrot/repeat").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loaded_is_not_switched_off_when_it_does_not_want_to_go() {
    let stage = Stage::with_folders().await;
    let address = format!("{PLUGINS}/{}", numbered(&stage, "parrot").await);
    let before = stage.get(&address).await.json(200);
    stage.direction.fail("on_unload", "not yet");
    for answer in [
        stage.post(&format!("{address}/disable"), json!(null)).await,
        stage.put(&address, json!({"enabled": false, "display_name": "Polly"})).await,
    ] {
        assert_eq!(answer.detail(409), "`on_unload` of plugin `parrot` failed: not yet");
    }
    assert_eq!(stage.get(&address).await.json(200), before);
    stage.get("/api/org/default/parrot/repeat").await.json(200);
}
