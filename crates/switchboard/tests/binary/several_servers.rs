//! Two servers on one PostgreSQL: each sees what the other changes, and no two changes get in each other's way.

use std::{
    fs,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    installation::{Installation, Server, send},
    own_database::OwnDatabase,
};

/// How long one server may take to see what the other did, before the test has failed. It takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two servers that share a database and the keys of secrets, and the token of the first start.
struct Pair {
    one: Server,
    other: Server,
    _folders: [Installation; 2],
    database: OwnDatabase,
}

impl Pair {
    /// None where there is no PostgreSQL.
    fn new(purpose: &str) -> Option<Self> {
        let database = OwnDatabase::new(purpose)?;
        let folders = [Installation::unlimited(), Installation::unlimited()];
        let keys = folders[0].beside("keys");
        for folder in &folders {
            let settings = folder.data("switchboard.toml");
            let text = fs::read_to_string(&settings).unwrap();
            fs::write(settings, format!("key_file = {:?}\n{text}", keys.display().to_string())).unwrap();
        }
        let address = database.address();
        let environment = [("SWITCHBOARD_DATABASE", address.as_str())];
        let one = folders[0].serve_with(&environment);
        let mut other = folders[1].serve_with(&environment);
        assert_eq!(other.token, None, "the first start was that of the other server");
        other.token.clone_from(&one.token);
        Some(Self { one, other, _folders: folders, database })
    }
}

/// Waits until an address answers as it should; says how long that took.
async fn until(what: &str, seen: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !seen().await {
        assert!(begun.elapsed() < PATIENCE, "the other server does not see it: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eprintln!("seen after {:?}: {what}", begun.elapsed());
}

#[tokio::test]
async fn what_one_server_changes_the_other_sees() {
    let Some(Pair { one, other, .. }) = &Pair::new("several_servers") else { return };
    let organizations = "/api/admin/organizations";
    send(one, Method::POST, organizations, json!({ "slug": "acme", "name": "Acme" })).await;
    until("an organization", async || other.status("/api/admin/organizations/acme").await == 200).await;
    until("its plugins", async || other.status("/api/org/acme/organization/plugins").await == 200).await;

    let is_on = async || {
        let plugin = other.get("/api/admin/plugins/clips").await;
        plugin["organizations"].as_array().unwrap().contains(&json!("acme"))
    };
    until("a plugin that is on by default", is_on).await;
    let acme = json!({ "organization": "acme" });
    // Whatever the detector needs is off with it.
    send(
        one,
        Method::POST,
        "/api/org/acme/organization/plugins/clips/disable",
        json!({ "with_dependents": true }),
    )
    .await;
    until("a plugin that was switched off", async || !is_on().await).await;
    send(one, Method::POST, "/api/admin/plugins/clips/enable", acme).await;
    until("a plugin that was switched on", is_on).await;

    send(one, Method::POST, "/api/admin/plugins/highlight_detector/disable", json!({})).await;
    let state = async || other.get("/api/admin/plugins/highlight_detector").await["state"].clone();
    until("a plugin that was switched off for the installation", async || state().await == "disabled").await;
    send(one, Method::POST, "/api/admin/plugins/highlight_detector/enable", json!({})).await;
    until("a plugin that was switched on for the installation", async || state().await == "loaded").await;

    let config = "/api/admin/plugins/highlight_detector/config";
    send(one, Method::PATCH, config, json!({ "sensitivity": 0.25 })).await;
    let configured = one.get(config).await;
    assert!(configured.to_string().contains("0.25"), "{configured}");
    until("a configuration", async || other.get(config).await == configured).await;

    let made =
        send(one, Method::POST, "/api/admin/tokens", json!({ "name": "ci", "actions": ["admin:read"] }))
            .await;
    let token = made["token"].as_str().unwrap();
    let asked = async || {
        let request = other.client().get(other.url("/api/admin/plugins")).bearer_auth(token);
        request.send().await.unwrap().status()
    };
    until("a token", async || asked().await == StatusCode::OK).await;
    let revoked = one.ask(Method::DELETE, &format!("/api/admin/tokens/{}", made["id"])).send().await.unwrap();
    assert!(revoked.status().is_success(), "{}", revoked.status());
    until("that a token was revoked", async || asked().await == StatusCode::UNAUTHORIZED).await;

    let (email, password) = ("ada@example.com", "correct horse battery staple");
    let person = json!({ "email": email, "password": password, "name": "Ada" });
    let account = send(one, Method::POST, "/api/admin/accounts", person).await;
    let proof = json!({ "email": email, "password": password });
    let signed_in = other.client().post(other.url("/api/auth/sign-in")).json(&proof).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let me = async || {
        let request = other.client().get(other.url("/api/me")).header("cookie", &cookie);
        request.send().await.unwrap().status()
    };
    assert_eq!(me().await, StatusCode::OK);
    let disable = format!("/api/admin/accounts/{}/disable", account["id"]);
    send(one, Method::POST, &disable, json!({})).await;
    until("that an account was disabled", async || me().await == StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn of_two_servers_that_change_the_same_at_once_one_is_refused() {
    let Some(Pair { one, other, .. }) = &Pair::new("changes_at_once") else { return };
    for number in 0..10 {
        let body = json!({ "slug": format!("team-{number}"), "name": "Team" });
        let make = async |server: &Server| {
            let request = server.ask(Method::POST, "/api/admin/organizations").json(&body);
            request.send().await.unwrap().status().as_u16()
        };
        let (first, second) = tokio::join!(make(one), make(other));
        let mut both = [first, second];
        both.sort_unstable();
        assert_eq!(both, [201, 409], "{body}");
    }
    for server in [one, other] {
        let organizations = server.get("/api/admin/organizations").await;
        let made = organizations.to_string().matches("team-").count();
        assert_eq!(made, 10, "{organizations}");
    }
    let verdict = one.get("/api/admin/audit/verification").await;
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
}

#[tokio::test]
async fn what_was_said_while_the_connection_was_away_is_read_when_it_is_back() {
    let Some(Pair { one, other, database, .. }) = &Pair::new("connections_lost") else { return };
    for round in 0..3 {
        database.end_connections();
        let slug = format!("team-{round}");
        let body = json!({ "slug": slug, "name": "Team" });
        // The first request may meet a connection that has just ended; nothing is half done by it.
        let made = async || {
            let answer = one.ask(Method::POST, "/api/admin/organizations").json(&body).send().await.unwrap();
            [201, 409].contains(&answer.status().as_u16())
        };
        until("a change after the connections ended", made).await;
        let address = format!("/api/admin/organizations/{slug}");
        until("that change at the other server", async || other.status(&address).await == 200).await;
    }
    let verdict = one.get("/api/admin/audit/verification").await;
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
}

#[tokio::test]
async fn what_is_said_on_one_server_is_streamed_by_the_other() {
    let Some(Pair { one, other, .. }) = &Pair::new("streams") else { return };
    for (said_on, read_on, title) in [(one, other, "From one"), (other, one, "From the other")] {
        let stream = "/api/admin/events/stream?type=clip.created";
        let mut answer = read_on.ask(Method::GET, stream).send().await.unwrap();
        said_on.make_clip(title).await;
        let mut read = String::new();
        while !read.contains(title) {
            let chunk = tokio::time::timeout(PATIENCE, answer.chunk()).await.unwrap();
            read.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn each_time_of_a_schedule_comes_once_and_another_server_goes_on_when_one_dies() {
    let Some(Pair { one, other, _folders, database }) = Pair::new("schedules_of_several") else { return };
    let plan = json!({ "task": "analyse", "every_seconds": 1, "if_running": "overlap" });
    let schedule = "/api/admin/schedules/highlight_detector/often?organization=default";
    let set = other.ask(Method::PUT, schedule).json(&plan).send().await.unwrap();
    assert!(set.status().is_success(), "{}", set.text().await.unwrap());
    let due = async |server: &Server| {
        let runs = server.get("/api/admin/task-runs?schedule=often&limit=1000").await;
        let runs = runs["runs"].as_array().unwrap().iter();
        runs.map(|run| run["due_at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    until("what is due", async || due(&one).await.len() >= 2).await;
    other.kill();
    let before = due(&one).await.len();
    until("what is due after the death of a server", async || due(&one).await.len() >= before + 3).await;
    let mut moments = due(&one).await;
    let all = moments.len();
    moments.sort_unstable();
    moments.dedup();
    assert_eq!(moments.len(), all, "none came twice");
    drop((one, _folders, database));
}
