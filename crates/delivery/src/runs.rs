//! Runs of tasks, as they stand in a plugin's room.

use std::sync::{Arc, atomic::Ordering};

use serde::{Deserialize, Serialize};
use switchboard_api::{Context, Failure, OrganizationId, Payload, Timestamp, Value, capability::Progress};
use switchboard_manifest::{PluginId, Task};
use switchboard_sql::Conditions;
use switchboard_store::Room;

use crate::{Delivery, Error, shared::moment, tasks::TasksHandle};

/// What is kept of what came of a run, in bytes of JSON.
const LARGEST_OUTPUT: usize = 64 << 10;

/// One run of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRun {
    /// The plugin whose task it is.
    pub plugin: PluginId,
    /// The run's name.
    pub run: String,
    /// The task's name.
    pub task: String,
    /// The organization it is done for; none in global scope.
    pub organization: Option<OrganizationId>,
    /// The schedule that began it; none when it was asked for.
    pub schedule: Option<String>,
    /// When it was due by its schedule.
    pub due_at: Option<Timestamp>,
    /// Where it is.
    pub state: TaskState,
    /// How often it was begun.
    pub attempt: u32,
    /// When it is begun next, while it is queued.
    pub next_at: Option<Timestamp>,
    /// What it said last of how far it is.
    pub progress: Option<Progress>,
    /// What came of it, where it said so.
    pub output: Option<Payload>,
    /// What it failed with the last time.
    pub error: Option<String>,
    /// When it was asked for, or fell due.
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub begun_at: Option<Timestamp>,
    /// When it was done or given up.
    pub ended_at: Option<Timestamp>,
}

/// Where a run of a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits for its turn, or for its next attempt.
    Queued,
    /// It runs.
    Running,
    /// It runs, and was told to stop.
    Cancelling,
    /// It is done.
    Done,
    /// It was given up.
    Dead,
    /// Somebody cancelled it.
    Cancelled,
}

impl TaskState {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Which runs are wanted. Each part that is absent lets all through.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Those of this plugin.
    pub plugin: Option<PluginId>,
    /// Those of this task.
    pub task: Option<String>,
    /// Those for this organization.
    pub organization: Option<OrganizationId>,
    /// Those that a schedule of this name began.
    pub schedule: Option<String>,
    /// Those that are there.
    pub state: Option<TaskState>,
    /// Those behind this one in the list, which is the moment of its `created_at` and its name.
    pub behind: Option<(Timestamp, String)>,
}

/// A run that is yet to be written down.
pub(crate) struct NewRun<'a> {
    pub(crate) task: &'a str,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) payload: &'a str,
    /// When it is begun at the earliest.
    pub(crate) next_at: Timestamp,
    pub(crate) trace: &'a str,
    /// The schedule that begins it, and when it was due.
    pub(crate) schedule: Option<(&'a str, Timestamp)>,
    /// Whether it waits for earlier ones of its schedule.
    pub(crate) in_turn: bool,
}

impl NewRun<'_> {
    /// The statement that writes it down, its parameters, and its name.
    pub(crate) fn insert(&self, now: Timestamp) -> (&'static str, Vec<Value>, String) {
        let run = format!("{}-{:016x}", self.task, rand::random::<u64>());
        let (schedule, due_at) = self.schedule.unzip();
        let sql = "insert into _switchboard_task
                (run, task, organization_id, payload, state, attempt, next_at, trace, created_at, schedule, due_at, in_turn)
            values ($1, $2, $3, $4, 'queued', 0, $5, $6, $7, $8, $9, $10)";
        let params = vec![
            run.as_str().into(),
            self.task.into(),
            self.organization.into(),
            self.payload.into(),
            self.next_at.as_microsecond().into(),
            self.trace.into(),
            now.as_microsecond().into(),
            schedule.into(),
            due_at.map(|at| at.as_microsecond()).into(),
            i64::from(self.in_turn).into(),
        ];
        (sql, params, run)
    }
}

/// A run as it stands in the table.
#[derive(Deserialize)]
struct Row {
    run: String,
    task: String,
    organization_id: Option<OrganizationId>,
    schedule: Option<String>,
    due_at: Option<i64>,
    state: TaskState,
    attempt: u32,
    next_at: i64,
    progress: Option<String>,
    output: Option<String>,
    error: Option<String>,
    created_at: i64,
    begun_at: Option<i64>,
    ended_at: Option<i64>,
}

const COLUMNS: &str = "run, task, organization_id, schedule, due_at, state, attempt, next_at, progress, output, error, \
                       created_at, begun_at, ended_at";

impl Row {
    fn shown(self, plugin: &PluginId, handle: Option<&TasksHandle>) -> TaskRun {
        let fresh = handle.and_then(|handle| handle.progress_of(&self.run));
        let written = || self.progress.as_deref().and_then(|text| serde_json::from_str(text).ok());
        TaskRun {
            plugin: plugin.clone(),
            progress: fresh.or_else(written),
            run: self.run,
            task: self.task,
            organization: self.organization_id,
            schedule: self.schedule,
            due_at: self.due_at.map(moment),
            state: self.state,
            attempt: self.attempt,
            next_at: (self.state == TaskState::Queued).then(|| moment(self.next_at)),
            output: self.output.map(Payload::from_checked_text),
            error: self.error,
            created_at: moment(self.created_at),
            begun_at: self.begun_at.map(moment),
            ended_at: self.ended_at.map(moment),
        }
    }
}

impl RunFilter {
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut wanted = Conditions::default();
        let equal = [
            ("task =", self.task.as_deref().map(Value::from)),
            ("organization_id =", self.organization.map(Value::from)),
            ("schedule =", self.schedule.as_deref().map(Value::from)),
            ("state =", self.state.map(|state| state.as_str().into())),
        ];
        for (condition, value) in equal {
            if let Some(value) = value {
                wanted.add(condition, value);
            }
        }
        if let Some((created_at, run)) = &self.behind {
            let (at, run) =
                (wanted.value(created_at.as_microsecond().into()), wanted.value(run.as_str().into()));
            wanted.hold(&format!("(created_at, run) < ({at}, {run})"));
        }
        wanted.into_parts()
    }
}

impl Delivery {
    /// Has one of the calling plugin's tasks done soon, for the organization of the call; gives the run's name. When this
    /// returns, the task will be done whatever crashes: at least once, tried again when it fails.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the manifest declares no such task; [`Failure::Unavailable`] when it cannot be written.
    pub async fn run_task(&self, context: &Context, task: &str, payload: Payload) -> Result<String, Failure> {
        self.declared(&context.plugin, task).map_err(Failure::broken)?;
        let (plugin, organization) = (&context.plugin, context.organization_id());
        self.queue(plugin, task, organization, &payload, &context.trace).await
    }

    /// Has a task of a plugin done soon; gives the run's name. Who may is the caller's to ask.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the plugin declares no such task; [`Failure::Invalid`] when it takes no such parameters, with their
    /// faults below `payload`; [`Failure::Unavailable`] when it cannot be written.
    pub async fn ask_for_task(
        &self,
        plugin: &PluginId,
        task: &str,
        organization: Option<OrganizationId>,
        payload: &serde_json::Value,
        trace: &str,
    ) -> Result<String, Failure> {
        let declared = self.declared(plugin, task).map_err(Failure::not_found)?;
        self.check_parameters(&declared, payload)?;
        self.queue(plugin, task, organization, &Payload::of(payload)?, trace).await
    }

    async fn queue(
        &self,
        plugin: &PluginId,
        task: &str,
        organization: Option<OrganizationId>,
        payload: &Payload,
        trace: &str,
    ) -> Result<String, Failure> {
        let served = self.served_or_begun(plugin);
        let now = self.shared.now();
        let payload = payload.as_str();
        let new = NewRun { task, organization, payload, next_at: now, trace, schedule: None, in_turn: false };
        let (sql, params, run) = new.insert(now);
        let (shared, plugin) = (Arc::clone(&self.shared), plugin.clone());
        // Apart, because a caller who goes away while it is written must not leave it there without anybody woken.
        let queued = tokio::spawn(async move {
            let written = shared.room(&plugin).await?.execute(sql, params).await;
            if let Some(served) = served {
                served.tasks.queued.fetch_add(1, Ordering::Relaxed);
                served.tasks.wake(&shared, &plugin).await?;
            }
            written.map_err(Error::from)
        });
        queued.await.map_err(|_| Error::Stopping)??;
        Ok(run)
    }

    /// A task that a plugin declares; a sentence when it does not.
    pub(crate) fn declared(&self, plugin: &PluginId, task: &str) -> Result<Task, String> {
        // The catalog, not the snapshot: a plugin may ask while it is being loaded.
        let catalog = self.shared.kernel().map(|kernel| kernel.catalog());
        let entry = catalog.as_ref().and_then(|catalog| catalog.entry(plugin.as_str()));
        let tasks = entry.map_or(&[][..], |entry| entry.manifest.provides.tasks.as_slice());
        let found = tasks.iter().find(|declared| declared.name == task).cloned();
        found.ok_or_else(|| format!("plugin `{plugin}` declares no task `{task}` under `provides.tasks`"))
    }

    /// Whether a task takes what somebody gives it.
    pub(crate) fn check_parameters(&self, task: &Task, payload: &serde_json::Value) -> Result<(), Failure> {
        let Some(kernel) = self.shared.kernel() else { return Err(Error::Stopping.into()) };
        let faults = match &task.parameters {
            Some(schema) => {
                let schema = serde_json::Value::Object(schema.clone());
                let given = if payload.is_null() { &serde_json::json!({}) } else { payload };
                switchboard_api::capability::Schemas::check(&**kernel.checker(), &schema, given, &["payload"])
            }
            None if payload.is_null() => vec![],
            None => vec![switchboard_api::Fault::new(
                "unexpected",
                ["payload"],
                format!("task `{}` takes no parameters", task.name),
                payload.clone(),
            )],
        };
        if faults.is_empty() { Ok(()) } else { Err(Failure::faults(faults)) }
    }

    /// Keeps how far a running task is. Does nothing when no such run runs.
    ///
    /// Within a task, the trace of its [`Context`] is the name of its run.
    pub fn progress(&self, plugin: &PluginId, run: &str, progress: Progress) {
        if let Ok(served) = self.served(plugin) {
            served.tasks.progress(run, progress);
        }
    }

    /// Keeps what came of a running task.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it has more than 64 KiB, or no such run runs.
    pub fn output(&self, plugin: &PluginId, run: &str, output: &Payload) -> Result<(), Failure> {
        let size = output.as_str().len();
        if size > LARGEST_OUTPUT {
            return Err(Failure::invalid(format!(
                "what came of a task may have {LARGEST_OUTPUT} bytes, and this has {size}: keep the rest as a blob"
            )));
        }
        let kept = self.served(plugin).is_ok_and(|served| served.tasks.output(run, output.as_str()));
        if kept { Ok(()) } else { Err(Failure::invalid("only a task that runs has something come of it")) }
    }

    /// How a run of a task stands; none when there is no such run, or it ended long ago.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn task_run(&self, plugin: &PluginId, run: &str) -> Result<Option<TaskRun>, Error> {
        let Some(room) = self.room_with_tasks(plugin).await? else { return Ok(None) };
        let sql = format!("select {COLUMNS} from _switchboard_task where run = $1");
        let row = room.query(&sql, vec![run.into()]).await?.to::<Row>()?.pop();
        let served = self.served(plugin).ok();
        Ok(row.map(|row| row.shown(plugin, served.as_ref().map(|served| &*served.tasks))))
    }

    /// Runs of tasks, at most so many: the last that were asked for first. Those that ended are kept for as long as delivered events.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn task_runs(&self, filter: &RunFilter, most: usize) -> Result<Vec<TaskRun>, Error> {
        let (conditions, values) = filter.conditions();
        let sql = format!(
            "select {COLUMNS} from _switchboard_task where {conditions} order by created_at desc, run desc limit {most}"
        );
        let mut runs = Vec::new();
        for (plugin, room) in self.shared.rooms_with_tasks(filter.plugin.as_ref()).await? {
            let served = self.served(&plugin).ok();
            let handle = served.as_ref().map(|served| &*served.tasks);
            let rows = room.query(&sql, values.clone()).await?.to::<Row>()?;
            runs.extend(rows.into_iter().map(|row| row.shown(&plugin, handle)));
        }
        runs.sort_by(|a, b| (b.created_at, &b.run).cmp(&(a.created_at, &a.run)));
        runs.truncate(most);
        Ok(runs)
    }

    /// Cancels a run: one that waits is not begun any more; one that runs is told to stop, and ended five seconds later if it has not. Gives
    /// the state in which it is then; none when there is no such run.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn cancel_run(&self, plugin: &PluginId, run: &str) -> Result<Option<TaskState>, Error> {
        let Some(room) = self.room_with_tasks(plugin).await? else { return Ok(None) };
        let now: Value = self.shared.now().as_microsecond().into();
        let sql = "update _switchboard_task set
                ended_at = case when state = 'queued' then cast($2 as bigint) end,
                state = case when state = 'queued' then 'cancelled' else 'cancelling' end
            where run = $1 and state in ('queued', 'running')";
        let cancelled = room.execute(sql, vec![run.into(), now]).await?.rows_affected > 0;
        if let Some(served) = self.served_or_begun(plugin).filter(|_| cancelled) {
            served.tasks.wake(&self.shared, plugin).await?;
        }
        Ok(self.task_run(plugin, run).await?.map(|run| run.state))
    }

    /// The room of a plugin, if it has one with tasks in it.
    pub(crate) async fn room_with_tasks(&self, plugin: &PluginId) -> Result<Option<Room>, Error> {
        Ok(self.shared.rooms_with_tasks(Some(plugin)).await?.pop().map(|(_, room)| room))
    }
}

/// Forgets some of the runs that ended before then, at most so many; gives how many.
pub(crate) async fn prune(room: &Room, before: Timestamp, most: u64) -> Result<u64, Error> {
    let sql = "delete from _switchboard_task where run in
        (select run from _switchboard_task where ended_at < $1 order by ended_at limit $2)";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(room.execute(sql, vec![before.as_microsecond().into(), most.into()]).await?.rows_affected)
}
