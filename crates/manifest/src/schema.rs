//! The JSON Schema of manifests.

use std::sync::LazyLock;

use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::model::Manifest;

/// The JSON Schema (2020-12) of a manifest, for editors and other tools.
///
/// ```
/// let schema = switchboard_manifest::schema();
/// assert_eq!(schema["title"], "Manifest");
/// assert!(schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == "id")));
/// ```
///
/// It describes the shape; what [`Manifest::read`] checks beyond it needs the whole file.
pub fn schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Manifest>().to_value()
}

/// The schema of manifests, ready to check with.
pub(crate) struct Shape {
    pub(crate) schema: Value,
    pub(crate) rules: Validator,
}

impl Shape {
    /// Built once: it takes longer than to check a manifest.
    #[expect(clippy::expect_used, reason = "the schema is this crate's own, and every test reads it")]
    pub(crate) fn get() -> &'static Self {
        static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
            let schema = schema();
            let rules =
                jsonschema::draft202012::new(&schema).expect("the schema of manifests is a JSON Schema");
            Shape { schema, rules }
        });
        &SHAPE
    }
}
