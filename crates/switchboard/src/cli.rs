//! What can be asked at the terminal. The comments here are the manual that `--help` prints.

mod captures;
mod commands;
mod events;
mod package;
mod source;
mod tasks;
mod watched;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

pub(crate) use self::captures::{Capture, Replay};
pub(crate) use self::commands::Commands;
pub(crate) use self::events::{Decided, EventFilter, Events, LetterFilter};
pub(crate) use self::package::{Export, Install, Key, Package, Remove, Trust};
pub(crate) use self::source::{New, Source};
pub(crate) use self::tasks::{NewSchedule, OneSchedule, Tasks};
pub(crate) use self::watched::{LineLevel, Watched};
use crate::operator_settings::Database;

/// A multi-tenant application server whose every feature is a plugin.
///
/// `switchboard serve` starts it: no configuration is needed, everything it keeps is in one folder. The other commands
/// work on that folder, through the server when one is running on it, and without one otherwise.
#[derive(Parser)]
#[command(
    name = "switchboard",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something was checked and found wanting.\n\n\
                  First steps:\n  \
                  switchboard serve                      start, and print a token\n  \
                  switchboard plugin list                what runs, and why something does not\n  \
                  switchboard manifest check my-plugin/  check a plugin before installing it"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// The folder in which everything is kept.
    #[arg(long, global = true, env = "SWITCHBOARD_DATA", default_value = "data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start the server.
    ///
    /// Settings come from the command line, then the environment, then `switchboard.toml` in the data folder, then defaults.
    /// `DISABLED_PLUGINS=a,b` switches plugins off.
    Serve(Serve),
    /// Compile a component, as the server asks it of itself: bounded in memory and processor time.
    #[command(name = crate::sandboxing::COMPILE, hide = true)]
    CompileComponent {
        /// The component.
        component: PathBuf,
        /// The file to write.
        compiled: PathBuf,
    },
    /// See and switch plugins.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Make, see, remove and bring back organizations.
    #[command(subcommand)]
    Org(Org),
    /// Take over what another system has.
    #[command(subcommand)]
    Import(Import),
    /// Check what plugins declare.
    #[command(subcommand)]
    Manifest(Manifest),
    /// Make the tokens by which programs call.
    #[command(subcommand)]
    Token(Token),
    /// See what plugins said has happened and who has heard it, and take care of what could not be heard.
    #[command(subcommand)]
    Events(Events),
    /// See who changed what, and check that nothing of it was changed since.
    #[command(subcommand)]
    Audit(Audit),
    /// Make the accounts by which people sign in, and help who cannot.
    #[command(subcommand)]
    Account(Account),
    /// Say who may do what, and why.
    #[command(subcommand)]
    Authz(Authz),
    /// See what plugins do apart from requests, have it done, and say when it is done by itself.
    #[command(subcommand, name = "task")]
    Tasks(Tasks),
    /// See and rotate the keys that secrets are sealed with.
    #[command(subcommand)]
    Secrets(Secrets),
    /// Copy everything into one file, also while the server runs.
    ///
    /// The copy holds every database as it was at one moment each, and every blob that they name.
    #[command(after_help = "Examples:\n  \
                            switchboard backup                     a file of today's date, here\n  \
                            switchboard backup /mnt/backups/       the same, there\n  \
                            switchboard backup nightly.tar.zst     one that takes the place of last night's, in one step")]
    Backup {
        /// The file to write: a zstd-compressed tar archive, `switchboard-DATE.tar.zst` when absent.
        file: Option<PathBuf>,
    },
    /// Bring back what a backup holds.
    ///
    /// Everything is unpacked and checked beside the data folder first, and put in its place in one step.
    #[command(after_help = "Examples:\n  \
                            switchboard restore nightly.tar.zst --data elsewhere   to look at it\n  \
                            switchboard restore nightly.tar.zst --replace          after the server was stopped")]
    Restore {
        /// A file that `switchboard backup` wrote.
        file: PathBuf,
        /// Put it in place of a data folder that is not empty; that one is kept beside it under another name.
        #[arg(long)]
        replace: bool,
    },
    /// Move everything from SQLite to PostgreSQL, while no server runs.
    ///
    /// Makes the tables that a server would make there, copies every row of every database, and compares both sides row by
    /// row. The files of SQLite are read and left as they are. What was broken off goes on when it is asked for again. Blobs,
    /// keys and plugins stay in the data folder, which the server needs as before.
    MigrateStore(MigrateStore),
    /// Examine the data folder and this machine, and say what to do about what is wrong.
    #[command(
        after_help = "The exit code is 3 when something is wanting. Nothing is changed, and a server may run meanwhile."
    )]
    Doctor,
}

/// From where to where everything is moved.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
                        switchboard migrate-store sqlite postgres --dry-run    what would be moved\n  \
                        switchboard migrate-store sqlite postgres              to the `database` of the settings\n  \
                        switchboard migrate-store sqlite postgres://switchboard@db.example/switchboard\n  \
                        switchboard migrate-store sqlite postgres --verify     compare both sides once more\n\n\
                        An address on the command line is seen by everybody on this machine: give one with a password in\n\
                        SWITCHBOARD_DATABASE, or as `database` in switchboard.toml. Its database is empty, and its user owns\n\
                        it and may `createrole`. The exit code is 3 when something stands in the way or differs.")]
pub(crate) struct MigrateStore {
    /// Where everything is: `sqlite`, the files in the data folder.
    #[arg(value_parser = source)]
    pub(crate) source: Sqlite,
    /// Where it goes: `postgres`, the database of the settings, or an address such as `postgres://user@host/database`.
    #[arg(value_parser = target)]
    pub(crate) target: Target,
    /// Show what would be moved, and what stands in the way. Nothing is written, and PostgreSQL is not asked.
    #[arg(long, conflicts_with = "verify")]
    pub(crate) dry_run: bool,
    /// Compare what is on both sides, row by row, and move nothing.
    #[arg(long)]
    pub(crate) verify: bool,
}

/// The files in the data folder.
#[derive(Clone, Copy)]
pub(crate) struct Sqlite;

/// A database of PostgreSQL.
#[derive(Clone)]
pub(crate) enum Target {
    /// That of the settings.
    OfSettings,
    Address(Database),
}

fn source(text: &str) -> Result<Sqlite, String> {
    match text {
        "sqlite" => Ok(Sqlite),
        _ if is_postgres(text) => {
            Err("what is in PostgreSQL is moved nowhere; say `sqlite`, and as the second where it goes"
                .to_owned())
        }
        _ => {
            Err("say `sqlite`, the files in the data folder; another folder is named with --data".to_owned())
        }
    }
}

fn target(text: &str) -> Result<Target, String> {
    match text {
        "postgres" => Ok(Target::OfSettings),
        _ => address(text)
            .map(Target::Address)
            .map_err(|_| "say `postgres`, or an address such as postgres://user@host/database".to_owned()),
    }
}

fn address(text: &str) -> Result<Database, String> {
    match text.contains("://") && is_postgres(text) {
        true => Ok(Database(text.to_owned())),
        false => Err("say an address such as postgres://user@host/database".to_owned()),
    }
}

fn is_postgres(text: &str) -> bool {
    text == "postgres" || ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

/// How the server is started.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
                        switchboard serve\n  \
                        switchboard serve --listen 0.0.0.0:8080 --data /var/lib/switchboard\n  \
                        switchboard serve --database postgres://switchboard@db.example/switchboard\n  \
                        DISABLED_PLUGINS=highlight_detector switchboard serve\n\n\
                        The first start prints a token, once. SIGTERM and Ctrl-C stop it: requests that run may end first.")]
pub(crate) struct Serve {
    /// The address to listen on. Port 0 picks a free one.
    #[arg(long, env = "SWITCHBOARD_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Keep everything but blobs in this PostgreSQL database instead of SQLite in the data folder. Everybody on this machine
    /// sees it: give an address with a password in SWITCHBOARD_DATABASE, or as `database` in switchboard.toml.
    #[arg(long, value_name = "URL", value_parser = address)]
    pub(crate) database: Option<Database>,
    /// How lines are logged: `text` for people, `json` for collectors.
    #[arg(long, env = "SWITCHBOARD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Plugin {
    #[command(flatten)]
    Source(Source),
    #[command(flatten)]
    Served(Served),
    #[command(flatten)]
    Package(Package),
}

/// What is asked of the administration.
#[derive(Subcommand)]
pub(crate) enum Served {
    /// List the plugins: what runs, and for what does not, why.
    #[command(after_help = "Example, with jq, the ids of those that failed:\n  \
                            switchboard plugin list --json | jq -r '.[] | select(.state == \"failed\") | .id'")]
    List,
    /// Show one plugin: what it contributes, needs and is configured with.
    Show {
        /// The plugin's id.
        id: String,
    },
    /// Switch a plugin on: for organizations, or for the whole installation.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin enable clips                        load it\n  \
                            switchboard plugin enable clips --org default          and switch it on there\n  \
                            switchboard plugin enable clips --all-orgs --dry-run   look what that would do")]
    Enable {
        /// The plugin's id.
        id: String,
        #[command(flatten)]
        whom: Whom,
        /// Switch on with it, before it, what it requires and is off there.
        #[arg(long)]
        with_requirements: bool,
    },
    /// Look at an external plugin's folder again, while the server runs.
    ///
    /// A new plugin is loaded, a changed one takes the place of the one that serves, and one whose folder is gone is unloaded. Calls under
    /// way end on what they began on. One that does not load changes nothing: what served before serves on.
    #[command(after_help = "Examples:\n  \
                            cp -r guestbook/ data/plugins/guestbook && switchboard plugin reload guestbook")]
    Reload {
        /// The plugin's id.
        id: String,
    },
    /// Switch a plugin off: for organizations, or for the whole installation. Its data stays; its calls under way are stopped.
    Disable {
        /// The plugin's id.
        id: String,
        #[command(flatten)]
        whom: Whom,
        /// Switch off with it, before it, what requires it and is on there.
        #[arg(long)]
        with_dependents: bool,
    },
    #[command(flatten)]
    Watched(Watched),
    /// Capture calls that fail, with all that the plugin was given, for its author.
    #[command(subcommand)]
    Capture(Capture),
    /// See the commands of plugins, and give one.
    #[command(subcommand)]
    Command(Commands),
    /// See and say which organizations may have a private plugin.
    #[command(subcommand)]
    Access(Access),
    /// Roll a plugin out: to a share of the organizations or to some of them, and to new ones as they come.
    #[command(subcommand)]
    Rollout(Rollout),
    /// See and change how plugins are set.
    #[command(subcommand)]
    Config(Config),
}

/// For whom a plugin is switched.
#[derive(Args)]
pub(crate) struct Whom {
    /// The organization, by its name in addresses; the whole installation when absent. May be given several times.
    #[arg(long = "org", value_name = "ORGANIZATION", conflicts_with = "all_orgs")]
    pub(crate) orgs: Vec<String>,
    /// Every organization that there is.
    #[arg(long)]
    pub(crate) all_orgs: bool,
    /// Show what would be done in the organizations, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Subcommand)]
pub(crate) enum Access {
    /// List the organizations that may have it, with who granted it and when.
    List {
        /// The plugin's id.
        id: String,
    },
    /// Let an organization see it and switch it on.
    Grant {
        /// The plugin's id.
        id: String,
        /// The organization, by its name in addresses.
        org: String,
    },
    /// Take it from an organization, which sees it no more. Its data stays.
    Revoke {
        /// The plugin's id.
        id: String,
        /// The organization, by its name in addresses.
        org: String,
        /// Switch it off there first, with whatever requires it.
        #[arg(long)]
        disable: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Rollout {
    /// Show how far it is rolled out.
    Show {
        /// The plugin's id.
        id: String,
    },
    /// Say how far, and switch it on there. Done again, it goes on where it stopped.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin rollout set clips --percent 10 --dry-run\n  \
                            switchboard plugin rollout set clips --percent 10\n  \
                            switchboard plugin rollout set clips --org acme --org umbrella\n\n\
                            A share is always of the same organizations, and a larger one has those of a smaller one in it.\n\
                            Those that had the plugin and switched it off are left so by a share. A smaller share switches\n\
                            nothing off: `rollout end --disable` takes a plugin back.")]
    Set {
        /// The plugin's id.
        id: String,
        /// The share of all organizations, in percent.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=100),
              required_unless_present = "orgs", conflicts_with = "orgs")]
        percent: Option<u8>,
        /// An organization, by its name in addresses. May be given several times.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        orgs: Vec<String>,
        /// Switch on with it, before it, what it requires and is off there.
        #[arg(long)]
        with_requirements: bool,
        /// Show what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// End it: new organizations do not begin with the plugin any more.
    End {
        /// The plugin's id.
        id: String,
        /// Take the plugin back: switch it off in the organizations that it was rolled out to.
        #[arg(long)]
        disable: bool,
        /// Switch off with it, before it, what requires it and is on there.
        #[arg(long, requires = "disable")]
        with_dependents: bool,
        /// Show what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Org {
    /// List the organizations.
    List {
        /// Those with this text in one of their names; all when absent.
        text: Option<String>,
        /// Those that were removed and can be brought back.
        #[arg(long)]
        removed: bool,
    },
    /// Make an organization. It begins with the plugins that are on by default or rolled out to it.
    #[command(after_help = "Example:\n  \
                            switchboard org create acme --name 'Acme Inc.' --owner ada@example.com")]
    Create {
        /// Its name in addresses, for ever: lower-case letters, digits and `-`.
        slug: String,
        /// The name people read; the one in addresses when absent.
        #[arg(long)]
        name: Option<String>,
        /// The e-mail address of the account that owns it; nobody at first when absent.
        #[arg(long, value_name = "EMAIL")]
        owner: Option<String>,
    },
    /// Show an organization, with its people and its plugins.
    Show {
        /// The organization, by its name in addresses.
        slug: String,
    },
    /// Remove an organization. For 30 days `restore` brings it back, but for its tokens.
    Remove {
        /// The organization, by its name in addresses.
        slug: String,
    },
    /// Bring back an organization that was removed.
    Restore {
        /// The organization, by its name in addresses.
        slug: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// Switch plugins on and off as the feature flags of an older system say.
    #[command(
        after_help = "The file is what the older system exports, a record for each flag of each organization:\n\
                      CSV with a line of headings (.csv), a JSON array of objects (.json), or one JSON object a\n\
                      line (.jsonl). The mapping says in TOML what the records mean:\n\n  \
                      ignore = [\"beta_banner\"]         # flags that stand for nothing here\n\n  \
                            [fields]                         # what the file calls them\n  \
                            organization = \"organization_id\"\n  \
                            flag = \"feature_key\"\n  \
                            enabled = \"enabled\"\n\n  \
                            [organizations]                  # theirs = ours; others have the same name\n  \
                            7 = \"acme\"\n\n  \
                            [flags]                          # theirs = the plugins it stands for\n  \
                            live_races = [\"racetime\"]\n\n\
                            Everything that is wrong is said at once, and then nothing is done."
    )]
    FeatureFlags {
        /// The file that the older system exported.
        file: PathBuf,
        /// The file that says what it means.
        #[arg(long, value_name = "FILE")]
        mapping: PathBuf,
        /// Switch on before a plugin what it requires, and off before it what requires it.
        #[arg(long)]
        together: bool,
        /// Show what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Show what holds, and where each value comes from. Secrets are never shown.
    Show {
        /// The plugin's id.
        id: String,
        /// The organization, by its name in addresses; the whole installation when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
    },
    /// Set properties; the others stay as they are.
    Set(ConfigSet),
    /// Remove properties, so that what stands below holds.
    Unset {
        /// The plugin's id.
        id: String,
        /// The names of the properties.
        #[arg(required = true)]
        names: Vec<String>,
        /// The organization, by its name in addresses; the whole installation when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
    },
    /// List who changed what, and when; the latest change first.
    History {
        /// The plugin's id.
        id: String,
        /// The organization, by its name in addresses; the whole installation when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
        /// How many changes to list at most.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Take back a change and all that came after it, secrets too.
    Undo {
        /// The plugin's id.
        id: String,
        /// The change, as `history` numbers it; the latest when absent.
        number: Option<i64>,
        /// The organization, by its name in addresses; the whole installation when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
    },
    /// Print what is set, without secrets, for `import`.
    Export {
        /// The plugin's id; all plugins when absent.
        id: Option<String>,
        /// The organization, by its name in addresses; the whole installation when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
    },
    /// Set what `export` printed: all of it, or nothing when something is wrong.
    Import {
        /// The file; `-` is standard input.
        file: PathBuf,
        /// The organization, by its name in addresses; the whole installation when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
        /// Show what would change, and everything that stands in the way, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Read anew what configurations refer to, in the environment and in files.
    Reload,
}

/// What is set.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
                        switchboard plugin config set clips max_length=90\n  \
                        switchboard plugin config set clips --org acme 'tags=[\"a\", \"b\"]'\n  \
                        pass show api-key | switchboard plugin config set clips --secret api_key\n  \
                        switchboard plugin config set clips --env api_key=SWITCHBOARD_PLUGIN_API_KEY")]
pub(crate) struct ConfigSet {
    /// The plugin's id.
    pub(crate) id: String,
    /// What to set: a value is text where the plugin's schema wants text, and JSON elsewhere.
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) assignments: Vec<String>,
    /// A property that is read from standard input, one line each, or asked for at a terminal. May be given several times.
    #[arg(long = "secret", value_name = "NAME")]
    pub(crate) secrets: Vec<String>,
    /// A property whose value is in a variable of the server's environment. May be given several times.
    #[arg(long, value_name = "NAME=VARIABLE")]
    pub(crate) env: Vec<String>,
    /// A property whose value is in a file on the server. May be given several times.
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) file: Vec<String>,
    /// The organization, by its name in addresses; the whole installation when absent.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) org: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Secrets {
    /// Show the keys, how many secrets are sealed with each, and whether one is missing.
    #[command(after_help = "The exit code is 3 when a key is missing.")]
    Status,
    /// Add a key, seal every secret with it, and drop the keys that nothing is sealed with any more.
    #[command(
        after_help = "Backups of before are sealed with the old key: keep the copy of the key file that belongs to them."
    )]
    Rotate,
}

#[derive(Subcommand)]
pub(crate) enum Manifest {
    /// Check manifests, and say everything that is wrong with each, with line and column.
    #[command(after_help = "Examples:\n  \
                            switchboard manifest check my-plugin/manifest.yaml\n  \
                            switchboard manifest check plugins/ --json\n\n\
                            The exit code is 3 when one is not right.")]
    Check {
        /// Manifest files, or folders that hold `manifest.yaml`, at any depth.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Print the JSON Schema of a manifest, for editors.
    Schema,
}

#[derive(Subcommand)]
pub(crate) enum Token {
    /// Make a token, and print it this once.
    #[command(after_help = "Examples:\n  \
                            switchboard token create uploader --org default --allow clip:create\n  \
                            export SWITCHBOARD_TOKEN=$(switchboard token create laptop)\n\n\
                            The token alone goes to standard output.")]
    Create {
        /// A name by which to know it again.
        name: String,
        /// The one organization that it serves; all of them when absent.
        #[arg(long, value_name = "ORGANIZATION")]
        org: Option<String>,
        /// What it may do, such as `clip:read` or `clip:*`; everything when absent. May be given several times.
        #[arg(long = "allow", value_name = "ACTION")]
        actions: Vec<String>,
        /// How often it may call in a second; as often as any when absent.
        #[arg(long, value_name = "NUMBER")]
        calls_per_second: Option<u32>,
    },
    /// List the tokens, without their text.
    List,
    /// Revoke a token at once.
    Revoke {
        /// Its number, as `token list` shows it.
        id: i64,
    },
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// List the newest lines.
    #[command(after_help = "Examples:\n  \
                            switchboard audit list --action 'plugin.*' --org default\n  \
                            switchboard audit list --text 192.0.2.7 --since 2026-01-01T00:00:00Z")]
    List {
        #[command(flatten)]
        filter: AuditFilter,
        /// How many to list at most, up to 1000.
        #[arg(long, default_value_t = 50, value_name = "NUMBER")]
        limit: u32,
    },
    /// Print all lines, oldest first, each as JSON on a line of its own.
    #[command(
        after_help = "Example:\n  switchboard audit export --until 2026-01-01T00:00:00Z | zstd > audit-2025.jsonl.zst"
    )]
    Export {
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Check that no line was changed, left out or put in since it was written.
    #[command(
        after_help = "The exit code is 3 when one was. Keep the hash that is printed elsewhere: whoever can write to the\n\
                            database could make a whole new log, and only that hash would tell."
    )]
    Verify,
}

/// Which lines of the audit log are wanted.
#[derive(Args, Default)]
pub(crate) struct AuditFilter {
    /// Only those of this organization, by its name in addresses.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) org: Option<String>,
    /// Only those by this actor.
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Only those of this action; `plugin.*` for all that begin so.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only those about this, such as `plugin:clips`.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Only those from then on, such as `2026-01-31T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only those before then.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only those in which this text stands somewhere.
    #[arg(long)]
    pub(crate) text: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Authz {
    /// Say whether somebody may do something, and which statements of which roles decide it.
    #[command(after_help = "Examples:\n  \
                            switchboard authz explain ada@example.com clip:delete acme\n  \
                            switchboard authz explain ada@example.com clip:delete acme/clip:7\n  \
                            switchboard authz explain token:uploader clip:create acme\n\n\
                            The exit code is 3 when they may not.")]
    Explain {
        /// A person's e-mail address, or `token:` and a token's name.
        who: String,
        /// The action, such as `clip:delete`.
        action: String,
        /// The organization, and behind a `/` one thing in it; outside of organizations when absent.
        resource: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Account {
    /// Make an account, whose e-mail address counts as verified.
    #[command(after_help = "Examples:\n  \
                            switchboard account create ada@example.com --administrator\n  \
                            pass show ada | switchboard account create ada@example.com --password-stdin\n\n\
                            At a terminal the password is asked for. Where none is given, one is made, and goes to standard \
                            output this once.")]
    Create {
        /// The e-mail address.
        email: String,
        /// What people call them; the part of the address before the `@` when absent.
        #[arg(long)]
        name: Option<String>,
        /// Make them a global administrator.
        #[arg(long)]
        administrator: bool,
        /// Take the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the accounts.
    List {
        /// Those whose address or name has this in it; all when absent.
        text: Option<String>,
    },
    /// Keep somebody from signing in, and end their sessions.
    Disable {
        /// The e-mail address.
        email: String,
    },
    /// Let somebody sign in again.
    Enable {
        /// The e-mail address.
        email: String,
    },
    /// Set a password, and end all sessions.
    ResetPassword {
        /// The e-mail address.
        email: String,
        /// Take the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}
