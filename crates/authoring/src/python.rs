//! Plugins in Python.

use std::{fs, process::Command};

use include_dir::{Dir, include_dir};

use crate::{BuildError, Effort, Language, Source, contract, tools};

static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/python");

/// What builds, and what the SDK stands on within the component.
const TOOL: &str = "componentize-py==0.25.1";
const LIBRARY: &str = "mashumaro==3.23";

/// Plugins in Python, on `sdk/python`. What a `requirements.txt` beside the manifest names comes with it, as long as it is pure Python.
pub(crate) struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "Python"
    }

    fn mark(&self) -> &'static str {
        "src/plugin.py"
    }

    fn component(&self, source: &Source, _: Effort) -> Result<Vec<u8>, BuildError> {
        let kit = tools::installed(&[TOOL, LIBRARY], |folder| {
            let tool = folder.join("tools");
            tools::with_python(&tool, &[TOOL])?;
            let libraries = folder.join("libraries");
            tools::pip(&tools::python(&tool), |pip| pip.arg("--target").arg(libraries).arg(LIBRARY))
        })?;
        let python = tools::python(&kit.join("tools"));
        let scratch = contract::scratch(source, &SDK)?;
        let at = |name: &str| scratch.path().join(name);
        let mut paths = vec![source.folder().join("src"), at("sdk"), kit.join("libraries")];
        let requirements = source.folder().join("requirements.txt");
        if requirements.is_file() {
            let packages = at("packages");
            tools::pip(&python, |pip| {
                pip.args(["--only-binary", ":all:", "--target"]).arg(&packages).arg("-r").arg(&requirements)
            })?;
            paths.push(packages);
        }
        let mut command = Command::new(python.with_file_name("componentize-py"));
        // It looks for packages there by itself, and would take those of whoever builds.
        command.env_remove("VIRTUAL_ENV").arg("-d").arg(at("wit")).args(["-w", contract::WORLD]);
        command.args(["--world-module", "wit_world", "componentize"]);
        for path in paths {
            command.arg("-p").arg(path);
        }
        command.arg("switchboard_component").arg("-o").arg(at("plugin.wasm"));
        tools::run(&mut command, "it is installed by pip", of_the_plugin)?;
        let component = at("plugin.wasm");
        fs::read(&component).map_err(|error| BuildError::file("read", &component, error))
    }
}

/// The traceback of the plugin's own code: one of the tool's stands before it, one of the tool's insides behind it.
fn of_the_plugin(said: &str) -> &str {
    let own = said.split_once("\nAssertionError: ").map_or(said, |(_, own)| own);
    let end = ["\n\nCaused by:", "\nStack backtrace:"].iter().filter_map(|mark| own.find(mark)).min();
    end.and_then(|end| own.get(..end)).unwrap_or(own)
}
