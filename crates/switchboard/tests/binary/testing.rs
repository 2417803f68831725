//! `switchboard plugin test`, as authors run it, in every language.

use std::{fs, path::Path};

use serde_json::Value as Json;

use crate::installation::Installation;

fn at_the_root(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).to_str().unwrap().to_owned()
}

/// The languages in which components can be built here: Rust where `scripts/wasm-target` has seen to it.
fn languages() -> Vec<&'static str> {
    let mut languages = vec!["python", "javascript", "c"];
    if rust_makes_components() {
        languages.push("rust");
    } else {
        assert!(std::env::var_os("CI").is_none(), "`scripts/wasm-target` gets the target for components");
        eprintln!("SKIPPED: plugins in Rust: `scripts/wasm-target` gets the target for them");
    }
    languages
}

fn rust_makes_components() -> bool {
    if std::env::var_os("SWITCHBOARD_WASM_RUSTC").is_some() {
        return true;
    }
    let asked = std::process::Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output();
    let folder =
        asked.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
    fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

/// A plugin in a language that was just begun.
fn begun(installation: &Installation, language: &str) -> String {
    let folder = installation.beside(language).to_str().unwrap().to_owned();
    let sdk = at_the_root("sdk/rust");
    let mut begin = vec!["plugin", "new", "hello", "--lang", language, folder.as_str()];
    if language == "rust" {
        begin.extend(["--sdk", sdk.as_str()]);
    }
    installation.json(&begin);
    if language == "rust" {
        // What the guestbook is built of is not built once more.
        fs::copy(at_the_root("Cargo.lock"), Path::new(&folder).join("Cargo.lock")).unwrap();
        let shared = format!("[build]\ntarget-dir = {:?}\n", at_the_root("target"));
        fs::create_dir(Path::new(&folder).join(".cargo")).unwrap();
        fs::write(Path::new(&folder).join(".cargo/config.toml"), shared).unwrap();
    }
    folder
}

#[test]
fn the_guestbook_is_the_same_in_every_language() {
    for language in languages() {
        let source = match language {
            "rust" => at_the_root("examples/guestbook"),
            other => at_the_root(&format!("examples/guestbook-{other}")),
        };
        let said = Installation::new().run(&["plugin", "test", &source]);
        assert_eq!(said.code, 0, "{language}: {}{}", said.out, said.err);
        assert!(said.out.contains("14 passed"), "{language}: {}", said.out);
    }
}

#[test]
fn a_plugin_that_was_just_begun_passes_its_tests() {
    let installation = Installation::new();
    for language in languages() {
        let said = installation.run(&["plugin", "test", &begun(&installation, language)]);
        assert_eq!(said.code, 0, "{language}: {}{}", said.out, said.err);
    }
}

/// What a command says but for its times and the ids of requests.
fn without_what_differs(said: &str) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let word = |(at, word): (usize, &&str)| match (*word, words.get(at + 1)) {
            (_, Some(&("ms" | "s"))) => "…".to_owned(),
            (word, _) if word.starts_with("trace=") => "trace=…".to_owned(),
            (word, _) => word.to_owned(),
        };
        words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
    };
    said.lines().map(line).collect::<Vec<_>>().join("\n")
}

const FAILING: &str = r#"
tests:
  - name: whoever is greeted is greeted
    steps:
      - request: GET /api/org/default/hello/hello/Ada
  - name: an organization greets in words of its own
    steps:
      - configure: { greeting: Ahoy }
      - request: GET /api/org/default/hello/hello/Ada
        answer: { text: "Hello, Ada!", from: Ada }
  - name: nobody is greeted
    steps:
      - request: GET /api/org/default/hello/hello/Ada
        status: 404
  - name: a greeting has a name
    steps:
      - configure: { name: Ada }
"#;

#[test]
fn a_test_that_fails_says_what_was_expected_and_what_was_found() {
    let installation = Installation::new();
    let folder = begun(&installation, "javascript");
    fs::write(Path::new(&folder).join("tests/hello.yaml"), FAILING).unwrap();

    let said = installation.run(&["plugin", "test", &folder]);
    assert_eq!(said.code, 1, "{}", said.err);
    insta::assert_snapshot!(without_what_differs(&said.out));

    let said = installation.run(&["plugin", "test", &folder, "--only", "in words of its own", "--json"]);
    let lines: Vec<Json> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), said.code), (2, 1), "{}", said.out);
    assert_eq!(lines[0]["during"], "step 2, GET /api/org/default/hello/hello/Ada");
    assert_eq!(lines[0]["differences"][1]["place"], "answer.text", "{}", lines[0]);
    assert_eq!(lines[1], serde_json::json!({ "passed": 0, "failed": 1 }));
}

#[test]
fn a_file_of_tests_that_is_not_right_is_told_with_its_line() {
    let installation = Installation::new();
    let folder = begun(&installation, "c");
    fs::write(
        Path::new(&folder).join("tests/hello.yaml"),
        "tests:\n  - name: it\n    steps: [{ reqest: x }]\n",
    )
    .unwrap();
    let said = installation.run(&["plugin", "test", &folder]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("hello.yaml:3:"), "{}", said.err);

    fs::remove_dir_all(Path::new(&folder).join("tests")).unwrap();
    let said = installation.run(&["plugin", "test", &folder]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("there is no test in"), "{}", said.err);
}
