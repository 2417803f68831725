//! `switchboard migrate-store`: everything from SQLite to PostgreSQL, compared row by row.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;
use serde_json::{Value as Json, json};
use switchboard_accounts::ACCOUNTS_ROOM;
use switchboard_capabilities::{KV_TABLE, prepare_kv};
use switchboard_kernel::{KERNEL_ROOM, room_of};
use switchboard_store::{
    Difference, Migration, Move, Options as StoreOptions, Resting, RestingRoom, Store, parse_migration_files,
};

use crate::{
    cli::{MigrateStore, Target},
    client::is_served,
    data_folder::DataFolder,
    operator_settings::{FILE, OperatorSettings},
    output::{Advise, FOUND_WANTING, Output},
};

/// How long one statement may take. Tables may be large, and nobody else waits for them.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the tables are called that stand beside a plugin's own.
const OUTBOX: &str = "_switchboard_cursor";

/// Moves everything, or compares it, or says what would be moved.
///
/// # Errors
/// When a server runs on the folder, something stands in the way, or a side cannot be used; what was moved before stays.
pub(crate) async fn run(
    folder: &DataFolder,
    how: &MigrateStore,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let shown = folder.root().display();
    if !folder.databases().join(format!("{KERNEL_ROOM}.sqlite")).is_file() {
        return Err(anyhow!("there is no database of SQLite in {shown}"))
            .advise("name the data folder of a server with --data");
    }
    if is_served(folder).await {
        let holder = folder.holder().map_or_else(String::new, |pid| format!(", process {pid}"));
        return Err(anyhow!("a server runs on the data folder {shown}{holder}"))
            .advise("stop it first: what it writes meanwhile would be missing");
    }
    let lock = folder.take()?;
    let source = Resting::new(&folder.databases());
    let rooms = source.rooms().await.context("the databases of SQLite cannot be read")?;
    let plan = Plan::of(rooms)?;
    let code = if how.dry_run {
        plan.show(output)
    } else {
        plan.is_clear()?;
        let store = open(folder, &how.target).await?;
        let done = match how.verify {
            true => verify(&plan, source, &store, output).await,
            false => move_all(&plan, source, folder, &store, output).await,
        };
        store.close().await;
        done?
    };
    drop(lock);
    Ok(code)
}

/// The rooms that are moved, and what stands in the way.
struct Plan {
    rooms: Vec<Planned>,
    /// One sentence each.
    obstacles: Vec<String>,
}

struct Planned {
    room: RestingRoom,
    /// What makes its tables: those changes that were made to them here. The server makes the others.
    migrations: Vec<Migration>,
}

impl Plan {
    fn of(rooms: Vec<RestingRoom>) -> anyhow::Result<Self> {
        let mut known = BTreeMap::from([
            (KERNEL_ROOM.to_owned(), switchboard_kernel::migrations()?),
            (ACCOUNTS_ROOM.to_owned(), switchboard_accounts::migrations()?),
        ]);
        let builtins =
            switchboard_builtins::all().context("a plugin that is part of this program is not right")?;
        for plugin in builtins {
            let files = plugin.migrations().iter().map(|(name, text)| (name, text));
            known.insert(room_of(&plugin.manifest().id), parse_migration_files(files)?);
        }
        let mut plan = Self { rooms: Vec::new(), obstacles: Vec::new() };
        // One without tables is made anew by whoever needs it.
        for room in rooms.into_iter().filter(|room| !room.tables.is_empty() || !room.migrations.is_empty()) {
            let named = name_of(&room.name);
            let Some(mut migrations) = known.remove(&room.name) else {
                plan.obstacles.push(format!(
                    "{named} is not part of this program, which so cannot make its tables in PostgreSQL. Move with a program \
                     that has it, or take db/{}.sqlite away if nobody needs it",
                    room.name
                ));
                continue;
            };
            let newest = migrations.last().map_or(0, |migration| migration.number);
            if let Some(number) = room.migrations.iter().find(|number| **number > newest) {
                plan.obstacles.push(format!(
                    "{named} has tables of a newer version, by its migration {number}. Move with that version"
                ));
            }
            for table in &room.of_modules {
                plan.obstacles.push(format!(
                    "{named} keeps rows in {table}, a table of a module of SQLite, which PostgreSQL has not"
                ));
            }
            migrations.retain(|migration| room.migrations.contains(&migration.number));
            plan.rooms.push(Planned { room, migrations });
        }
        Ok(plan)
    }

    fn rows(&self) -> u64 {
        self.rooms.iter().flat_map(|planned| &planned.room.tables).map(|table| table.rows).sum()
    }

    fn tables(&self) -> usize {
        self.rooms.iter().map(|planned| planned.room.tables.len()).sum()
    }

    fn as_json(&self) -> Json {
        let rooms = self.rooms.iter().map(|Planned { room, .. }| {
            let tables = room.tables.iter().map(|table| json!({ "table": table.name, "rows": table.rows }));
            json!({ "room": room.name, "tables": tables.collect::<Vec<_>>() })
        });
        rooms.collect()
    }

    fn is_clear(&self) -> anyhow::Result<()> {
        match self.obstacles.as_slice() {
            [] => Ok(()),
            obstacles => Err(anyhow!("nothing was moved: {}", obstacles.join("; "))),
        }
    }

    fn show(&self, output: &Output) -> ExitCode {
        let result = json!({ "rooms": self.as_json(), "rows": self.rows(), "obstacles": self.obstacles });
        output.result(&result, || {
            let rows: Vec<Vec<String>> = self
                .rooms
                .iter()
                .flat_map(|Planned { room, .. }| {
                    let row = |table: &switchboard_store::RestingTable| {
                        vec![room.name.clone(), table.name.clone(), table.rows.to_string()]
                    };
                    room.tables.iter().map(row)
                })
                .collect();
            let mut lines = vec![output.table(&["ROOM", "TABLE", "ROWS"], &rows), String::new()];
            lines.push(format!(
                "{} rooms, {} tables, {} rows would be moved.",
                self.rooms.len(),
                self.tables(),
                self.rows()
            ));
            lines.extend(self.obstacles.iter().map(|obstacle| format!("In the way: {obstacle}.")));
            lines.join("\n")
        });
        if self.obstacles.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WANTING) }
    }
}

/// What a person calls whoever has the room.
fn name_of(room: &str) -> String {
    match room.strip_prefix("plugin_") {
        Some(id) => format!("the plugin `{id}`"),
        None => format!("the room `{room}`"),
    }
}

async fn open(folder: &DataFolder, target: &Target) -> anyhow::Result<Store> {
    let database = match target {
        Target::Address(database) => database.clone(),
        Target::OfSettings => match OperatorSettings::read(folder.root())?.database {
            Some(database) => database,
            None => {
                return Err(anyhow!("no database of PostgreSQL is set")).advise(format!(
                    "set `database` in {FILE} or SWITCHBOARD_DATABASE, or give its address"
                ));
            }
        },
    };
    let options =
        StoreOptions { statement_time: PATIENCE, transaction_time: PATIENCE, ..StoreOptions::default() };
    Store::open_postgres(&database.0, options).await.context("the PostgreSQL database cannot be opened")
}

async fn move_all(
    plan: &Plan,
    source: Resting,
    folder: &DataFolder,
    store: &Store,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let root = folder.root().canonicalize().context("the data folder cannot be made out")?;
    let moving = Move::begin(source, &root.display().to_string(), store)
        .await
        .with_context(|| format!("nothing can be moved into {}", store.address()))?;
    // All tables are made before anything is copied: what cannot be made is known at once, with the plugin's name.
    for Planned { room, migrations } in &plan.rooms {
        make_tables(room, migrations, store).await.with_context(|| {
            format!("nothing was moved: the tables of {} cannot be made", name_of(&room.name))
        })?;
        moving.fits(room).await.context("nothing was moved")?;
    }
    let bar = output.progress(plan.rows(), false);
    for Planned { room, .. } in &plan.rooms {
        bar.set_message(format!("copying {}", room.name));
        moving.copy(room, |rows| bar.inc(rows)).await?;
    }
    bar.finish_and_clear();
    let differences = compare(plan, &moving, output).await?;
    if let Some((room, difference)) = differences.first() {
        return Err(anyhow!("what was moved is not what is here: {}", differs(room, difference)))
            .advise("ask for it once more: rooms that differ are moved anew");
    }
    moving.finish().await?;
    let (rooms, tables, rows) = (plan.rooms.len(), plan.tables(), plan.rows());
    let result = json!({ "target": store.address(), "rooms": plan.as_json(), "rows": rows });
    output.result(&result, || {
        format!(
            "Everything is in {}: {rooms} rooms, {tables} tables, {rows} rows, compared row by row.\n\
             Start the server with that `database` in {FILE} or in SWITCHBOARD_DATABASE. It needs this data folder as before;\n\
             the files in {} are as they were, and it does not read them any more.",
            store.address(),
            folder.databases().display()
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// Makes a room's tables as the server makes them.
async fn make_tables(room: &RestingRoom, migrations: &[Migration], store: &Store) -> anyhow::Result<()> {
    let there = store.room(&room.name).await?;
    there.migrate(migrations).await?;
    if room.tables.iter().any(|table| table.name == OUTBOX) {
        switchboard_delivery::prepare(&there).await?;
    }
    if room.tables.iter().any(|table| table.name == KV_TABLE) {
        prepare_kv(&there).await?;
    }
    Ok(())
}

async fn verify(plan: &Plan, source: Resting, store: &Store, output: &Output) -> anyhow::Result<ExitCode> {
    let looking = Move::looking(source, store)?;
    let differences = compare(plan, &looking, output).await?;
    let told = |(room, difference): &(String, Difference)| json!({ "room": room, "table": difference.table, "here": difference.here, "there": difference.there });
    let differing: Vec<Json> = differences.iter().map(told).collect();
    let result = json!({ "target": store.address(), "rows": plan.rows(), "differences": differing });
    output.result(&result, || {
        if differences.is_empty() {
            return format!("{} tables, {} rows: the same on both sides.", plan.tables(), plan.rows());
        }
        let lines = differences
            .iter()
            .map(|(room, difference)| format!("Not the same: {}.", differs(room, difference)));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WANTING) })
}

async fn compare(plan: &Plan, moving: &Move, output: &Output) -> anyhow::Result<Vec<(String, Difference)>> {
    let bar: ProgressBar = output.progress(plan.rows(), false);
    let mut differences = Vec::new();
    for Planned { room, .. } in &plan.rooms {
        bar.set_message(format!("comparing {}", room.name));
        let found = moving.compare(room, |rows| bar.inc(rows)).await?;
        differences.extend(found.into_iter().map(|difference| (room.name.clone(), difference)));
    }
    bar.finish_and_clear();
    Ok(differences)
}

fn differs(room: &str, Difference { table, here, there }: &Difference) -> String {
    match here == there {
        true => format!(
            "the table {table} of the room {room} has {here} rows on both sides, of which some differ"
        ),
        false => format!("the table {table} of the room {room} has {here} rows here and {there} there"),
    }
}
