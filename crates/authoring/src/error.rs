//! What can go wrong while a plugin is built.

use std::{
    io,
    path::{Path, PathBuf},
};

/// What went wrong while a plugin was built, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The manifest has faults.
    #[error("the manifest is not right:\n{report}")]
    Manifest {
        /// Each fault with its place.
        report: String,
    },
    /// A file of tests has faults.
    #[error("a file of tests is not right:\n{report}")]
    Scenarios {
        /// Each fault with its place.
        report: String,
    },
    /// Nothing in the folder says in which language the plugin is written.
    #[error("nothing in {folder} says how the plugin is built: beside the manifest stands one of {marks}")]
    UnknownLanguage {
        /// The folder.
        folder: PathBuf,
        /// The files that say it.
        marks: String,
    },
    /// A tool is missing.
    #[error("`{tool}` cannot be run: {error}; {advice}")]
    NoTool {
        /// The tool.
        tool: String,
        /// Why.
        error: io::Error,
        /// How it is had.
        advice: &'static str,
    },
    /// The compiler has no standard library for the target.
    #[error(
        "the Rust compiler {compiler} lacks the target `{target}`: `rustup target add {target}` adds it; where rustup cannot, \
         `eval \"$(scripts/wasm-target)\"` of Switchboard's repository makes it of Debian's packages"
    )]
    NoTarget {
        /// The compiler.
        compiler: String,
        /// The target.
        target: &'static str,
    },
    /// A tool has said what is wrong.
    #[error("`{tool}` failed; what it says stands above")]
    ToolFailed {
        /// The tool.
        tool: String,
    },
    /// What was compiled is no plugin.
    #[error("{what} is no plugin: {why}")]
    NoPlugin {
        /// What was compiled.
        what: String,
        /// Why, and what to do.
        why: String,
    },
    /// There is no plugin to begin with in that language.
    #[error("no plugin can be begun in `{language}`; the languages are {known}")]
    NoStarter {
        /// What was asked for.
        language: String,
        /// The languages in which one can be.
        known: String,
    },
    /// A plugin in Rust needs the SDK's folder.
    #[error(
        "a plugin in Rust is built on the SDK's source: name its folder, `--sdk ../switchboard/sdk/rust`"
    )]
    NoSdk,
    /// A file or folder could not be read or written.
    #[error("{path} could not be {done}: {error}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What could not be done: read, written, …
        done: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl BuildError {
    pub(crate) fn file(done: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File { path: path.to_owned(), done, error }
    }
}
