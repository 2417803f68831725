//! What became of calls of plugins: kept for a while, for whoever wonders why a plugin fails or is slow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use switchboard_api::{Failure, OrganizationId, Timestamp, Value};
use switchboard_sql::Conditions;

use crate::{
    audit::{Entry, moment},
    by::By,
    calls::RunningCall,
    error::Error,
    kernel::Kernel,
    watch::Watch,
};

/// So many that ended wait to be stored; one more is counted, and no longer kept.
const MOST_WAITING: usize = 10_000;

/// So many go into one statement.
const AT_ONCE: usize = 50;

/// Records of calls that went well are kept for a day.
const WELL: Duration = Duration::from_secs(24 * 3600);

/// Records of the others are kept for thirty.
const TROUBLED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Of all plugins together no more are kept.
const MOST_KEPT: i64 = 200_000;

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    /// With a reply.
    Done,
    /// With a failure.
    Failed(&'a Failure),
    /// Somebody stopped it.
    Stopped,
    /// Whoever waited for it went away.
    Abandoned,
}

impl<'a> Outcome<'a> {
    /// The failure, if it is the plugin's own fault.
    pub(crate) fn plugins_fault(&self) -> Option<&'a Failure> {
        match self {
            Self::Failed(failure @ (Failure::Broken { .. } | Failure::TimedOut { .. })) => Some(failure),
            Self::Failed(_) | Self::Done | Self::Stopped | Self::Abandoned => None,
        }
    }

    /// Whether somebody will want to know of each call that ended so.
    pub(crate) fn is_trouble(&self) -> bool {
        matches!(self, Self::Stopped) || self.plugins_fault().is_some()
    }

    fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(failure) => failure.kind(),
            Self::Stopped => "stopped",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A call of a plugin that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// Its number among those that were recorded; 0 while it is not stored.
    #[serde(default)]
    pub id: i64,
    /// When it began.
    pub at: Timestamp,
    /// The plugin's id.
    pub plugin_id: String,
    /// The version of the plugin that was called.
    pub plugin_version: String,
    /// The organization for which it was called; none in global scope.
    pub organization_id: Option<OrganizationId>,
    /// The name of who was behind it.
    pub actor: String,
    /// The kind of call, such as `request`.
    pub kind: String,
    /// The route, or the name of the event, filter point, task, service, command or hook.
    pub what: String,
    /// The id that joins what belongs together in logs and traces.
    pub trace: String,
    /// `done`, the kind of failure such as `broken`, `stopped`, or `abandoned` when nobody waited for it any more.
    pub outcome: String,
    /// What it failed with.
    pub message: Option<String>,
    /// How long it took, in microseconds.
    pub took_us: i64,
    /// The bytes of memory of the instance that served it, of a sandboxed plugin.
    pub memory: Option<i64>,
    /// The bytes that came with it, where that is known beforehand.
    pub bytes_in: Option<i64>,
    /// The bytes that were answered, where that is known beforehand.
    pub bytes_out: Option<i64>,
    /// As JSON: how often it asked the host for something, by capability.
    pub asked: String,
}

impl Invocation {
    const COLUMNS: &str = "at, plugin_id, plugin_version, organization_id, actor, kind, what, trace, outcome, \
                           message, took_us, memory, bytes_in, bytes_out, asked";

    pub(crate) fn of(
        call: &RunningCall,
        at: Timestamp,
        took: Duration,
        outcome: &Outcome<'_>,
        bytes_out: Option<u64>,
    ) -> Self {
        let (context, manifest) = (call.context(), call.plugin().manifest());
        let number = |bytes: Option<u64>| bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let asked: BTreeMap<&str, u32> =
            context.usage.asked().map(|(capability, times)| (capability.as_str(), times)).collect();
        Self {
            id: 0,
            at,
            plugin_id: manifest.id.to_string(),
            plugin_version: manifest.version.to_string(),
            organization_id: call.organization(),
            actor: context.actor.name.to_string(),
            kind: call.kind().as_str().to_owned(),
            what: call.what(),
            trace: context.trace.to_string(),
            outcome: outcome.as_str().to_owned(),
            message: match outcome {
                Outcome::Failed(failure) => Some(failure.to_string()),
                Outcome::Stopped => Some(call.was_stopped().to_string()),
                Outcome::Done | Outcome::Abandoned => None,
            },
            took_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            memory: number(context.usage.memory()),
            bytes_in: number(call.bytes_in()),
            bytes_out: number(bytes_out),
            asked: serde_json::to_string(&asked).unwrap_or_default(),
        }
    }

    fn into_values(self) -> [Value; 15] {
        [
            moment(self.at).into(),
            self.plugin_id.into(),
            self.plugin_version.into(),
            self.organization_id.into(),
            self.actor.into(),
            self.kind.into(),
            self.what.into(),
            self.trace.into(),
            self.outcome.into(),
            self.message.into(),
            self.took_us.into(),
            self.memory.into(),
            self.bytes_in.into(),
            self.bytes_out.into(),
            self.asked.into(),
        ]
    }
}

/// Calls that ended and wait to be stored.
#[derive(Default)]
pub(crate) struct Ended(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    calls: Vec<Invocation>,
    /// How many there was no room for.
    lost: u64,
}

impl Ended {
    pub(crate) fn push(&self, call: Invocation) {
        let mut waiting = self.waiting();
        if waiting.calls.len() < MOST_WAITING {
            waiting.calls.push(call);
        } else {
            waiting.lost += 1;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which calls are wanted. Each part that is absent lets all through.
#[derive(Debug, Clone, Default)]
pub struct InvocationFilter {
    /// Those of this plugin.
    pub plugin: Option<String>,
    /// Those for this organization.
    pub organization: Option<OrganizationId>,
    /// Those of this kind.
    pub kind: Option<String>,
    /// Those that ended so.
    pub outcome: Option<String>,
    /// Those with this id in logs and traces.
    pub trace: Option<String>,
    /// Those that failed by the plugin's fault, or were stopped.
    pub troubled: bool,
    /// Those before the one of this number.
    pub before: Option<i64>,
}

/// As in [`Outcome::is_trouble`].
const IS_TROUBLE: &str = "outcome in ('broken', 'timed_out', 'stopped')";

impl InvocationFilter {
    fn conditions(&self) -> Conditions {
        let mut wanted = Conditions::default();
        let texts = [
            ("plugin_id =", &self.plugin),
            ("kind =", &self.kind),
            ("outcome =", &self.outcome),
            ("trace =", &self.trace),
        ];
        for (condition, text) in texts {
            if let Some(text) = text {
                wanted.add(condition, text.as_str().into());
            }
        }
        if let Some(organization) = self.organization {
            wanted.add("organization_id =", organization.into());
        }
        if self.troubled {
            wanted.hold(IS_TROUBLE);
        }
        if let Some(before) = self.before {
            wanted.add("id <", before.into());
        }
        wanted
    }
}

impl Kernel {
    /// The calls that run now on this server, the oldest first.
    pub fn running_calls(&self) -> Vec<Arc<RunningCall>> {
        self.watch.calls.running()
    }

    /// Stops the call of that number: its caller is told so.
    ///
    /// # Errors
    /// [`Error::NoSuch`] when no such call runs; [`Error::Store`] when it was stopped, and that it was could not be written to the
    /// audit log.
    pub async fn stop_call(&self, by: &By, number: u64) -> Result<(), Error> {
        let calls = self.running_calls();
        let Some(call) = calls.iter().find(|call| call.number() == number) else {
            return Err(Error::NoSuch(format!("no call of the number {number} runs: it may have ended")));
        };
        self.watch.calls.stop("an administrator stopped it", |call| call.number() == number);
        let what = serde_json::json!({
            "kind": call.kind(), "what": call.what(), "trace": call.context().trace,
            "milliseconds": call.running_for().as_millis() as u64,
        });
        let subject = format!("plugin:{}", call.plugin().id());
        let entry = Entry::new("call.stopped", subject).within(call.organization()).after(what);
        self.change(by).await?.commit(entry).await
    }

    /// Calls that ended, at most so many, the newest first. Of those that went well one a second of each kind and plugin is recorded, of those
    /// that failed by the plugin's fault or were stopped each. The former are kept for a day, the latter for thirty, and of all
    /// no more than 200,000.
    ///
    /// # Errors
    /// [`Error::Store`] when they cannot be read.
    pub async fn ended_calls(&self, filter: &InvocationFilter, most: u32) -> Result<Vec<Invocation>, Error> {
        self.store_ended_calls().await?;
        let (wanted, values) = filter.conditions().into_parts();
        let columns = Invocation::COLUMNS;
        let sql =
            format!("select id, {columns} from invocation where {wanted} order by id desc limit {most}");
        Ok(self.room.query(&sql, values).await?.to::<Invocation>()?)
    }

    /// Stores the calls that ended since the last time. Whoever runs a kernel calls this each second or so, and before the end: what
    /// a crash takes is these records and nothing else.
    ///
    /// # Errors
    /// [`Error::Store`]; what was not stored is stored the next time, as long as there is room for it.
    pub async fn store_ended_calls(&self) -> Result<(), Error> {
        let Watch { ended, .. } = &*self.watch;
        let Waiting { calls, lost } = std::mem::take(&mut *ended.waiting());
        if lost > 0 {
            tracing::warn!(lost, "more calls of plugins ended badly than could be recorded");
        }
        if calls.is_empty() {
            return Ok(());
        }
        let stored = self.store(&calls).await;
        if stored.is_err() {
            let mut waiting = ended.waiting();
            let later = std::mem::replace(&mut waiting.calls, calls);
            waiting.calls.extend(later);
            waiting.calls.truncate(MOST_WAITING);
        }
        stored
    }

    async fn store(&self, calls: &[Invocation]) -> Result<(), Error> {
        let mut transaction = self.room.begin().await?;
        for calls in calls.chunks(AT_ONCE) {
            let mut values: Vec<Value> = Vec::new();
            let mut rows = Vec::with_capacity(calls.len());
            for call in calls {
                let mut call = call.clone();
                // What is secret may be in what a plugin says when it fails.
                if let Some(message) = &call.message
                    && let Ok(plugin) = call.plugin_id.parse()
                    && let Some(redacted) = self.without_secrets(&plugin, call.organization_id, message)
                {
                    call.message = Some(redacted);
                }
                let first = values.len() + 1;
                values.extend(call.into_values());
                let places: Vec<String> = (first..=values.len()).map(|place| format!("${place}")).collect();
                rows.push(format!("({})", places.join(", ")));
            }
            let (columns, rows) = (Invocation::COLUMNS, rows.join(", "));
            let sql = format!("insert into invocation ({columns}) values {rows}");
            transaction.execute(&sql, values).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Removes the records of calls whose time is over.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn shorten_ended_calls(&self) -> Result<(), Error> {
        let before = |age| moment(self.now().checked_sub(age).unwrap_or(Timestamp::MIN));
        let old = format!("delete from invocation where at < $1 or (at < $2 and not ({IS_TROUBLE}))");
        self.room.execute(&old, vec![before(TROUBLED).into(), before(WELL).into()]).await?;
        let many = "delete from invocation where id <= (select max(id) from invocation) - $1";
        self.room.execute(many, vec![MOST_KEPT.into()]).await?;
        Ok(())
    }
}
