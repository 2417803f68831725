//! Tasks over HTTP: what may be run, what ran and runs, and what runs by itself, for operators and for organizations.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::stage::{Answer, Stage};

const OWN: &str = "/api/org/default/organization";

impl Stage {
    async fn as_member(&self, method: Method, address: &str, body: Json, actions: &[&str]) -> Answer {
        let name = format!("member {}", actions.join(" "));
        let known = self.kernel.directory().tokens().len();
        let token = self.token(&format!("{name} {known}"), Some("default"), actions).await;
        self.ask(method, &format!("{OWN}{address}"), Some(&token), Some(body).filter(|body| !body.is_null()))
            .await
    }

    /// What was done about tasks and schedules, by the audit log, the newest first.
    async fn noted(&self) -> Vec<String> {
        let lines = self.get("/api/admin/audit?limit=100").await.json(200);
        let lines = lines["lines"].as_array().unwrap().iter();
        lines
            .map(|line| format!("{} {}", line["action"].as_str().unwrap(), line["subject"].as_str().unwrap()))
            .filter(|line| line.starts_with("task.") || line.starts_with("schedule."))
            .collect()
    }
}

fn names(list: &Json, of: &str, name: &str) -> Vec<String> {
    list[of].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_a_task_done_and_sees_how_it_went() {
    let stage = Stage::with_tasks().await;
    let tasks = stage.get("/api/admin/tasks?plugin=keeper").await.json(200);
    let listed: Vec<&str> =
        tasks.as_array().unwrap().iter().map(|task| task["task"].as_str().unwrap()).collect();
    assert_eq!(listed, ["report", "sweep", "tidy"]);
    assert_eq!(
        (&tasks[0]["permission"], &tasks[0]["runs_by_itself"]),
        (&json!("report:make"), &json!(false))
    );

    let refused = stage
        .post("/api/admin/tasks/keeper/report/run?organization=default", json!({"payload": {"day": 5}}))
        .await;
    assert!(refused.faults()[0].contains("payload"), "{refused:?}");
    let refused = stage.post("/api/admin/tasks/keeper/tidy/run", json!({"payload": {"day": 5}})).await;
    assert!(refused.detail(422).contains("takes no parameters"), "{refused:?}");
    stage.post("/api/admin/tasks/keeper/nothing/run", json!({})).await.detail(404);
    stage.post("/api/admin/tasks/nobody/tidy/run", json!({})).await.detail(404);

    let made = stage
        .post("/api/admin/tasks/keeper/report/run?organization=default", json!({"payload": {"day": "x"}}));
    let made = made.await.json(201);
    assert_eq!((&made["organization"], &made["task"]), (&json!("default"), &json!("report")));
    stage.delivery.idle().await;
    let run =
        stage.get(&format!("/api/admin/task-runs/keeper/{}", made["run"].as_str().unwrap())).await.json(200);
    assert_eq!((&run["state"], &run["attempt"]), (&json!("done"), &json!(1)));
    assert!(run["took_ms"].is_i64() && run["ended_at"].is_string(), "{run}");
    assert_eq!(stage.noted().await, ["task.asked_for task:keeper/report"]);
    stage.get("/api/admin/task-runs/keeper/none").await.detail(404);

    for _ in 0..3 {
        stage.post("/api/admin/tasks/keeper/sweep/run", json!({})).await.json(201);
    }
    stage.delivery.idle().await;
    let mut seen = Vec::new();
    let mut next = Json::Null;
    loop {
        let before = next.as_str().map(|next| format!("&before={next}")).unwrap_or_default();
        let page = stage.get(&format!("/api/admin/task-runs?limit=2{before}")).await.json(200);
        seen.extend(names(&page, "runs", "task"));
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(seen, ["sweep", "sweep", "sweep", "report"]);
    let dead = stage.get("/api/admin/task-runs?state=dead").await.json(200);
    assert_eq!(names(&dead, "runs", "task"), [""; 0]);
    assert_eq!(stage.get("/api/admin/task-runs?before=nonsense").await.faults().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_by_whoever_may() {
    let stage = Stage::with_tasks().await;
    let forever = json!({"payload": {"day": "forever"}});
    let made = stage.post("/api/admin/tasks/keeper/report/run?organization=default", forever).await.json(201);
    let run = made["run"].as_str().unwrap().to_owned();
    let cancel = format!("/task-runs/keeper/{run}/cancel");
    stage.as_member(Method::POST, &cancel, Json::Null, &["task:read"]).await.detail(403);
    let cancelled = stage.as_member(Method::POST, &cancel, Json::Null, &["task:manage"]).await.json(200);
    assert_ne!(cancelled["state"], json!("running"), "{cancelled}");
    stage.delivery.idle().await;
    let run = stage.get(&format!("/api/admin/task-runs/keeper/{run}")).await.json(200);
    assert!(run["ended_at"].is_string(), "{run}");
    assert_eq!(stage.as_member(Method::POST, &cancel, Json::Null, &["task:manage"]).await.status, 409);
    assert_eq!(
        stage.noted().await,
        ["task.cancelled task:keeper/report", "task.asked_for task:keeper/report"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_schedules_what_it_may_and_sees_its_own() {
    let stage = Stage::with_tasks().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    let weekly = json!({"task": "report", "cron": "0 6 * * MON", "time_zone": "Europe/Berlin", "payload": {"day": "monday"}});
    let may = ["task:manage", "task:read", "report:make"];
    let place = "/schedules/keeper/weekly";
    stage.as_member(Method::PUT, place, weekly.clone(), &["task:manage"]).await.detail(403);
    let tidy = json!({"task": "tidy", "every_seconds": 60});
    let refused = stage.as_member(Method::PUT, "/schedules/keeper/mine", tidy, &may).await.detail(403);
    assert!(refused.contains("by the operator alone"), "{refused}");
    let made = stage.as_member(Method::PUT, place, weekly.clone(), &may).await.json(200);
    assert_eq!((&made["origin"], &made["organization"]), (&json!("person"), &json!("default")));
    assert!(made["next_at"].is_string(), "{made}");
    for (plan, fault) in [
        (json!({"task": "report", "payload": {"day": "x"}}), "cron"),
        (json!({"task": "report", "cron": "99 * * * *", "payload": {"day": "x"}}), "cron"),
        (
            json!({"task": "report", "cron": "0 6 * * *", "time_zone": "Nowhere", "payload": {"day": "x"}}),
            "time_zone",
        ),
        (json!({"task": "report", "cron": "0 6 * * *"}), "payload"),
    ] {
        let refused = stage.as_member(Method::PUT, place, plan, &may).await;
        assert!(refused.faults()[0].contains(fault), "{refused:?}");
    }

    let own = stage.as_member(Method::GET, "/schedules", Json::Null, &may).await.json(200);
    assert_eq!(
        names(&own, "schedules", "name"),
        ["tidy", "weekly"],
        "what is for no organization is not its matter"
    );
    let all = stage.get("/api/admin/schedules").await.json(200);
    assert_eq!(names(&all, "schedules", "name"), ["sweep", "tidy", "weekly"]);
    let others = stage.get("/api/admin/schedules?organization=acme").await.json(200);
    assert_eq!(names(&others, "schedules", "name"), ["tidy"]);
    let first = stage.get("/api/admin/schedules?limit=2").await.json(200);
    let rest = stage
        .get(&format!(
            "/api/admin/schedules?after={}",
            first["next"].as_str().unwrap_or_else(|| panic!("{first}"))
        ))
        .await
        .json(200);
    assert_eq!(names(&rest, "schedules", "name"), ["weekly"]);

    let paused =
        stage.as_member(Method::POST, "/schedules/keeper/tidy/pause", Json::Null, &may).await.json(200);
    assert_eq!((&paused["paused"], &paused["next_at"]), (&json!(true), &Json::Null));
    let others = stage.get("/api/admin/schedules?organization=acme").await.json(200);
    assert_eq!(others["schedules"][0]["paused"], json!(false), "it was paused for one organization alone");
    stage.as_member(Method::POST, "/schedules/keeper/tidy/resume", Json::Null, &may).await.json(200);
    let sweep = "/schedules/keeper/sweep/pause";
    stage.as_member(Method::POST, sweep, Json::Null, &may).await.detail(404);
    stage.post("/api/admin/schedules/keeper/sweep/pause", Json::Null).await.json(200);
    assert_eq!(stage.as_member(Method::DELETE, "/schedules/keeper/tidy", Json::Null, &may).await.status, 409);
    stage.as_member(Method::DELETE, place, Json::Null, &may).await.is_empty();
    stage.as_member(Method::DELETE, place, Json::Null, &may).await.detail(404);
    assert_eq!(
        stage.noted().await,
        [
            "schedule.removed schedule:keeper/weekly",
            "schedule.paused schedule:keeper/sweep",
            "schedule.resumed schedule:keeper/tidy",
            "schedule.paused schedule:keeper/tidy",
            "schedule.set schedule:keeper/weekly",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_touches_what_is_done_for_another_organization() {
    let stage = Stage::with_tasks().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    let day = json!({"payload": {"day": "x"}});
    let made = stage.post("/api/admin/tasks/keeper/report/run?organization=acme", day).await.json(201);
    let run = made["run"].as_str().unwrap();
    let plan = json!({"task": "report", "every_seconds": 60, "payload": {"day": "x"}});
    stage.put("/api/admin/schedules/keeper/theirs?organization=acme", plan).await.json(200);
    let may = ["task:manage", "task:read", "report:make"];
    for (method, address) in [
        (Method::GET, format!("/task-runs/keeper/{run}")),
        (Method::POST, format!("/task-runs/keeper/{run}/cancel")),
        (Method::POST, "/schedules/keeper/theirs/pause".to_owned()),
        (Method::POST, "/schedules/keeper/theirs/resume".to_owned()),
        (Method::DELETE, "/schedules/keeper/theirs".to_owned()),
    ] {
        stage.as_member(method, &address, Json::Null, &may).await.detail(404);
    }
    for (address, of) in [("/task-runs", "runs"), ("/schedules?plugin=keeper", "schedules")] {
        let own = stage.as_member(Method::GET, address, Json::Null, &may).await.json(200);
        assert!(!own[of].to_string().contains("acme") && !own[of].to_string().contains("theirs"), "{own}");
    }
}
