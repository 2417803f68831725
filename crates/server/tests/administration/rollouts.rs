//! Plugins in many organizations at once: `/api/admin/enablement`, rollouts, and who may have what is private.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::stage::Stage;

const BULK: &str = "/api/admin/enablement";
const ROLLOUT: &str = "/api/admin/plugins/choir/rollout";
const ACCESS: &str = "/api/admin/plugins/encore/access";

/// A server with so many organizations beside `default`, in all of which `greeter` is on and `choir` off.
async fn with_teams(count: usize) -> Stage {
    let stage = Stage::new().await;
    for number in 0..count {
        let new = json!({"slug": format!("team-{number}"), "name": "Team"});
        stage.post("/api/admin/organizations", new).await.json(201);
    }
    stage
}

async fn on_in(stage: &Stage, plugin: &str) -> Vec<String> {
    let shown = stage.get(&format!("/api/admin/plugins/{plugin}")).await.json(200);
    serde_json::from_value(shown["organizations"].clone()).unwrap()
}

fn counts(report: &Json) -> [i64; 4] {
    ["switched", "unchanged", "declined", "refused"].map(|count| report[count].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_plugins_are_switched_in_many_organizations_and_whoever_refuses_holds_up_nobody() {
    let stage = with_teams(3).await;
    let greeter_off =
        json!({"switches": [{"plugin": "greeter", "organizations": ["team-1"], "enabled": false}]});
    stage.post(BULK, greeter_off).await.json(200);

    // Alone, the choir refuses where what it requires is off; and nothing is done by looking at it.
    let everywhere = json!({"switches": [{"plugin": "choir", "enabled": true}]});
    let mut tried = everywhere.clone();
    tried["dry_run"] = json!(true);
    let dry = stage.post(BULK, tried).await.json(200);
    assert_eq!(counts(&dry), [3, 0, 0, 1]);
    assert_eq!(on_in(&stage, "choir").await, [""; 0]);
    let done = stage.post(BULK, everywhere).await.json(200);
    assert_eq!(done, dry, "it does what it said it would");
    let refused = done["lines"].as_array().unwrap().iter().find(|line| line["outcome"] == "refused").unwrap();
    assert_eq!(refused["organization"], "team-1");
    assert!(refused["reason"].as_str().unwrap().contains("requires `greeter`"), "{refused}");
    assert_eq!(on_in(&stage, "choir").await, ["default", "team-0", "team-2"]);

    // Named together, in whichever order, each comes after what it requires; off, before it.
    let both = |enabled: bool| {
        json!({"switches": [
            {"plugin": "choir", "organizations": ["team-1"], "enabled": enabled},
            {"plugin": "greeter", "organizations": ["team-1"], "enabled": enabled},
        ]})
    };
    assert_eq!(counts(&stage.post(BULK, both(true)).await.json(200)), [2, 0, 0, 0]);
    assert_eq!(counts(&stage.post(BULK, both(true)).await.json(200)), [0, 2, 0, 0]);
    assert_eq!(counts(&stage.post(BULK, both(false)).await.json(200)), [2, 0, 0, 0]);
    let together = json!({"together": true, "switches": [{"plugin": "choir", "organizations": ["team-1"], "enabled": true}]});
    let line = stage.post(BULK, together).await.json(200)["lines"][0].clone();
    assert_eq!((&line["outcome"], &line["also"]), (&json!("switched"), &json!(["greeter"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_wanted_both_ways_is_said_all_at_once_and_nothing_is_done() {
    let stage = with_teams(1).await;
    let wrong = json!({"switches": [
        {"plugin": "choir", "organizations": ["team-0", "nobody"], "enabled": true},
        {"plugin": "ghost", "enabled": true},
        {"plugin": "choir", "enabled": false},
    ]});
    assert_eq!(
        stage.post(BULK, wrong).await.faults(),
        [
            "contradiction body.switches.2.enabled",
            "no_such_organization body.switches.0.organizations",
            "no_such_plugin body.switches.1.plugin",
        ]
    );
    assert_eq!(on_in(&stage, "choir").await, [""; 0]);
    assert_eq!(stage.post(BULK, json!({"switches": []})).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_grows_leaves_who_declined_alone_and_takes_in_who_comes_later() {
    let stage = with_teams(30).await;
    assert_eq!(stage.get(ROLLOUT).await.status, 404);
    let tried = stage.put(ROLLOUT, json!({"percent": 50, "dry_run": true})).await.json(200);
    assert_eq!((&tried["rollout"], stage.get(ROLLOUT).await.status), (&Json::Null, 404));
    let half = stage.put(ROLLOUT, json!({"percent": 50})).await.json(200);
    assert_eq!(half["report"], tried["report"]);
    let first = on_in(&stage, "choir").await;
    assert!((6..25).contains(&first.len()), "{first:?}");
    assert_eq!(half["rollout"]["on"], json!(first.len()));

    let declining = json!({"organization": first[0]});
    stage.post("/api/admin/plugins/choir/disable", declining).await.json(200);
    let standing = stage.get(ROLLOUT).await.json(200);
    assert_eq!((&standing["within"], &standing["on"]), (&json!(first.len()), &json!(first.len() - 1)));
    assert_eq!((&standing["percent"], &standing["set_by"]), (&json!(50), &json!("stage 0")));

    let all = stage.put(ROLLOUT, json!({"percent": 100})).await.json(200);
    let expected = [31 - first.len(), first.len() - 1, 1, 0].map(|count| i64::try_from(count).unwrap());
    assert_eq!(counts(&all["report"]), expected);
    stage.post("/api/admin/organizations", json!({"slug": "late", "name": "Late"})).await.json(201);
    assert!(on_in(&stage, "choir").await.contains(&"late".to_owned()));

    let ended = stage.delete(&format!("{ROLLOUT}?disable=true")).await.json(200);
    assert_eq!((&ended["rollout"], ended["report"]["switched"].clone()), (&Json::Null, json!(31)));
    assert_eq!(on_in(&stage, "choir").await, [""; 0]);
    stage.post("/api/admin/organizations", json!({"slug": "later", "name": "Later"})).await.json(201);
    assert_eq!(on_in(&stage, "choir").await, [""; 0]);

    // Whoever had it taken away has not declined it; whoever is named gets it though they had declined.
    let again = stage.put(ROLLOUT, json!({"percent": 100})).await.json(200);
    assert_eq!(counts(&again["report"]), [32, 0, 1, 0]);
    let named = stage.put(ROLLOUT, json!({"organizations": [first[0]]})).await.json(200);
    assert_eq!(counts(&named["report"]), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_says_how_far_in_one_way_and_to_whom_there_is() {
    let stage = with_teams(0).await;
    for wrong in [json!({}), json!({"percent": 5, "organizations": []}), json!({"percent": 101})] {
        assert_eq!(stage.put(ROLLOUT, wrong.clone()).await.status, 422, "{wrong}");
    }
    let unknown = stage.put(ROLLOUT, json!({"organizations": ["nobody"]})).await.faults();
    assert_eq!(unknown, ["no_such_organization body.organizations"]);
    let global =
        stage.put("/api/admin/plugins/administration/rollout", json!({"percent": 1})).await.detail(409);
    assert!(global.contains("is global"), "{global}");
    assert_eq!(stage.delete(ROLLOUT).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_is_seen_only_by_whom_it_was_granted() {
    let stage = Stage::new().await;
    let new = json!({"slug": "acme", "name": "Acme", "owner": 2});
    stage.post("/api/admin/organizations", new).await.json(201);
    let owner = stage.person(2).await;
    let own = async |method: Method, below: &str| {
        let body = (method != Method::GET).then(|| json!({}));
        let address = format!("/api/org/acme/organization/plugins{below}");
        stage.ask(method, &address, Some(&owner), body).await
    };
    for public in ["/", "/api/openapi.json"] {
        let text = stage.ask(Method::GET, public, None, None).await.text;
        assert!(text.contains("reeter") && !text.contains("ncore"), "{public}: {text}");
    }
    let sees = async || own(Method::GET, "").await.json(200).to_string().contains("encore");
    assert!(!sees().await);
    let (private, none) = (
        own(Method::POST, "/encore/enable").await.detail(404),
        own(Method::POST, "/ghost/enable").await.detail(404),
    );
    assert_eq!(private.replace("encore", "ghost"), none, "one is told from the other by nobody");
    let by_administrator = "/api/admin/plugins/encore/enable";
    let said = stage.post(by_administrator, json!({"organization": "acme"})).await.detail(409);
    assert!(
        said.contains("is private") && said.contains("PUT /api/admin/plugins/encore/access/acme"),
        "{said}"
    );
    let rolled_out = stage.put("/api/admin/plugins/encore/rollout", json!({"percent": 100})).await.json(200);
    assert_eq!(counts(&rolled_out["report"]), [0, 0, 0, 2]);

    stage.put(&format!("{ACCESS}/acme"), json!({})).await.is_empty();
    stage.put(&format!("{ACCESS}/acme"), json!({})).await.is_empty();
    let listed = stage.get(ACCESS).await.json(200);
    assert_eq!((&listed[0]["organization"], &listed[0]["granted_by"]), (&json!("acme"), &json!("stage 0")));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert!(sees().await);
    own(Method::POST, "/encore/enable").await.json(200);
    stage.get("/api/org/acme/encore/again").await.json(200);
    assert_eq!(stage.get("/api/org/default/encore/again").await.status, 404);
    own(Method::POST, "/encore/disable").await.json(200);
    assert!(sees().await, "it may have it still");
    own(Method::POST, "/encore/enable").await.json(200);

    let said = stage.delete(&format!("{ACCESS}/acme")).await.detail(409);
    assert!(said.contains("is on in `acme`"), "{said}");
    stage.delete(&format!("{ACCESS}/acme?disable=true")).await.is_empty();
    assert!(!sees().await);
    assert_eq!(stage.get("/api/org/acme/encore/again").await.status, 404);
    assert_eq!(stage.delete(&format!("{ACCESS}/acme")).await.status, 404);
    let actions = stage.get("/api/admin/audit?action=plugin.access*").await.json(200);
    let text = actions.to_string();
    assert!(text.contains("plugin.access_granted") && text.contains("plugin.access_revoked"), "{text}");

    let said = stage.put("/api/admin/plugins/choir/access/acme", json!({})).await.detail(409);
    assert!(said.contains("is not private"), "{said}");
    assert_eq!(stage.put(&format!("{ACCESS}/nobody"), json!({})).await.status, 404);
}
