//! The tables that stand beside a plugin's own.

use switchboard_store::{Engine, Room};

use crate::Error;

/// Tables and indices, in the steps in which they came to be, each with the table that it makes last: where that is, the step was
/// taken. These are SQLite's words; see [`words`] for PostgreSQL's.
///
/// An event's number grows with time, also when an older copy of the database was put back: it is the moment in microseconds, or the
/// next free number.
const STEPS: [(&str, &[&str]); 3] = [
    (
        CURSOR,
        &[
            "create table if not exists _switchboard_outbox (
                seq integer primary key,
                id text not null,
                name text not null,
                subject text not null,
                organization_id integer,
                time integer not null,
                actor text not null,
                trace text not null,
                data text not null
            )",
            // What is still to be tried again or was given up; a row goes when the event is delivered.
            "create table if not exists _switchboard_delivery (
                seq integer not null,
                listener text not null,
                attempt integer not null,
                next_at integer not null,
                state text not null,
                error text,
                primary key (seq, listener)
            ) without rowid",
            "create table if not exists _switchboard_task (
                run text primary key,
                task text not null,
                organization_id integer,
                payload text not null,
                state text not null,
                attempt integer not null,
                next_at integer not null,
                progress text,
                error text,
                trace text not null,
                created_at integer not null,
                ended_at integer
            ) without rowid",
            "create index if not exists _switchboard_task_open on _switchboard_task (next_at)
                where state in ('queued', 'running')",
            "create index if not exists _switchboard_task_ended on _switchboard_task (ended_at)
                where ended_at is not null",
            // Up to which event every one is delivered, or has its rows in _switchboard_delivery.
            "create table if not exists _switchboard_cursor (
                \"only\" integer primary key check (\"only\" = 1),
                seq integer not null
            )",
        ],
    ),
    (
        SCHEDULE,
        &[
            // Of a run that a schedule began: its name, and when it was due.
            "alter table _switchboard_task add column schedule text",
            "alter table _switchboard_task add column due_at integer",
            // Whether it waits for earlier ones of its schedule.
            "alter table _switchboard_task add column in_turn integer not null default 0",
            "alter table _switchboard_task add column begun_at integer",
            "alter table _switchboard_task add column output text",
            "create index _switchboard_task_of_schedule on _switchboard_task (schedule, organization_id)
                where schedule is not null and ended_at is null",
            "create index _switchboard_task_created on _switchboard_task (created_at, run)",
            // `scope` is the organization's number, and 0 for none: a key holds no null.
            "create table _switchboard_schedule (
                scope integer not null,
                name text not null,
                origin text not null,
                author text not null,
                plan text not null,
                paused integer not null,
                next_at integer,
                last_at integer,
                skipped integer not null,
                note text,
                created_at integer not null,
                primary key (scope, name)
            ) without rowid",
            "create index _switchboard_schedule_due on _switchboard_schedule (next_at)
                where next_at is not null and paused = 0",
        ],
    ),
    (
        HEARD,
        &[
            // Of an event of another plugin that this one has handled, in the transaction of what it did about it.
            "create table if not exists _switchboard_heard (
                source text not null,
                id text not null,
                at integer not null,
                primary key (source, id)
            ) without rowid",
            "create index if not exists _switchboard_heard_at on _switchboard_heard (at)",
        ],
    ),
];

const CURSOR: &str = "_switchboard_cursor";
const SCHEDULE: &str = "_switchboard_schedule";
const HEARD: &str = "_switchboard_heard";

/// Creates the tables in a plugin's room if they are not there; cheap when they are.
///
/// # Errors
/// [`Error::Store`].
pub async fn prepare(room: &Room) -> Result<(), Error> {
    if has(room, HEARD).await? {
        return Ok(());
    }
    // Another server may be about to do the same; and so may others in this one, one transaction after the other.
    let _alone = room.alone("tables").await?;
    for (last, statements) in STEPS {
        // Together they wait for the disk once.
        let mut tables = room.begin().await?;
        if !tables.query(there_is(room.engine()), vec![last.into()]).await?.is_empty() {
            continue;
        }
        for statement in statements {
            tables.execute(&words(room.engine(), statement), vec![]).await?;
        }
        tables.commit().await?;
    }
    Ok(())
}

/// Whether there is an outbox in a room, and what belongs to it, be it as an older version left them.
///
/// # Errors
/// [`Error::Store`].
pub(crate) async fn has_outbox(room: &Room) -> Result<bool, Error> {
    has(room, CURSOR).await
}

/// Whether there are tasks and schedules in a room, as this version keeps them.
///
/// # Errors
/// [`Error::Store`].
pub(crate) async fn has_tasks(room: &Room) -> Result<bool, Error> {
    has(room, SCHEDULE).await
}

async fn has(room: &Room, table: &str) -> Result<bool, Error> {
    Ok(!room.query(there_is(room.engine()), vec![table.into()]).await?.is_empty())
}

/// The statement that gives a row when there is a table of that name.
fn there_is(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "select 1 where to_regclass($1) is not null",
        _ => "select 1 from sqlite_schema where name = $1",
    }
}

/// The statement as an engine takes it: a whole number has 64 bits in both, under another name.
fn words(engine: Engine, statement: &str) -> String {
    match engine {
        Engine::Postgres => statement.replace(" integer", " bigint").replace(") without rowid", ")"),
        _ => statement.to_owned(),
    }
}
