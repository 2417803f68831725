//! What is said of a component that cannot be a plugin.

use switchboard_sandbox::Error;

use crate::guest::{Guest, sandbox};

async fn refusal(guest: Guest) -> Error {
    let folder = tempfile::tempdir().unwrap();
    match guest.load(&sandbox(folder.path()), folder.path()).await {
        Ok(_) => panic!("it loads"),
        Err(error) => error,
    }
}

async fn refusal_of(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), bytes).unwrap();
    match sandbox(folder.path()).load(folder.path(), &Guest::doing("").manifest()).await {
        Ok(_) => panic!("it loads"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_capability_that_is_not_asked_for_cannot_be_imported() {
    let delete = r#"(import "switchboard:plugin/kv@0.1.0" "delete" (func $delete (param i32 i32 i32)))"#;
    let body = "(call $delete (local.get $at) (local.get $length) (i32.const 32))";
    let error = refusal(Guest::doing(body).importing("kv", delete)).await;
    assert!(matches!(error, Error::NotAskedFor { .. }), "{error}");
    assert!(error.to_string().contains("`switchboard:plugin/kv@0.1.0`"), "{error}");
}

#[tokio::test]
async fn what_is_no_component_is_named_for_what_it_is() {
    assert!(refusal_of(b"").await.contains("`plugin.wasm` is empty"));
    assert!(refusal_of(b"MZ, a program of another kind").await.contains("some other file"));
    let module = wat::parse_str("(module)").unwrap();
    assert!(refusal_of(&module).await.contains("a core WebAssembly module"));
}

#[tokio::test]
async fn a_component_that_is_cut_short_is_refused() {
    let whole = Guest::doing("").component();
    for part in [whole.len() / 4, whole.len() / 2, whole.len() - 1] {
        let said = refusal_of(&whole[..part]).await;
        assert!(said.contains("cannot be compiled"), "{said}");
    }
}

#[tokio::test]
async fn a_description_that_is_none_is_refused() {
    let error = refusal(Guest::doing("").description("{")).await;
    assert!(matches!(error, Error::Description(_)), "{error}");
}

#[tokio::test]
async fn a_handler_without_its_export_is_refused() {
    let said = r#"{"routes":[],"filters":["a.point"],"listeners":[],"services":[],"tasks":[],"hooks":[]}"#;
    let error = refusal(Guest::doing("").description(said)).await;
    assert!(matches!(error, Error::NotExported { interface: "filters", .. }), "{error}");
}

#[tokio::test]
async fn an_entry_point_leads_nowhere_but_into_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for outside in ["../plugin.wasm", "/etc/passwd", "a/../../plugin.wasm"] {
        let manifest = switchboard_manifest::Manifest {
            entry_point: Some(outside.to_owned()),
            ..Guest::doing("").manifest()
        };
        let error = sandbox(folder.path()).load(folder.path(), &manifest).await.map(drop).unwrap_err();
        assert!(matches!(error, Error::EntryPointOutside(_)), "{error}");
    }
}
