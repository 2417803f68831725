//! `/api/admin/plugins`: what there is, and switching it on and off while the server serves.

use std::sync::Arc;
use switchboard_kernel::By;

use serde_json::{Value as Json, json};

use crate::stage::Stage;

const PLUGINS: &str = "/api/admin/plugins";
const HELLO: &str = "/api/org/default/greeter/hello";
const SING: &str = "/api/org/default/choir/sing";

fn ids(list: &Json) -> Vec<&str> {
    list["plugins"].as_array().unwrap().iter().map(|plugin| plugin["id"].as_str().unwrap()).collect()
}

async fn shown(stage: &Stage, id: &str) -> Json {
    stage.get(&format!("{PLUGINS}/{id}")).await.json(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_is_listed_with_its_state_and_the_reason_for_it() {
    let stage = Stage::with_folders().await;
    let list = stage.get(PLUGINS).await.json(200);
    assert_eq!(
        ids(&list),
        ["administration", "choir", "encore", "greeter", "mute", "organization", "parrot", "riddle"]
    );
    assert_eq!(list["total"], 8);
    let of = |position: usize| &list["plugins"][position];
    assert_eq!(
        (&of(0)["state"], &of(0)["global"], &of(0)["type"]),
        (&json!("loaded"), &json!(true), &json!("builtin"))
    );
    assert_eq!((&of(1)["state"], &of(1)["organizations"]), (&json!("loaded"), &json!([])));
    assert_eq!((&of(3)["organizations"], &of(3)["reason"]), (&json!(["default"]), &Json::Null));
    assert_eq!((&of(4)["state"], &of(4)["reason"]), (&json!("failed"), &json!("`mute.py` is no component")));
    assert_eq!((&of(6)["state"], &of(6)["type"]), (&json!("loaded"), &json!("external")));
    assert!(of(6)["folder"].as_str().unwrap().ends_with("plugins/parrot"));
    assert_eq!(of(7)["state"], "unreadable");
    assert!(of(7)["reason"].as_str().unwrap().contains("manifest.yaml"), "{}", of(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_can_be_narrowed_and_paged() {
    let stage = Stage::with_folders().await;
    let list = async |query| stage.get(&format!("{PLUGINS}?{query}")).await.json(200);
    assert_eq!(ids(&list("state=failed").await), ["mute"]);
    assert_eq!(ids(&list("category=game").await), ["mute", "parrot"]);
    assert_eq!(ids(&list("q=SAYS").await), ["greeter"]);
    let page = list("skip=1&limit=2").await;
    assert_eq!((ids(&page), &page["total"]), (vec!["choir", "encore"], &json!(8)));
    assert_eq!(stage.get("/api/admin/plugins?state=asleep").await.status, 422);
    assert_eq!(stage.get("/api/admin/plugins?limit=0").await.faults(), ["greater_than_equal query.limit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_shown_with_its_manifest_its_addresses_and_what_was_counted() {
    let stage = Stage::new().await;
    stage.get(HELLO).await.json(200);
    let greeter = shown(&stage, "greeter").await;
    assert_eq!((&greeter["id"], &greeter["version"]), (&json!("greeter"), &json!("1.0.0")));
    assert_eq!(greeter["manifest"]["config_defaults"], json!({"greeting": "Hello", "volume": 3}));
    let hello = &greeter["routes"][0];
    assert_eq!(
        (&hello["method"], &hello["address"]),
        (&json!("GET"), &json!("/api/org/{org}/greeter/hello"))
    );
    assert_eq!((&hello["summary"], &hello["scope"]), (&json!("Hello"), &json!("organization")));
    let requests = greeter["measures"].as_array().unwrap().iter().find(|of| of["kind"] == "request").unwrap();
    assert_eq!((&requests["calls"], &requests["failed"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_which_no_plugin_can_be_made_out_is_shown_with_the_reason() {
    let stage = Stage::with_folders().await;
    let riddle = shown(&stage, "riddle").await;
    assert_eq!((&riddle["state"], &riddle["manifest"]), (&json!("unreadable"), &Json::Null));
    for answer in [
        stage.post(&format!("{PLUGINS}/riddle/enable"), json!({})).await,
        stage.post(&format!("{PLUGINS}/riddle/disable"), json!({})).await,
        stage.get(&format!("{PLUGINS}/riddle/config")).await,
    ] {
        let said = answer.detail(404);
        assert!(
            said.starts_with("no plugin could be made out in `") && said.contains("manifest.yaml"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_none_is_404_at_every_address() {
    let stage = Stage::new().await;
    let said = "there is no plugin `nobody`; GET /api/admin/plugins lists those there are";
    let nobody = format!("{PLUGINS}/nobody");
    for answer in [
        stage.get(&nobody).await,
        stage.post(&format!("{nobody}/enable"), json!({})).await,
        stage.post(&format!("{nobody}/disable"), json!({"organization": "default"})).await,
        stage.get(&format!("{nobody}/config")).await,
        stage.put(&format!("{nobody}/config"), json!({})).await,
    ] {
        assert_eq!(answer.detail(404), said);
        assert_eq!(answer.content_type, "application/problem+json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_stopped_and_the_next_finds_the_plugin_off() {
    let stage = Arc::new(Stage::new().await);
    for (whom, on_again) in
        [(json!({"organization": "default"}), json!({"organization": "default"})), (json!({}), json!({}))]
    {
        let under_way = tokio::spawn({
            let stage = Arc::clone(&stage);
            async move { stage.get("/api/org/default/greeter/wait").await }
        });
        stage.direction.entered().await;
        stage.post(&format!("{PLUGINS}/greeter/disable"), whom.clone()).await.json(200);
        let next = stage.get(HELLO).await.detail(404);
        let expected = match whom.get("organization") {
            Some(_) => "plugin `greeter` is not switched on for organization `default`".to_owned(),
            None => format!("nothing answers at {HELLO}; /api/docs lists what does"),
        };
        assert_eq!(next, expected);
        let told = under_way.await.unwrap().detail(503);
        assert_eq!(told, "plugin `greeter` was stopped in a request: it was switched off");
        stage.post(&format!("{PLUGINS}/greeter/enable"), on_again).await.json(200);
        assert_eq!(stage.get(HELLO).await.json(200), json!({"said": "Hello"}));
        if whom.get("organization").is_some() {
            // So that the whole plugin can be switched off next.
            stage.kernel.switch_off(&By::system("test"), "choir").await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_switched_without_the_others() {
    let stage = Stage::new().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    stage.direction.called();
    let off =
        stage.post(&format!("{PLUGINS}/greeter/disable"), json!({"organization": "default"})).await.json(200);
    assert_eq!((&off["organizations"], &off["state"]), (&json!(["acme"]), &json!("loaded")));
    assert_eq!(stage.get(HELLO).await.status, 404);
    stage.get("/api/org/acme/greeter/hello").await.json(200);
    let on =
        stage.post(&format!("{PLUGINS}/greeter/enable"), json!({"organization": "default"})).await.json(200);
    assert_eq!(on["organizations"], json!(["default", "acme"]));
    assert_eq!(stage.direction.called(), ["greeter.on_disable", "greeter.on_enable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_to_what_is_already_so_is_no_error_and_calls_no_hook() {
    let stage = Stage::new().await;
    stage.post(&format!("{PLUGINS}/greeter/enable"), json!({"organization": "default"})).await.json(200);
    stage.post(&format!("{PLUGINS}/greeter/enable"), json!({})).await.json(200);
    stage.post(&format!("{PLUGINS}/choir/disable"), json!({"organization": "default"})).await.json(200);
    assert_eq!(stage.direction.called(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_require_stays_on_and_what_requires_others_stays_off() {
    let stage = Stage::new().await;
    let (enable, disable) = (format!("{PLUGINS}/choir/enable"), format!("{PLUGINS}/greeter/disable"));
    let here = json!({"organization": "default"});
    stage.post(&enable, here.clone()).await.json(200);
    stage.get(SING).await.json(200);
    let said = stage.post(&disable, here.clone()).await.detail(409);
    assert_eq!(
        said,
        "plugin `greeter` is required by `choir`: disable that for `default` first, or all together by `with_dependents`"
    );
    let said = stage.post(&disable, json!({})).await.detail(409);
    assert_eq!(said, "plugin `greeter` is required by `choir`: switch those off first");
    stage.get(HELLO).await.json(200);
    stage.post(&format!("{PLUGINS}/choir/disable"), here.clone()).await.json(200);
    stage.post(&disable, here.clone()).await.json(200);
    let said = stage.post(&enable, here).await.detail(409);
    assert_eq!(
        said,
        "plugin `choir` requires `greeter`: enable that for `default` first, or all together by `with_requirements`"
    );
    assert_eq!(stage.get(SING).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_disable_leaves_the_plugin_on() {
    let stage = Stage::new().await;
    let before = shown(&stage, "greeter").await["organizations"].clone();
    stage.direction.fail("on_disable", "I am busy");
    let said = stage
        .post(&format!("{PLUGINS}/greeter/disable"), json!({"organization": "default"}))
        .await
        .detail(409);
    assert_eq!(said, "`on_disable` of plugin `greeter` failed: I am busy");
    stage.get(HELLO).await.json(200);
    assert_eq!(shown(&stage, "greeter").await["organizations"], before);
    let stage = stage.again().await;
    stage.get(HELLO).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_enable_leaves_the_plugin_off() {
    let stage = Stage::new().await;
    let (here, enable) = (json!({"organization": "default"}), format!("{PLUGINS}/greeter/enable"));
    stage.post(&format!("{PLUGINS}/greeter/disable"), here.clone()).await.json(200);
    stage.direction.fail("on_enable", "I am tired");
    let said = stage.post(&enable, here.clone()).await.detail(409);
    assert_eq!(said, "`on_enable` of plugin `greeter` failed: I am tired");
    assert_eq!(stage.get(HELLO).await.status, 404);
    let stage = stage.again().await;
    assert_eq!(stage.get(HELLO).await.status, 404);
    stage.post(&enable, here).await.json(200);
    stage.get(HELLO).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_unload_leaves_the_plugin_serving() {
    let stage = Stage::new().await;
    stage.post(&format!("{PLUGINS}/choir/disable"), json!({})).await.json(200);
    stage.direction.fail("on_unload", "not yet");
    let said = stage.post(&format!("{PLUGINS}/greeter/disable"), json!({})).await.detail(409);
    assert_eq!(said, "`on_unload` of plugin `greeter` failed: not yet");
    stage.get(HELLO).await.json(200);
    assert_eq!(shown(&stage, "greeter").await["state"], "loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_load_leaves_the_plugin_switched_off() {
    let stage = Stage::new().await;
    stage.post(&format!("{PLUGINS}/choir/disable"), json!({})).await.json(200);
    let off = stage.post(&format!("{PLUGINS}/greeter/disable"), json!({})).await.json(200);
    assert_eq!(off["state"], "disabled");
    stage.direction.fail("on_load", "no voice");
    let said = stage.post(&format!("{PLUGINS}/greeter/enable"), json!({})).await.detail(409);
    assert_eq!(said, "`on_load` of plugin `greeter` failed: no voice");
    let still = shown(&stage, "greeter").await;
    assert_eq!((&still["state"], &still["reason"]), (&off["state"], &off["reason"]));
    assert_eq!(stage.get(HELLO).await.status, 404);
    stage.direction.fail_no_more();
    let on = stage.post(&format!("{PLUGINS}/greeter/enable"), json!({})).await.json(200);
    assert_eq!((&on["state"], &on["organizations"]), (&json!("loaded"), &json!(["default"])));
    stage.get(HELLO).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_switched_off_is_off_after_another_start() {
    let stage = Stage::new().await;
    let off = stage.post(&format!("{PLUGINS}/choir/disable"), json!({})).await.json(200);
    let reason = "it was switched off by an administrator; `switchboard plugin enable choir` switches it on";
    assert_eq!((&off["state"], &off["reason"]), (&json!("disabled"), &json!(reason)));
    let stage = stage.again().await;
    let still = shown(&stage, "choir").await;
    assert_eq!((&still["state"], &still["reason"]), (&json!("disabled"), &json!(reason)));
    let said =
        stage.post(&format!("{PLUGINS}/choir/enable"), json!({"organization": "default"})).await.detail(409);
    assert_eq!(said, format!("plugin `choir` does not serve: {reason}"));
    stage.post(&format!("{PLUGINS}/choir/enable"), json!({})).await.json(200);
    assert_eq!(shown(&stage.again().await, "choir").await["state"], "loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_switches_plugins_on_stays_on() {
    let stage = Stage::new().await;
    for whom in [json!({}), json!({"organization": "default"})] {
        let said = stage.post(&format!("{PLUGINS}/administration/disable"), whom).await.detail(409);
        assert_eq!(said, "plugin `administration` is what switches plugins on again: it stays on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_whom_to_switch_is_said_rightly_or_422_and_404() {
    let stage = Stage::new().await;
    let enable = format!("{PLUGINS}/greeter/enable");
    assert_eq!(stage.post(&enable, json!({"org": "default"})).await.faults(), ["extra_forbidden body.org"]);
    assert_eq!(
        stage.post(&enable, json!({"organization": 1})).await.faults(),
        ["string_type body.organization"]
    );
    let said = stage.post(&enable, json!({"organization": "nobody"})).await.detail(404);
    assert_eq!(said, "there is no organization `nobody`");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_come_while_a_plugin_is_switched_get_one_answer_or_the_other() {
    let stage = Arc::new(Stage::new().await);
    let asking = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move {
            let mut seen = Vec::new();
            for _ in 0..60 {
                seen.push(stage.get(HELLO).await.status);
            }
            seen
        }
    });
    for _ in 0..10 {
        for verb in ["disable", "enable"] {
            let here = json!({"organization": "default"});
            stage.post(&format!("{PLUGINS}/greeter/{verb}"), here).await.json(200);
        }
    }
    let seen = asking.await.unwrap();
    assert!(seen.iter().all(|status| [200, 404].contains(status)), "{seen:?}");
    stage.get(HELLO).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_reads_waits_for_a_hook_that_takes_its_time() {
    let stage = Arc::new(Stage::with_folders().await);
    stage.get("/api/v1/plugins").await.json(200);
    stage.direction.hold("on_disable");
    let here = json!({"organization": "default"});
    let switching = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.post(&format!("{PLUGINS}/greeter/disable"), here).await }
    });
    stage.direction.entered().await;
    for address in [PLUGINS, "/api/admin/plugins/greeter", "/api/v1/plugins", "/api/admin/tokens", HELLO] {
        stage.get(address).await.json(200);
    }
    stage.direction.let_go();
    switching.await.unwrap().json(200);
    assert_eq!(stage.get(HELLO).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_comes_to_its_end_though_whoever_asked_for_it_has_left() {
    let stage = Stage::new().await;
    stage.direction.hold("on_disable");
    let here = json!({"organization": "default"});
    let address = format!("{PLUGINS}/greeter/disable");
    let leaves = stage.post(&address, here.clone());
    tokio::select! {
        answer = leaves => panic!("answered while the hook runs: {answer:?}"),
        () = stage.direction.entered() => {}
    }
    stage.direction.let_go();
    // The next change waits for the one before it.
    stage.kernel.create_organization(&By::system("test"), "next", "Next").await.unwrap();
    assert_eq!(stage.get(HELLO).await.status, 404);
    assert_eq!(stage.direction.called(), ["greeter.on_disable", "greeter.on_enable"]);
}
