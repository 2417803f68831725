//! Components that mean harm: each costs its caller an error that names it, and nobody else anything.

use std::time::Duration;

use serde_json::json;
use switchboard_testkit::Stage;

use crate::guest::{Guest, sandbox, staged};

/// Does nothing but go on.
const ENDLESS: &str = "(loop $on (br $on))";

async fn failure_of(guest: Guest) -> (String, String) {
    let (stage, _folder) = staged(guest).await;
    let failure = stage.service("guest.do", &json!(null)).await.unwrap_err();
    (failure.kind().to_owned(), failure.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_is_ended() {
    let (kind, said) = failure_of(Guest::doing(ENDLESS).limits(r#"{"call_ms": 200}"#)).await;
    assert_eq!(kind, "timed_out", "{said}");
    assert!(said.contains("guest"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_endless_loops_are_ended_and_others_are_served_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = Guest::doing(ENDLESS).limits(r#"{"call_ms": 300}"#);
    let plugin = hostile.load(&sandbox(folder.path()), folder.path()).await.unwrap();
    let stage = std::sync::Arc::new(Stage::with([plugin]).await);
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let stage = std::sync::Arc::clone(&stage);
            tokio::spawn(async move { stage.service("guest.do", &json!(null)).await })
        })
        .collect();
    // This runtime has two threads and forty guests that never stop: it is free to do this all the same.
    let mut turns = 0;
    while calls.iter().any(|call| !call.is_finished()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        turns += 1;
    }
    assert!(turns > 10, "only {turns} turns while the guests ran");
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().kind(), "timed_out");
    }
}

#[tokio::test]
async fn an_endless_recursion_is_ended() {
    let body = "(drop (call $the_service_of_the_guest (i32.const 0) (i32.const 0) (local.get $at) (local.get $length)))";
    let (kind, said) = failure_of(Guest::doing(body)).await;
    assert_eq!(kind, "broken");
    assert!(said.contains("deeper than the stack"), "{said}");
}

#[tokio::test]
async fn a_trap_names_the_function_in_which_it_was() {
    let (kind, said) = failure_of(Guest::doing("(unreachable)")).await;
    assert_eq!(kind, "broken");
    assert!(said.contains("plugin `guest` failed in a service"), "{said}");
    assert!(said.contains("the_service_of_the_guest"), "{said}");
}

#[tokio::test]
async fn an_instance_that_trapped_is_not_used_again() {
    let body = "(if (i32.eq (global.get $calls) (i32.const 2)) (then (unreachable)))";
    let (stage, _folder) = staged(Guest::doing(body)).await;
    stage.service("guest.do", &json!(1)).await.unwrap();
    stage.service("guest.do", &json!(2)).await.unwrap_err();
    assert_eq!(stage.service("guest.do", &json!(3)).await.unwrap(), json!(3));
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused() {
    let body =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let (kind, said) = failure_of(Guest::doing(body).limits(r#"{"memory_mb": 8}"#)).await;
    assert_eq!(kind, "broken");
    assert!(said.contains("8 MiB") && said.contains("limits.memory_mb"), "{said}");
}

#[tokio::test]
async fn a_table_beyond_the_limit_is_refused() {
    let body = "(loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1)))) (unreachable)";
    let (kind, _) = failure_of(Guest::doing(body)).await;
    assert_eq!(kind, "broken");
}

#[tokio::test]
async fn an_answer_of_four_gigabytes_is_the_plugins_fault() {
    let (kind, said) = failure_of(Guest::doing("(local.set $length (i32.const -1))")).await;
    assert_eq!(kind, "broken");
    assert!(said.contains("guest"), "{said}");
}

#[tokio::test]
async fn an_answer_that_is_no_text_is_the_plugins_fault() {
    let body = "(i32.store8 (local.get $at) (i32.const 255))";
    let (kind, _) = failure_of(Guest::doing(body)).await;
    assert_eq!(kind, "broken");
}

#[tokio::test]
async fn a_flood_of_lines_for_the_log_ends_with_the_call() {
    let log = r#"(import "switchboard:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let body = "(loop $on (call $log (i32.const 0) (local.get $at) (local.get $length)) (br $on))";
    let guest = Guest::doing(body).importing("log", log).limits(r#"{"call_ms": 200}"#);
    let (kind, said) = failure_of(guest).await;
    assert_eq!(kind, "timed_out", "{said}");
}

#[tokio::test]
async fn a_resource_that_is_none_ends_the_call() {
    let commit = r#"(import "switchboard:plugin/db@0.1.0" "[static]transaction.commit" (func $commit (param i32 i32)))"#;
    let asked = r#"[{"name": "db", "reason": "To try."}]"#;
    let guest = Guest::doing("(call $commit (i32.const 77) (i32.const 32))")
        .importing("db", commit)
        .capabilities(asked);
    let (kind, said) = failure_of(guest).await;
    assert_eq!(kind, "broken");
    assert!(said.contains("guest"), "{said}");
}

#[tokio::test]
async fn nonsense_for_a_host_function_ends_the_call() {
    let log = r#"(import "switchboard:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let delete = r#"(import "switchboard:plugin/kv@0.1.0" "delete" (func $delete (param i32 i32 i32)))"#;
    let body =
        r#"(import "switchboard:plugin/bodies@0.1.0" "[method]body.read" (func $read (param i32 i32 i32)))"#;
    for nonsense in [
        // A level that is none, text beyond the memory, text without an end, and what is no text.
        "(call $log (i32.const 99) (local.get $at) (local.get $length))",
        "(call $log (i32.const 0) (i32.const -16) (i32.const 1000))",
        "(call $log (i32.const 0) (i32.const 0) (i32.const -1))",
        "(i32.store8 (i32.const 512) (i32.const 255)) (call $log (i32.const 0) (i32.const 512) (i32.const 1))",
        // A place for the answer that is beyond the memory, and one that no answer can be at.
        "(call $delete (local.get $at) (local.get $length) (i32.const -4))",
        "(call $delete (local.get $at) (local.get $length) (i32.const 33))",
        // A resource that was never given.
        "(call $read (i32.const 7) (i32.const 1) (i32.const 512))",
    ] {
        let guest = Guest::doing(nonsense)
            .importing("log", log)
            .importing("kv", delete)
            .importing("bodies", body)
            .capabilities(r#"[{"name": "kv", "reason": "To try."}]"#);
        let (kind, said) = failure_of(guest).await;
        assert_eq!(kind, "broken", "{nonsense}: {said}");
        assert!(said.contains("plugin `guest` failed in a service"), "{said}");
    }
}

#[tokio::test]
async fn more_headers_than_there_can_be_are_refused() {
    let send = r#"(import "switchboard:plugin/http@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    // Forty thousand headers, all of them empty. The service answers with whether it was refused.
    let body = "
        (drop (memory.grow (i32.const 12)))
        (call $send (local.get $at) (local.get $length) (local.get $at) (local.get $length)
            (i32.const 131072) (i32.const 40000) (i32.const 0) (i32.const 0) (i32.const 128))
        (i32.store8 (i32.const 512) (i32.add (i32.const 48) (i32.load8_u (i32.const 128))))
        (local.set $at (i32.const 512)) (local.set $length (i32.const 1))";
    let guest = Guest::doing(body)
        .importing("http", send)
        .capabilities(r#"[{"name": "http", "reason": "To try.", "hosts": ["example.com"]}]"#);
    let (stage, _folder) = staged(guest).await;
    assert_eq!(stage.service("guest.do", &json!(7)).await.unwrap(), json!(1));
}

#[tokio::test]
async fn bodies_without_end_are_refused() {
    let new = r#"(import "switchboard:plugin/bodies@0.1.0" "[constructor]body" (func $new (param i32 i32) (result i32)))"#;
    let append = r#"(import "switchboard:plugin/bodies@0.1.0" "[method]body.append" (func $append (param i32 i32 i32 i32)))"#;
    let imports = format!("{new} {append}");
    let importing =
        |body: &str| Guest::doing(body).importing("bodies", &imports).limits(r#"{"call_ms": 60000}"#);
    // One grows until it is refused, and so does the next.
    let growing = "
        (loop $bodies
            (local.set $n (call $new (i32.const 0) (i32.const 60000)))
            (loop $more
                (call $append (local.get $n) (i32.const 0) (i32.const 60000) (i32.const 128))
                (br_if $more (i32.eqz (i32.load8_u (i32.const 128)))))
            (br $bodies))";
    let (kind, said) = failure_of(importing(growing)).await;
    assert_eq!(kind, "broken", "{said}");
    assert!(said.contains("bodies of more than 64 MiB"), "{said}");
    let many = "(loop $bodies (drop (call $new (i32.const 0) (i32.const 0))) (br $bodies))";
    let (kind, said) = failure_of(importing(many)).await;
    assert_eq!(kind, "broken", "{said}");
    assert!(said.contains("holds 256 bodies"), "{said}");
}

#[tokio::test]
async fn a_storm_of_events_ends_with_the_call_and_what_was_said_is_heard() {
    let emit = r#"(import "switchboard:plugin/events@0.1.0" "emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32)))"#;
    // `guest.storm` stands at 512, and its first word is the subject.
    let storm = r#"
        (i64.store (i32.const 512) (i64.const 0x74732e7473657567))
        (i32.store (i32.const 520) (i32.const 0x006d726f))
        (loop $on
            (call $emit (i32.const 512) (i32.const 11) (i32.const 512) (i32.const 5)
                (local.get $at) (local.get $length) (i32.const 128))
            (br $on))"#;
    let guest = Guest::doing(storm)
        .importing("events", emit)
        .capabilities(r#"[{"name": "events", "reason": "To try."}]"#)
        .providing(r#""events": [{"type": "guest.storm"}]"#)
        .limits(r#"{"call_ms": 300}"#);
    let (stage, _folder) = staged(guest).await;
    let failure = stage.service("guest.do", &json!({})).await.unwrap_err();
    assert_eq!(failure.kind(), "timed_out", "{failure}");
    stage.idle().await;
    assert_eq!(stage.service("guest.do", &json!({})).await.unwrap_err().kind(), "timed_out");
}
