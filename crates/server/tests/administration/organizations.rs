//! `/api/admin/organizations`.

use serde_json::json;

use crate::stage::Stage;

const ORGANIZATIONS: &str = "/api/admin/organizations";

/// The names in addresses of those that are listed.
async fn slugs(stage: &Stage, query: &str) -> Vec<String> {
    let listed = stage.get(&format!("{ORGANIZATIONS}{query}")).await.json(200);
    let organizations = listed["organizations"].as_array().unwrap().iter();
    organizations.map(|organization| organization["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_organization_begins_with_what_is_on_by_default() {
    let stage = Stage::new().await;
    assert_eq!(slugs(&stage, "").await, ["default"]);
    let made = stage.post(ORGANIZATIONS, json!({"slug": "acme", "name": "Acme Inc."})).await.json(201);
    assert_eq!((&made["id"], &made["slug"], &made["name"]), (&json!(2), &json!("acme"), &json!("Acme Inc.")));
    assert_eq!(slugs(&stage, "").await, ["acme", "default"]);
    assert_eq!(slugs(&stage, "?q=INC").await, ["acme"]);
    assert_eq!(slugs(&stage, "?skip=1").await, ["default"]);
    stage.get("/api/org/acme/greeter/hello").await.json(200);
    assert_eq!(stage.get("/api/org/acme/choir/sing").await.status, 404);
    let stage = stage.again().await;
    stage.get("/api/org/acme/greeter/hello").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_cannot_be_enabled_stays_off_in_a_new_organization() {
    let stage = Stage::new().await;
    stage.direction.fail("on_enable", "no room");
    stage.post(ORGANIZATIONS, json!({"slug": "acme", "name": "Acme"})).await.json(201);
    assert_eq!(stage.get("/api/org/acme/greeter/hello").await.status, 404);
    stage.get("/api/org/default/greeter/hello").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_is_not_right_is_refused() {
    let stage = Stage::new().await;
    assert_eq!(
        stage.post(ORGANIZATIONS, json!({})).await.faults(),
        ["missing body.name", "missing body.slug"]
    );
    for slug in ["", "-acme", "Acme", "a b", "a/b", &"a".repeat(81)] {
        assert_eq!(stage.post(ORGANIZATIONS, json!({"slug": slug, "name": "A"})).await.status, 422, "{slug}");
    }
    assert_eq!(stage.post(ORGANIZATIONS, json!({"slug": "a", "name": " "})).await.status, 422);
    let faults = stage.post(ORGANIZATIONS, json!({"slug": "a", "name": "A", "color": 1})).await.faults();
    assert_eq!(faults, ["extra_forbidden body.color"]);
    let said = stage.post(ORGANIZATIONS, json!({"slug": "default", "name": "A"})).await.detail(409);
    assert_eq!(said, "an organization `default` exists already; choose another name");
    assert_eq!(slugs(&stage, "").await, ["default"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_was_removed_is_nowhere_until_it_is_brought_back() {
    let stage = Stage::new().await;
    stage.post(ORGANIZATIONS, json!({"slug": "acme", "name": "Acme"})).await.json(201);
    let bound = stage.token("bound", Some("acme"), &["*"]).await;
    let hello = "/api/org/acme/greeter/hello";
    stage.ask(reqwest::Method::GET, hello, Some(&bound), None).await.json(200);
    stage.delete(&format!("{ORGANIZATIONS}/acme")).await.is_empty();
    assert_eq!(stage.get(hello).await.status, 404);
    assert_eq!(stage.ask(reqwest::Method::GET, hello, Some(&bound), None).await.status, 401);
    assert_eq!(slugs(&stage, "").await, ["default"]);
    assert_eq!(slugs(&stage, "?removed=true").await, ["acme"]);
    let said = stage.post(ORGANIZATIONS, json!({"slug": "acme", "name": "Other"})).await.detail(409);
    assert!(said.contains("could come back"), "{said}");
    let stage = stage.again().await;
    assert_eq!(stage.get(hello).await.status, 404);
    stage.post(&format!("{ORGANIZATIONS}/acme/restore"), json!({})).await.json(200);
    stage.get(hello).await.json(200);
    assert_eq!(stage.post(&format!("{ORGANIZATIONS}/acme/restore"), json!({})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_organization_stays() {
    let stage = Stage::new().await;
    let said = stage.delete(&format!("{ORGANIZATIONS}/default")).await.detail(409);
    assert_eq!(said, "`default` is the only organization of this server: it stays");
}
