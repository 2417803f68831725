//! `metrics`: numbers of the plugin's own.

use switchboard_api::capability::Reading;

use crate::{bindings::imports::metrics, state::State};

type Labels = Vec<(String, String)>;

impl metrics::Host for State {
    fn count(&mut self, name: String, more: u64, labels: Labels) -> wasmtime::Result<()> {
        self.note(&name, &labels, Reading::More(more))
    }

    fn set(&mut self, name: String, now: f64, labels: Labels) -> wasmtime::Result<()> {
        self.note(&name, &labels, Reading::Now(now))
    }

    fn observe(&mut self, name: String, value: f64, labels: Labels) -> wasmtime::Result<()> {
        self.note(&name, &labels, Reading::Value(value))
    }
}

impl State {
    fn note(&mut self, name: &str, labels: &[(String, String)], reading: Reading) -> wasmtime::Result<()> {
        let call = self.running()?;
        let labels: Vec<_> = labels.iter().map(|(name, says)| (name.as_str(), says.as_str())).collect();
        call.host.metrics.note(&call.context, name, &labels, reading);
        Ok(())
    }
}
