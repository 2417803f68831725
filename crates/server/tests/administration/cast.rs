//! The plugins that are administrated: `greeter`, which is part of the server, `choir`, which requires it, `encore`, which
//! is private, `parrot`, which stands in a folder and loads, and `mute`, which stands in a folder and does not. For tests of events
//! `herald`, which says some, and `scribe`, which hears them.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
};

use switchboard_api::{AccountId, BoxFuture, Plugin};
use switchboard_kernel::Loader;
use switchboard_manifest::Manifest;
use switchboard_sdk::{extract::Shared, prelude::*, serde_json::Value};
use switchboard_server::organization::{People, Person};
use tokio::sync::Semaphore;

pub(crate) const GREETER: &str = r#"
id: greeter
name: Greeter
version: 1.0.0
description: Says hello
type: builtin
category: utility
enabled_by_default: true
provides:
  api_routes:
    - {method: GET, path: /hello, scope: organization}
    - {method: GET, path: /wait, scope: organization}
  commands:
    - name: greet
      description: Greets somebody
      arguments:
        - {name: name, description: Whom, required: true, schema: {type: string, maxLength: 10}}
        - {name: times, description: How often, schema: {type: integer, minimum: 1}}
    - {name: whisper, description: Says it to nobody else, permission: "greeting:whisper"}
permissions:
  actions: [{name: "greeting:whisper", description: Whisper.}]
config_schema:
  type: object
  additionalProperties: false
  properties:
    greeting: {type: string, minLength: 1}
    volume: {type: integer, minimum: 0}
    key: {type: string, secret: true}
config_defaults: {greeting: Hello, volume: 3}
"#;

pub(crate) const CHOIR: &str = r#"
id: choir
name: Choir
version: 2.1.0
type: builtin
category: media
requires: [greeter]
provides:
  api_routes:
    - {method: GET, path: /sing, scope: organization}
  commands:
    - {name: greet, description: Greets everybody}
"#;

/// Private, so that an organization sees it only once it was granted.
pub(crate) const ENCORE: &str = r#"
id: encore
name: Encore
version: 1.0.0
type: builtin
category: media
private: true
provides:
  api_routes:
    - {method: GET, path: /again, scope: organization}
"#;

pub(crate) const PARROT: &str = r#"
id: parrot
name: Parrot
version: 0.3.0
description: Repeats
author: A friend
type: external
entry_point: parrot.wasm
category: game
enabled_by_default: true
provides:
  api_routes:
    - {method: GET, path: /repeat, scope: organization}
"#;

pub(crate) const MUTE: &str = r#"
id: mute
name: Mute
version: 1.0.0
type: external
entry_point: mute.py
category: game
"#;

pub(crate) const HERALD: &str = r#"
id: herald
name: Herald
version: 1.0.0
type: builtin
category: utility
enabled_by_default: true
capabilities: [{name: events, reason: Cries the news}]
provides:
  events: [{type: news.cried}, {type: weather.told}]
  api_routes:
    - {method: POST, path: /cry, scope: organization}
"#;

pub(crate) const SCRIBE: &str = r#"
id: scribe
name: Scribe
version: 1.0.0
type: builtin
category: utility
enabled_by_default: true
provides:
  listeners: [{event: "news.*"}]
"#;

pub(crate) const KEEPER: &str = r#"
id: keeper
name: Keeper
version: 1.0.0
type: builtin
category: utility
enabled_by_default: true
permissions:
  actions: [{name: "report:make", description: Make reports}]
provides:
  tasks:
    - name: report
      description: Makes a report
      permission: "report:make"
      parameters: {type: object, required: [day], properties: {day: {type: string}}}
    - {name: tidy, every_seconds: 3600}
    - {name: sweep, every_seconds: 3600, scope: global}
"#;

/// What a test decides about the plugins, and learns of them.
#[derive(Clone, Default)]
pub(crate) struct Direction(Arc<Inner>);

#[derive(Default)]
struct Inner {
    failing: Mutex<HashMap<&'static str, &'static str>>,
    held: Mutex<HashSet<&'static str>>,
    called: Mutex<Vec<String>>,
    entered: Gate,
    leave: Gate,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Gate {
    async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

impl Direction {
    /// From now on the hook fails, in these words.
    pub(crate) fn fail(&self, hook: &'static str, words: &'static str) {
        self.0.failing.lock().unwrap().insert(hook, words);
    }

    /// From now on no hook fails.
    pub(crate) fn fail_no_more(&self) {
        self.0.failing.lock().unwrap().clear();
    }

    /// The hooks that were called since this was asked last, as `plugin.on_hook`.
    pub(crate) fn called(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.called.lock().unwrap())
    }

    /// From now on the hook waits to be let go.
    pub(crate) fn hold(&self, hook: &'static str) {
        self.0.held.lock().unwrap().insert(hook);
    }

    /// Waits until a request to `/wait`, or a hook that is held, is under way.
    pub(crate) async fn entered(&self) {
        self.0.entered.pass().await;
    }

    /// Lets one of them go on.
    pub(crate) fn let_go(&self) {
        self.0.leave.0.add_permits(1);
    }

    async fn wait(&self) {
        self.0.entered.0.add_permits(1);
        self.0.leave.pass().await;
    }

    async fn hook(self, plugin: &str, hook: &str) -> Result<()> {
        let is_held = self.0.held.lock().unwrap().contains(hook);
        if is_held {
            self.wait().await;
        }
        self.0.called.lock().unwrap().push(format!("{plugin}.{hook}"));
        match self.0.failing.lock().unwrap().get(hook) {
            Some(words) => Err(Failure::invalid(*words)),
            None => Ok(()),
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Answer {
    said: String,
}

#[derive(Deserialize)]
struct Greeting {
    greeting: String,
}

async fn hello(ctx: Context) -> Result<Json<Answer>> {
    Ok(Json(Answer { said: ctx.config::<Greeting>()?.greeting }))
}

#[derive(Deserialize)]
struct Whom {
    name: String,
    times: Option<usize>,
}

async fn greet(ctx: Context, command: CommandCall) -> Result<String> {
    let Whom { name, times } = command.arguments.to()?;
    let origin: Value = command.origin.to()?;
    ctx.metrics().count(
        "greetings",
        times.unwrap_or(1) as u64,
        &[("from", origin["kind"].as_str().unwrap())],
    );
    Ok(vec![format!("{}, {name}!", ctx.config::<Greeting>()?.greeting); times.unwrap_or(1)].join("\n"))
}

async fn whisper(ctx: Context, _: CommandCall) -> Result<Said> {
    Ok(Said::ephemeral(format!("psst, {}", ctx.actor().name)))
}

async fn wait(direction: Shared<Direction>) -> Result<Json<Answer>> {
    direction.wait().await;
    Ok(Json(Answer { said: "at last".to_owned() }))
}

async fn say() -> Result<Json<Answer>> {
    Ok(Json(Answer { said: "la".to_owned() }))
}

fn with_hooks(definition: Definition, id: &'static str, direction: &Direction) -> Definition {
    let plain = |hook: &'static str| {
        let direction = direction.clone();
        move |_: Context| direction.clone().hook(id, hook)
    };
    let configured = |hook: &'static str| {
        let direction = direction.clone();
        move |_: Context, _: Value| direction.clone().hook(id, hook)
    };
    definition
        .share(direction.clone())
        .on_load(plain("on_load"))
        .on_unload(plain("on_unload"))
        .on_enable(configured("on_enable"))
        .on_disable(plain("on_disable"))
        .on_config_changed(configured("on_config_changed"))
}

/// The plugins that are part of the server.
pub(crate) fn builtins(direction: &Direction) -> Vec<Arc<dyn Plugin>> {
    let greeter = Definition::new(GREETER).get("/hello", hello).get("/wait", wait);
    let greeter = greeter.command("greet", greet).command("whisper", whisper);
    let choir = Definition::new(CHOIR)
        .get("/sing", say)
        .command("greet", async |_: Context, _: CommandCall| Ok("La, all!"));
    let built = |definition: Definition| definition.build().unwrap_or_else(|faults| panic!("{faults}"));
    let encore = Definition::new(ENCORE).get("/again", say);
    vec![built(with_hooks(greeter, "greeter", direction)), built(choir), built(encore)]
}

#[derive(Deserialize, JsonSchema)]
struct Cry {
    event: String,
    subject: String,
    text: String,
}

async fn cry(ctx: Context, Json(Cry { event, subject, text }): Json<Cry>) -> Result<NoContent> {
    ctx.events().emit(NewEvent::new(event, subject, &text)?).await?;
    Ok(NoContent)
}

/// One that says what it is asked to, and one that hears the news, unless its `hear` fails.
pub(crate) fn herald_and_scribe(direction: &Direction) -> Vec<Arc<dyn Plugin>> {
    let direction = direction.clone();
    let scribe = Definition::new(SCRIBE)
        .on("news.*", move |_: Context, _: Event| direction.clone().hook("scribe", "hear"));
    let herald = Definition::new(HERALD).post("/cry", cry);
    [herald, scribe].map(|it| it.build().unwrap_or_else(|faults| panic!("{faults}"))).into()
}

/// A plugin whose tasks do nothing, and one of which waits until it is told to stop where it is given `forever`.
pub(crate) fn keeper() -> Arc<dyn Plugin> {
    let mut keeper = Definition::new(KEEPER);
    for task in ["report", "tidy", "sweep"] {
        keeper = keeper.task(task, async |ctx: Context, call: TaskCall| {
            while call.payload.as_str().contains("forever") && !ctx.should_stop() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            Ok(())
        });
    }
    keeper.build().unwrap_or_else(|faults| panic!("{faults}"))
}

/// Makes plugins of what stands in folders: of the parrot.
pub(crate) struct Folders(pub(crate) Direction);

impl Loader for Folders {
    fn load<'a>(
        &'a self,
        _: &'a Path,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, std::result::Result<Arc<dyn Plugin>, String>> {
        let made = match manifest.id.as_str() {
            "parrot" => {
                let parrot = Definition::new(PARROT).get("/repeat", say);
                with_hooks(parrot, "parrot", &self.0).build().map_err(|faults| faults.to_string())
            }
            _ => Err(format!("`{}` is no component", manifest.entry_point.as_deref().unwrap_or("-"))),
        };
        Box::pin(std::future::ready(made))
    }
}

/// Knows every account: its address is its number, confirmed where that is even.
pub(crate) struct Numbered;

impl People for Numbered {
    fn people<'a>(
        &'a self,
        accounts: &'a [AccountId],
    ) -> BoxFuture<'a, std::result::Result<HashMap<AccountId, Person>, Failure>> {
        let person = |account: &AccountId| {
            let (email, name) = (format!("{account}@example.com"), format!("Person {account}"));
            (*account, Person { email, email_is_verified: account.0 % 2 == 0, name })
        };
        Box::pin(std::future::ready(Ok(accounts.iter().map(person).collect())))
    }
}
