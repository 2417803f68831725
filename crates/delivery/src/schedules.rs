//! Schedules, as they stand in a plugin's room: those of its manifest, its own, and those that people made.

use serde::{Deserialize, Serialize};
use switchboard_api::{
    Context, Failure, OrganizationId, Timestamp, Value,
    capability::{Plan, Scheduled},
};
use switchboard_manifest::{Manifest, PluginId, Task};
use switchboard_store::{Room, Transaction};

use crate::{
    Delivery, Error,
    plan::{fault, timetable},
    shared::moment,
};

/// The longest name.
const LONGEST_NAME: usize = 100;

/// How many a plugin may have for one organization, beside those of its manifest.
const MOST: i64 = 10_000;

/// What a schedule is, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The plugin whose task it begins.
    pub plugin: PluginId,
    /// The organization it is for. Without one it is the manifest's, for each organization or for none as its task says, or it is for no
    /// organization.
    pub organization: Option<OrganizationId>,
    /// Whose it is.
    pub origin: Origin,
    /// Who made it, by name.
    pub author: String,
    /// Its name, what is done, and when.
    pub scheduled: Scheduled,
    /// How often a run was left out because the one before went on.
    pub skipped: u64,
    /// What is to be said of it, such as why it is paused.
    pub note: Option<String>,
}

/// Whose a schedule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The manifest declares it.
    Manifest,
    /// The plugin made it.
    Plugin,
    /// Somebody made it.
    Person,
}

impl Origin {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Plugin => "plugin",
            Self::Person => "person",
        }
    }

    /// Whose, as people say it.
    fn whose(self) -> &'static str {
        match self {
            Self::Manifest => "the plugin's manifest",
            Self::Plugin => "the plugin itself",
            Self::Person => "a person",
        }
    }
}

/// A schedule as it stands in the table.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    pub(crate) scope: i64,
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) author: String,
    pub(crate) plan: String,
    pub(crate) paused: i64,
    pub(crate) next_at: Option<i64>,
    pub(crate) last_at: Option<i64>,
    pub(crate) skipped: u64,
    pub(crate) note: Option<String>,
    pub(crate) created_at: i64,
}

pub(crate) const COLUMNS: &str =
    "scope, name, origin, author, plan, paused, next_at, last_at, skipped, note, created_at";

/// Of a row that is no schedule, but says that an organization paused the manifest's of that name.
const IS_MARK: &str = "(origin = 'manifest' and scope <> 0)";

/// The manifest's schedules that an organization paused.
async fn marks(room: &Room, organization: OrganizationId) -> Result<Vec<String>, Error> {
    let sql = format!("select name from _switchboard_schedule where scope = $1 and {IS_MARK}");
    Ok(room.query(&sql, vec![organization.into()]).await?.to::<String>()?)
}

/// The organizations that paused the manifest's schedule of that name.
pub(crate) async fn paused_by(rows: &mut Transaction, name: &str) -> Result<Vec<OrganizationId>, Error> {
    let sql = format!("select scope from _switchboard_schedule where name = $1 and {IS_MARK}");
    Ok(rows.query(&sql, vec![name.into()]).await?.to::<OrganizationId>()?)
}

impl Row {
    fn is_mark(&self) -> bool {
        self.origin == Origin::Manifest && self.scope != 0
    }

    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        serde_json::from_str(&self.plan)
            .map_err(|error| Error::Data(format!("the schedule `{}` cannot be read: {error}", self.name)))
    }

    pub(crate) fn organization(&self) -> Option<OrganizationId> {
        (self.scope != 0).then_some(OrganizationId(self.scope))
    }

    fn shown(self, plugin: &PluginId) -> Result<Schedule, Error> {
        Ok(Schedule {
            plugin: plugin.clone(),
            organization: self.organization(),
            origin: self.origin,
            scheduled: Scheduled {
                plan: self.plan()?,
                name: self.name,
                paused: self.paused != 0,
                next_at: self.next_at.filter(|_| self.paused == 0).map(moment),
                last_at: self.last_at.map(moment),
            },
            author: self.author,
            skipped: self.skipped,
            note: self.note,
        })
    }
}

/// The number that stands for an organization, or for none.
fn scope_of(organization: Option<OrganizationId>) -> i64 {
    organization.map_or(0, |organization| organization.0)
}

/// What the manifest says of a task, as a plan; none when it does not run by itself.
fn plan_of(task: &Task) -> Option<Plan> {
    task.is_scheduled().then(|| Plan {
        task: task.name.clone(),
        payload: serde_json::Value::Null,
        cron: task.cron.clone(),
        time_zone: task.time_zone.clone(),
        every_seconds: task.every_seconds,
        at: None,
        jitter_seconds: task.jitter_seconds,
        if_running: task.if_running,
        catch_up: task.catch_up,
    })
}

/// Makes the schedules of the manifest those of the table: one that stays the same keeps when it is due.
pub(crate) async fn follow(room: &Room, manifest: &Manifest, now: Timestamp) -> Result<(), Error> {
    let sql = format!("select {COLUMNS} from _switchboard_schedule where scope = 0 and origin = 'manifest'");
    let mut kept = room.query(&sql, vec![]).await?.to::<Row>()?;
    let declared: Vec<(&Task, Plan)> =
        manifest.provides.tasks.iter().filter_map(|task| Some((task, plan_of(task)?))).collect();
    kept.retain(|row| {
        !declared
            .iter()
            .any(|(task, plan)| task.name == row.name && row.plan().is_ok_and(|kept| kept == *plan))
    });
    let mut rows = None;
    for (task, plan) in &declared {
        let is_changed = kept.iter().any(|row| row.name == task.name);
        let sql = "select 1 from _switchboard_schedule where scope = 0 and name = $1";
        if !is_changed && !room.query(sql, vec![task.name.as_str().into()]).await?.is_empty() {
            continue;
        }
        let table = match timetable(plan, now) {
            Ok(table) => table,
            // The manifest was checked when it was read; zones of another machine may differ.
            Err(fault) => {
                tracing::error!(plugin = %manifest.id, task = %task.name, "the schedule of a task is not kept: {fault}");
                continue;
            }
        };
        let next = table.next_after(now).map(Timestamp::as_microsecond);
        let plan = serde_json::to_string(plan).map_err(|error| Error::Data(error.to_string()))?;
        let sql = "insert into _switchboard_schedule
                (scope, name, origin, author, plan, paused, next_at, skipped, created_at)
            values (0, $1, 'manifest', $2, $3, 0, $4, 0, $5)
            on conflict (scope, name) do update set origin = excluded.origin, author = excluded.author,
                plan = excluded.plan, next_at = excluded.next_at, note = null, created_at = excluded.created_at";
        let params = vec![
            task.name.as_str().into(),
            manifest.id.as_str().into(),
            plan.into(),
            next.into(),
            now.as_microsecond().into(),
        ];
        if rows.is_none() {
            rows = Some(room.begin().await?);
        }
        if let Some(rows) = &mut rows {
            rows.execute(sql, params).await?;
        }
    }
    let gone = kept.iter().filter(|row| !declared.iter().any(|(task, _)| task.name == row.name));
    for row in gone {
        if rows.is_none() {
            rows = Some(room.begin().await?);
        }
        if let Some(rows) = &mut rows {
            // Where organizations paused it, too.
            let sql = "delete from _switchboard_schedule where name = $1 and origin = 'manifest'";
            rows.execute(sql, vec![row.name.as_str().into()]).await?;
        }
    }
    match rows {
        Some(rows) => Ok(rows.commit().await?),
        None => Ok(()),
    }
}

/// When the first schedule is due.
pub(crate) async fn first_due(room: &Room) -> Result<Option<Timestamp>, Error> {
    let sql = "select min(next_at) from _switchboard_schedule where next_at is not null and paused = 0";
    Ok(room.query(sql, vec![]).await?.to::<Option<i64>>()?.pop().flatten().map(moment))
}

/// Which schedules are wanted. Each part that is absent lets all through.
#[derive(Debug, Clone, Default)]
pub struct ScheduleFilter {
    /// Those of this plugin.
    pub plugin: Option<PluginId>,
    /// Those that concern this organization.
    pub organization: Option<OrganizationId>,
    /// Those behind this one: its plugin, its organization and its name.
    pub behind: Option<(PluginId, Option<OrganizationId>, String)>,
}

/// Whose a schedule is to be that somebody sets.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Whose.
    pub origin: Origin,
    /// Who, by name.
    pub author: &'a str,
}

impl Delivery {
    /// [`set_schedule`](Self::set_schedule), for the plugin that is called and the organization of the call.
    ///
    /// # Errors
    /// As there; [`Failure::Broken`] when the manifest declares no such task.
    pub async fn set_own_schedule(&self, context: &Context, name: &str, plan: Plan) -> Result<(), Failure> {
        self.declared(&context.plugin, &plan.task).map_err(Failure::broken)?;
        let (plugin, organization) = (&context.plugin, context.organization_id());
        let owner = Owner { origin: Origin::Plugin, author: plugin.as_str() };
        self.set_schedule(plugin, organization, name, plan, owner).await.map(drop)
    }

    /// Keeps a schedule under its name, in place of the owner's of that name if there is one. When this returns, it will be kept to
    /// whatever crashes. Who may is the caller's to ask.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the plugin declares no such task; [`Failure::Invalid`] for a plan that cannot be, with its faults;
    /// [`Failure::Conflict`] when somebody else has one of that name, or there are too many.
    pub async fn set_schedule(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
        name: &str,
        plan: Plan,
        owner: Owner<'_>,
    ) -> Result<Schedule, Failure> {
        let task = self.declared(plugin, &plan.task).map_err(Failure::not_found)?;
        is_name(name)?;
        if owner.origin == Origin::Person {
            self.check_parameters(&task, &plan.payload)?;
        }
        let now = self.shared.now();
        let table = timetable(&plan, now)?;
        let next = match plan.at {
            // One that is past is due at once.
            Some(at) => Some(at),
            None => table.next_after(now),
        };
        let room = self.shared.room(plugin).await?;
        let scope = scope_of(organization);
        let mut rows = room.begin().await.map_err(Error::from)?;
        let mine = "select origin from _switchboard_schedule where name = $2 and (scope = $1 or (scope = 0 and origin = 'manifest'))";
        let there = rows.query(mine, vec![scope.into(), name.into()]).await.map_err(Error::from)?;
        let there = there.to::<Origin>().map_err(Error::from)?;
        if let Some(other) = there.iter().find(|origin| **origin != owner.origin) {
            return Err(taken(name, *other));
        }
        if there.is_empty() {
            let count =
                "select count(*) from _switchboard_schedule where scope = $1 and origin <> 'manifest'";
            let count = rows.query(count, vec![scope.into()]).await.map_err(Error::from)?;
            if count.to::<i64>().map_err(Error::from)?.pop().unwrap_or_default() >= MOST {
                return Err(Failure::conflict(format!(
                    "plugin `{plugin}` has {MOST} schedules here, which is as many as may be: remove some"
                )));
            }
        }
        let text = serde_json::to_string(&plan).map_err(|error| Failure::broken(error.to_string()))?;
        let sql = "insert into _switchboard_schedule
                (scope, name, origin, author, plan, paused, next_at, skipped, created_at)
            values ($1, $2, $3, $4, $5, 0, $6, 0, $7)
            on conflict (scope, name) do update set author = excluded.author, plan = excluded.plan,
                paused = 0, next_at = excluded.next_at, note = null, created_at = excluded.created_at";
        let params = vec![
            scope.into(),
            name.into(),
            owner.origin.as_str().into(),
            owner.author.into(),
            text.into(),
            next.map(Timestamp::as_microsecond).into(),
            now.as_microsecond().into(),
        ];
        rows.execute(sql, params).await.map_err(Error::from)?;
        rows.commit().await.map_err(Error::from)?;
        self.wake_tasks(plugin).await?;
        let kept = self.schedule(plugin, organization, name).await?;
        kept.ok_or_else(|| Failure::conflict(format!("the schedule `{name}` was removed meanwhile")))
    }

    /// Removes a schedule; false when there is none. What it began goes on.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when it is not of that origin.
    pub async fn remove_schedule(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
        name: &str,
        origin: Origin,
    ) -> Result<bool, Failure> {
        let Some(there) = self.schedule(plugin, organization, name).await? else { return Ok(false) };
        if there.origin != origin {
            return Err(taken(name, there.origin));
        }
        let room = self.shared.room(plugin).await?;
        let sql = "delete from _switchboard_schedule where scope = $1 and name = $2 and origin = $3";
        let params = vec![scope_of(organization).into(), name.into(), origin.as_str().into()];
        Ok(room.execute(sql, params).await.map_err(Error::from)?.rows_affected > 0)
    }

    /// Pauses a schedule, or has it go on: from then on, as if nothing had been due meanwhile. One that the manifest has for each
    /// organization is paused for that one alone. Gives it as it is then; none when there is no such schedule.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when it cannot be written.
    pub async fn pause_schedule(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
        name: &str,
        pause: bool,
    ) -> Result<Option<Schedule>, Failure> {
        let Some(room) = self.room_with_tasks(plugin).await? else { return Ok(None) };
        let Some(there) = self.row(plugin, &room, organization, name).await? else { return Ok(None) };
        let now = self.shared.now();
        let of_each = organization.filter(|_| there.origin == Origin::Manifest);
        let key: Vec<Value> = vec![scope_of(organization).into(), name.into()];
        match of_each {
            Some(_) if pause => {
                let sql = "insert into _switchboard_schedule
                        (scope, name, origin, author, plan, paused, skipped, created_at)
                    values ($1, $2, 'manifest', $3, $4, 1, 0, $5) on conflict (scope, name) do nothing";
                let rest = [there.author.into(), there.plan.into(), now.as_microsecond().into()];
                room.execute(sql, key.into_iter().chain(rest).collect()).await.map_err(Error::from)?;
            }
            Some(_) => {
                let sql = "delete from _switchboard_schedule where scope = $1 and name = $2 and origin = 'manifest'";
                room.execute(sql, key).await.map_err(Error::from)?;
            }
            None => {
                let table = timetable(&there.plan()?, moment(there.created_at))?;
                let next = table.next_after(now).map(Timestamp::as_microsecond);
                let sql = "update _switchboard_schedule set paused = $3, next_at = case when $3 = 1 then next_at else $4 end,
                        note = null where scope = $1 and name = $2 and paused <> $3";
                let rest = [i64::from(pause).into(), next.into()];
                room.execute(sql, key.into_iter().chain(rest).collect()).await.map_err(Error::from)?;
            }
        }
        self.wake_tasks(plugin).await?;
        Ok(self.schedule(plugin, organization, name).await?)
    }

    /// A schedule, as it stands for an organization or for none; none when there is none of that name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn schedule(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
        name: &str,
    ) -> Result<Option<Schedule>, Error> {
        let Some(room) = self.room_with_tasks(plugin).await? else { return Ok(None) };
        let row = self.row(plugin, &room, organization, name).await?;
        row.map(|row| row.shown(plugin)).transpose()
    }

    /// The row that stands for a schedule of an organization, or of none: the manifest's for each is each one's.
    async fn row(
        &self,
        plugin: &PluginId,
        room: &Room,
        organization: Option<OrganizationId>,
        name: &str,
    ) -> Result<Option<Row>, Error> {
        let scope = scope_of(organization);
        let wanted = "name = $2 and (scope = $1 or (scope = 0 and origin = 'manifest'))";
        let sql = format!("select {COLUMNS} from _switchboard_schedule where {wanted} order by scope");
        let mut rows = room.query(&sql, vec![scope.into(), name.into()]).await?.to::<Row>()?;
        let mark = rows.iter().position(Row::is_mark).map(|mark| rows.swap_remove(mark).name);
        Ok(self.concerning(plugin, organization, rows, mark.as_slice()).pop())
    }

    /// Schedules, at most so many, by plugin, organization and name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn schedules(&self, filter: &ScheduleFilter, most: usize) -> Result<Vec<Schedule>, Error> {
        let mut schedules = Vec::new();
        for (plugin, room) in self.shared.rooms_with_tasks(filter.plugin.as_ref()).await? {
            let behind = match &filter.behind {
                Some((of, ..)) if plugin < *of => continue,
                Some((of, organization, name)) if plugin == *of => {
                    Some((scope_of(*organization), name.as_str()))
                }
                _ => None,
            };
            let (scope, name) = behind.unwrap_or((-1, ""));
            let mut params: Vec<Value> = vec![scope.into(), name.into()];
            let mut wanted = format!("(scope, name) > ($1, $2) and not {IS_MARK}");
            if let Some(organization) = filter.organization {
                params.push(organization.into());
                wanted.push_str(" and (scope = $3");
                // One for no organization is not an organization's matter.
                for task in self.for_each(&plugin) {
                    params.push(task.into());
                    let place = params.len();
                    wanted.push_str(&format!(" or (scope = 0 and origin = 'manifest' and name = ${place})"));
                }
                wanted.push(')');
            }
            let limit = most.saturating_sub(schedules.len());
            let sql = format!(
                "select {COLUMNS} from _switchboard_schedule where {wanted} order by scope, name limit {limit}"
            );
            let rows = room.query(&sql, params).await?.to::<Row>()?;
            let marks = match filter.organization {
                Some(organization) => marks(&room, organization).await?,
                None => vec![],
            };
            for row in self.concerning(&plugin, filter.organization, rows, &marks) {
                schedules.push(row.shown(&plugin)?);
            }
            if schedules.len() >= most {
                break;
            }
        }
        schedules.truncate(most);
        Ok(schedules)
    }

    /// Those that a plugin made itself, for an organization or for none, by name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn own_schedules(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<Scheduled>, Error> {
        let Some(room) = self.room_with_tasks(plugin).await? else { return Ok(vec![]) };
        let sql = format!(
            "select {COLUMNS} from _switchboard_schedule where scope = $1 and origin = 'plugin' order by name"
        );
        let rows = room.query(&sql, vec![scope_of(organization).into()]).await?.to::<Row>()?;
        rows.into_iter().map(|row| Ok(row.shown(plugin)?.scheduled)).collect()
    }

    /// The rows as they concern an organization, which paused those of the manifest that are named.
    fn concerning(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
        mut rows: Vec<Row>,
        paused: &[String],
    ) -> Vec<Row> {
        if organization.is_some() {
            let for_each = self.for_each(plugin);
            rows.retain(|row| row.origin != Origin::Manifest || for_each.contains(&row.name));
            for row in rows.iter_mut().filter(|row| row.origin == Origin::Manifest) {
                row.paused |= i64::from(paused.contains(&row.name));
            }
        }
        rows
    }

    /// The tasks of a plugin that are done for each organization.
    fn for_each(&self, plugin: &PluginId) -> Vec<String> {
        let catalog = self.shared.kernel().map(|kernel| kernel.catalog());
        let entry = catalog.as_ref().and_then(|catalog| catalog.entry(plugin.as_str()));
        let tasks = entry.iter().flat_map(|entry| &entry.manifest.provides.tasks);
        tasks.filter(|task| is_for_each(task)).map(|task| task.name.clone()).collect()
    }

    async fn wake_tasks(&self, plugin: &PluginId) -> Result<(), Error> {
        let Some(served) = self.served_or_begun(plugin) else { return Ok(()) };
        served.tasks.wake(&self.shared, plugin).await
    }
}

/// Whether the manifest has a task done for each organization.
pub(crate) fn is_for_each(task: &Task) -> bool {
    task.scope == switchboard_manifest::TaskScope::Organization
}

fn is_name(name: &str) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins_well && name.len() <= LONGEST_NAME && name.chars().all(is_plain) {
        return Ok(());
    }
    let message = format!(
        "a schedule's name is 1 to {LONGEST_NAME} characters of `a-z`, `0-9`, `_`, `-` and `.`, and begins with a letter or digit"
    );
    Err(fault("name", message, name.into()))
}

fn taken(name: &str, by: Origin) -> Failure {
    Failure::conflict(format!("the schedule `{name}` is {}'s: choose another name", by.whose()))
}
