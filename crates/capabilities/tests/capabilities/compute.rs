//! `compute`: work apart, bounded, and ended with the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use switchboard_sdk::prelude::*;
use switchboard_testkit::Stage;

use crate::small_plugins::{built, plugin, sentence};

const WORKER: &str = "provides: {services: [{name: worker.work}]}";

/// As many at once as there are processors less one.
fn places() -> usize {
    thread::available_parallelism().unwrap().get().saturating_sub(1).max(1)
}

#[tokio::test]
async fn work_gives_its_result() {
    let worker = plugin("worker", WORKER)
        .service("worker.work", async |ctx: Context, n: u64| ctx.compute(move || (1..=n).sum::<u64>()).await);
    let stage = Stage::with([built(worker)]).await;
    assert_eq!(stage.service("worker.work", &100.into()).await.unwrap(), 5050);
}

#[tokio::test]
async fn work_that_panics_is_the_plugins_fault_and_gives_its_place_back() {
    let worker = plugin("worker", WORKER).service("worker.work", async |ctx: Context, (): ()| {
        ctx.compute(|| -> () { panic!("on purpose") }).await
    });
    let stage = Stage::with([built(worker)]).await;
    for _ in 0..places() + 1 {
        let why = sentence("broken", stage.service("worker.work", &Value::Null).await);
        assert!(why.contains("`worker`") && why.contains("on purpose"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_runs_at_once_than_there_are_places() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let worker = plugin("worker", WORKER).service("worker.work", move |ctx: Context, (): ()| {
        let (running, most) = (running.clone(), most.clone());
        async move {
            let work = move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(5));
                running.fetch_sub(1, Ordering::SeqCst);
            };
            ctx.compute(work).await
        }
    });
    let stage = Stage::with([built(worker)]).await;
    let all = (0..4 * places()).map(|_| stage.service("worker.work", &Value::Null));
    for done in futures_util::future::join_all(all).await {
        done.unwrap();
    }
    assert!((1..=places()).contains(&seen.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn work_that_takes_too_long_is_told_and_its_caller_does_not_wait() {
    let (ended, end) = mpsc::channel();
    let worker = plugin("worker", &format!("limits: {{call_ms: 20}}\n{WORKER}")).service(
        "worker.work",
        move |ctx: Context, (): ()| {
            let ended = ended.clone();
            async move {
                let watched = ctx.clone();
                let work = move || {
                    while !watched.should_stop() {
                        thread::yield_now();
                    }
                    ended.send(()).unwrap();
                    thread::sleep(Duration::from_millis(50));
                };
                ctx.compute(work).await
            }
        },
    );
    let stage = Stage::with([built(worker)]).await;
    sentence("timed_out", stage.service("worker.work", &Value::Null).await);
    end.recv().unwrap();
}

#[tokio::test]
async fn when_the_server_stops_nothing_is_begun_any_more() {
    let (free, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let begun = Arc::new(AtomicUsize::new(0));
    let count = begun.clone();
    let worker = plugin("worker", WORKER).service("worker.work", move |ctx: Context, (): ()| {
        let (blocked, begun) = (blocked.clone(), begun.clone());
        async move {
            let work = move || {
                begun.fetch_add(1, Ordering::SeqCst);
                let _ = blocked.lock().unwrap().recv();
            };
            ctx.compute(work).await
        }
    });
    let stage = Stage::with([built(worker)]).await;
    let running = (0..places()).map(|_| stage.service("worker.work", &Value::Null));
    let running = futures_util::future::join_all(running);
    let waiting = async {
        while count.load(Ordering::SeqCst) < places() {
            tokio::task::yield_now().await;
        }
        let late = stage.service("worker.work", &Value::Null);
        let stop = async { stage.capabilities().stop() };
        let (late, ()) = tokio::join!(late, stop);
        sentence("unavailable", late);
        sentence("unavailable", stage.service("worker.work", &Value::Null).await);
        drop(free);
    };
    let (running, ()) = tokio::join!(running, waiting);
    assert!(running.into_iter().all(|done| done.is_ok()), "what ran comes to its end");
    assert_eq!(count.load(Ordering::SeqCst), places());
}
