//! Everything moved from SQLite to PostgreSQL, broken off on the way, compared, and served from there.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value as Json, json};
use switchboard_store::{Options, Store};

use crate::{
    installation::{Installation, Server, clip, media, send},
    own_database::OwnDatabase,
};

/// How long a move may take to begin before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery staple";
const LAMP: &str = "id: lamp
name: Lamp
version: 1.0.0
type: external
category: utility
entry_point: lamp.wasm
config_schema:
  type: object
  properties: { warmth: { type: number }, key: { type: string, secret: true } }
";

/// What stands at an address, for the organization of the first start where it is one of clips.
async fn asked(server: &Server, path: &str) -> reqwest::Response {
    let mut request = server.ask(Method::GET, path);
    if path.starts_with("/api/v1/") {
        request = request.header("x-organization", "default");
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "GET {path}");
    answer
}

/// What the server says of everything that was made.
async fn everything(server: &Server) -> BTreeMap<&'static str, Json> {
    let mut all = BTreeMap::new();
    for path in [
        "/api/v1/clips",
        "/api/v1/clips?search=seventh",
        "/api/v1/clips/2",
        "/api/admin/organizations",
        "/api/admin/organizations/acme",
        "/api/org/acme/organization/members",
        "/api/org/acme/organization/roles",
        "/api/admin/accounts",
        "/api/admin/plugins",
        "/api/admin/plugins/lamp/config",
        "/api/admin/plugins/lamp/config/history",
        "/api/admin/plugins/clips/config",
        "/api/admin/audit",
        "/api/admin/audit/verification",
        "/api/admin/secrets",
    ] {
        all.insert(path, asked(server, path).await.json().await.unwrap());
    }
    all
}

/// Fills a server with some of everything; gives a cookie by which somebody is signed in, and a token of an organization.
async fn fill(server: &Server) -> (String, String) {
    for number in 1..=8 {
        let title =
            if number == 7 { "The seventh".to_owned() } else { format!("Clip {number} \u{1f3c6} 'ä\\\"") };
        server.make_clip(&title).await;
    }
    let put = server.ask(Method::PUT, "/api/v1/clips/2/media").body(media()).send().await.unwrap();
    assert_eq!(put.status(), 200);
    // Its number is never given again.
    let removed = server.ask(Method::DELETE, "/api/v1/clips/8").send().await.unwrap();
    assert!(removed.status().is_success());
    let ada = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let ada = send(server, Method::POST, "/api/admin/accounts", ada).await;
    let acme = json!({ "slug": "acme", "name": "Acme", "owner": ada["id"] });
    send(server, Method::POST, "/api/admin/organizations", acme).await;
    let role = json!({ "description": "Looks", "statements": [{ "effect": "allow", "actions": ["clip:read"], "resources": ["clip:*"] }] });
    send(server, Method::PUT, "/api/org/acme/organization/roles/looker", role).await;
    send(
        server,
        Method::POST,
        "/api/admin/plugins/highlight_detector/disable",
        json!({ "organization": "acme" }),
    )
    .await;
    send(server, Method::PATCH, "/api/admin/plugins/lamp/config", json!({ "warmth": 0.5, "key": "s3cret" }))
        .await;
    let token = json!({ "name": "ci", "organization": "acme", "actions": ["clip:read"] });
    let token = send(server, Method::POST, "/api/admin/tokens", token).await;
    let proof = json!({ "email": "ada@example.com", "password": PASSWORD });
    let signed_in = server.client().post(server.url("/api/auth/sign-in")).json(&proof).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    (cookie, token["token"].as_str().unwrap().to_owned())
}

/// The files of the databases, by name.
fn files(installation: &Installation) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(installation.data("db")).unwrap().flatten();
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .collect()
}

/// Puts so many rows into a table of clips that moving them takes a while.
async fn swell(installation: &Installation) {
    let store = Store::open_sqlite(&installation.data("db"), Options::default()).unwrap();
    let room = store.room("plugin_clips").await.unwrap();
    let rows = "insert into stray_media (media_key, organization_id, since)
        with recursive number (n) as (select 1 union all select n + 1 from number where n < 60000)
        select 'stray-' || n, 1, '2999-01-01T00:00:00.000000Z' from number";
    room.execute(rows, vec![]).await.unwrap();
    switchboard_capabilities::prepare_kv(&room).await.unwrap();
    let value =
        "insert into _switchboard_kv (organization_id, key, value, version) values (1, 'a', x'00ff', 7)";
    room.execute(value, vec![]).await.unwrap();
    store.close().await;
}

/// Waits until a table is whole and the next is not, and ends the move there.
fn kill_on_the_way(mut moving: Child, database: &OwnDatabase) {
    let begun = Instant::now();
    loop {
        let whole =
            "select count(*) > 0 from switchboard_plugin_clips._switchboard_moved where name = 'clip'";
        if database.ask(whole) == "t" {
            break;
        }
        assert!(moving.try_wait().unwrap().is_none(), "the move ended before it could be broken off");
        assert!(begun.elapsed() < PATIENCE, "the move does not begin");
    }
    moving.kill().unwrap();
    moving.wait().unwrap();
    assert_eq!(
        database.ask("select finished_at is null from switchboard.moving"),
        "t",
        "it was not done yet"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_to_postgresql_is_served_from_there_as_it_was() {
    let Some(database) = OwnDatabase::new("moving") else { return };
    let address = database.address();
    let installation = Installation::unlimited();
    installation.install("lamp", LAMP);
    let server = installation.serve();
    let (cookie, of_acme) = fill(&server).await;
    let before = everything(&server).await;
    let refused = installation.run(&["migrate-store", "sqlite", &address]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("a server runs on the data folder"), "{}", refused.err);
    let token = server.token.clone();
    server.stop();
    swell(&installation).await;

    let untouched = files(&installation);
    let plan = installation.json(&["migrate-store", "sqlite", "postgres", "--dry-run"]);
    assert_eq!(plan["obstacles"], json!([]));
    let clips = plan["rooms"].as_array().unwrap().iter().find(|room| room["room"] == "plugin_clips").unwrap();
    assert!(clips["tables"].as_array().unwrap().contains(&json!({ "table": "clip", "rows": 7 })), "{clips}");

    let mut moving = installation.command(&["migrate-store", "sqlite", &address]);
    let moving = moving.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    kill_on_the_way(moving, &database);
    let mut early = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let early = early.env("SWITCHBOARD_DATABASE", &address).output().unwrap();
    assert_eq!(early.status.code(), Some(1), "nobody serves from half of it");
    assert!(String::from_utf8_lossy(&early.stderr).contains("is not finished"));

    let written = "select min(xmin::text) || max(xmin::text) from switchboard_plugin_clips.clip";
    let clips_written = database.ask(written);
    let moved = installation.json(&["migrate-store", "sqlite", &address]);
    assert_eq!(moved["rows"], plan["rows"]);
    assert_eq!(database.ask(written), clips_written, "it went on behind the table that was whole");
    assert!(files(&installation) == untouched, "the source is as it was");
    let kept = "select encode(value, 'hex') || version from switchboard_plugin_clips._switchboard_kv";
    assert_eq!(database.ask(kept), "00ff7", "small values came too");
    let again = installation.run(&["migrate-store", "sqlite", &address]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("was moved into it before"), "{}", again.err);

    let mut server = installation.serve_with(&[("SWITCHBOARD_DATABASE", &address)]);
    assert_eq!(server.token, None, "this is no first start");
    server.token = token;
    for (path, answer) in everything(&server).await {
        assert_eq!(answer, before[path], "{path}");
    }
    assert!(files(&installation) == untouched, "nobody writes to the files any more");
    let played = asked(&server, "/api/v1/clips/2/media").await;
    assert!(played.bytes().await.unwrap() == media(), "blobs are where they were");
    let next = server.ask(Method::POST, "/api/v1/clips").header("x-organization", "default");
    let next: Json = next.json(&clip("The next")).send().await.unwrap().json().await.unwrap();
    assert_eq!(next["id"], 9, "numbers go on, and none is given twice");
    let me = server.client().get(server.url("/api/me")).header("cookie", cookie).send().await.unwrap();
    assert_eq!(me.status(), 200, "who was signed in is");
    let asked = server.client().get(server.url("/api/v1/clips")).bearer_auth(of_acme).send().await.unwrap();
    assert_eq!(asked.status(), 200, "a token of an organization holds");
    send(&server, Method::POST, "/api/admin/organizations", json!({ "slug": "next", "name": "Next" })).await;
    let verdict = server.get("/api/admin/audit/verification").await;
    assert_eq!(verdict["ok"], json!(true), "the audit log goes on behind its last line: {verdict}");
    let rotated = send(&server, Method::POST, "/api/admin/secrets/rotate", json!({})).await;
    assert_ne!(rotated["resealed"], json!(0), "secrets open with the keys of before: {rotated}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_the_same_on_both_sides_is_found() {
    let Some(database) = OwnDatabase::new("moving_compared") else { return };
    let address = database.address();
    let installation = Installation::new();
    let server = installation.serve();
    server.make_clip("First").await;
    server.make_clip("Second").await;
    // In the midst of everything: what was acknowledged is in the journal alone.
    server.kill();
    let untouched: Vec<_> =
        files(&installation).into_iter().filter(|(name, _)| !name.ends_with("shm")).collect();
    installation.json(&["migrate-store", "sqlite", &address]);
    let compared = || {
        let said = installation.run(&["migrate-store", "sqlite", &address, "--verify"]);
        (said.code, said.out)
    };
    assert_eq!(compared().0, 0);
    database.ask("update switchboard_plugin_clips.clip set description = '' where id = 1");
    let (code, said) = compared();
    assert_eq!(code, 3);
    assert!(
        said.contains(
            "the table clip of the room plugin_clips has 2 rows on both sides, of which some differ"
        ),
        "{said}"
    );
    database.ask("delete from switchboard_plugin_clips.clip where id = 1");
    let (_, said) = compared();
    assert!(said.contains("2 rows here and 1 there"), "{said}");
    let now: Vec<_> = files(&installation).into_iter().filter(|(name, _)| !name.ends_with("shm")).collect();
    assert!(now == untouched, "the source is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_postgresql_cannot_keep_is_named_with_its_row_and_column() {
    let Some(database) = OwnDatabase::new("moving_misfit") else { return };
    let address = database.address();
    let installation = Installation::new();
    let server = installation.serve();
    let token = server.token.clone();
    server.make_clip("First").await;
    server.make_clip("Second\0half").await;
    server.stop();
    let refused = installation.run(&["migrate-store", "sqlite", &address]);
    assert_eq!(refused.code, 1);
    let why = "the row whose id is 2 has in its column title a text with the character NUL";
    assert!(refused.err.contains("table \"clip\"") && refused.err.contains(why), "{}", refused.err);
    let mut server = installation.serve();
    server.token = token;
    send(&server, Method::PATCH, "/api/v1/clips/2", json!({ "title": "Second half" })).await;
    server.stop();
    installation.json(&["migrate-store", "sqlite", &address]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_where_something_stands_in_the_way() {
    let Some(database) = OwnDatabase::new("moving_refused") else { return };
    let address = database.address();
    let installation = Installation::new();
    let server = installation.serve_with(&[("SWITCHBOARD_DATABASE", &address)]);
    assert!(server.ready["database"].as_str().unwrap().starts_with("postgres://"), "{}", server.ready);
    server.stop();
    installation.serve().stop();
    let serves = installation.run(&["migrate-store", "sqlite", &address]);
    assert_eq!(serves.code, 1);
    assert!(serves.err.contains("a server has served from it"), "{}", serves.err);

    let Some(empty) = OwnDatabase::new("moving_unknown") else { return };
    let store = Store::open_sqlite(&installation.data("db"), Options::default()).unwrap();
    let room = store.room("plugin_guestbook").await.unwrap();
    room.execute("create table entry (id integer primary key, text text)", vec![]).await.unwrap();
    store.close().await;
    let planned = installation.run(&["migrate-store", "sqlite", "postgres", "--dry-run"]);
    assert_eq!(planned.code, 3);
    assert!(planned.out.contains("the plugin `guestbook` is not part of this program"), "{}", planned.out);
    let refused = installation.run(&["migrate-store", "sqlite", &empty.address()]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("nothing was moved: the plugin `guestbook`"), "{}", refused.err);
    assert_eq!(empty.ask("select count(*) from pg_namespace where nspname like 'switchboard%'"), "0");
}

#[test]
fn the_database_of_the_command_line_is_taken_before_that_of_the_environment_and_of_the_file() {
    let installation = Installation::new();
    fs::create_dir_all(installation.data("")).unwrap();
    fs::write(installation.data("switchboard.toml"), "database = 'postgres://ada@127.0.0.1:1/of_the_file'\n")
        .unwrap();
    let failed = |args: &[&str], variable: Option<&str>| {
        let mut command = installation.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        command.envs(variable.map(|address| ("SWITCHBOARD_DATABASE", address)));
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let of_environment = Some("postgres://ada@127.0.0.1:1/of_the_environment");
    let flag = ["--database", "postgres://ada@127.0.0.1:1/of_the_flag"];
    assert!(failed(&flag, of_environment).contains("/of_the_flag"));
    assert!(failed(&[], of_environment).contains("/of_the_environment"));
    assert!(failed(&[], None).contains("/of_the_file"));
    let wrong = installation.run(&["serve", "--database", "mysql://host/house"]);
    assert_eq!((wrong.code, wrong.err.contains("postgres://user@host/database")), (2, true), "{}", wrong.err);

    let restored = installation.run(&["restore", "nightly.tar.zst", "--replace"]);
    assert_eq!(restored.code, 1);
    assert!(
        restored.err.contains("are in PostgreSQL") && restored.err.contains("pg_restore"),
        "{}",
        restored.err
    );
}
