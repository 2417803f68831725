//! A component that traps in whatever it is called for.

use serde_json::json;
use switchboard_api::{
    Call, Event, FilterCall, Hook, Payload, Plugin, Request, ServiceCall, TaskCall, Timestamp,
};
use switchboard_kernel::{By, Caller, Terms, dispatch};
use switchboard_manifest::Manifest;
use switchboard_testkit::Stage;
use tempfile::TempDir;
use wit_parser::Resolve;

use crate::guest::{ALLOCATOR, encode, sandbox};

const EVERY_HOOK: &str =
    r#""install","load","enable","config_changed","disable","upgrade","unload","uninstall""#;

/// One that says that it has these hooks, and everything else besides.
fn component(hooks: &str) -> Vec<u8> {
    let description = format!(
        r#"{{"routes":[{{"key":"GET /","id":"","summary":"","parameters":[],"body":null,"answers":[]}}],"filters":["guest.point"],"listeners":["guest.event"],"services":[{{"name":"guest.do","takes":{{}},"gives":{{}}}}],"tasks":["work"],"hooks":[{hooks}]}}"#
    );
    let (length, quoted) = (description.len(), description.replace('"', "\\\""));
    let words = |count: usize| "i32 ".repeat(count);
    let (four, seven, twelve) = (words(4), words(7), words(12));
    let module = wat::parse_str(format!(
        r#"(module
            (memory (export "memory") 2)
            (data (i32.const 1024) "{quoted}")
            {ALLOCATOR}
            (func (export "switchboard:plugin/description@0.1.0#describe") (result i32)
                (i32.store (i32.const 8) (i32.const 1024))
                (i32.store (i32.const 12) (i32.const {length}))
                (i32.const 8))
            (func (export "switchboard:plugin/lifecycle@0.1.0#run") (param {four}) (result i32) (unreachable))
            (func (export "switchboard:plugin/routes@0.1.0#handle") (param {twelve}) (result i32) (unreachable))
            (func (export "switchboard:plugin/filters@0.1.0#apply") (param {four}) (result i32) (unreachable))
            (func (export "switchboard:plugin/listeners@0.1.0#hear") (param i32) (result i32) (unreachable))
            (func (export "switchboard:plugin/tasks@0.1.0#run") (param {seven}) (result i32) (unreachable))
            (func (export "switchboard:plugin/offered-services@0.1.0#answer") (param {four}) (result i32)
                (unreachable)))"#
    ));
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).expect("the contract");
    let exports = ["description", "lifecycle", "routes", "filters", "listeners", "tasks", "offered-services"]
        .map(|interface| format!("export switchboard:plugin/{interface}@0.1.0;"))
        .concat();
    let world = format!("package test:trapping; world trapping {{ {exports} }}");
    let package = resolve.push_str("trapping.wit", &world).expect("a world");
    encode(module.unwrap_or_else(|error| panic!("{error}")), &resolve, package, "trapping")
}

fn manifest() -> Manifest {
    Manifest::read(
        r#"{"id": "guest", "name": "Guest", "version": "1.0.0", "type": "external", "category": "utility",
            "entry_point": "plugin.wasm", "provides": {
                "api_routes": [{"method": "GET", "path": "/"}], "services": [{"name": "guest.do"}],
                "listeners": [{"event": "guest.event"}],
                "filter_points": [{"name": "guest.point"}], "filters": [{"name": "guest.point"}],
                "tasks": [{"name": "work"}]}}"#,
    )
    .expect("a manifest")
}

async fn loaded(hooks: &str) -> (std::sync::Arc<dyn Plugin>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), component(hooks)).unwrap();
    let plugin = sandbox(folder.path()).load(folder.path(), &manifest()).await;
    (plugin.unwrap_or_else(|error| panic!("{error}")), folder)
}

/// What comes of a call, for the organization `default`.
async fn failure_of(stage: &Stage, call: Call) -> (String, String) {
    let snapshot = stage.kernel().snapshot();
    let caller = Caller::system(Some(stage.kernel().named("default").unwrap()), "test");
    let plugin = snapshot.plugin("guest").expect("it serves");
    let failure = dispatch(&snapshot, plugin, caller, Terms::default(), call).await.unwrap_err();
    (failure.kind().to_owned(), failure.to_string())
}

#[tokio::test]
async fn a_trap_is_the_plugins_fault_whatever_it_was_called_for() {
    let (plugin, _folder) = loaded("").await;
    let stage = Stage::with([plugin]).await;
    stage.kernel().enable(&By::system("test"), "guest", "default").await.unwrap();
    let payload = Payload::of(&json!({})).unwrap();
    let config = payload.clone();
    let version = manifest().version;
    let calls = [
        Call::Request(Request {
            route: 0,
            uri: "/api/org/default/guest".parse().unwrap(),
            params: Vec::new(),
            query: Default::default(),
            headers: Default::default(),
            head_only: false,
            body: Default::default(),
        }),
        Call::Filter(FilterCall { name: "guest.point".to_owned(), payload: payload.clone() }),
        Call::Service(ServiceCall { name: "guest.do".to_owned(), payload: payload.clone() }),
        Call::Task(TaskCall {
            name: "work".to_owned(),
            run: "1".to_owned(),
            payload: payload.clone(),
            attempt: 1,
        }),
        Call::Event(Event {
            id: "1".to_owned(),
            source: "guest".to_owned(),
            name: "guest.event".to_owned(),
            subject: "it".to_owned(),
            time: Timestamp::UNIX_EPOCH,
            organization: None,
            actor: "nobody".to_owned(),
            trace: "test".to_owned(),
            data: payload,
            attempt: 1,
        }),
        Call::Lifecycle(Hook::Install),
        Call::Lifecycle(Hook::Load),
        Call::Lifecycle(Hook::Enable { config: config.clone() }),
        Call::Lifecycle(Hook::ConfigChanged { config }),
        Call::Lifecycle(Hook::Disable),
        Call::Lifecycle(Hook::Upgrade { from: version.clone(), to: version }),
        Call::Lifecycle(Hook::Unload),
        Call::Lifecycle(Hook::Uninstall),
    ];
    for call in calls {
        let kind = call.kind().as_str();
        let (failed_as, said) = failure_of(&stage, call).await;
        assert_eq!(failed_as, "broken", "{said}");
        assert!(said.contains(&format!("plugin `guest` failed in a {kind}: it gave up")), "{said}");
    }
}

#[tokio::test]
async fn one_that_traps_when_it_is_installed_or_loaded_does_not_serve() {
    for hook in [r#""install""#, r#""load""#, EVERY_HOOK] {
        let (plugin, _folder) = loaded(hook).await;
        let stage = Stage::with_some_failing([plugin]).await;
        assert!(stage.kernel().snapshot().plugin("guest").is_none());
        let catalog = stage.kernel().catalog();
        let why = catalog.entry("guest").unwrap().state.reason().unwrap();
        assert!(why.contains("plugin `guest` failed in a lifecycle"), "{why}");
    }
}

#[tokio::test]
async fn one_that_traps_when_it_is_switched_stays_as_it_was() {
    let by = By::system("test");
    let (plugin, _folder) = loaded(r#""enable""#).await;
    let stage = Stage::with([plugin]).await;
    let said = stage.kernel().enable(&by, "guest", "default").await.unwrap_err().to_string();
    assert!(said.contains("failed in a lifecycle"), "{said}");
    assert_eq!(stage.service("guest.do", &json!(null)).await.unwrap_err().kind(), "not_found");

    let (plugin, _folder) = loaded(r#""disable""#).await;
    let stage = Stage::with([plugin]).await;
    stage.kernel().enable(&by, "guest", "default").await.unwrap();
    let said = stage.kernel().disable(&by, "guest", "default").await.unwrap_err().to_string();
    assert!(said.contains("failed in a lifecycle"), "{said}");
    assert_eq!(stage.service("guest.do", &json!(null)).await.unwrap_err().kind(), "broken");
}
