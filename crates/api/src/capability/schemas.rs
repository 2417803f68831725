//! `schemas`: checking a value against a JSON Schema, with every fault by field.

use serde_json::Value as Json;

use crate::Fault;

/// Checking values.
pub trait Schemas: Send + Sync {
    /// Every fault of the value, each with its place below `root`, such as `["body"]`; empty when it fits.
    ///
    /// The compiled schema is kept, so that the same schema is compiled once.
    fn check(&self, schema: &Json, value: &Json, root: &[&str]) -> Vec<Fault>;
}
