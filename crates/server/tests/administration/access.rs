//! Who may administrate, at every address, and what the OpenAPI document says of each.

use std::collections::BTreeSet;
use switchboard_kernel::By;

use axum::body::Body;
use reqwest::Method;
use serde_json::{Value as Json, json};
use switchboard_server::{Options, local_router};
use tower::ServiceExt;

use crate::{client::client, stage::Stage};

/// Every route of the administration: its method, an address that it answers at, and the action that it asks for.
fn routes(stage: &Stage) -> Vec<(Method, String, String)> {
    let snapshot = stage.kernel.snapshot();
    let manifest = snapshot.plugin("administration").unwrap().manifest();
    let routes = manifest.provides.api_routes.iter().map(|route| {
        let address = manifest.address_of(route);
        let place = if address.starts_with("/api/admin/plugins") { "greeter" } else { "1" };
        let address = address
            .replace("{organization}", "default")
            .replace("{id}", place)
            .replace("{config_id}", "1")
            .replace("{version}", "2.0.0");
        (route.method.to_string().parse().unwrap(), address, route.permission.clone().unwrap())
    });
    routes.collect()
}

/// Who may do what. Commands at the terminal and existing clients stand on these addresses: they change together.
const MATRIX: &str = "
GET /api/admin/plugins admin:read
GET /api/admin/plugins/{id} admin:read
POST /api/admin/plugins/{id}/enable admin:plugins
POST /api/admin/plugins/{id}/reload admin:plugins
POST /api/admin/plugins/{id}/disable admin:plugins
GET /api/admin/plugins/{id}/log admin:read
GET /api/admin/calls admin:read
GET /api/admin/calls/running admin:read
POST /api/admin/calls/running/{number}/stop admin:plugins
POST /api/admin/plugins/{id}/capture admin:plugins
GET /api/admin/captures admin:plugins
GET /api/admin/captures/{number} admin:plugins
DELETE /api/admin/captures/{number} admin:plugins
GET /api/admin/tasks admin:read
POST /api/admin/tasks/{plugin}/{task}/run admin:tasks
GET /api/admin/task-runs admin:read
GET /api/admin/task-runs/{plugin}/{run} admin:read
POST /api/admin/task-runs/{plugin}/{run}/cancel admin:tasks
GET /api/admin/schedules admin:read
PUT /api/admin/schedules/{plugin}/{name} admin:tasks
DELETE /api/admin/schedules/{plugin}/{name} admin:tasks
POST /api/admin/schedules/{plugin}/{name}/pause admin:tasks
POST /api/admin/schedules/{plugin}/{name}/resume admin:tasks
GET /api/admin/events admin:events
GET /api/admin/events/stream admin:events
GET /api/admin/events/{plugin}/{id} admin:events
GET /api/admin/dead-letters admin:events
POST /api/admin/dead-letters/replay admin:delivery
POST /api/admin/dead-letters/discard admin:delivery
GET /api/admin/listeners admin:events
POST /api/admin/listeners/{id}/pause admin:delivery
POST /api/admin/listeners/{id}/resume admin:delivery
GET /api/admin/plugins/{id}/data admin:read
DELETE /api/admin/plugins/{id}/data admin:plugins
GET /api/admin/plugins/{id}/versions admin:read
PUT /api/admin/plugins/{id}/versions/{version} admin:plugins
DELETE /api/admin/plugins/{id}/versions/{version} admin:plugins
GET /api/admin/plugins/{id}/access admin:read
PUT /api/admin/plugins/{id}/access/{organization} admin:plugins
DELETE /api/admin/plugins/{id}/access/{organization} admin:plugins
GET /api/admin/plugins/{id}/rollout admin:read
PUT /api/admin/plugins/{id}/rollout admin:plugins
DELETE /api/admin/plugins/{id}/rollout admin:plugins
POST /api/admin/enablement admin:plugins
GET /api/admin/plugins/{id}/config admin:read
PUT /api/admin/plugins/{id}/config admin:plugins
PATCH /api/admin/plugins/{id}/config admin:plugins
GET /api/admin/plugins/{id}/config/history admin:read
POST /api/admin/plugins/{id}/config/history/{number}/undo admin:plugins
GET /api/admin/plugins/{id}/config/export admin:read
POST /api/admin/plugins/{id}/config/import admin:plugins
GET /api/admin/configuration/export admin:read
POST /api/admin/configuration/import admin:plugins
POST /api/admin/configuration/reload admin:plugins
GET /api/admin/secrets admin:secrets
POST /api/admin/secrets/rotate admin:secrets
GET /api/admin/organizations admin:read
POST /api/admin/organizations admin:organizations
GET /api/admin/audit admin:audit
GET /api/admin/audit/export admin:audit
GET /api/admin/audit/verification admin:audit
GET /api/admin/organizations/{organization} admin:read
DELETE /api/admin/organizations/{organization} admin:organizations
PUT /api/admin/organizations/{organization}/rate admin:organizations
POST /api/admin/organizations/{organization}/restore admin:organizations
GET /api/admin/organization-requests admin:read
POST /api/admin/organization-requests/{id}/approve admin:organizations
POST /api/admin/organization-requests/{id}/refuse admin:organizations
GET /api/admin/tokens admin:tokens
POST /api/admin/tokens admin:tokens
DELETE /api/admin/tokens/{id} admin:tokens
GET /api/v1/plugins admin:read
POST /api/v1/plugins admin:plugins
GET /api/v1/plugins/{id} admin:read
PUT /api/v1/plugins/{id} admin:plugins
PATCH /api/v1/plugins/{id} admin:plugins
DELETE /api/v1/plugins/{id} admin:plugins
POST /api/v1/plugins/{id}/enable admin:plugins
POST /api/v1/plugins/{id}/disable admin:plugins
GET /api/v1/plugins/{id}/config admin:read
POST /api/v1/plugins/{id}/config admin:plugins
PUT /api/v1/plugins/{id}/config/{config_id} admin:plugins
PATCH /api/v1/plugins/{id}/config/{config_id} admin:plugins
DELETE /api/v1/plugins/{id}/config/{config_id} admin:plugins
";

#[tokio::test(flavor = "multi_thread")]
async fn the_addresses_and_the_actions_that_they_ask_for_are_these() {
    let stage = Stage::new().await;
    let snapshot = stage.kernel.snapshot();
    for (plugin, expected) in [("administration", MATRIX), ("organization", OWN_MATRIX)] {
        let manifest = snapshot.plugin(plugin).unwrap().manifest();
        let line = |route: &switchboard_manifest::Route| {
            let action = route.permission.as_deref().unwrap_or("-");
            format!("{} {} {action}\n", route.method, manifest.address_of(route))
        };
        let matrix: String = manifest.provides.api_routes.iter().map(line).collect();
        assert_eq!(matrix, expected.trim_start());
    }
}

/// The same for what organizations do for themselves; what asks for no action is for whoever it is about.
const OWN_MATRIX: &str = "
GET /api/org/{org}/organization organization:read
PATCH /api/org/{org}/organization organization:update
DELETE /api/org/{org}/organization organization:remove
POST /api/org/{org}/organization/leave -
GET /api/org/{org}/organization/members member:read
PATCH /api/org/{org}/organization/members/{account} member:manage
DELETE /api/org/{org}/organization/members/{account} member:manage
GET /api/org/{org}/organization/invitations member:invite
POST /api/org/{org}/organization/invitations member:invite
DELETE /api/org/{org}/organization/invitations/{id} member:invite
GET /api/org/{org}/organization/roles role:read
PUT /api/org/{org}/organization/roles/{name} role:manage
DELETE /api/org/{org}/organization/roles/{name} role:manage
GET /api/org/{org}/organization/tokens token:read
POST /api/org/{org}/organization/tokens token:manage
DELETE /api/org/{org}/organization/tokens/{id} token:manage
GET /api/org/{org}/organization/audit audit:read
GET /api/org/{org}/organization/audit/export audit:read
GET /api/org/{org}/organization/tasks task:read
POST /api/org/{org}/organization/tasks/{plugin}/{task}/run task:manage
GET /api/org/{org}/organization/task-runs task:read
GET /api/org/{org}/organization/task-runs/{plugin}/{run} task:read
POST /api/org/{org}/organization/task-runs/{plugin}/{run}/cancel task:manage
GET /api/org/{org}/organization/schedules task:read
PUT /api/org/{org}/organization/schedules/{plugin}/{name} task:manage
DELETE /api/org/{org}/organization/schedules/{plugin}/{name} task:manage
POST /api/org/{org}/organization/schedules/{plugin}/{name}/pause task:manage
POST /api/org/{org}/organization/schedules/{plugin}/{name}/resume task:manage
GET /api/org/{org}/organization/events event:read
GET /api/org/{org}/organization/events/stream event:read
GET /api/org/{org}/organization/events/{plugin}/{id} event:read
GET /api/org/{org}/organization/dead-letters event:read
POST /api/org/{org}/organization/dead-letters/replay event:deliver
POST /api/org/{org}/organization/dead-letters/discard event:deliver
GET /api/org/{org}/organization/listeners event:read
POST /api/org/{org}/organization/listeners/{id}/pause event:deliver
POST /api/org/{org}/organization/listeners/{id}/resume event:deliver
GET /api/org/{org}/organization/commands -
POST /api/org/{org}/organization/commands -
POST /api/org/{org}/organization/commands/{plugin}/{command} -
GET /api/org/{org}/organization/plugins plugin:read
POST /api/org/{org}/organization/plugins/{id}/enable plugin:enable
POST /api/org/{org}/organization/plugins/{id}/disable plugin:enable
GET /api/org/{org}/organization/plugins/{id}/config plugin:read
PUT /api/org/{org}/organization/plugins/{id}/config plugin:configure
PATCH /api/org/{org}/organization/plugins/{id}/config plugin:configure
GET /api/org/{org}/organization/plugins/{id}/config/history plugin:configure
POST /api/org/{org}/organization/plugins/{id}/config/history/{number}/undo plugin:configure
GET /api/org/{org}/organization/plugins/{id}/config/export plugin:configure
POST /api/org/{org}/organization/plugins/{id}/config/import plugin:configure
GET /api/invitations/{code} -
POST /api/invitations/{code}/accept -
GET /api/organization-requests -
POST /api/organization-requests -
";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_that_is_known_every_address_is_401() {
    let stage = Stage::new().await;
    let (revoked, list) = (stage.token("revoked", None, &["*"]).await, stage.kernel.directory().tokens());
    let id = list.iter().find(|token| token.name == "revoked").unwrap().id;
    stage.kernel.revoke_token(&By::system("test"), id).await.unwrap();
    let never = format!("swb_{}", "0".repeat(64));
    for (method, address, _) in routes(&stage) {
        for token in [None, Some(""), Some("swb_"), Some(never.as_str()), Some(revoked.as_str())] {
            let answer = stage.ask(method.clone(), &address, token, None).await;
            answer.detail(401);
            let shape =
                if address.starts_with("/api/v1") { "application/json" } else { "application/problem+json" };
            assert_eq!(answer.content_type, shape, "{method} {address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_other_things_or_of_one_organization_is_403_at_every_address() {
    let stage = Stage::new().await;
    let routes = routes(&stage);
    let every: BTreeSet<&str> = routes.iter().map(|(_, _, action)| action.as_str()).collect();
    let other = stage.token("other", None, &["clip:*", "administration:*", "admin"]).await;
    let bound = stage.token("bound", Some("default"), &["*"]).await;
    for (method, address, action) in &routes {
        let all_but_this: Vec<&str> = every.iter().copied().filter(|other| other != action).collect();
        let nearly = stage.token(&format!("nearly {method} {address}"), None, &all_but_this).await;
        for token in [&other, &bound, &nearly] {
            let answer = stage.ask(method.clone(), address, Some(token), None).await;
            let said = answer.detail(403);
            assert!(
                said.contains(action.as_str()) || said.contains("token of one organization"),
                "{address}: {said}"
            );
        }
    }
    assert_eq!(stage.get("/api/v1/plugins").await.json(200), json!([]), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_the_action_alone_is_let_in_at_every_address() {
    let stage = Stage::new().await;
    // A stream goes on; `events` reads one.
    for (method, address, action) in routes(&stage).into_iter().filter(|(_, it, _)| !it.ends_with("/stream"))
    {
        let token = stage.token(&format!("{method} {address}"), None, &[&action]).await;
        let body = (method != Method::GET && method != Method::DELETE).then(|| json!({"unknown field": 1}));
        let answer = stage.ask(method.clone(), &address, Some(&token), body).await;
        assert!([200, 201, 204, 404, 409, 422].contains(&answer.status), "{method} {address}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_needs_no_token_at_their_own_door() {
    let stage = Stage::new().await;
    let door = local_router(stage.kernel.clone(), Options::default());
    for address in ["/api/admin/plugins", "/api/admin/tokens", "/api/admin/organizations", "/api/v1/plugins"]
    {
        let request = http::Request::get(address).header("host", "localhost").body(Body::empty()).unwrap();
        assert_eq!(door.clone().oneshot(request).await.unwrap().status(), 200, "{address}");
    }
    let new = json!({"name": "from the terminal"}).to_string();
    let request = http::Request::post("/api/admin/tokens").header("content-type", "application/json");
    let made = door.oneshot(request.body(Body::from(new)).unwrap()).await.unwrap();
    assert_eq!(made.status(), 201);
    let tokens = stage.kernel.directory().tokens();
    assert!(
        tokens.iter().any(
            |token| token.name == "from the terminal" && token.principal.actions.allow("anything:at_all")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_may_be_named_and_makes_no_difference() {
    let stage = Stage::new().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    for address in ["/api/admin/plugins", "/api/v1/plugins"] {
        stage.get(address).await.json(200);
        let url = format!("{}{address}", stage.url);
        let request = client().get(url).bearer_auth(stage.admin()).header("x-organization", "acme");
        assert_eq!(request.send().await.unwrap().status(), 200, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_json_or_422() {
    let stage = Stage::new().await;
    for address in ["/api/v1/plugins", "/api/admin/tokens", "/api/admin/plugins/greeter/enable"] {
        let url = format!("{}{address}", stage.url);
        let request = client().post(url).bearer_auth(stage.admin()).body("{\"name\": ");
        assert_eq!(request.send().await.unwrap().status(), 422, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_says_of_every_route_what_it_takes_and_gives() {
    let stage = Stage::new().await;
    let document = stage.ask(Method::GET, "/api/openapi.json", None, None).await.json(200);
    let snapshot = stage.kernel.snapshot();
    let manifest = snapshot.plugin("administration").unwrap().manifest();
    let mut ids = BTreeSet::new();
    for route in &manifest.provides.api_routes {
        let (method, address) = (route.method.to_string().to_lowercase(), manifest.address_of(route));
        let operation = &document["paths"][&address][&method];
        let about = format!("{method} {address}: {operation}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{about}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{about}");
        let says_it_all = (address.starts_with("/api/v1") && address.ends_with("able"))
            || [
                "/restore", "/approve", "/undo", "/reload", "/rotate", "/stop", "/pause", "/resume",
                "/cancel",
            ]
            .iter()
            .any(|end| address.ends_with(end));
        let says_it_all = says_it_all || address.contains("/access/");
        let takes_body = ["put", "patch", "post"].contains(&method.as_str()) && !says_it_all;
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body.is_object(), takes_body, "{about}");
        let names: Vec<&str> =
            address.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let described: Vec<&str> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(described, names, "{about}");
        let answers = operation["responses"].as_object().unwrap();
        let good =
            answers.iter().find(|(status, _)| status.starts_with('2')).unwrap_or_else(|| panic!("{about}"));
        assert_eq!(good.0 == "204", good.1["content"] == Json::Null, "{about}");
        for status in ["401", "403"] {
            assert!(answers.contains_key(status), "{status} of {about}");
        }
    }
    let enable = &document["paths"]["/api/v1/plugins/{id}/enable"]["post"]["responses"];
    assert!(
        enable["500"]["content"]["application/json"].is_object() && enable["404"].is_object(),
        "{enable}"
    );
    let query = document["paths"]["/api/v1/plugins"]["get"]["parameters"].as_array().unwrap();
    let query: BTreeSet<&str> = query.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(query, BTreeSet::from(["skip", "limit", "enabled_only"]));
}
