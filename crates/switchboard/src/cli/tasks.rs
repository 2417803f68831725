//! What plugins do apart from requests: what ran and runs, and what runs by itself.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum Tasks {
    /// See what runs by itself, when next, and how often a run was left out.
    List {
        /// The plugin's id; all plugins when absent.
        plugin: Option<String>,
        /// Only what concerns this organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
        /// How many to show at most.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// See runs of tasks, the last that were asked for first.
    #[command(after_help = "Examples:\n  \
                            switchboard task runs --state dead             what was given up, and why?\n  \
                            switchboard task runs guestbook --task tidy    how did it go of late?")]
    Runs {
        /// The plugin's id; all plugins when absent.
        plugin: Option<String>,
        /// Only those of this task.
        #[arg(long, requires = "plugin")]
        task: Option<String>,
        /// Only those that are there.
        #[arg(long, value_enum)]
        state: Option<RunState>,
        /// Only those for this organization, by its name in addresses.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
        /// How many to show at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Have a task done soon.
    #[command(after_help = "Examples:\n  \
                            switchboard task run guestbook tidy --org north\n  \
                            switchboard task run reports make --org north --payload '{\"day\": \"monday\"}'")]
    Run {
        /// The plugin's id.
        plugin: String,
        /// The task's name within the plugin.
        task: String,
        /// The organization it is done for, by its name in addresses; none when absent.
        #[arg(long = "org", value_name = "ORGANIZATION")]
        organization: Option<String>,
        /// What it is given, as JSON.
        #[arg(long, value_name = "JSON")]
        payload: Option<String>,
    },
    /// Cancel a run: one that waits is not begun, one that runs is told to stop and is ended five seconds later.
    Cancel {
        /// The plugin's id.
        plugin: String,
        /// The run's name, as `task runs` shows it.
        run: String,
    },
    /// Have a task run by itself.
    #[command(after_help = "Examples:\n  \
                            switchboard task schedule guestbook nightly tidy --org north --cron '0 3 * * *' --time-zone Europe/Berlin\n  \
                            switchboard task schedule guestbook once tidy --org north --at 2027-01-01T00:00:00Z")]
    Schedule(NewSchedule),
    /// Remove a schedule; one of the manifest can only be paused.
    Unschedule(OneSchedule),
    /// Have nothing come of a schedule for now: for everybody, or for one organization.
    Pause(OneSchedule),
    /// Have a schedule go on, as if nothing had been due meanwhile.
    Resume(OneSchedule),
}

#[derive(Args)]
pub(crate) struct OneSchedule {
    /// The plugin's id.
    pub(crate) plugin: String,
    /// The schedule's name; for one of the manifest, the task's.
    pub(crate) name: String,
    /// The organization, by its name in addresses.
    #[arg(long = "org", value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("when").required(true).args(["cron", "every", "at"]))]
pub(crate) struct NewSchedule {
    /// The plugin's id.
    pub(crate) plugin: String,
    /// The schedule's name: `a-z`, `0-9`, `_`, `-` and `.`. One of that name is changed.
    pub(crate) name: String,
    /// The task's name within the plugin.
    pub(crate) task: String,
    /// The organization it is done for, by its name in addresses; none when absent.
    #[arg(long = "org", value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// When, as a cron expression: minute, hour, day of the month, month, day of the week; perhaps the second in front.
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) cron: Option<String>,
    /// The time zone on whose clocks the expression is read; UTC when absent.
    #[arg(long, value_name = "ZONE", requires = "cron")]
    pub(crate) time_zone: Option<String>,
    /// Every so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) every: Option<u64>,
    /// Once, at this moment.
    #[arg(long, value_name = "MOMENT")]
    pub(crate) at: Option<String>,
    /// By how many seconds, at most, each run begins later, at random.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) jitter: u32,
    /// What happens when it is due and the run before goes on.
    #[arg(long, value_enum, default_value_t = IfRunning::Skip)]
    pub(crate) if_running: IfRunning,
    /// What happens to runs that were due while the server was off.
    #[arg(long, value_enum, default_value_t = CatchUp::Once)]
    pub(crate) catch_up: CatchUp,
    /// What it is given, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) payload: Option<String>,
}

/// What happens when a run is due and the one before goes on.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum IfRunning {
    /// It is left out
    Skip,
    /// It waits
    Queue,
    /// Both run
    Overlap,
}

/// What happens to runs that were missed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CatchUp {
    /// One makes up for all
    Once,
    /// They are left out
    None,
    /// Each is made up for
    All,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RunState {
    Queued,
    Running,
    Cancelling,
    Done,
    Dead,
    Cancelled,
}
