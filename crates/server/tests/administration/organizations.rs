//! `/api/admin/organizations`.

use serde_json::json;

use crate::stage::Stage;

const ORGANIZATIONS: &str = "/api/admin/organizations";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_organization_begins_with_what_is_on_by_default() {
    let stage = Stage::new().await;
    let first = json!({"id": 1, "slug": "default", "name": "Default"});
    assert_eq!(stage.get(ORGANIZATIONS).await.json(200), json!([first]));
    let made = stage.post(ORGANIZATIONS, json!({"slug": "acme", "name": "Acme Inc."})).await.json(201);
    assert_eq!(made, json!({"id": 2, "slug": "acme", "name": "Acme Inc."}));
    assert_eq!(stage.get(ORGANIZATIONS).await.json(200), json!([first, made]));
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
    let faults = stage.post(ORGANIZATIONS, json!({"slug": "a", "name": "A", "owner": 1})).await.faults();
    assert_eq!(faults, ["extra_forbidden body.owner"]);
    let said = stage.post(ORGANIZATIONS, json!({"slug": "default", "name": "A"})).await.detail(409);
    assert_eq!(said, "an organization `default` exists already; choose another name");
    assert_eq!(stage.get(ORGANIZATIONS).await.json(200).as_array().unwrap().len(), 1);
}
