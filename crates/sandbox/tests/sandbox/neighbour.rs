//! A plugin that means well, beside those that mean harm.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use switchboard_api::Plugin;
use switchboard_sandbox::Sandbox;
use switchboard_testkit::Stage;

use crate::guest::{Guest, sandbox};

/// Calls of the neighbour in one measurement.
const CALLS: u32 = 500;

fn hostile() -> [Guest; 5] {
    let log = r#"(import "switchboard:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let flood = "(loop $on (call $log (i32.const 0) (local.get $at) (local.get $length)) (br $on))";
    let recursion = "(drop (call $the_service_of_the_guest (i32.const 0) (i32.const 0) (local.get $at) (local.get $length)))";
    let memory = "(loop $on (drop (memory.grow (i32.const 1))) (memory.fill (i32.const 65536) (i32.const 1) (i32.const 65536)) (br $on))";
    [
        Guest::doing("(loop $on (br $on))").named("endless"),
        Guest::doing(memory).named("greedy"),
        Guest::doing(recursion).named("deep"),
        Guest::doing(flood).named("loud").importing("log", log),
        Guest::doing("(unreachable)").named("brittle"),
    ]
}

async fn loaded(guest: Guest, sandbox: &Sandbox, folder: &Path) -> Arc<dyn Plugin> {
    let own = folder.join(guest.id);
    std::fs::create_dir_all(&own).unwrap();
    guest.load(sandbox, &own).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Calls the neighbour again and again, and gives the time that 99 of 100 calls stay below.
async fn p99(stage: &Stage) -> Duration {
    let mut times = Vec::new();
    for number in 0..CALLS {
        let begun = Instant::now();
        assert_eq!(stage.service("neighbour.do", &json!(number)).await.unwrap(), json!(number));
        times.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    times.sort();
    times.swap_remove(times.len() * 99 / 100)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_is_served_while_others_do_their_worst() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path());
    let mut plugins = vec![loaded(Guest::doing("").named("neighbour"), &sandbox, folder.path()).await];
    let ids = hostile().map(|guest| guest.id);
    for guest in hostile() {
        plugins.push(
            loaded(guest.limits(r#"{"call_ms": 100, "memory_mb": 16}"#), &sandbox, folder.path()).await,
        );
    }
    let stage = Arc::new(Stage::with(plugins).await);
    let alone = p99(&stage).await;

    let over = Arc::new(AtomicBool::new(false));
    let attacks: Vec<_> = ids
        .into_iter()
        .chain(ids)
        .map(|id| {
            let (stage, over) = (Arc::clone(&stage), Arc::clone(&over));
            tokio::spawn(async move {
                let mut failures = 0;
                while !over.load(Ordering::Relaxed) {
                    stage.service(&format!("{id}.do"), &json!(null)).await.unwrap_err();
                    failures += 1;
                    // One that is set aside by now is refused at once: who attacks on does not keep this thread.
                    tokio::task::yield_now().await;
                }
                failures
            })
        })
        .collect();
    let attacked = p99(&stage).await;
    over.store(true, Ordering::Relaxed);
    let mut failures = 0;
    for attack in attacks {
        failures += attack.await.unwrap();
    }
    assert!(failures > 0);
    println!("the neighbour's p99: {alone:?} alone, {attacked:?} while {failures} hostile calls were made");
}
