//! Plugins in JavaScript and TypeScript.

use std::{fs, path::Path, process::Command};

use include_dir::{Dir, include_dir};

use crate::{BuildError, Effort, Language, Source, contract, tools};

static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/js/src");

/// Bundles the plugin, and componentizes the bundle.
const BUILD: &str = include_str!("../../../sdk/js/build.mjs");

/// What builds, and what the SDK stands on within the component.
const PACKAGES: [&str; 3] = ["componentize-qjs@0.4.5", "esbuild@0.28.2", "typebox@1.4.3"];

/// Plugins in JavaScript and TypeScript, on `sdk/js`. Packages that the plugin uses are those in its own `node_modules`.
pub(crate) struct JavaScript;

impl Language for JavaScript {
    fn name(&self) -> &'static str {
        "JavaScript"
    }

    fn mark(&self) -> &'static str {
        "package.json"
    }

    fn component(&self, source: &Source, _: Effort) -> Result<Vec<u8>, BuildError> {
        let entry = ["src/plugin.ts", "src/plugin.js"].map(|name| source.folder().join(name));
        let entry = entry.into_iter().find(|file| file.is_file()).ok_or_else(|| BuildError::NoPlugin {
            what: source.folder().display().to_string(),
            why: "there is neither `src/plugin.ts` nor `src/plugin.js`".to_owned(),
        })?;
        let kit = tools::installed(&PACKAGES, |folder| {
            write(&folder.join("package.json"), "{}")?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--silent"]).args(PACKAGES).current_dir(folder);
            tools::run(&mut npm, "it comes with Node.js, 20.11 or later", tools::everything).map(drop)
        })?;
        let scratch = contract::scratch(source, &SDK)?;
        let at = |name: &str| scratch.path().join(name);
        write(&at("build.mjs"), BUILD)?;
        let told = serde_json::json!({
            "folder": source.folder(),
            "entry": entry,
            "tools": kit,
            "sdk": at("sdk"),
            "wit": at("wit"),
            "world": contract::WORLD,
            "imports": contract::imports(source),
            "exports": contract::EXPORTS,
            "scratch": scratch.path(),
            "output": at("plugin.wasm"),
        });
        let mut node = Command::new("node");
        node.arg(at("build.mjs")).arg(told.to_string());
        tools::run(&mut node, "Node.js 20.11 or later is needed: nodejs.org has it", tools::everything)?;
        let component = at("plugin.wasm");
        fs::read(&component).map_err(|error| BuildError::file("read", &component, error))
    }
}

fn write(file: &Path, text: &str) -> Result<(), BuildError> {
    fs::write(file, text).map_err(|error| BuildError::file("written", file, error))
}
