//! Compiled forms: made once, and used only when this server made them.

use std::{path::PathBuf, sync::Arc};

use sha2::{Digest, Sha256};
use switchboard_sandbox::{Compiler, Options, Sandbox, Seal};

use crate::guest::{Guest, Trusting, sandbox};

fn files(folder: &std::path::Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("compiled")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

fn written(path: &std::path::Path) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

#[tokio::test]
async fn a_component_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    let [form] = &files(folder.path(), ".compiled")[..] else { panic!("one form") };
    let first = written(form);
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    assert_eq!(written(form), first);
}

#[tokio::test]
async fn a_component_that_several_plugins_have_is_compiled_once_though_they_are_loaded_together() {
    let folder = tempfile::tempdir().unwrap();
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    let [form] = &files(folder.path(), ".compiled")[..] else { panic!("one form") };
    // A compiler that takes its time, notes that it was asked, and has only this form to give.
    let asked = folder.path().join("asked");
    let script = format!("echo once >> {}; sleep 0.1; cp {} \"$1\"", asked.display(), form.display());
    let arguments = vec!["-c".into(), script.into()];
    let compiler = Compiler::Apart { program: "/bin/sh".into(), arguments };
    let options =
        Options { instances: 64, ..Options::new(folder.path().join("anew"), Arc::new(Trusting), compiler) };
    let (sandbox, manifest) = (Sandbox::new(options).unwrap(), Guest::doing("").manifest());
    let load = || sandbox.load(folder.path(), &manifest);
    let (one, other, third) = tokio::join!(load(), load(), load());
    for loaded in [one, other, third] {
        loaded.map(drop).unwrap();
    }
    assert_eq!(std::fs::read_to_string(asked).unwrap(), "once\n");
}

#[tokio::test]
async fn a_form_that_somebody_else_wrote_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    let [form] = &files(folder.path(), ".compiled")[..] else { panic!("one form") };
    let own = std::fs::read(form).unwrap();
    let mut changed = own.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    std::fs::remove_file(form).unwrap();
    std::fs::write(form, &changed).unwrap();
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    assert_eq!(std::fs::read(form).unwrap(), own, "it was compiled again");
}

#[tokio::test]
async fn a_form_of_another_engine_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    let [form] = &files(folder.path(), ".compiled")[..] else { panic!("one form") };
    let own = std::fs::read(form).unwrap();
    // One that could never be ended, sealed as this server seals.
    let engine = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(false)).unwrap();
    let other = engine.precompile_component(&Guest::doing("").component()).unwrap();
    let name = form.file_stem().unwrap().to_str().unwrap();
    let word = Trusting.seal(name, &Sha256::digest(&other)).unwrap();
    std::fs::remove_file(form).unwrap();
    std::fs::write(form, other).unwrap();
    std::fs::write(form.with_extension("seal"), word).unwrap();
    Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    assert_eq!(std::fs::read(form).unwrap(), own, "it was compiled again");
}

#[tokio::test]
async fn what_a_component_said_of_itself_is_kept_and_believed_only_where_this_server_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let load = async || Guest::doing("").load(&sandbox(folder.path()), folder.path()).await.unwrap();
    assert_eq!(load().await.description().services.len(), 1);
    let [file] = &files(folder.path(), ".description")[..] else { panic!("one description") };
    let own = std::fs::read_to_string(file).unwrap();
    let other = serde_json::to_string(&switchboard_api::Description::default()).unwrap();
    std::fs::write(file, &other).unwrap();
    assert_eq!(load().await.description().services.len(), 1, "somebody else wrote it");
    assert_eq!(std::fs::read_to_string(file).unwrap(), own, "it was asked again");
    // One that this server wrote is taken: the component is not begun.
    let name = file.file_name().unwrap().to_str().unwrap();
    let word = Trusting.seal(name, &Sha256::digest(&other)).unwrap();
    std::fs::write(file.with_file_name(format!("{name}.seal")), word).unwrap();
    std::fs::write(file, other).unwrap();
    assert_eq!(load().await.description().services.len(), 0);
}

#[tokio::test]
async fn nothing_is_left_of_a_component_that_cannot_be_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let mut broken = Guest::doing("").component();
    broken.truncate(broken.len() / 2);
    std::fs::write(folder.path().join("plugin.wasm"), broken).unwrap();
    sandbox(folder.path()).load(folder.path(), &Guest::doing("").manifest()).await.map(drop).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path().join("compiled")).unwrap().count(), 0);
}
