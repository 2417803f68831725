//! `schemas`: checking values.

use serde_json::Value as Json;
use switchboard_api::Failure;

use crate::{
    bindings::imports::{schemas, types},
    conversion::fault_out,
    interrupted::Answer,
    state::State,
};

impl schemas::Host for State {
    fn check(&mut self, schema: String, value: String, root: Vec<String>) -> Answer<Vec<types::Fault>> {
        let json = |what: &str, text: &str| -> Result<Json, Failure> {
            serde_json::from_str(text)
                .map_err(|error| Failure::invalid(format!("the {what} is not JSON: {error}")))
        };
        let (schema, value) = (json("schema", &schema)?, json("value", &value)?);
        let root: Vec<&str> = root.iter().map(String::as_str).collect();
        let faults = self.call()?.host.schemas.check(&schema, &value, &root);
        Ok(faults.into_iter().map(fault_out).collect())
    }
}
