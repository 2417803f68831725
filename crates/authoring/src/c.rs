//! Plugins in C.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use include_dir::{Dir, include_dir};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::Files;
use wit_component::ComponentEncoder;
use wit_parser::Resolve;

use crate::{BuildError, Effort, Language, Source, contract, tools};

static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/c");

/// Zig, for its C compiler: it brings a C library for WebAssembly along.
const TOOL: &str = "ziglang==0.17.1";

/// The world of which the bindings are made: all of it, since the linker leaves out what a plugin does not use.
const WORLD: &str = "plugin";

const FLAGS: [&str; 10] = [
    "-target",
    "wasm32-wasi",
    "-mexec-model=reactor",
    "-std=c17",
    "-Os",
    "-Wall",
    "-Wextra",
    "-Wl,--gc-sections",
    "-Wl,--strip-all",
    // Zig gives 16 MB, which every instance would hold.
    "-Wl,-z,stack-size=262144",
];

/// Plugins in C, on `sdk/c`: every file of `src` that ends in `.c`.
pub(crate) struct C;

impl Language for C {
    fn name(&self) -> &'static str {
        "C"
    }

    fn mark(&self) -> &'static str {
        "src/plugin.c"
    }

    fn component(&self, source: &Source, _: Effort) -> Result<Vec<u8>, BuildError> {
        let kit = tools::installed(&[TOOL], |folder| tools::with_python(folder, &[TOOL]))?;
        let scratch = contract::scratch(source, &SDK)?;
        let at = |name: &str| scratch.path().join(name);
        bindings(&at("wit"), &at("sdk/src"))
            .map_err(|why| BuildError::NoPlugin { what: "the contract in `wit/`".to_owned(), why })?;
        let mut zig = Command::new(tools::python(&kit));
        zig.args(["-m", "ziglang", "cc"]).args(FLAGS);
        for folder in ["sdk/include", "sdk/src", "sdk/vendor/yyjson"] {
            zig.arg("-I").arg(at(folder));
        }
        zig.args(files(&source.folder().join("src"), "c")?);
        zig.args(files(&at("sdk/src"), "c")?).args(files(&at("sdk/src"), "o")?);
        zig.arg(at("sdk/vendor/yyjson/yyjson.c")).arg("-o").arg(at("module.wasm"));
        tools::run(&mut zig, "it is installed by pip", tools::everything)?;
        let module = at("module.wasm");
        let module = fs::read(&module).map_err(|error| BuildError::file("read", &module, error))?;
        componentized(&module)
            .map_err(|why| BuildError::NoPlugin { what: source.folder().display().to_string(), why })
    }
}

/// Writes what wit-bindgen makes of the contract: `plugin.h`, `plugin.c`, and an object that tells the contract itself.
fn bindings(wit: &Path, into: &Path) -> Result<(), String> {
    let written = || -> Result<(), Box<dyn std::error::Error>> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit)?;
        let world = resolve.select_world(&[package], Some(WORLD))?;
        let mut made = Files::default();
        wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut made)?;
        for (name, bytes) in made.iter() {
            // One `plugin.c` is the author's.
            fs::write(into.join(name.replace("plugin.c", "bindings.c")), bytes)?;
        }
        Ok(())
    };
    written().map_err(|error| error.to_string())
}

/// The files of a folder with an ending, by name.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, BuildError> {
    let unreadable = |error| BuildError::file("read", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|own| own == ending) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// The component of a module. What it uses of the C library's outside, such as `printf`, it asks WASI for.
fn componentized(module: &[u8]) -> Result<Vec<u8>, String> {
    let adapter = (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(adapter.0, adapter.1))
        .and_then(|encoder| encoder.encode());
    encoded.map_err(|error| format!("{error:#}; does it define `const sb_plugin switchboard_plugin`?"))
}
