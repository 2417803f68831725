//! How fast, and in how much memory, the highlights of a file are found.

use std::{fs::File, ops::ControlFlow, path::Path, time::Instant};

use anyhow::Context;
use highlight_detector::{Settings, analyse};
use serde::{Deserialize, Serialize};

use crate::process::memory_of;

/// What one detection took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Detection {
    /// How many seconds of sound there are.
    pub(crate) sound_seconds: f64,
    /// How many seconds it took.
    pub(crate) took_seconds: f64,
    /// The most memory that the process held, in KiB.
    pub(crate) most_memory_kib: u64,
    /// How many highlights were found.
    pub(crate) highlights: usize,
}

/// Finds the highlights of the file, and prints a [`Detection`] as JSON.
pub(crate) fn run(file: &Path) -> anyhow::Result<()> {
    let sound = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let begun = Instant::now();
    let analysis = analyse(sound, &Settings::default(), |_| ControlFlow::Continue(()))
        .with_context(|| format!("{} was not heard", file.display()))?;
    let detection = Detection {
        sound_seconds: analysis.duration,
        took_seconds: begun.elapsed().as_secs_f64(),
        most_memory_kib: memory_of("self", "VmHWM")?,
        highlights: analysis.highlights.len(),
    };
    println!("{}", serde_json::to_string(&detection)?);
    Ok(())
}
