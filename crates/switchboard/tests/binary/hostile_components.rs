//! Components that are made to hurt whoever compiles them.

use std::fs;

use crate::installation::Installation;

const BOMB: &str = r#"
id: bomb
name: Bomb
version: 1.0.0
type: external
category: utility
entry_point: plugin.wasm
"#;

/// Fifty kilobytes of nested loops in which everything depends on everything: gigabytes, once compiled.
fn bomb() -> Vec<u8> {
    const LOCALS: usize = 5_000;
    const LOOPS: usize = 2_000;
    let change = |local: usize| format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))");
    let changes: String = (0..LOCALS).map(change).collect();
    let locals = "i32 ".repeat(LOCALS);
    let (begin, end) = ("(loop ".repeat(LOOPS), ")".repeat(LOOPS));
    let function = format!("(func (local {locals}) {begin} {changes} (br_if 0 (local.get 0)) {end})");
    wat::parse_str(format!("(component (core module {function}))")).unwrap()
}

#[tokio::test]
async fn a_component_that_takes_too_much_to_compile_does_not_load_and_the_server_serves() {
    let installation = Installation::new();
    installation.install("bomb", BOMB);
    let bomb = bomb();
    assert!(bomb.len() < 64 << 10, "{} bytes", bomb.len());
    fs::write(installation.data("plugins/bomb/plugin.wasm"), bomb).unwrap();
    let server = installation.serve();
    let absent = server.ready["not_serving"].as_array().unwrap();
    let reason = absent.iter().find(|absent| absent["id"] == "bomb").unwrap()["reason"].as_str().unwrap();
    assert!(
        reason.contains("its component cannot be compiled: it takes more than the 1024 MiB of memory"),
        "{reason}"
    );
    server.make_clip("Served all the same").await;
}
