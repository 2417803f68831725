//! What can be asked about a plugin's source, by its author.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};

use super::Replay;

/// What an author does with a plugin's source. Nothing of it needs a server, but what `dev` looks for by itself.
#[derive(Subcommand)]
pub(crate) enum Source {
    /// Begin a plugin: a folder with one route that answers.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin new hello --lang python && cd hello && switchboard plugin dev\n  \
                            switchboard plugin new hello --lang rust --sdk ../switchboard/sdk/rust")]
    New(New),
    /// Write a plugin with a server beside it: what is changed is built and serves a moment later.
    ///
    /// Where no server runs on the data folder, one is started. What the plugin logs, and what is wrong with it, is shown here; as long as
    /// the source is not right, what was built before serves. It is built quickly rather than well: what is given away is made by `plugin build`.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin dev                        the plugin in this folder\n  \
                            switchboard plugin dev hello/ --data /tmp/try  beside the server on that folder, or one of its own")]
    Dev {
        /// The plugin's folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The address for a server that is started.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        listen: String,
    },
    /// Run a plugin's tests: its component on a real server with temporary storage, one server for each test.
    ///
    /// The tests are files `tests/*.yaml` beside the manifest: what is done with the plugin, and what is expected then. The clock stands until
    /// a test sets it, and capabilities fail when it says so. Ends with 1 when a test fails.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin test                  the plugin in this folder\n  \
                            switchboard plugin test --only greeted   the tests whose names have this in them\n\n\
                            docs/testing.md says what stands in such a file.")]
    Test {
        /// The plugin's folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Run only tests whose names have this in them.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// Build a plugin from its source, as a WebAssembly component that a server loads.
    ///
    /// The folder holds `manifest.yaml` and, for Rust, a crate on `switchboard-sdk`. What is built is a folder as well, which is
    /// copied to `plugins/<id>` in a server's data.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin build                         the plugin in this folder\n  \
                            switchboard plugin build examples/guestbook --output /tmp/guestbook")]
    Build {
        /// The plugin's folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The folder to build it into, in place of what was built there before; `target/plugin` in the plugin's when absent.
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Make a call again that failed somewhere else, with the answers that the host gave then.
    ///
    /// Nothing is asked of a database, a network or a clock: what the plugin asks the host is answered from the file. It says where the call goes
    /// another way than the one that was captured.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin replay hello-3.capture.json target/plugin\n  \
                            switchboard plugin replay clips-7.capture.json                 a plugin that is part of this program\n\n\
                            The exit code is 0 when the plugin answers now, and 1 when it fails.")]
    Replay(Replay),
}

#[derive(Args)]
pub(crate) struct New {
    /// The plugin's id: lower-case letters, digits and `_`, a letter first.
    pub(crate) id: String,
    /// The language.
    #[arg(long, value_parser = PossibleValuesParser::new(switchboard_authoring::languages()))]
    pub(crate) lang: String,
    /// The folder to make; one of the plugin's id when absent.
    pub(crate) folder: Option<PathBuf>,
    /// For Rust: the folder of the SDK, `sdk/rust` of Switchboard's source.
    #[arg(long, value_name = "DIR")]
    pub(crate) sdk: Option<PathBuf>,
}
