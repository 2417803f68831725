//! `db`: a plugin's own tables, and nothing else.

use serde_json::{Value, json};
use switchboard_sdk::{Definition, prelude::*};
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence};

const TABLES: (&str, &str) = ("001_word.sql", "create table word (text text not null unique)");

fn scribe(id: &str) -> Definition {
    let more = format!(
        "capabilities: [{{name: db, reason: Keeps words.}}]\nprovides: {{services: [{{name: {id}.run}}, {{name: {id}.drop}}, {{name: {id}.all}}]}}"
    );
    plugin(id, &more)
        .migrations([TABLES])
        .service(&format!("{id}.run"), async |ctx: Context, sql: String| ctx.db().execute(&sql, ()).await)
        .service(&format!("{id}.drop"), async |ctx: Context, word: String| {
            let mut transaction = ctx.db().begin().await?;
            transaction.execute("insert into word values ($1)", (word,)).await?;
            let within: Vec<String> = transaction.query("select text from word", ()).await?;
            drop(transaction);
            Ok(within)
        })
        .service(&format!("{id}.all"), async |ctx: Context, (): ()| {
            ctx.db().query::<String>("select text from word order by text", ()).await
        })
}

#[tokio::test]
async fn nothing_but_its_own_rows_can_be_reached() {
    let stage = Stage::with([built(scribe("scribe")), built(scribe("other"))]).await;
    stage.service("other.run", &json!("insert into word values ('theirs')")).await.unwrap();
    for sql in [
        "select * from plugin_other.word",
        "attach database 'plugin_other.sqlite' as other",
        "insert into _switchboard_outbox (name) values ('clip.created')",
        "delete from _switchboard_task",
        "select count(*) from _switchboard_outbox",
        "drop table word",
        "create table more (n integer)",
        "create temp trigger t after insert on word begin delete from word; end",
        "pragma journal_mode = off",
        "vacuum into '/tmp/stolen.sqlite'",
        "select load_extension('evil')",
        "begin",
        "commit",
        "delete from word; delete from word",
    ] {
        sentence("broken", stage.service("scribe.run", &json!(sql)).await);
    }
    assert_eq!(stage.service("other.all", &Value::Null).await.unwrap(), json!(["theirs"]));
    assert_eq!(stage.service("scribe.all", &Value::Null).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_transaction_that_is_dropped_was_nothing() {
    let stage = Stage::with([built(scribe("scribe"))]).await;
    let within = stage.service("scribe.drop", &json!("gone")).await.unwrap();
    assert_eq!(within, json!(["gone"]), "it sees what it did");
    assert_eq!(stage.service("scribe.all", &Value::Null).await.unwrap(), json!([]));
    stage.service("scribe.run", &json!("insert into word values ('next')")).await.unwrap();
}

#[tokio::test]
async fn a_broken_constraint_is_a_conflict() {
    let stage = Stage::with([built(scribe("scribe"))]).await;
    stage.service("scribe.run", &json!("insert into word values ('twice')")).await.unwrap();
    sentence("conflict", stage.service("scribe.run", &json!("insert into word values ('twice')")).await);
}

#[tokio::test]
async fn without_asking_there_is_none() {
    let rude = plugin("rude", "provides: {services: [{name: rude.read}]}")
        .service("rude.read", async |ctx: Context, (): ()| ctx.db().query::<i64>("select 1", ()).await);
    let stage = Stage::with([built(rude)]).await;
    let why = sentence("forbidden", stage.service("rude.read", &Value::Null).await);
    assert!(why.contains("`db`"), "{why}");
}
