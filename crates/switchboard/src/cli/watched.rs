//! What can be asked about plugins at work: their calls, and what they write to the log.

use clap::{Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum Watched {
    /// See the calls of plugins: those that ended, or those that run now.
    ///
    /// Each call that failed by the plugin's fault, took too long or was stopped is recorded and kept for thirty days; of the others one a
    /// second of each kind and plugin, for a day.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin calls clips --troubled      why does it fail?\n  \
                            switchboard plugin calls --running             what takes so long?\n  \
                            switchboard plugin calls --trace 01a2b3c4      the calls that belong to one request")]
    Calls {
        /// The plugin's id; all plugins when absent.
        id: Option<String>,
        /// Those that run now on this server.
        #[arg(long, conflicts_with_all = ["troubled", "trace", "limit"])]
        running: bool,
        /// Only those that failed by the plugin's fault, took too long or were stopped.
        #[arg(long)]
        troubled: bool,
        /// Only those for this organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
        /// Only those of one request, by the id that stands in its answer and in the log.
        #[arg(long, value_name = "ID")]
        trace: Option<String>,
        /// How many to show at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Stop a call that runs, by its number in `plugin calls --running`.
    ///
    /// Whoever waits for it is told that it was stopped. What it has done is undone where it was in a transaction.
    Stop {
        /// The call's number.
        number: u64,
    },
    /// See what a plugin wrote to the log since the server started.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin log clips --level warn\n  \
                            switchboard plugin log clips --follow")]
    Log {
        /// The plugin's id.
        id: String,
        /// Only lines that matter at least so much.
        #[arg(long, value_enum)]
        level: Option<LineLevel>,
        /// Only lines of calls for this organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
        /// How many of the newest lines to show.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on and show lines as they are written, until you end it.
        #[arg(long, short)]
        follow: bool,
    },
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LineLevel {
    Debug,
    Info,
    Warn,
    Error,
}
