//! The audit log: each change has its line, what came to nothing has none, and no line is changed afterwards.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value as Json, json};
use switchboard_kernel::{AuditEntry, AuditFilter, AuditPage, By};
use switchboard_store::{Engine, Room};

use crate::stage::Stage;

const AUDIT: &str = "/api/admin/audit";

/// The lines after the one of this number, oldest first.
async fn after(stage: &Stage, id: i64) -> Vec<Json> {
    let export = stage.get(&format!("{AUDIT}/export?after={id}")).await;
    assert_eq!(
        (export.status, export.content_type.as_str()),
        (200, "application/x-ndjson"),
        "{}",
        export.text
    );
    export.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The number of the last line.
async fn last(stage: &Stage) -> i64 {
    stage.get(&format!("{AUDIT}?limit=1")).await.json(200)["lines"][0]["id"].as_i64().unwrap()
}

fn actions(lines: &[Json]) -> Vec<&str> {
    lines.iter().map(|line| line["action"].as_str().unwrap()).collect()
}

/// What is asked of the administration, one after the other: the route, the address, the body, and the lines that it leaves.
fn changes(parrot: i64, record: i64) -> Vec<(&'static str, String, Json, &'static [&'static str])> {
    let plugin = |what: &str| format!("/api/admin/plugins/{what}");
    let registered = |id: i64, what: &str| format!("/api/v1/plugins/{id}{what}");
    let new = json!({"name": "late", "display_name": "Late", "version": "1", "entry_point": "l.py", "enabled": false});
    vec![
        (
            "POST /api/admin/organizations",
            "/api/admin/organizations".to_owned(),
            json!({"slug": "acme", "name": "Acme"}),
            &["organization.created", "plugin.enabled"],
        ),
        (
            "POST /api/admin/plugins/{id}/disable",
            plugin("greeter/disable"),
            json!({"organization": "acme"}),
            &["plugin.disabled"],
        ),
        (
            "POST /api/admin/plugins/{id}/enable",
            plugin("greeter/enable"),
            json!({"organization": "acme"}),
            &["plugin.enabled"],
        ),
        (
            "POST /api/admin/enablement",
            "/api/admin/enablement".to_owned(),
            json!({"switches": [{"plugin": "greeter", "organizations": ["acme"], "enabled": false}]}),
            &["plugin.disabled"],
        ),
        (
            "PUT /api/admin/plugins/{id}/rollout",
            plugin("greeter/rollout"),
            json!({"organizations": ["acme", "default"]}),
            &["plugin.rolled_out", "plugin.enabled"],
        ),
        (
            "DELETE /api/admin/plugins/{id}/rollout",
            plugin("greeter/rollout"),
            Json::Null,
            &["plugin.rollout_ended"],
        ),
        (
            "POST /api/admin/plugins/{id}/disable",
            plugin("choir/disable"),
            json!({}),
            &["plugin.switched_off"],
        ),
        ("POST /api/admin/plugins/{id}/enable", plugin("choir/enable"), json!({}), &["plugin.switched_on"]),
        (
            "PUT /api/admin/plugins/{id}/config",
            plugin("greeter/config"),
            json!({"greeting": "Hi", "key": "top-secret"}),
            &["plugin.configured"],
        ),
        (
            "POST /api/admin/tokens",
            "/api/admin/tokens".to_owned(),
            json!({"name": "short", "organization": "acme", "actions": ["clip:read"]}),
            &["token.created"],
        ),
        ("DELETE /api/admin/tokens/{id}", "/api/admin/tokens/2".to_owned(), Json::Null, &["token.revoked"]),
        ("POST /api/v1/plugins", "/api/v1/plugins".to_owned(), new, &["registration.added"]),
        (
            "PUT /api/v1/plugins/{id}",
            registered(record, ""),
            json!({"version": "2"}),
            &["registration.changed"],
        ),
        (
            "PATCH /api/v1/plugins/{id}",
            registered(record, ""),
            json!({"author": "Me"}),
            &["registration.changed"],
        ),
        (
            "POST /api/v1/plugins/{id}/disable",
            registered(parrot, "/disable"),
            Json::Null,
            &["plugin.switched_off", "registration.switched"],
        ),
        (
            "POST /api/v1/plugins/{id}/enable",
            registered(parrot, "/enable"),
            Json::Null,
            &["plugin.switched_on", "registration.switched"],
        ),
        (
            "POST /api/v1/plugins/{id}/config",
            registered(record, "/config"),
            json!({"key": "k", "value": "top-secret"}),
            &["registration.setting_added"],
        ),
        (
            "PUT /api/v1/plugins/{id}/config/{config_id}",
            registered(record, "/config/1"),
            json!({"value": "top-secret"}),
            &["registration.setting_changed"],
        ),
        (
            "PATCH /api/v1/plugins/{id}/config/{config_id}",
            registered(record, "/config/1"),
            json!({"value": 2}),
            &["registration.setting_changed"],
        ),
        (
            "DELETE /api/v1/plugins/{id}/config/{config_id}",
            registered(record, "/config/1"),
            Json::Null,
            &["registration.setting_removed"],
        ),
        ("DELETE /api/v1/plugins/{id}", registered(record, ""), Json::Null, &["registration.removed"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_over_the_administration_has_its_lines_and_what_comes_to_nothing_has_none() {
    let stage = Stage::with_folders().await;
    let list = stage.get("/api/v1/plugins").await.json(200);
    let parrot = list.as_array().unwrap().iter().find(|record| record["name"] == "parrot").unwrap();
    let record =
        list.as_array().unwrap().iter().map(|record| record["id"].as_i64().unwrap()).max().unwrap() + 1;
    let changes = changes(parrot["id"].as_i64().unwrap(), record);
    for (route, address, body, expected) in &changes {
        let (method, _) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let body = (!body.is_null()).then(|| body.clone());
        // Nobody's, or about nothing, or nonsense: nothing changes, and nothing is said to have.
        let before = last(&stage).await;
        let nowhere = address.replace("greeter", "nobody").replace("choir", "nobody").replace("/2", "/99");
        for (token, address, body) in [
            (None, address, body.clone()),
            (Some(stage.admin()), address, Some(json!({"no such": "field"}))),
            (
                Some(stage.admin()),
                &nowhere.replace(&format!("plugins/{record}"), "plugins/99"),
                Some(json!(7)),
            ),
        ] {
            if method != Method::DELETE || token.is_none() {
                let refused = stage.ask(method.clone(), address, token, body).await;
                let is_switching = address.contains("/api/v1") && address.ends_with("able");
                assert!(refused.status >= 400 || is_switching, "{route}: {refused:?}");
                if is_switching {
                    break;
                }
            }
        }
        let before = if address.contains("/api/v1") && address.ends_with("able") {
            last(&stage).await
        } else {
            before
        };
        assert_eq!(actions(&after(&stage, before).await), [""; 0], "{route}");

        let answer = stage.ask(method, address, Some(stage.admin()), body).await;
        assert!((200..300).contains(&answer.status), "{route}: {answer:?}");
        let lines = after(&stage, before).await;
        assert_eq!(actions(&lines), *expected, "{route}");
        for line in lines {
            assert_eq!(line["actor"]["kind"], "token", "{line}");
            assert_eq!(line["actor"]["name"], "stage 0", "{line}");
            assert_eq!(line["address"], "127.0.0.1", "{line}");
            assert!(!line["request"].as_str().unwrap().is_empty() && line["plugin"].is_null(), "{line}");
            assert!(!line.to_string().contains("secret"), "{line}");
        }
    }
    let driven = changes.iter().map(|(route, ..)| *route).chain(FURTHER.iter().map(|(route, _)| *route));
    // Some need real components, which the tests of the sandbox and of the program have; the others calls that run or fail, as in
    // `calls` and in the tests of the kernel, or plugins that listen or
    // have tasks, as in `events` and `tasks`.
    let elsewhere = [
        "POST /api/admin/plugins/{id}/reload",
        "PUT /api/admin/plugins/{id}/versions/{version}",
        "DELETE /api/admin/plugins/{id}/versions/{version}",
        "POST /api/admin/calls/running/{number}/stop",
        "POST /api/admin/plugins/{id}/capture",
        "DELETE /api/admin/captures/{number}",
        "POST /api/admin/tasks/{plugin}/{task}/run",
        "POST /api/admin/task-runs/{plugin}/{run}/cancel",
        "PUT /api/admin/schedules/{plugin}/{name}",
        "DELETE /api/admin/schedules/{plugin}/{name}",
        "POST /api/admin/schedules/{plugin}/{name}/pause",
        "POST /api/admin/schedules/{plugin}/{name}/resume",
        "POST /api/admin/dead-letters/replay",
        "POST /api/admin/dead-letters/discard",
        "POST /api/admin/listeners/{id}/pause",
        "POST /api/admin/listeners/{id}/resume",
    ];
    let driven = driven.chain(elsewhere);
    let driven: BTreeSet<&str> = driven.collect();
    let snapshot = stage.kernel.snapshot();
    let manifest = snapshot.plugin("administration").unwrap().manifest();
    let routes = manifest.provides.api_routes.iter();
    let all: BTreeSet<String> = routes
        .map(|route| format!("{} {}", route.method, manifest.address_of(route)))
        .filter(|route| !route.starts_with("GET"))
        .collect();
    assert_eq!(
        driven,
        all.iter().map(String::as_str).collect(),
        "a route that changes something is not driven here"
    );
    let verdict = stage.get(&format!("{AUDIT}/verification")).await.json(200);
    assert_eq!((&verdict["ok"], &verdict["last"]), (&json!(true), &json!(last(&stage).await)), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_administrate_is_noted_and_cannot_fill_the_log() {
    let stage = Stage::new().await;
    let before = last(&stage).await;
    let guest = stage.token("guest", None, &["clip:read"]).await;
    for _ in 0..50 {
        stage.ask(Method::GET, "/api/admin/tokens", Some(&guest), None).await.detail(403);
    }
    let lines = after(&stage, before + 1).await;
    assert!((1..50).contains(&lines.len()), "{} lines", lines.len());
    let line = &lines[0];
    assert_eq!(
        (&line["action"], &line["actor"]["name"]),
        (&json!("administration.refused"), &json!("guest"))
    );
    assert_eq!(line["subject"], "route:GET /api/admin/tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_found_by_what_they_say_a_page_at_a_time() {
    let stage = Stage::new().await;
    stage.kernel.create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    let acme = stage.kernel.named("acme").unwrap();
    for number in 0..5 {
        let entry = AuditEntry::new("door.opened", format!("door:{number}"))
            .within((number % 2 == 0).then_some(acme.id))
            .after(json!({"note": format!("50%_{number} Übung")}));
        stage.kernel.note(&By::system("a test"), entry).await.unwrap();
    }
    let found = async |query: &str| {
        let page = stage.get(&format!("{AUDIT}?{query}")).await.json(200);
        let subjects =
            page["lines"].as_array().unwrap().iter().map(|line| line["subject"].as_str().unwrap().to_owned());
        (subjects.collect::<Vec<_>>(), page["next"].as_i64())
    };
    let doors = |numbers: &[u8]| numbers.iter().map(|number| format!("door:{number}")).collect::<Vec<_>>();
    assert_eq!(found("action=door.*").await, (doors(&[4, 3, 2, 1, 0]), None));
    assert_eq!(found("action=door.opened&subject=door:3").await.0, doors(&[3]));
    assert_eq!(found("organization=acme&action=door.*").await.0, doors(&[4, 2, 0]));
    assert_eq!(found("q=50%25_3").await.0, doors(&[3]));
    assert_eq!(found("q=50_").await.0, doors(&[]), "a sign of patterns stands for itself");
    assert_eq!(found("actor=nobody").await.0, doors(&[]));
    assert_eq!(found("action=door.*&until=2001-01-01T00:00:00Z").await.0, doors(&[]));
    assert_eq!(found("action=door.*&since=2001-01-01T00:00:00Z").await.0.len(), 5);
    let (first, next) = found("action=door.*&limit=2").await;
    assert_eq!(first, doors(&[4, 3]));
    let (second, next) = found(&format!("action=door.*&limit=2&before={}", next.unwrap())).await;
    assert_eq!(second, doors(&[2, 1]));
    assert_eq!(found(&format!("action=door.*&limit=2&before={}", next.unwrap())).await, (doors(&[0]), None));
    stage.get(&format!("{AUDIT}?organization=nobody")).await.detail(404);
    assert_eq!(stage.get(&format!("{AUDIT}?limit=1001")).await.faults(), ["less_than_equal query.limit"]);
}

/// The kernel's room, as somebody has it who has the database.
async fn room(stage: &Stage) -> Room {
    stage.store().room("kernel").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_to_change_a_line() {
    let stage = Stage::new().await;
    let room = room(&stage).await;
    for sql in [
        "update audit set actor = 'nobody'",
        "delete from audit",
        "delete from audit_chain",
        "update audit_chain set last_id = 0",
        "update audit_chain set removed_id = 1000",
    ] {
        let refused = room.execute(sql, vec![]).await.unwrap_err().to_string();
        assert!(refused.contains("audit log"), "{sql}: {refused}");
    }
    assert_eq!(stage.kernel.verify_audit().await.unwrap().fault, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_past_the_database_is_found() {
    for (tampering, finds) in [
        ("update audit set actor = 'somebody' where id = 3", "line 3 was changed"),
        ("delete from audit where id = 3", "line 3 is missing"),
        ("delete from audit where id = (select max(id) from audit)", "and all after it are missing"),
        ("delete from audit", "line 1 and all after it are missing"),
        ("update audit_chain set last_hash = 'other'", "is not the one that was written last"),
    ] {
        let stage = Stage::new().await;
        for number in 0..5 {
            let entry = AuditEntry::new("door.opened", format!("door:{number}"));
            stage.kernel.note(&By::system("test"), entry).await.unwrap();
        }
        let whole = stage.kernel.verify_audit().await.unwrap();
        assert_eq!((whole.fault, whole.lines), (None, u64::try_from(whole.last).unwrap()));
        let room = room(&stage).await;
        let unguarded: &[&str] = match room.engine() {
            Engine::Postgres => {
                &["alter table audit disable trigger user", "alter table audit_chain disable trigger user"]
            }
            _ => &[
                "drop trigger audit_is_not_changed",
                "drop trigger audit_is_removed_by_age_alone",
                "drop trigger audit_chain_only_grows",
            ],
        };
        for statement in unguarded {
            room.execute(statement, vec![]).await.unwrap();
        }
        room.execute(tampering, vec![]).await.unwrap();
        let verdict = stage.get(&format!("{AUDIT}/verification")).await.json(200);
        assert_eq!(verdict["ok"], false);
        assert!(verdict["fault"].as_str().unwrap().contains(finds), "{tampering}: {verdict}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_removed_when_their_time_is_over_and_the_chain_stays_whole() {
    let stage = Stage::new().await;
    for number in 0..1500 {
        let entry = AuditEntry::new("door.opened", format!("door:{number}"));
        stage.kernel.note(&By::system("test"), entry).await.unwrap();
    }
    let (before, all) = (stage.kernel.now(), last(&stage).await);
    assert_eq!(stage.kernel.shorten_audit("2001-01-01T00:00:00Z".parse().unwrap()).await.unwrap(), 0);
    stage.kernel.note(&By::system("test"), AuditEntry::new("door.closed", "door:1")).await.unwrap();
    let removed = stage.kernel.shorten_audit(before).await.unwrap();
    assert_eq!(i64::try_from(removed).unwrap(), all);
    let verdict = stage.kernel.verify_audit().await.unwrap();
    assert_eq!((verdict.fault, verdict.removed_to), (None, all));
    let left = stage.kernel.audit(&AuditFilter::default(), AuditPage::After(0), 1000).await.unwrap();
    let left: Vec<&str> = left.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(left, ["door.closed", "audit.shortened", "audit.shortened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_many_lines_is_whole_and_in_order() {
    let stage = Stage::new().await;
    for number in 0..1234 {
        let entry = AuditEntry::new("door.opened", format!("door:{number}"));
        stage.kernel.note(&By::system("test"), entry).await.unwrap();
    }
    let export = stage.get(&format!("{AUDIT}/export?action=door.opened")).await;
    let subjects: Vec<String> = export
        .text
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap()["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(subjects, (0..1234).map(|number| format!("door:{number}")).collect::<Vec<_>>());
    assert_eq!(stage.get(&format!("{AUDIT}/export?limit=501")).await.text.lines().count(), 501);
}

/// Those that take what others gave, so that they are asked one after the other.
const FURTHER: [(&str, &[&str]); 14] = [
    ("PUT /api/admin/plugins/{id}/access/{organization}", &["plugin.access_granted"]),
    ("DELETE /api/admin/plugins/{id}/access/{organization}", &["plugin.access_revoked"]),
    ("PATCH /api/admin/plugins/{id}/config", &["plugin.configured"]),
    ("POST /api/admin/plugins/{id}/config/history/{number}/undo", &["plugin.config_undone"]),
    ("POST /api/admin/plugins/{id}/config/import", &["config.imported"]),
    ("POST /api/admin/configuration/import", &["config.imported"]),
    ("POST /api/admin/secrets/rotate", &["secrets.rotated"]),
    ("PUT /api/admin/organizations/{organization}/rate", &["organization.changed"]),
    ("DELETE /api/admin/organizations/{organization}", &["organization.removed"]),
    ("POST /api/admin/organizations/{organization}/restore", &["organization.restored"]),
    ("POST /api/admin/organization-requests/{id}/refuse", &["organization_request.refused"]),
    ("POST /api/admin/organization-requests/{id}/approve", &["organization.created", "plugin.enabled"]),
    ("DELETE /api/admin/plugins/{id}/data", &["plugin.purged"]),
    // Nothing is changed by it: what stands elsewhere is read anew.
    ("POST /api/admin/configuration/reload", &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_with_configurations_and_organizations_has_its_lines() {
    let stage = Stage::new().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    for slug in ["first", "second"] {
        let request = json!({"slug": slug, "name": slug, "reason": "a test"});
        let person = stage.person(if slug == "first" { 1 } else { 2 }).await;
        stage.ask(Method::POST, "/api/organization-requests", Some(&person), Some(request)).await.json(201);
    }
    let config = "/api/admin/plugins/greeter/config";
    let acme = "/api/admin/organizations/acme";
    let mut exported = json!({});
    for (route, expected) in FURTHER {
        let (method, address) = route.split_once(' ').unwrap();
        let (address, body) = match address.trim_start_matches("/api/admin/") {
            "plugins/{id}/access/{organization}" => {
                ("/api/admin/plugins/encore/access/acme".to_owned(), json!({}))
            }
            "plugins/{id}/config" => (config.to_owned(), json!({"greeting": "Ho"})),
            "plugins/{id}/config/history/{number}/undo" => {
                exported = stage.get(&format!("{config}/export")).await.json(200);
                (format!("{config}/history/1/undo"), json!({}))
            }
            "plugins/{id}/config/import" => (format!("{config}/import"), exported.clone()),
            "configuration/import" => {
                stage.ask(Method::PATCH, config, Some(stage.admin()), Some(json!({"greeting": "Hey"}))).await;
                (address.to_owned(), exported.clone())
            }
            "plugins/{id}/data" => {
                // What a plugin left that is not there any more.
                stage.store().room("plugin_gone").await.unwrap();
                (address.replace("{id}", "gone"), json!({}))
            }
            "organizations/{organization}/rate" => (format!("{acme}/rate"), json!({"calls_per_second": 7})),
            "organizations/{organization}" => (acme.to_owned(), json!({"slug": "acme"})),
            "organizations/{organization}/restore" => (format!("{acme}/restore"), json!({})),
            "organization-requests/{id}/refuse" => {
                (address.replace("{id}", "1"), json!({"reason": "not now"}))
            }
            "organization-requests/{id}/approve" => (address.replace("{id}", "2"), json!({})),
            _ => (address.to_owned(), json!({})),
        };
        let before = last(&stage).await;
        let answer = stage.ask(method.parse().unwrap(), &address, Some(stage.admin()), Some(body)).await;
        assert!((200..300).contains(&answer.status), "{route}: {answer:?}");
        assert_eq!(actions(&after(&stage, before).await), expected, "{route}");
    }
}
