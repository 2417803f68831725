//! What can be asked about calls that were captured.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Capture calls that fail, with all that the plugin was given, for its author.
#[derive(Subcommand)]
pub(crate) enum Capture {
    /// Capture the next calls of a plugin that fail by its fault or take too long.
    ///
    /// It ends when so many were captured, when the plugin is loaded anew, and when the server ends.
    Next {
        /// The plugin's id.
        id: String,
        /// How many calls; 0 ends it.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=10))]
        calls: u32,
    },
    /// List the calls that were captured.
    List {
        /// The plugin's id; all plugins when absent.
        id: Option<String>,
    },
    /// Write a captured call into a file, for the plugin's author. It holds what people have sent, and rows of the plugin's tables.
    Save {
        /// The call's number in the list.
        number: i64,
        /// The file to write; `PLUGIN-NUMBER.capture.json` in this folder when absent.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Remove a captured call.
    Remove {
        /// The call's number in the list.
        number: i64,
    },
}

/// Make a captured call again, with the answers that the host gave then.
#[derive(Args)]
pub(crate) struct Replay {
    /// The captured call, as `plugin capture save` writes it.
    pub(crate) file: PathBuf,
    /// The built plugin's folder, the one with `manifest.yaml` and the component; a plugin that is part of this program when absent.
    pub(crate) folder: Option<PathBuf>,
}
