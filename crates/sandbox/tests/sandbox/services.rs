//! A call, from the kernel into a component and back.

use serde_json::json;

use crate::guest::{Guest, staged};

#[tokio::test]
async fn a_service_of_a_component_answers() {
    let (stage, _folder) = staged(Guest::doing("")).await;
    let sent = json!({ "text": "hello, wörld", "number": 7 });
    assert_eq!(stage.service("guest.do", &sent).await.unwrap(), sent);
}

#[tokio::test]
async fn a_component_that_is_called_for_a_while_answers_alike() {
    let (stage, _folder) = staged(Guest::doing("")).await;
    for number in 0..200 {
        assert_eq!(stage.service("guest.do", &json!(number)).await.unwrap(), json!(number));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_the_plugins_fault() {
    let (stage, _folder) = staged(Guest::doing("(i32.store8 (local.get $at) (i32.const 123))")).await;
    let failure = stage.service("guest.do", &json!("quoted")).await.unwrap_err();
    assert_eq!(failure.kind(), "broken");
    assert!(failure.to_string().contains("no JSON"), "{failure}");
}

#[tokio::test]
async fn a_capability_that_is_asked_for_works() {
    let log = r#"(import "switchboard:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let clock = r#"(import "switchboard:plugin/clock@0.1.0" "now" (func $now (result i64)))"#;
    // The time as a number of seconds: ten digits, written from the last to the first.
    let body = r#"
        (call $log (i32.const 1) (local.get $at) (local.get $length))
        (local.set $at (i32.const 512))
        (local.set $length (i32.const 10))
        (global.set $calls (i32.wrap_i64 (i64.div_s (call $now) (i64.const 1000000))))
        (local.set $n (i32.const 9))
        (loop $next
            (i32.store8 (i32.add (i32.const 512) (local.get $n))
                (i32.add (i32.const 48) (i32.rem_u (global.get $calls) (i32.const 10))))
            (global.set $calls (i32.div_u (global.get $calls) (i32.const 10)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $next (i32.ge_s (local.get $n) (i32.const 0))))"#;
    let (stage, _folder) = staged(Guest::doing(body).importing("log", log).importing("clock", clock)).await;
    // The stage's clock stands at 2026-01-02T03:04:05Z.
    assert_eq!(stage.service("guest.do", &json!("hello")).await.unwrap(), json!(1_767_323_045));
}
