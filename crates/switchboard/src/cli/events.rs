//! What can be asked about events.

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Events {
    /// List the events that are kept, newest first.
    #[command(after_help = "Examples:\n  \
                            switchboard events list --type 'clip.*' --org default\n  \
                            switchboard events list --plugin clips --subject clip/7\n  \
                            switchboard events list --before 1764150000000000.clips      the page behind that one")]
    List {
        #[command(flatten)]
        filter: EventFilter,
        /// Only those before this place: `next` of the page before.
        #[arg(long, value_name = "PLACE")]
        before: Option<String>,
        /// How many to show at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show one event with what it carries, and how it stands with each plugin that listens.
    Show {
        /// The plugin that said it.
        plugin: String,
        /// The event's id.
        id: String,
    },
    /// List the events that were given up, with what each listener failed with.
    Dead {
        #[command(flatten)]
        filter: LetterFilter,
        /// How many to show at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Deliver events again that were given up, as if they had never been tried.
    #[command(after_help = "Examples:\n  \
                            switchboard events replay --event 0c5e…               one\n  \
                            switchboard events replay --listener archive          those that one plugin could not hear\n  \
                            switchboard events replay --all")]
    Replay(Decided),
    /// Give events up for good: they are delivered no more, and kept no longer than others.
    #[command(after_help = "Examples:\n  \
                            switchboard events discard --event 0c5e… --listener archive\n  \
                            switchboard events discard --type 'clip.*' --until 2026-01-01T00:00:00Z")]
    Discard(Decided),
    /// List the plugins that listen, with what waits for them and where they are paused.
    Listeners {
        /// Only what waits in this organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
    },
    /// Have a plugin hear no events for now: they wait for it, in order, and over restarts.
    Pause {
        /// The plugin's id.
        id: String,
        /// Only those of this organization, by its name in addresses; all when absent.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
    },
    /// Have a plugin hear events again, those that waited for it first.
    Resume {
        /// The plugin's id.
        id: String,
        /// Those of this organization, by its name in addresses, where it was paused for that one; all when absent.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
    },
}

/// Which events are meant.
#[derive(Args)]
pub(crate) struct EventFilter {
    /// Only those of this type, or of a pattern of types such as `tournament.match.*`.
    #[arg(long = "type", value_name = "PATTERN")]
    pub(crate) pattern: Option<String>,
    /// Only those about this, such as `clip/7`.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Only those that this plugin said.
    #[arg(long, value_name = "ID")]
    pub(crate) plugin: Option<String>,
    /// Only those that happened in this organization, by its name in addresses.
    #[arg(long = "org", value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Only those that were said from then on, such as `2026-01-31T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only those that were said before then.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Which events that were given up are meant.
#[derive(Args)]
pub(crate) struct LetterFilter {
    #[command(flatten)]
    pub(crate) events: EventFilter,
    /// Only the one with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
    /// Only those that this plugin could not hear.
    #[arg(long, value_name = "ID")]
    pub(crate) listener: Option<String>,
}

/// Which events that were given up something becomes of: at least one part is given, or `--all`.
#[derive(Args)]
pub(crate) struct Decided {
    #[command(flatten)]
    pub(crate) filter: LetterFilter,
    /// Every one that there is; with `--org`, in that organization.
    #[arg(long)]
    pub(crate) all: bool,
}
