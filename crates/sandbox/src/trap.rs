//! How a guest ended that did not end well, in words.

use switchboard_api::{CallKind, Failure};
use switchboard_manifest::PluginId;
use wasmtime::{Trap, WasmBacktrace};

use crate::state::{Over, State};

/// Lines of a guest's backtrace that are shown: the innermost calls.
const MOST_LINES: usize = 16;

/// What the caller of a plugin is told of an error of the engine.
pub(crate) fn failure(plugin: &PluginId, kind: CallKind, state: &State, error: &wasmtime::Error) -> Failure {
    let (kind, trace) = (kind.as_str(), backtrace(error));
    if let Some(over) = error.downcast_ref::<Over>() {
        let message = format!("plugin `{plugin}` was ended in a {kind}: {over}{trace}");
        return match over {
            Over::Time => Failure::timed_out(message),
            Over::Stopped => Failure::unavailable(message),
        };
    }
    let mut what = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "its calls go deeper than the stack".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it gave up, as after a panic or an abort".to_owned(),
        Some(Trap::MemoryOutOfBounds) => "it reached beyond its memory".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    if let Some(most) = state.bounds.refused() {
        what.push_str(&format!(
            ", after asking for more memory than the {} MiB it may have (`limits.memory_mb`)",
            most >> 20
        ));
    }
    Failure::broken(format!("plugin `{plugin}` failed in a {kind}: {what}{trace}"))
}

/// The guest's calls, innermost first, each on a line.
fn backtrace(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let lines = trace.to_string();
    let calls = lines.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
    calls.take(MOST_LINES).fold(String::new(), |mut all, line| {
        all.push_str("\n    ");
        all.push_str(line);
        all
    })
}
