//! What can be asked about the commands of plugins.

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Commands {
    /// List the commands that there are in an organization.
    List {
        /// The organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION", default_value = "default")]
        organization: String,
    },
    /// Give a command, as people give it in a chat, and show what is said.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin command run signatures 3\n  \
                            switchboard plugin command run guestbook:signatures 3 --org acme   if several plugins have one")]
    Run {
        /// The command and its arguments, in the order that `plugin command list` shows.
        #[arg(required = true, value_name = "WORD", allow_negative_numbers = true)]
        words: Vec<String>,
        /// The organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION", default_value = "default")]
        organization: String,
    },
}
