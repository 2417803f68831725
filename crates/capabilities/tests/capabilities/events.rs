//! `events`: only those that are declared, of the shape that is declared, with the change that they report.

use std::{
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use serde_json::{Value, json};
use switchboard_sdk::{Definition, prelude::*};
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence};

const TABLES: (&str, &str) = ("001_word.sql", "create table word (text text not null)");

const SPEAKER: &str = "capabilities: [{name: db, reason: Keeps words.}, {name: events, reason: Says them.}]
provides:
  events:
    - type: word.said
      schema: {type: object, required: [text], properties: {text: {type: string}, language: {type: string}}}
  services: [{name: speaker.say}, {name: speaker.keep}, {name: speaker.settle}, {name: speaker.all}]";

fn speaker() -> Definition {
    plugin("speaker", SPEAKER)
        .migrations([TABLES])
        .service("speaker.say", async |ctx: Context, (name, data): (String, Value)| {
            ctx.events().emit(NewEvent::new(name, "word/1", &data)?).await
        })
        .service("speaker.keep", async |ctx: Context, (name, text, commits): (String, Value, bool)| {
            let mut transaction = ctx.db().begin().await?;
            let word = text.as_str().unwrap_or("no text").to_owned();
            transaction.execute("insert into word values ($1)", (word,)).await?;
            transaction.emit(NewEvent::new(name, "word/1", &json!({"text": text}))?)?;
            if commits { transaction.commit().await } else { Ok(()) }
        })
        .service("speaker.settle", async |ctx: Context, (): ()| {
            ctx.db().execute("delete from word where false", ()).await
        })
        .service("speaker.all", async |ctx: Context, (): ()| {
            ctx.db().query::<String>("select text from word order by text", ()).await
        })
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn listener(&self) -> Definition {
        let heard = self.clone();
        plugin("listener", "provides: {listeners: [{event: word.*}]}").on(
            "word.*",
            move |_: Context, event: Event| {
                let data: Value = event.data.to().unwrap();
                heard.0.lock().unwrap().push(data["text"].as_str().unwrap().to_owned());
                std::future::ready(Ok(()))
            },
        )
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn an_event_is_said_when_its_change_is_made_and_not_otherwise() {
    let heard = Heard::default();
    let stage = Stage::with([built(speaker()), built(heard.listener())]).await;
    stage.service("speaker.keep", &json!(["word.said", "undone", false])).await.unwrap();
    stage.service("speaker.keep", &json!(["word.said", "kept", true])).await.unwrap();
    stage.service("speaker.say", &json!(["word.said", {"text": "apart"}])).await.unwrap();
    stage.idle().await;
    assert_eq!(heard.all(), ["kept", "apart"]);
    assert_eq!(stage.service("speaker.all", &Value::Null).await.unwrap(), json!(["kept"]));
    stage.finish().await;
}

#[tokio::test]
async fn what_is_not_declared_is_not_said_and_its_change_not_made() {
    let heard = Heard::default();
    let stage = Stage::with([built(speaker()), built(heard.listener())]).await;
    for name in ["word.whispered", "clip.created", "", "word.said "] {
        let why = sentence("broken", stage.service("speaker.say", &json!([name, {"text": "x"}])).await);
        assert!(why.contains(&format!("declares no event `{name}`")), "{why}");
        sentence("broken", stage.service("speaker.keep", &json!([name, "x", true])).await);
    }
    stage.idle().await;
    assert!(heard.all().is_empty());
    assert_eq!(stage.service("speaker.all", &Value::Null).await.unwrap(), json!([]));
}

#[tokio::test]
async fn data_of_another_shape_is_refused_at_its_place() {
    let stage = Stage::with([built(speaker())]).await;
    let why = sentence("broken", stage.service("speaker.say", &json!(["word.said", {"text": 7}])).await);
    assert!(why.contains("`word.said`") && why.contains("data.text"), "{why}");
    let both = json!(["word.said", {"text": 7, "language": 8}]);
    let why = sentence("broken", stage.service("speaker.say", &both).await);
    assert!(why.contains("data.text: ") && why.contains("data.language: "), "{why}");
    sentence("broken", stage.service("speaker.say", &json!(["word.said", {}])).await);
    sentence("broken", stage.service("speaker.keep", &json!(["word.said", 7, true])).await);
    assert_eq!(stage.service("speaker.all", &Value::Null).await.unwrap(), json!([]));
}

#[tokio::test]
async fn without_asking_nothing_is_said_in_a_transaction_either() {
    let rude = plugin(
        "rude",
        "capabilities: [{name: db, reason: Keeps words.}]\nprovides: {services: [{name: rude.say}, {name: rude.keep}]}",
    )
    .migrations([TABLES])
    .service("rude.say", async |ctx: Context, (): ()| {
        ctx.events().emit(NewEvent::new("word.said", "word/1", "x")?).await
    })
    .service("rude.keep", async |ctx: Context, (): ()| {
        ctx.db().begin().await?.emit(NewEvent::new("word.said", "word/1", "x")?)
    });
    let stage = Stage::with([built(rude)]).await;
    for service in ["rude.say", "rude.keep"] {
        let why = sentence("forbidden", stage.service(service, &Value::Null).await);
        assert!(why.contains("`events`"), "{why}");
    }
}

#[tokio::test]
async fn who_goes_away_while_it_is_written_leaves_nobody_waiting_for_it() {
    let heard = Heard::default();
    let stage = Stage::with([built(speaker()), built(heard.listener())]).await;
    for patience in 1..=12 {
        {
            let said = json!(["word.said", format!("with patience for {patience:02}"), true]);
            let mut call = std::pin::pin!(stage.service("speaker.keep", &said));
            let mut waits = 0;
            // Given up as soon as it waits for that time, whatever it waits for.
            std::future::poll_fn(|polling| match call.as_mut().poll(polling) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => {
                    waits += 1;
                    if waits == patience { Poll::Ready(()) } else { Poll::Pending }
                }
            })
            .await;
        }
        // Writes wait for each other: after this one, what was under way is made or undone.
        stage.service("speaker.settle", &Value::Null).await.unwrap();
        let kept = stage.service("speaker.all", &Value::Null).await.unwrap();
        // Not `idle`, which would have it looked for.
        for _ in 0..1000 {
            if json!(heard.all()) == kept {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(json!(heard.all()), kept, "with patience for {patience}");
    }
}
