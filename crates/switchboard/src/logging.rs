//! Lines on standard error: text for people, JSON for collectors.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::LogFormat;

/// Begins to log. `SWITCHBOARD_LOG` says what, in the form `warn,switchboard_kernel=debug`; `info` when absent.
pub(crate) fn start(format: LogFormat, default: &str) {
    let filter = EnvFilter::try_from_env("SWITCHBOARD_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as in tests, keeps the first.
    let _ = match format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
    };
}

/// Lines that nobody is shown before it is known whether they matter.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// The lines since the beginning, or since they were last taken.
    pub(crate) fn take(&self) -> String {
        let lines = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&lines).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep lines, of which `SWITCHBOARD_LOG` says which; what plugins log and what goes wrong when absent.
pub(crate) fn keep() -> Kept {
    let default = "warn,switchboard_capabilities::log=debug";
    let filter = EnvFilter::try_from_env("SWITCHBOARD_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let kept = Kept(Arc::default());
    let into = kept.clone();
    // The time is the test's, and stands in no line.
    let lines = fmt().with_env_filter(filter).with_writer(move || into.clone()).without_time();
    // A second start keeps the first.
    let _ = lines.with_target(false).with_ansi(false).try_init();
    kept
}
