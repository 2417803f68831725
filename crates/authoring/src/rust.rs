//! Plugins in Rust.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value as Json;
use wit_component::ComponentEncoder;

use crate::{BuildError, Effort, Language, Source};

const TARGET: &str = "wasm32-unknown-unknown";

/// Names a compiler that has the target, where the usual one cannot: `scripts/wasm-target` makes it.
const COMPILER: &str = "SWITCHBOARD_WASM_RUSTC";

/// Profiles of their own, so that how the author builds otherwise has no part in it. Names of functions stay: by them a backtrace is
/// read.
const FULL: Profile = Profile {
    name: "component",
    settings: &["inherits='release'", "opt-level='s'", "lto='fat'", "codegen-units=1", "strip='debuginfo'"],
};
/// What is not optimized at all has functions too large to be compiled quickly by the server.
const QUICK: Profile = Profile {
    name: "quick-component",
    settings: &["inherits='dev'", "opt-level=1", "debug=false", "incremental=true"],
};

/// How cargo compiles.
struct Profile {
    name: &'static str,
    settings: &'static [&'static str],
}

/// Plugins in Rust, on `switchboard-sdk`: an ordinary crate, which need not say that it becomes a component.
pub(crate) struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "Rust"
    }

    fn mark(&self) -> &'static str {
        "Cargo.toml"
    }

    fn is_quick_to_repeat(&self) -> bool {
        true
    }

    fn component(&self, source: &Source, effort: Effort) -> Result<Vec<u8>, BuildError> {
        has_target()?;
        let profile = match effort {
            Effort::Full => &FULL,
            Effort::Quick => &QUICK,
        };
        let file = compiled(source, profile)?;
        let module = fs::read(&file).map_err(|error| BuildError::file("read", &file, error))?;
        componentized(&module).map_err(|why| BuildError::NoPlugin { what: file.display().to_string(), why })
    }
}

/// Whether the compiler that cargo will use has the standard library for the target.
fn has_target() -> Result<(), BuildError> {
    let compiler = compiler();
    let asked = Command::new(&compiler).args(["--print", "target-libdir", "--target", TARGET]).output();
    let answer = asked.map_err(|error| no_tool(&compiler, error))?;
    let folder = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    let has_core = fs::read_dir(folder).is_ok_and(|files| {
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
    });
    let compiler = compiler.to_string_lossy().into_owned();
    if has_core { Ok(()) } else { Err(BuildError::NoTarget { compiler, target: TARGET }) }
}

/// The module that cargo makes of the crate.
fn compiled(source: &Source, profile: &Profile) -> Result<PathBuf, BuildError> {
    let cargo = tool("CARGO", "cargo");
    let mut command = Command::new(&cargo);
    command.current_dir(source.folder()).env("SWITCHBOARD_PLUGIN_ID", source.manifest().id.as_str());
    if let Some(compiler) = env::var_os(COMPILER) {
        command.env("RUSTC", compiler);
    }
    command.args(["rustc", "--lib", "--crate-type", "cdylib", "--target", TARGET]);
    let Profile { name, settings } = profile;
    command.args(["--profile", name, "--message-format", "json-render-diagnostics"]);
    for setting in *settings {
        command.arg("--config").arg(format!("profile.{name}.{setting}"));
    }
    let ended = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let ended = ended.map_err(|error| no_tool(&cargo, error))?;
    if !ended.status.success() {
        return Err(BuildError::ToolFailed { tool: "cargo rustc".to_owned() });
    }
    let manifest = source.folder().join("Cargo.toml");
    let messages = String::from_utf8_lossy(&ended.stdout);
    let module = messages
        .lines()
        .filter_map(|line| module_of(&serde_json::from_str(line).ok()?, &manifest))
        .next_back();
    module.ok_or_else(|| BuildError::NoPlugin {
        what: source.folder().display().to_string(),
        why: "cargo made no WebAssembly module of it; is there a `src/lib.rs`?".to_owned(),
    })
}

/// The module that a message of cargo's tells of, when it is of this crate.
fn module_of(message: &Json, manifest: &Path) -> Option<PathBuf> {
    let is_ours = Path::new(message.get("manifest_path")?.as_str()?) == manifest;
    let mut files = message.get("filenames")?.as_array()?.iter().filter_map(Json::as_str);
    files.find(|file| is_ours && file.ends_with(".wasm")).map(PathBuf::from)
}

/// The component of a module, or why it is none.
fn componentized(module: &[u8]) -> Result<Vec<u8>, String> {
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|encoder| encoder.encode());
    encoded.map_err(|error| {
        format!("{error:#}; it has to say `switchboard_sdk::component!(plugin);` beside its `pub fn plugin()`, and nothing in it may \
                 reach for the outside but through the SDK")
    })
}

/// The compiler: that of [`COMPILER`], or the one that cargo uses by itself.
fn compiler() -> OsString {
    env::var_os(COMPILER).unwrap_or_else(|| tool("RUSTC", "rustc"))
}

fn tool(variable: &str, name: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| name.into())
}

fn no_tool(tool: &OsString, error: std::io::Error) -> BuildError {
    let advice = "Rust is installed from https://rustup.rs";
    BuildError::NoTool { tool: tool.to_string_lossy().into_owned(), error, advice }
}
