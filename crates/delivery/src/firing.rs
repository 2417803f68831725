//! What is due by its schedule becomes runs.

use std::collections::HashSet;

use jiff::SignedDuration;
use switchboard_api::{OrganizationId, Timestamp};
use switchboard_kernel::{Kernel, Loaded, Snapshot};
use switchboard_manifest::{CatchUp, IfRunning};
use switchboard_store::{Room, Transaction};

use crate::{
    Error,
    plan::timetable,
    runs::NewRun,
    schedules::{COLUMNS, Origin, Row, first_due, is_for_each, paused_by},
    shared::moment,
};

/// So many schedules are looked after in one transaction.
const AT_ONCE: usize = 100;

/// What is later than this was missed.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// For whom schedules begin runs.
pub(crate) struct Firing<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) plugin: &'a Loaded,
    pub(crate) now: Timestamp,
}

/// What becomes of a schedule that is due.
#[derive(Default)]
struct Fate {
    next_at: Option<Timestamp>,
    skipped: usize,
    note: Option<String>,
    pause: bool,
}

impl Fate {
    fn paused(why: String) -> Self {
        Self { note: Some(why), pause: true, ..Self::default() }
    }
}

impl Firing<'_> {
    /// Has runs queued for every schedule that is due; gives whether there were some, and when the next one is due.
    ///
    /// The runs and when the schedule is due next are written in one transaction: whatever is killed when, each time comes once.
    pub(crate) async fn fire(&self, room: &Room) -> Result<(bool, Option<Timestamp>), Error> {
        let mut has_fired = false;
        loop {
            let sql = format!(
                "select {COLUMNS} from _switchboard_schedule where next_at <= $1 and next_at is not null and paused = 0
                order by next_at limit {AT_ONCE}"
            );
            let due = room.query(&sql, vec![self.now.as_microsecond().into()]).await?.to::<Row>()?;
            if due.is_empty() {
                return Ok((has_fired, first_due(room).await?));
            }
            let mut rows = room.begin().await?;
            for row in &due {
                self.one(row, &mut rows).await?;
            }
            rows.commit().await?;
            has_fired = true;
        }
    }

    async fn one(&self, row: &Row, rows: &mut Transaction) -> Result<(), Error> {
        let fate = match self.runs(row, rows).await {
            Err(Error::Data(why)) => Fate::paused(why),
            fate => fate?,
        };
        // What was left out because another goes on is counted, and may be much.
        if let Some(note) = fate.note.as_ref().filter(|_| fate.skipped == 0) {
            tracing::warn!(plugin = %self.plugin.id(), schedule = %row.name, "{note}");
        }
        let sql = "update _switchboard_schedule set next_at = $3, last_at = $4, skipped = skipped + $5, note = $6, paused = $7
            where scope = $1 and name = $2";
        let params = vec![
            row.scope.into(),
            row.name.as_str().into(),
            fate.next_at.map(Timestamp::as_microsecond).into(),
            row.next_at.into(),
            i64::try_from(fate.skipped).unwrap_or(i64::MAX).into(),
            fate.note.into(),
            i64::from(fate.pause).into(),
        ];
        rows.execute(sql, params).await?;
        Ok(())
    }

    /// Queues the runs of a schedule that is due, and says what becomes of it.
    async fn runs(&self, row: &Row, rows: &mut Transaction) -> Result<Fate, Error> {
        let plan = row.plan()?;
        let manifest = self.plugin.manifest();
        let Some(task) = manifest.provides.tasks.iter().find(|task| task.name == plan.task) else {
            return Ok(Fate::paused(format!("paused: the plugin has no task `{}` any more", plan.task)));
        };
        let table = match timetable(&plan, moment(row.created_at)) {
            Ok(table) => table,
            Err(fault) => return Ok(Fate::paused(format!("paused: {fault}"))),
        };
        let due_at = row.next_at.map_or(self.now, moment);
        let next_at = table.next_after(if plan.catch_up == CatchUp::All { due_at } else { self.now });
        let mut fate = Fate { next_at, ..Fate::default() };
        if plan.catch_up == CatchUp::None && self.now.duration_since(due_at) >= LATE {
            fate.note =
                Some(format!("it was due at {due_at} while nobody was there to begin it, and was left out"));
            return Ok(fate);
        }
        let organizations: Vec<Option<OrganizationId>> = match (row.origin, row.organization()) {
            (Origin::Manifest, _) if is_for_each(task) => {
                let paused = paused_by(rows, &row.name).await?;
                self.enabled().filter(|id| !paused.contains(id)).map(Some).collect()
            }
            (_, Some(organization)) => self.enabled().filter(|id| *id == organization).map(Some).collect(),
            (_, None) => vec![None],
        };
        let one_at_a_time = plan.if_running == IfRunning::Skip && plan.catch_up != CatchUp::All;
        let busy: HashSet<Option<OrganizationId>> = if one_at_a_time {
            let sql =
                "select organization_id from _switchboard_task where schedule = $1 and ended_at is null";
            let busy = rows.query(sql, vec![row.name.as_str().into()]).await?;
            busy.to::<Option<OrganizationId>>()?.into_iter().collect()
        } else {
            HashSet::new()
        };
        let payload = plan.payload.to_string();
        for organization in organizations {
            if busy.contains(&organization) {
                fate.skipped += 1;
                continue;
            }
            let jitter = f64::from(plan.jitter_seconds) * rand::random::<f64>();
            let jitter = SignedDuration::try_from_secs_f64(jitter).unwrap_or_default();
            let new = NewRun {
                task: &task.name,
                organization,
                payload: &payload,
                next_at: self.now.checked_add(jitter).unwrap_or(self.now),
                trace: &row.name,
                schedule: Some((&row.name, due_at)),
                in_turn: !one_at_a_time && plan.if_running != IfRunning::Overlap,
            };
            let (sql, params, _) = new.insert(self.now);
            rows.execute(sql, params).await?;
        }
        if fate.skipped > 0 {
            fate.note = Some(match fate.skipped {
                1 => format!("the run that was due at {due_at} was left out: the one before it goes on"),
                many => {
                    format!("{many} runs that were due at {due_at} were left out: those before them go on")
                }
            });
        }
        Ok(fate)
    }

    /// The organizations in which the plugin is on.
    fn enabled(&self) -> impl Iterator<Item = OrganizationId> {
        let directory = self.kernel.directory();
        let all: Vec<OrganizationId> = directory.organizations().iter().map(|it| it.id).collect();
        all.into_iter().filter(|id| self.snapshot.is_enabled(self.plugin, *id))
    }
}
