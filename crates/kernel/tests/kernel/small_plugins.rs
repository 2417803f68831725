//! Small plugins for the tests of this crate.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use switchboard_sdk::{Definition, Plugin};
use switchboard_testkit::Stage;

/// A plugin of that id; `more` is further YAML of its manifest, from the first column.
pub(crate) fn manifest(id: &str, version: &str, more: &str) -> &'static str {
    let text =
        format!("id: {id}\nname: {id}\nversion: {version}\ntype: builtin\ncategory: utility\n{more}\n");
    Box::leak(text.into_boxed_str())
}

/// The same, ready for handlers.
pub(crate) fn plugin(id: &str, more: &str) -> Definition {
    Definition::new(manifest(id, "1.0.0", more))
}

/// The plugin as a kernel takes it.
pub(crate) fn built(plugin: Definition) -> Arc<dyn Plugin> {
    plugin.build().unwrap_or_else(|faults| panic!("{faults}"))
}

/// Why a plugin does not serve.
pub(crate) fn reason(stage: &Stage, id: &str) -> String {
    let catalog = stage.kernel().catalog();
    let entry = catalog.entry(id).unwrap_or_else(|| panic!("`{id}` was not found"));
    entry.state.reason().unwrap_or_else(|| panic!("`{id}` serves")).to_owned()
}

pub(crate) fn serves(stage: &Stage, id: &str) -> bool {
    stage.kernel().snapshot().plugin(id).is_some()
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was written since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Binds every hook, each writing its name.
    pub(crate) fn of_hooks(&self, plugin: Definition) -> Definition {
        let line = |name: &'static str| {
            let diary = self.clone();
            move || {
                diary.write(name);
                std::future::ready(Ok(()))
            }
        };
        let (install, load, enable) = (line("install"), line("load"), line("enable"));
        let (changed, disable, unload) = (line("config changed"), line("disable"), line("unload"));
        let upgrade = self.clone();
        plugin
            .on_install(move |_| install())
            .on_load(move |_| load())
            .on_enable(move |_, _: Value| enable())
            .on_config_changed(move |_, _: Value| changed())
            .on_disable(move |_| disable())
            .on_unload(move |_| unload())
            .on_upgrade(move |_, change: serde_json::Value| {
                upgrade.write(format!("upgrade from {} to {}", change["from"], change["to"]));
                std::future::ready(Ok(()))
            })
    }
}
