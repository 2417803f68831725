//! A plugin's life: its hooks in order, its migrations, and that every step back is a step too.

use crate::small_plugins::{Diary, built, manifest, plugin, reason, serves};
use serde_json::{Value, json};
use switchboard_kernel::By;
use switchboard_sdk::{Context, Definition, Failure, prelude::*};
use switchboard_testkit::Stage;

const WITH_TABLES: &str = "enabled_by_default: true
capabilities: [{name: db, reason: Keeps notes.}]
provides:
  services: [{name: notes.all}, {name: notes.add}]";

const NOTES: (&str, &str) = ("001_notes.sql", "create table note (text text not null)");

#[derive(Deserialize, JsonSchema)]
struct Note {
    text: String,
}

fn notes(version: &str) -> Definition {
    async fn all(ctx: Context, (): ()) -> Result<Vec<String>> {
        ctx.db().query("select text from note order by text", ()).await
    }
    async fn add(ctx: Context, note: Note) -> Result<()> {
        ctx.db().execute("insert into note (text) values ($1)", (note.text,)).await?;
        Ok(())
    }
    Definition::new(manifest("notes", version, WITH_TABLES))
        .service("notes.all", all)
        .service("notes.add", add)
}

async fn with_a_note() -> Stage {
    let stage = Stage::with([built(notes("1.0.0").migrations([NOTES]))]).await;
    stage.service("notes.add", &json!({"text": "kept"})).await.unwrap();
    stage
}

#[tokio::test]
async fn hooks_run_in_the_order_of_a_life() {
    let diary = Diary::default();
    let of = |version| {
        let manifest = manifest("diarist", version, "enabled_by_default: true");
        built(diary.of_hooks(Definition::new(manifest)))
    };
    let stage = Stage::with([of("1.0.0")]).await;
    assert_eq!(diary.take(), ["install", "load", "enable"]);
    stage
        .kernel()
        .configure(&By::system("test"), "diarist", Some("default"), serde_json::Map::new())
        .await
        .unwrap();
    assert_eq!(diary.take(), ["config changed"]);
    stage.kernel().disable(&By::system("test"), "diarist", "default").await.unwrap();
    assert_eq!(diary.take(), ["disable"]);
    let stage = stage.again_with([of("1.0.0")]).await;
    assert_eq!(diary.take(), ["unload", "load"], "what is installed is not installed again");
    let stage = stage.again_with([of("1.1.0")]).await;
    assert_eq!(diary.take(), ["unload", "upgrade from \"1.0.0\" to \"1.1.0\"", "load"]);
    stage.kernel().enable(&By::system("test"), "diarist", "default").await.unwrap();
    stage.kernel().switch_off(&By::system("test"), "diarist").await.unwrap();
    assert_eq!(diary.take(), ["enable", "unload"]);
    stage.kernel().switch_on(&By::system("test"), "diarist").await.unwrap();
    assert_eq!(diary.take(), ["load"], "what was on for an organization is on again");
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_the_data_as_it_was() {
    let stage = with_a_note().await;
    let broken = [
        NOTES,
        ("002_author.sql", "alter table note add column author text; update note set text = 'changed'"),
        ("003_broken.sql", "update note set author = 'nobody'; insert into nowhere values (1)"),
    ];
    let stage = stage.again_with([built(notes("1.1.0").migrations(broken))]).await;
    let why = reason(&stage, "notes");
    assert!(why.contains("migration 3 (broken)") && why.contains("nowhere"), "{why}");

    let stage = stage.again_with([built(notes("1.0.0").migrations([NOTES]))]).await;
    let all = stage.service("notes.all", &json!(null)).await.unwrap();
    assert_eq!(all, json!(["kept"]), "neither the half nor the migration before it holds");

    let repaired = [NOTES, ("002_author.sql", "alter table note add column author text")];
    let stage = stage.again_with([built(notes("1.1.0").migrations(repaired))]).await;
    assert!(serves(&stage, "notes"));
}

#[tokio::test]
async fn a_failed_upgrade_puts_the_data_back_and_the_old_version_serves_again() {
    let stage = with_a_note().await;
    let second = ("002_wipe.sql", "delete from note");
    let refusing = notes("2.0.0")
        .migrations([NOTES, second])
        .on_upgrade(async |_: Context, _: Value| Err(Failure::conflict("not from that version")));
    let stage = stage.again_with([built(refusing)]).await;
    let why = reason(&stage, "notes");
    assert!(why.contains("on_upgrade") && why.contains("not from that version"), "{why}");
    let stage = stage.again_with([built(notes("1.0.0").migrations([NOTES]))]).await;
    assert_eq!(stage.service("notes.all", &json!(null)).await.unwrap(), json!(["kept"]));
}

#[tokio::test]
async fn one_that_fails_to_load_says_why_and_the_rest_serve() {
    let failing =
        plugin("failing", "").on_load(async |_: Context| Err(Failure::unavailable("no luck today")));
    let panicking = plugin("panicking", "").on_load(async |_: Context| panic!("a bug"));
    let leaning = plugin("leaning", "requires: [failing]");
    let plugins = [built(failing), built(panicking), built(leaning), built(plugin("sound", ""))];
    let stage = Stage::with_some_failing(plugins).await;
    assert!(reason(&stage, "failing").contains("no luck today"));
    assert!(reason(&stage, "panicking").contains("a bug"));
    assert!(reason(&stage, "leaning").contains("failing"));
    assert!(serves(&stage, "sound"));
}

#[tokio::test]
async fn what_is_declared_and_what_is_bound_must_agree() {
    let routes = "provides:\n  api_routes: [{method: GET, path: /declared}]";
    let unbound = plugin("unbound", routes);
    let undeclared = plugin("undeclared", "").on("clip.created", async |_: Context, _: Event| Ok(()));
    let stage = Stage::with_some_failing([built(unbound), built(undeclared)]).await;
    assert!(reason(&stage, "unbound").contains("GET /declared"), "{}", reason(&stage, "unbound"));
    assert!(reason(&stage, "undeclared").contains("clip.created"), "{}", reason(&stage, "undeclared"));
}

#[tokio::test]
async fn of_two_that_claim_one_address_the_second_names_the_first() {
    async fn hello(_: Context) -> Result<Json<String>> {
        Ok(Json("hello".to_owned()))
    }
    let route = "enabled_by_default: true\nprovides:\n  api_routes: [{method: GET, path: /hello, scope: root, reason: a test}]";
    let plugins = ["first", "second"].map(|id| built(plugin(id, route).get("/hello", hello)));
    let stage = Stage::with_some_failing(plugins).await;
    assert!(serves(&stage, "first"));
    let why = reason(&stage, "second");
    assert!(why.contains("GET /hello") && why.contains("first"), "{why}");
    stage.ask("GET", "/hello").send().await.expect(200);
}

#[tokio::test]
async fn a_hook_that_never_ends_is_ended_and_leaves_what_was_there() {
    let patience = std::time::Duration::from_millis(50);
    let stuck = plugin("stuck", "").on_load(async |_: Context| std::future::pending().await);
    let slow_to_enable =
        plugin("slow", "").on_enable(async |_: Context, _: Value| std::future::pending().await);
    let setup = Stage::setup().hook_time(patience);
    let stage = setup.with_some_failing([built(stuck), built(slow_to_enable)]).await;
    let why = reason(&stage, "stuck");
    assert!(why.contains("on_load") && why.contains("50 ms"), "{why}");
    let refused =
        stage.kernel().enable(&By::system("test"), "slow", "default").await.unwrap_err().to_string();
    assert!(refused.contains("on_enable") && refused.contains("50 ms"), "{refused}");
    let snapshot = stage.kernel().snapshot();
    let organization = stage.kernel().named("default").unwrap().id;
    assert!(!snapshot.is_enabled(snapshot.plugin("slow").unwrap(), organization));
}
