//! Components that answer requests as `wasi:http` says, and know nothing of Switchboard.

use bytes::Bytes;
use serde_json::json;
use switchboard_api::Body;
use switchboard_manifest::Manifest;
use switchboard_sandbox::Error;
use switchboard_testkit::{Answer, Stage};
use tempfile::TempDir;
use wit_parser::Resolve;

use crate::guest::{ALLOCATOR, encode, sandbox};

/// What every such component here imports.
const TYPES: &str = r#"
    (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
        (func $write-some (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-output (param i32)))
    (import "wasi:io/streams@0.2.0" "[resource-drop]input-stream" (func $drop-input (param i32)))
    (import "wasi:http/types@0.2.0" "[resource-drop]incoming-body" (func $drop-body (param i32)))
    (import "wasi:http/types@0.2.0" "[resource-drop]incoming-request" (func $drop-request (param i32)))
    (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.0" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]incoming-request.consume" (func $consume (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]incoming-body.stream" (func $input (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-response.set-status-code"
        (func $set-status (param i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body-of (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $output (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
        (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))"#;

/// What one that sends requests imports besides.
const SENDING: &str = r#"
    (import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $new-request (param i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority"
        (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query"
        (func $set-path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $send (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
    (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop-pollable (param i32)))
    (import "wasi:http/types@0.2.0" "[method]future-incoming-response.get" (func $get (param i32 i32)))
    (import "wasi:http/types@0.2.0" "[resource-drop]future-incoming-response" (func $drop-future (param i32)))"#;

/// Answers with the path that it was asked for.
const ECHO_PATH: &str = "
    (call $path (local.get $request) (i32.const 0))
    (call $answer (local.get $out) (i32.load (i32.const 4)) (i32.load (i32.const 8)))
    (call $drop-request (local.get $request))";

/// Answers with the body that comes, as it comes.
const ECHO_BODY: &str = "
    (local.set $body (call $begin (local.get $out)))
    (call $output (local.get $body) (i32.const 0))
    (local.set $to (i32.load (i32.const 4)))
    (call $consume (local.get $request) (i32.const 0))
    (local.set $at (i32.load (i32.const 4)))
    (call $input (local.get $at) (i32.const 0))
    (local.set $from (i32.load (i32.const 4)))
    (block $end (loop $more
        (global.set $next (i32.const 65536))
        (call $read (local.get $from) (i64.const 60000) (i32.const 0))
        (br_if $end (i32.load8_u (i32.const 0)))
        (call $write (local.get $to) (i32.load (i32.const 4)) (i32.load (i32.const 8)))
        (br $more)))
    (call $drop-input (local.get $from))
    (call $drop-body (local.get $at))
    (call $drop-request (local.get $request))
    (call $end (local.get $body) (local.get $to))";

/// Asks another server, and answers with one byte: the number of the error that came of it.
const ASK_ELSEWHERE: &str = "
    (local.set $at (call $new-request (call $fields)))
    (drop (call $set-authority (local.get $at) (i32.const 1) (i32.const 1024) (i32.const 17)))
    (drop (call $set-path (local.get $at) (i32.const 1) (i32.const 1041) (i32.const 1)))
    (call $send (local.get $at) (i32.const 0) (i32.const 0) (i32.const 0))
    (local.set $from (i32.load (i32.const 8)))
    (local.set $to (call $subscribe (local.get $from)))
    (call $block (local.get $to))
    (call $drop-pollable (local.get $to))
    (call $get (local.get $from) (i32.const 0))
    (i32.store8 (i32.const 512) (i32.load8_u (i32.const 24)))
    (call $drop-future (local.get $from))
    (call $answer (local.get $out) (i32.const 512) (i32.const 1))
    (call $drop-request (local.get $request))";

/// A component that handles a request so. It finds it at `$request`, and what takes its answer at `$out`.
pub(crate) fn component(imports: &str, handling: &str) -> Vec<u8> {
    let module = wat::parse_str(format!(
        r#"(module {TYPES} {imports}
            (memory (export "memory") 4)
            (data (i32.const 1024) "other.example.com/")
            {ALLOCATOR}
            ;; Sends the head of the answer, and gives its body.
            (func $begin (param $out i32) (result i32)
                (local $response i32)
                (local.set $response (call $response (call $fields)))
                (drop (call $set-status (local.get $response) (i32.const 201)))
                (call $body-of (local.get $response) (i32.const 0))
                (call $set (local.get $out) (i32.const 0) (local.get $response)
                    (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
                (i32.load (i32.const 4)))
            (func $write (param $to i32) (param $at i32) (param $left i32)
                (local $some i32)
                (block $end (loop $more
                    (br_if $end (i32.eqz (local.get $left)))
                    (local.set $some (select (local.get $left) (i32.const 4096)
                        (i32.lt_u (local.get $left) (i32.const 4096))))
                    (call $write-some (local.get $to) (local.get $at) (local.get $some) (i32.const 32))
                    (local.set $at (i32.add (local.get $at) (local.get $some)))
                    (local.set $left (i32.sub (local.get $left) (local.get $some)))
                    (br_if $more (i32.eqz (i32.load8_u (i32.const 32)))))))
            (func $end (param $body i32) (param $to i32)
                (call $drop-output (local.get $to))
                (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 32)))
            (func $answer (param $out i32) (param $at i32) (param $length i32)
                (local $body i32) (local $to i32)
                (local.set $body (call $begin (local.get $out)))
                (call $output (local.get $body) (i32.const 32))
                (local.set $to (i32.load (i32.const 36)))
                (call $write (local.get $to) (local.get $at) (local.get $length))
                (call $end (local.get $body) (local.get $to)))
            (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
                (local $body i32) (local $to i32) (local $from i32) (local $at i32)
                (global.set $next (i32.const 65536))
                {handling}))"#
    ));
    let mut resolve = Resolve::default();
    let package = resolve.push_str("wasi.wit", include_str!("wasi.wit")).expect("a world");
    encode(module.unwrap_or_else(|error| panic!("{error}")), &resolve, package, "plain")
}

fn manifest(more: &str) -> Manifest {
    let text = format!(
        r#"{{"id": "plain", "name": "Plain", "version": "1.0.0", "type": "external", "category": "utility",
            "entry_point": "plugin.wasm", "enabled_by_default": true, {more}
            "provides": {{"api_routes": [
                {{"method": "GET", "path": "/"}}, {{"method": "GET", "path": "/{{*rest}}"}},
                {{"method": "POST", "path": "/{{*rest}}"}}
            ]}}}}"#
    );
    Manifest::read(&text).expect("a manifest")
}

async fn refusal(component: &[u8], manifest: &Manifest) -> Error {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), component).unwrap();
    let loaded = sandbox(folder.path()).load(folder.path(), manifest).await;
    loaded.map(drop).expect_err("it loads")
}

async fn staged_as(component: &[u8], manifest: &Manifest) -> (Stage, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), component).unwrap();
    let plugin = sandbox(folder.path()).load(folder.path(), manifest).await;
    (Stage::with([plugin.unwrap_or_else(|error| panic!("{error}"))]).await, folder)
}

async fn staged(handling: &str) -> (Stage, TempDir) {
    staged_as(&component("", handling), &manifest("")).await
}

async fn get(stage: &Stage, path: &str) -> Answer {
    stage.ask("GET", &format!("/api/org/default/plain{path}")).send().await
}

async fn failure_of(handling: &str, limits: &str) -> (String, String) {
    let (stage, _folder) = staged_as(&component("", handling), &manifest(limits)).await;
    let failure = get(&stage, "/").await.failure().clone();
    (failure.kind().to_owned(), failure.to_string())
}

#[tokio::test]
async fn it_is_asked_for_the_path_below_its_own_address() {
    let (stage, _folder) = staged(ECHO_PATH).await;
    for (asked, seen) in [
        ("", "/"),
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/?q=1", "/?q=1"),
        ("/a%2Fb?q=%20&q=2", "/a%2Fb?q=%20&q=2"),
    ] {
        let answer = get(&stage, asked).await;
        assert_eq!(answer.expect(201).body, seen.as_bytes(), "{asked}");
    }
}

#[tokio::test]
async fn a_route_at_the_root_is_asked_for_as_it_stands() {
    let mut manifest = manifest("");
    manifest.provides.api_routes.truncate(1);
    let route = &mut manifest.provides.api_routes[0];
    route.path = "/old/{*rest}".to_owned();
    route.scope = switchboard_manifest::Scope::Root;
    route.reason = Some("existing clients call it there".to_owned());
    let (stage, _folder) = staged_as(&component("", ECHO_PATH), &manifest).await;
    assert_eq!(stage.ask("GET", "/old/x?y").send().await.expect(201).body, "/old/x?y");
}

#[tokio::test]
async fn a_body_is_read_and_written_as_it_comes() {
    let (stage, _folder) = staged(ECHO_BODY).await;
    let pieces: Vec<_> = (0..30).map(|number: u8| Ok(Bytes::from(vec![number; 10_000]))).collect();
    let body = Body::stream(futures_util::stream::iter(pieces), None);
    let answer = stage.ask("POST", "/api/org/default/plain/x").body(body).send().await;
    let expected: Vec<u8> = (0..30).flat_map(|number: u8| vec![number; 10_000]).collect();
    assert!(answer.expect(201).body == expected);
}

#[tokio::test]
async fn its_routes_are_those_of_its_manifest() {
    let (stage, _folder) = staged(ECHO_PATH).await;
    let snapshot = stage.kernel().snapshot();
    let described = snapshot.plugin("plain").unwrap().description();
    let keys: Vec<&str> = described.routes.iter().map(|route| route.key.as_str()).collect();
    assert_eq!(keys, ["GET /", "GET /{*rest}", "POST /{*rest}"]);
    let answer = get(&stage, "/").await;
    assert_eq!(answer.expect(201).body, "/");
}

#[tokio::test]
async fn a_host_that_its_manifest_does_not_name_is_refused_in_the_words_of_the_standard() {
    const HTTP_REQUEST_DENIED: u8 = 15;
    let asked = r#""capabilities": [{"name": "http", "reason": "To ask.", "hosts": ["api.example.com"]}],"#;
    for asked in [asked, ""] {
        let (stage, _folder) = staged_as(&component(SENDING, ASK_ELSEWHERE), &manifest(asked)).await;
        for _ in 0..40 {
            let answer = get(&stage, "/").await;
            assert_eq!(answer.expect(201).body.as_ref(), [HTTP_REQUEST_DENIED]);
        }
    }
}

#[tokio::test]
async fn it_does_nothing_but_answer_requests() {
    let mut manifest = manifest("");
    let services = json!([{ "name": "plain.do" }]);
    manifest.provides.services = serde_json::from_value(services).unwrap();
    let error = refusal(&component("", ECHO_PATH), &manifest).await;
    assert!(matches!(&error, Error::OnlyRoutes { kind: "service", name } if name == "plain.do"), "{error}");
}

#[tokio::test]
async fn one_that_does_not_answer_is_named() {
    let (kind, said) = failure_of("", "").await;
    assert_eq!(kind, "broken");
    assert!(said.contains("before its answer was complete"), "{said}");
    // The head alone, and a body that never ends.
    let (kind, said) = failure_of("(drop (call $begin (local.get $out)))", "").await;
    assert_eq!(kind, "broken");
    assert!(said.contains("before its answer was complete"), "{said}");
}

#[tokio::test]
async fn one_that_traps_within_its_answer_is_named() {
    let (kind, said) = failure_of("(drop (call $begin (local.get $out))) (unreachable)", "").await;
    assert_eq!(kind, "broken");
    assert!(said.contains("plugin `plain` failed in a request"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_never_returns_is_ended() {
    let (kind, said) = failure_of("(loop $on (br $on))", r#""limits": {"call_ms": 200},"#).await;
    assert_eq!(kind, "timed_out", "{said}");
}

#[tokio::test]
async fn an_answer_without_an_end_is_refused() {
    let endless = "
        (local.set $body (call $begin (local.get $out)))
        (call $output (local.get $body) (i32.const 0))
        (local.set $to (i32.load (i32.const 4)))
        (loop $more (call $write (local.get $to) (i32.const 0) (i32.const 65536))
            (br_if $more (i32.eqz (i32.load8_u (i32.const 32)))))
        (call $end (local.get $body) (local.get $to))";
    let (kind, said) = failure_of(endless, r#""limits": {"call_ms": 60000},"#).await;
    assert_eq!(kind, "broken");
    assert!(said.contains("larger than the 64 MiB"), "{said}");
}

#[tokio::test]
async fn headers_without_number_end_the_call() {
    let (kind, said) = failure_of("(loop $more (drop (call $fields)) (br $more))", "").await;
    assert_eq!(kind, "broken", "{said}");
}

#[tokio::test]
async fn an_instance_that_keeps_something_of_a_request_is_not_used_again() {
    // Counts its calls at 600, answers with the number, and keeps the request.
    let counting = "
        (i32.store8 (i32.const 600) (i32.add (i32.load8_u (i32.const 600)) (i32.const 1)))
        (call $answer (local.get $out) (i32.const 600) (i32.const 1))";
    let (stage, _folder) = staged(counting).await;
    assert_eq!(get(&stage, "/").await.expect(201).body.as_ref(), [1]);
    assert_eq!(get(&stage, "/").await.expect(201).body.as_ref(), [1]);
    let (stage, _folder) = staged(&format!("{counting} (call $drop-request (local.get $request))")).await;
    assert_eq!(get(&stage, "/").await.expect(201).body.as_ref(), [1]);
    assert_eq!(get(&stage, "/").await.expect(201).body.as_ref(), [2]);
}
