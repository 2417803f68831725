//! Whether a statement that runs for one tenant keeps to its rows: asked by SQLite of every name when it is prepared, and
//! by triggers of every row that it changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext};
use rusqlite::types::ValueRef;

use super::confined::Confined;
use super::tables::{COLUMN, Standing, Tables};

/// The tenant for whom a connection's statement runs, shared with what SQLite calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tenancy(Arc<Mutex<Option<Confinement>>>);

#[derive(Debug)]
struct Confinement {
    tenant: i64,
    tables: Arc<Tables>,
    statement: Arc<Confined>,
    /// Whether it is prepared, and virtual tables may prepare statements of their own.
    is_running: bool,
    trespass: Option<String>,
}

impl Tenancy {
    pub(crate) fn begin(&self, tenant: i64, tables: &Arc<Tables>, statement: &Arc<Confined>) {
        *self.lock() = Some(Confinement {
            tenant,
            tables: Arc::clone(tables),
            statement: Arc::clone(statement),
            is_running: false,
            trespass: None,
        });
    }

    /// The statement is prepared.
    pub(crate) fn runs(&self) {
        if let Some(confinement) = &mut *self.lock() {
            confinement.is_running = true;
        }
    }

    /// The statement has ended. Gives what it did to rows of others, all of which is to be undone.
    pub(crate) fn end(&self) -> Option<String> {
        self.lock().take().and_then(|confinement| confinement.trespass)
    }

    /// Why it may not do that, if it may not.
    pub(crate) fn refusal(&self, context: &AuthContext<'_>) -> Option<String> {
        self.lock().as_ref().and_then(|confinement| confinement.refusal(context))
    }

    /// Whether a statement for one tenant runs, and this is not the tenant's number. Then all of the statement is undone.
    pub(crate) fn is_foreign(&self, owner: ValueRef<'_>, table: ValueRef<'_>) -> bool {
        let mut confinement = self.lock();
        let Some(confinement) = &mut *confinement else { return false };
        let is_foreign = !is_of(owner, confinement.tenant);
        if is_foreign {
            let table = table.as_str().unwrap_or_default();
            let whose =
                if owner == ValueRef::Null { "of no organization" } else { "of another organization" };
            confinement.trespass = Some(format!(
                "a row {whose} would be written in the table {table}. Give {COLUMN} the number of the call's \
                 organization, and let it be part of the keys by which rows are told apart"
            ));
        }
        is_foreign
    }

    fn lock(&self) -> MutexGuard<'_, Option<Confinement>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Confinement {
    fn refusal(&self, context: &AuthContext<'_>) -> Option<String> {
        let accessor = context.accessor.map(str::to_ascii_lowercase);
        let accessor = accessor.as_deref();
        if let Some(why) = accessor.and_then(|name| self.tables.refused_trigger(name)) {
            return Some(why.to_owned());
        }
        match context.action {
            AuthAction::Read { table_name, column_name } => {
                let is_counted = column_name.is_empty() && context.database_name.is_none();
                self.refused_read(&table_name.to_ascii_lowercase(), is_counted, accessor)
            }
            AuthAction::Insert { table_name: table }
            | AuthAction::Update { table_name: table, .. }
            | AuthAction::Delete { table_name: table } => {
                self.refused_write(&table.to_ascii_lowercase(), accessor)
            }
            AuthAction::Function { function_name } => {
                let tells = ["last_insert_rowid", "changes", "total_changes"];
                tells.iter().any(|name| name.eq_ignore_ascii_case(function_name)).then(|| {
                    format!("the function {function_name} tells of what others wrote. Write `returning`")
                })
            }
            _ => None,
        }
    }

    fn refused_write(&self, table: &str, accessor: Option<&str>) -> Option<String> {
        match self.tables.standing(table)? {
            Standing::Guarded { replaces: true, .. } => Some(format!(
                "the table {table} lets a new row replace others, of whatever organization. Declare its keys without \
                 `on conflict replace`"
            )),
            Standing::Shown(_) | Standing::Closed(_) if accessor.is_none() && !self.is_running => {
                Some(format!("{table} is written by triggers alone, or not at all"))
            }
            _ => None,
        }
    }

    /// `is_counted` says that no column is read, so that SQLite tells the name in the statement and not the table.
    fn refused_read(&self, table: &str, is_counted: bool, accessor: Option<&str>) -> Option<String> {
        let standing = self.tables.standing(table)?;
        let is_shown = |name: &str| self.statement.shown.iter().any(|shown| shown == name);
        let is_allowed = match (standing, accessor) {
            // The insides of virtual tables, read by these for a statement that names the virtual table.
            (Standing::Closed(_), _) => true,
            (_, Some(accessor)) => is_shown(accessor) || self.tables.is_trigger(accessor),
            (_, None) if self.is_running => true,
            (_, None) if is_counted && is_shown(table) => true,
            (Standing::Guarded { .. }, None) => {
                let target = self.statement.target.as_deref();
                target.is_some_and(|target| target == table || self.tables.is_bound(target, table))
            }
            (Standing::Shown(_), None) => false,
        };
        (!is_allowed).then(|| {
            format!("the statement would read rows of all organizations in {table}. Name the table as it is called")
        })
    }
}

fn is_of(value: ValueRef<'_>, tenant: i64) -> bool {
    match value {
        ValueRef::Integer(number) => number == tenant,
        ValueRef::Text(text) => text == tenant.to_string().as_bytes(),
        _ => false,
    }
}
