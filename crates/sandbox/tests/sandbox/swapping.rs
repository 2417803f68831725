//! Components that come, change and go while calls run.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;
use switchboard_api::{BoxFuture, Plugin};
use switchboard_kernel::{By, Error, Loader, Seen};
use switchboard_manifest::Manifest;
use switchboard_sandbox::Sandbox;
use switchboard_testkit::Stage;

use crate::guest::{Guest, sandbox};

struct Components(Sandbox);

impl Loader for Components {
    fn load<'a>(
        &'a self,
        folder: &'a Path,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<Arc<dyn Plugin>, String>> {
        Box::pin(async move { self.0.load(folder, manifest).await.map_err(|error| error.to_string()) })
    }
}

/// Answers with one digit.
fn answering(digit: u8, version: &str) -> (Vec<u8>, String) {
    let body = format!(
        "(i32.store8 (i32.const 512) (i32.const {})) (local.set $at (i32.const 512)) (local.set $length (i32.const 1))",
        b'0' + digit
    );
    let guest = Guest::doing(&body);
    let manifest = Manifest { version: version.parse().unwrap(), ..guest.manifest() };
    (guest.component(), serde_json::to_string(&manifest).unwrap())
}

fn put(stage: &Stage, (component, manifest): &(Vec<u8>, String)) {
    let folder = stage.folder().join("plugins/guest");
    std::fs::create_dir_all(&folder).unwrap();
    // In one step, as an installer does.
    for (name, bytes) in [("plugin.wasm", component.as_slice()), ("manifest.json", manifest.as_bytes())] {
        std::fs::write(folder.join(".new"), bytes).unwrap();
        std::fs::rename(folder.join(".new"), folder.join(name)).unwrap();
    }
}

async fn stage() -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let loader = Arc::new(Components(sandbox(folder.path())));
    (Stage::setup().loader(loader).with([]).await, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_comes_changes_and_goes_and_no_call_is_dropped_meanwhile() {
    let (stage, _folder) = stage().await;
    let by = By::system("test");
    put(&stage, &answering(1, "1.0.0"));
    assert_eq!(stage.kernel().look_again(&by, "guest").await.unwrap(), Seen::Installed);
    let stage = Arc::new(stage);
    let calling: Vec<_> = (0..2)
        .map(|_| {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move {
                let mut last = 0;
                while last < 5 {
                    let answer = stage.service("guest.do", &json!(null)).await.unwrap();
                    let digit = answer.as_i64().unwrap();
                    assert!(digit >= last, "{digit} after {last}");
                    last = digit;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for digit in 2..=5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let version = format!("{digit}.0.0");
        put(&stage, &answering(digit, &version));
        assert_eq!(
            stage.kernel().look_again(&by, "guest").await.unwrap(),
            Seen::Replaced(version.parse().unwrap())
        );
    }
    for call in calling {
        call.await.unwrap();
    }
    std::fs::remove_dir_all(stage.folder().join("plugins/guest")).unwrap();
    assert_eq!(stage.kernel().look_again(&by, "guest").await.unwrap(), Seen::Removed);
    assert!(stage.kernel().snapshot().plugin("guest").is_none());
    assert!(matches!(stage.kernel().look_again(&by, "guest").await, Err(Error::NoSuchPlugin(_))));
}

#[tokio::test]
async fn one_that_does_not_load_changes_nothing() {
    let (stage, _folder) = stage().await;
    let by = By::system("test");
    put(&stage, &answering(1, "1.0.0"));
    stage.kernel().look_again(&by, "guest").await.unwrap();
    let (_, manifest) = answering(2, "2.0.0");
    put(&stage, &(b"nonsense".to_vec(), manifest));
    let error = stage.kernel().look_again(&by, "guest").await.unwrap_err();
    assert!(error.to_string().contains("not a WebAssembly component"), "{error}");
    assert_eq!(stage.service("guest.do", &json!(null)).await.unwrap(), json!(1));
    let version = &stage.kernel().catalog().entry("guest").unwrap().manifest.version.to_string();
    assert_eq!(version, "1.0.0");
}
