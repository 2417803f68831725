//! What a statement may touch, asked by SQLite of every name in it when it is prepared.
//!
//! SQLite prepares again by itself when tables have changed, and virtual tables prepare statements of their own while
//! one runs; so the face counts for as long as a statement runs, not only while it is prepared.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::schema::Schema;
use super::tenancy::Tenancy;
use crate::name::RESERVED;

/// On whose behalf a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// Rows of tables that are not the host's.
    Guest,
    /// As a guest, and of what belongs to tenants, only that one's.
    Tenant(i64),
    /// Also makes and drops tables that are not the host's.
    Migration,
    /// All but what would break the store's own bookkeeping.
    Host,
    /// The store itself.
    Store,
}

impl Face {
    /// Begins the text of every statement, so that one prepared for a face is never found for another.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Guest => "/*g*/ ",
            Self::Tenant(_) => "/*t*/ ",
            Self::Migration => "/*m*/ ",
            Self::Host => "/*h*/ ",
            Self::Store => "/*s*/ ",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Guest => 0,
            Self::Tenant(_) => 1,
            Self::Migration => 2,
            Self::Host => 3,
            Self::Store => 4,
        }
    }
}

/// The face that a connection wears now, shared with the authorizer that SQLite calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Worn {
    face: Arc<AtomicU8>,
    denied: Arc<Mutex<Option<String>>>,
    pub(crate) tenancy: Tenancy,
    schema: Arc<Schema>,
}

impl Worn {
    pub(crate) fn new(schema: &Arc<Schema>) -> Self {
        Self { schema: Arc::clone(schema), ..Self::default() }
    }

    pub(crate) fn put_on(&self, face: Face) {
        self.face.store(face.number(), Ordering::Relaxed);
    }

    /// What was refused since this was last asked.
    pub(crate) fn take_denied(&self) -> Option<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn authorizer(&self) -> impl FnMut(AuthContext<'_>) -> Authorization + Send + 'static {
        let worn = self.clone();
        let is = |face: u8, other: Face| face == other.number();
        move |context| {
            if changes_tables(&context.action) {
                worn.schema.changes();
            }
            let refused = match worn.face.load(Ordering::Relaxed) {
                face if is(face, Face::Store) => None,
                face if is(face, Face::Host) => for_host(&context.action),
                face if is(face, Face::Tenant(0)) => {
                    for_guest(&context.action).or_else(|| worn.tenancy.refusal(&context))
                }
                face if is(face, Face::Migration) => match context.database_name {
                    Some("temp") if !is_look_for_temporary(&context.action) => {
                        Some("a migration makes something temporary".to_owned())
                    }
                    _ => for_migration(&context.action),
                },
                _ => for_guest(&context.action),
            };
            match refused {
                None => Authorization::Allow,
                Some(why) => {
                    *worn.denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                    Authorization::Deny
                }
            }
        }
    }
}

/// Whether it may turn a table that is nobody's into one of tenants, or the reverse.
fn changes_tables(action: &AuthAction<'_>) -> bool {
    matches!(
        action,
        AuthAction::CreateTable { .. }
            | AuthAction::CreateView { .. }
            | AuthAction::CreateTrigger { .. }
            | AuthAction::CreateVtable { .. }
            | AuthAction::AlterTable { .. }
            | AuthAction::DropTable { .. }
            | AuthAction::DropView { .. }
            | AuthAction::DropTrigger { .. }
            | AuthAction::DropVtable { .. }
    )
}

pub(crate) fn is_reserved(name: &str) -> bool {
    begins(name, RESERVED)
}

fn begins(name: &str, with: &str) -> bool {
    name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// Tables through which SQLite shows its own insides.
fn is_insides(name: &str) -> bool {
    begins(name, "sqlite_") || begins(name, "pragma_") || begins(name, "dbstat")
}

fn for_host(action: &AuthAction<'_>) -> Option<String> {
    match action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Some("a statement controls transactions by itself; use begin and commit".to_owned())
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Some("a statement attaches another database".to_owned())
        }
        _ => None,
    }
}

fn for_guest(action: &AuthAction<'_>) -> Option<String> {
    match action {
        AuthAction::Select | AuthAction::Recursive => None,
        AuthAction::Read { table_name: table, .. }
        | AuthAction::Insert { table_name: table }
        | AuthAction::Update { table_name: table, .. }
        | AuthAction::Delete { table_name: table } => {
            if is_reserved(table) {
                Some(format!("the table {table} is the host's"))
            } else {
                is_insides(table).then(|| format!("the table {table} is SQLite's own"))
            }
        }
        AuthAction::Function { function_name } => refused_function(function_name),
        // Full-text search asks this of its own file before each query.
        AuthAction::Pragma { pragma_name, pragma_value: None }
            if pragma_name.eq_ignore_ascii_case("data_version") =>
        {
            None
        }
        AuthAction::Pragma { pragma_name, .. } => {
            Some(format!("the pragma {pragma_name} is the host's to use"))
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => for_host(action),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => for_host(action),
        _ => Some("a statement changes tables' definitions, which only a migration may".to_owned()),
    }
}

fn for_migration(action: &AuthAction<'_>) -> Option<String> {
    let of_table = |name: &str| is_reserved(name).then(|| format!("the name {name} is the host's"));
    match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Reindex { .. } => None,
        // Changing a definition is, to SQLite, reading and writing its own tables; that they are never written
        // by hand is seen to by `defensive`.
        AuthAction::Read { table_name: table, .. }
        | AuthAction::Insert { table_name: table }
        | AuthAction::Update { table_name: table, .. }
        | AuthAction::Delete { table_name: table }
        | AuthAction::CreateTable { table_name: table }
        | AuthAction::DropTable { table_name: table }
        | AuthAction::AlterTable { table_name: table, .. }
        | AuthAction::Analyze { table_name: table }
        | AuthAction::DropVtable { table_name: table, .. } => of_table(table),
        AuthAction::CreateView { view_name: name } | AuthAction::DropView { view_name: name } => of_table(name),
        AuthAction::CreateIndex { index_name: name, table_name: table }
        | AuthAction::DropIndex { index_name: name, table_name: table }
        | AuthAction::CreateTrigger { trigger_name: name, table_name: table }
        | AuthAction::DropTrigger { trigger_name: name, table_name: table } => {
            of_table(name).or_else(|| of_table(table))
        }
        AuthAction::CreateVtable { table_name: table, module_name: module } => of_table(table).or_else(|| {
            let known = ["fts5", "fts5vocab", "rtree"].iter().any(|name| name.eq_ignore_ascii_case(module));
            (!known).then(|| format!("a migration makes a virtual table of the kind {module}; only fts5, fts5vocab and rtree may be"))
        }),
        // Renaming and altering are done by functions of SQLite's own, which cannot be called by hand.
        AuthAction::Function { function_name } if begins(function_name, "sqlite_rename") => None,
        AuthAction::Function { function_name } if begins(function_name, "sqlite_drop_column") => None,
        AuthAction::Function { function_name } => refused_function(function_name),
        AuthAction::Pragma { pragma_name, .. } => {
            let asked_by_sqlite = ["data_version", "quick_check", "integrity_check"];
            let known = asked_by_sqlite.iter().any(|name| name.eq_ignore_ascii_case(pragma_name));
            (!known).then(|| format!("the pragma {pragma_name} is the host's to use"))
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Some("a migration controls transactions by itself; each migration is one already".to_owned())
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => for_host(action),
        _ => Some("a migration makes something temporary, or of a kind that is not known".to_owned()),
    }
}

/// When SQLite renames, it looks for the old name in what is temporary too.
fn is_look_for_temporary(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Read { table_name: table, .. } | AuthAction::Update { table_name: table, .. } => {
            begins(table, "sqlite_temp_")
        }
        _ => false,
    }
}

fn refused_function(name: &str) -> Option<String> {
    let refused = ["load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "zipfile"];
    (refused.iter().any(|other| other.eq_ignore_ascii_case(name))
        || (begins(name, "sqlite_") && !name.eq_ignore_ascii_case("sqlite_version")))
    .then(|| format!("the function {name} may not be called"))
}
