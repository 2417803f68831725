//! One plugin that says things and has work to do, and plugins that listen to it as a test wants.

use std::sync::{Arc, Mutex};

use serde_json::json;
use switchboard_sdk::{NewEvent, Plugin, prelude::*};
use switchboard_testkit::Stage;
use tokio::sync::watch;

/// What becomes of one attempt.
pub(crate) enum Fate {
    /// It goes well.
    Well,
    /// It fails with these words.
    Fails(&'static str),
    /// It goes on until the gate is opened, and well then.
    Waits(Gate),
}

/// What is waited for.
#[derive(Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Gate {
    /// Lets everyone through, for good.
    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is opened.
    pub(crate) async fn passed(&self) {
        self.0.subscribe().wait_for(|open| *open).await.unwrap();
    }
}

/// Attempts at something, as a test sees and decides them.
#[derive(Clone)]
pub(crate) struct Attempts<T>(Arc<Inner<T>>);

type Decide<T> = Box<dyn FnMut(&T) -> Fate + Send>;

struct Inner<T> {
    begun: watch::Sender<usize>,
    all: Mutex<Vec<T>>,
    well: Mutex<Vec<T>>,
    fate: Mutex<Decide<T>>,
}

impl<T: Clone> Attempts<T> {
    /// Each of which goes as the function says.
    pub(crate) fn that(fate: impl FnMut(&T) -> Fate + Send + 'static) -> Self {
        let fate = Mutex::new(Box::new(fate) as _);
        let begun = watch::Sender::new(0);
        Self(Arc::new(Inner { begun, all: Mutex::default(), well: Mutex::default(), fate }))
    }

    /// Each of which goes well.
    pub(crate) fn that_go_well() -> Self {
        Self::that(|_| Fate::Well)
    }

    /// From now on it goes as the function says.
    pub(crate) fn are_now(&self, fate: impl FnMut(&T) -> Fate + Send + 'static) {
        *self.0.fate.lock().unwrap() = Box::new(fate);
    }

    /// All attempts, in the order in which they began.
    pub(crate) fn all(&self) -> Vec<T> {
        self.0.all.lock().unwrap().clone()
    }

    /// Those that went well, in the order in which they ended.
    pub(crate) fn well(&self) -> Vec<T> {
        self.0.well.lock().unwrap().clone()
    }

    /// Waits until so many have begun.
    pub(crate) async fn have_begun(&self, count: usize) {
        self.0.begun.subscribe().wait_for(|begun| *begun >= count).await.unwrap();
    }

    /// Makes one, which goes as it is to go.
    pub(crate) async fn one(&self, what: T) -> Result<()> {
        let fate = (self.0.fate.lock().unwrap())(&what);
        self.0.all.lock().unwrap().push(what.clone());
        self.0.begun.send_modify(|begun| *begun += 1);
        match fate {
            Fate::Well => {}
            Fate::Fails(why) => return Err(conflict!("{why}")),
            Fate::Waits(gate) => gate.passed().await,
        }
        self.0.well.lock().unwrap().push(what);
        Ok(())
    }
}

impl Attempts<Event> {
    /// The numbers of the events that were heard, in order.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        numbers(&self.well())
    }
}

/// The numbers of events.
pub(crate) fn numbers(events: &[Event]) -> Vec<i64> {
    events.iter().map(number).collect()
}

/// The number of an event.
pub(crate) fn number(event: &Event) -> i64 {
    event.data.to::<Thing>().unwrap().number
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Thing {
    number: i64,
    #[serde(default)]
    filling: String,
}

#[derive(Deserialize, JsonSchema)]
struct Say {
    subject: String,
    numbers: Vec<i64>,
    #[serde(default)]
    filling: usize,
    #[serde(default)]
    undo: bool,
}

/// Says `thing.said` for each number, all in one transaction.
async fn say(ctx: Context, say: Say) -> Result<()> {
    let mut transaction = ctx.db().begin().await?;
    for number in say.numbers {
        transaction.execute("insert into thing (number) values ($1)", (number,)).await?;
        let thing = Thing { number, filling: "x".repeat(say.filling) };
        transaction.emit(NewEvent::new("thing.said", say.subject.as_str(), &thing)?)?;
    }
    if say.undo {
        return Ok(());
    }
    transaction.commit().await
}

async fn work(ctx: Context, payload: serde_json::Value) -> Result<String> {
    ctx.schedule().run("work", &payload).await
}

/// The plugin `source`, which says things when it is asked to, and has a task.
pub(crate) fn source(runs: &Attempts<TaskCall>) -> Arc<dyn Plugin> {
    const MANIFEST: &str = r#"{
        "id": "source", "name": "Source", "version": "1.0.0", "type": "builtin", "category": "utility",
        "description": "Says things, and works.", "enabled_by_default": true,
        "capabilities": [
            {"name": "db", "reason": "Keeps what it said."},
            {"name": "events", "reason": "Says things."},
            {"name": "schedule", "reason": "Works."}
        ],
        "provides": {
            "models": [{"name": "thing", "description": "What was said."}],
            "events": [{"type": "thing.said", "description": "A thing was said."}],
            "services": [{"name": "source.say"}, {"name": "source.work"}],
            "tasks": [{"name": "work", "description": "Works."}]
        }
    }"#;
    let runs = runs.clone();
    let definition = Definition::new(MANIFEST)
        .migrations([
            ("001_initial.sql", "create table thing (number integer not null);"),
            ("001_initial.down.sql", "drop table thing;"),
        ])
        .service("source.say", say)
        .service("source.work", work)
        .task("work", move |ctx: Context, call: TaskCall| {
            let runs = runs.clone();
            async move {
                ctx.schedule().progress(0.5, format!("attempt {}", call.attempt))?;
                runs.one(call).await
            }
        });
    definition.build().unwrap()
}

/// A plugin that listens to everything that is said of things.
pub(crate) fn listener(id: &str, attempts: &Attempts<Event>) -> Arc<dyn Plugin> {
    listener_with(id, attempts, json!({"call_ms": 60000}))
}

/// The same, with limits of its own.
pub(crate) fn listener_with(
    id: &str,
    attempts: &Attempts<Event>,
    limits: serde_json::Value,
) -> Arc<dyn Plugin> {
    let manifest = json!({
        "id": id, "name": id, "version": "1.0.0", "type": "builtin", "category": "utility",
        "description": "Listens.", "enabled_by_default": true, "limits": limits,
        "provides": {"listeners": [{"event": "thing.*"}]}
    });
    let attempts = attempts.clone();
    let definition = Definition::new(Box::leak(manifest.to_string().into_boxed_str()));
    let definition = definition.on("thing.*", move |_: Context, event: Event| {
        let attempts = attempts.clone();
        async move { attempts.one(event).await }
    });
    definition.build().unwrap()
}

/// A stage with `source`, whose task goes well, and these listeners.
pub(crate) async fn stage<'a>(listeners: impl IntoIterator<Item = (&'a str, &'a Attempts<Event>)>) -> Stage {
    Stage::with(with_source(listeners)).await
}

/// `source`, whose task goes well, and these listeners.
pub(crate) fn with_source<'a>(
    listeners: impl IntoIterator<Item = (&'a str, &'a Attempts<Event>)>,
) -> Vec<Arc<dyn Plugin>> {
    let listeners = listeners.into_iter().map(|(id, attempts)| listener(id, attempts));
    std::iter::once(source(&Attempts::that_go_well())).chain(listeners).collect()
}

/// Has `source` say these numbers about a subject, in one transaction.
pub(crate) async fn say_about(stage: &Stage, subject: &str, numbers: impl IntoIterator<Item = i64>) {
    let numbers: Vec<i64> = numbers.into_iter().collect();
    stage.service("source.say", &json!({ "subject": subject, "numbers": numbers })).await.unwrap();
}

/// Lets so much time pass that whatever waits for another attempt is due, and waits until that was done.
pub(crate) async fn pass_time(stage: &Stage) {
    stage.clock().advance(std::time::Duration::from_secs(301));
    stage.idle().await;
}

/// The id of a plugin.
pub(crate) fn id(id: &str) -> switchboard_manifest::PluginId {
    id.parse().unwrap()
}
