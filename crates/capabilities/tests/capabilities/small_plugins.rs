//! Small plugins for the tests of this crate.

use std::sync::Arc;
use switchboard_testkit::kernel::By;

use switchboard_sdk::{Definition, Failure, Plugin};
use switchboard_testkit::Stage;

/// A plugin of that id that is on for everybody; `more` is further YAML of its manifest, from the first column.
pub(crate) fn plugin(id: &str, more: &str) -> Definition {
    let text = format!(
        "id: {id}\nname: {id}\nversion: 1.0.0\ntype: builtin\ncategory: utility\nenabled_by_default: true\n{more}\n"
    );
    Definition::new(Box::leak(text.into_boxed_str()))
}

/// The plugin as a kernel takes it.
pub(crate) fn built(plugin: Definition) -> Arc<dyn Plugin> {
    plugin.build().unwrap_or_else(|faults| panic!("{faults}"))
}

/// A stage with a second organization, `acme`.
pub(crate) async fn with_acme(plugins: impl IntoIterator<Item = Definition>) -> Stage {
    let stage = Stage::with(plugins.into_iter().map(built)).await;
    stage.kernel().create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    stage
}

/// Requires that it failed in that way, and gives the sentence.
#[track_caller]
pub(crate) fn sentence<T: std::fmt::Debug>(kind: &str, result: Result<T, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.kind(), kind, "{failure}");
    failure.to_string()
}
