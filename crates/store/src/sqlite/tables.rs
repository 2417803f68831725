//! What a room's tables are to a tenant: whose rows they hold, and by what each is seen.
//!
//! A table with a column [`COLUMN`] is *guarded*: a statement for one tenant reads it through a part of its own (a
//! common table expression, as SQL calls it) that has the table's name and none but the tenant's rows. Views and
//! full-text tables upon guarded tables are read through such parts too.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;

use super::authorizer::is_reserved;
use super::tokens::{Kind, Token, tokens};
use crate::name::RESERVED;

/// The column by which rows of tenants are told apart.
pub(crate) const COLUMN: &str = "organization_id";
/// The function that says whether a row, by that column, is another tenant's than the statement's.
pub(crate) const IS_FOREIGN: &str = "switchboard_is_foreign";
/// The parameter that holds the tenant in every part.
pub(crate) const TENANT: &str = ":switchboard_tenant";

/// What is known of a room's tables. Names are in small letters.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    known: HashMap<String, Standing>,
    /// For each ordinary table, which of those groups it is in that references hold together.
    groups: HashMap<String, usize>,
    triggers: HashSet<String>,
    /// Tables that have triggers.
    stirred: HashSet<String>,
    guards: Vec<Guard>,
    /// Triggers that read rows of all tenants, or replace them.
    refused_triggers: HashMap<String, String>,
}

/// What a name is to a tenant.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// An ordinary table of rows that belong to tenants, and whether a row that is written may replace others.
    Guarded { replaces: bool, part: Part },
    /// A view or a virtual table, which a tenant may read and not write.
    Shown(Part),
    /// What no tenant may name, and why.
    Closed(String),
}

/// By what a tenant's statement sees a name.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// As it stands behind `with`.
    pub(crate) definition: String,
    /// The names that it reads through parts of theirs.
    pub(crate) through: Vec<String>,
}

struct Found {
    name: String,
    kind: String,
    sql: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    is_hidden: bool,
    /// Whether it is an integer that alone tells rows apart.
    is_number: bool,
}

impl Found {
    fn column(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(COLUMN))
    }
}

impl Tables {
    /// Looks at the tables as they are now.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let found = found(connection)?;
        let mut tables = Self { groups: groups(connection)?, ..Self::default() };
        for table in found.iter().filter(|found| found.kind == "table") {
            if let Some(column) = table.column() {
                let replaces = tokens(&table.sql).map_or(true, |tokens| replaces(&tokens));
                tables.guards.extend(guards(&table.name, &column.name));
                let part = Part { definition: rows_of(&table.name, &column.name), through: Vec::new() };
                tables.know(&table.name, Standing::Guarded { replaces, part });
            }
        }
        for table in &found {
            match table.kind.as_str() {
                "virtual" => {
                    if let Some(standing) = tables.of_virtual(table, &found) {
                        tables.know(&table.name, standing);
                    }
                }
                "shadow" => {
                    let why = format!("the table {} holds what its full-text table is made of", table.name);
                    tables.know(&table.name, Standing::Closed(why));
                }
                _ => {}
            }
        }
        if !tables.is_any_guarded() {
            return Ok(Self::default());
        }
        tables.learn_views(&found);
        tables.learn_triggers(connection)?;
        let guards: Vec<String> = tables.guards.iter().map(|guard| guard.name.to_ascii_lowercase()).collect();
        tables.triggers.extend(guards);
        Ok(tables)
    }

    fn know(&mut self, name: &str, standing: Standing) {
        self.known.insert(name.to_ascii_lowercase(), standing);
    }

    /// Whether any table has rows that belong to tenants. Without one there is nothing to confine.
    pub(crate) fn is_any_guarded(&self) -> bool {
        self.known.values().any(|standing| !matches!(standing, Standing::Closed(_)))
    }

    pub(crate) fn standing(&self, name: &str) -> Option<&Standing> {
        self.known.get(name)
    }

    pub(crate) fn is_trigger(&self, name: &str) -> bool {
        self.triggers.contains(name)
    }

    /// Whether a trigger fires when the table is written to.
    pub(crate) fn has_triggers(&self, name: &str) -> bool {
        self.stirred.contains(name)
    }

    /// What looks at every row that is written.
    pub(crate) fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// Why the trigger may not run for one tenant, if it may not.
    pub(crate) fn refused_trigger(&self, name: &str) -> Option<&str> {
        self.refused_triggers.get(name).map(String::as_str)
    }

    /// Whether references lead from one table to the other, over however many others.
    pub(crate) fn is_bound(&self, one: &str, other: &str) -> bool {
        let group = |name| self.groups.get(name);
        group(one).is_some() && group(one) == group(other)
    }

    fn of_virtual(&self, table: &Found, all: &[Found]) -> Option<Standing> {
        let name = &table.name;
        let Ok(tokens) = tokens(&table.sql) else {
            return Some(Standing::Closed(format!("the table {name} cannot be understood")));
        };
        let (module, arguments) = arguments(&tokens);
        let is_full_text = module == "fts5";
        let hidden = if is_full_text { format!(", rowid, {}, rank", quoted(name)) } else { String::new() };
        if let Some(column) = table.column() {
            let definition = format!(
                "{0} as not materialized (select *{hidden} from main.{0} where {1} = {TENANT})",
                quoted(name),
                quoted(&column.name)
            );
            return Some(Standing::Shown(Part { definition, through: Vec::new() }));
        }
        let content = arguments.get("content").filter(|_| is_full_text);
        match content.map(|content| (content, self.standing(content))) {
            Some((content, Some(Standing::Guarded { .. }))) => {
                let owner = all.iter().find(|found| found.name.eq_ignore_ascii_case(content))?;
                let key = arguments.get("content_rowid").map_or("rowid", String::as_str);
                if key != "rowid"
                    && !owner.columns.iter().any(|it| it.is_number && it.name.eq_ignore_ascii_case(key))
                {
                    return Some(Standing::Closed(format!(
                        "the table {name} finds rows of {content} by {key}, which may be of several rows. Let its \
                         content_rowid be the integer primary key"
                    )));
                }
                let key = if key == "rowid" { key.to_owned() } else { quoted(key) };
                let columns: String = (table.columns.iter())
                    .filter(|column| !column.is_hidden)
                    .map(|column| format!("found.{}, ", quoted(&column.name)))
                    .collect();
                // In this order: the index is asked first, and then whose each row that it finds is.
                let definition = format!(
                    "{0} as not materialized (select {columns}found.rowid as rowid, found.{0}, found.rank \
                     from main.{0} as found cross join main.{1} as owner on owner.{key} = found.rowid \
                     where owner.{2} = {TENANT})",
                    quoted(name),
                    quoted(&owner.name),
                    quoted(&owner.column()?.name)
                );
                Some(Standing::Shown(Part { definition, through: Vec::new() }))
            }
            Some((content, None)) if is_ordinary(content, all) => None,
            _ => Some(Standing::Closed(format!(
                "the table {name} does not say whose rows it holds. Give it a column {COLUMN}, or, to full-text \
                 search, the table with that column as its content"
            ))),
        }
    }

    /// A view that reads what belongs to tenants becomes a part; so do views upon it.
    fn learn_views(&mut self, found: &[Found]) {
        let views: Vec<&Found> = found.iter().filter(|found| found.kind == "view").collect();
        // Once more for as long as one more is found to read what belongs to tenants, or what is closed.
        loop {
            let before = (self.known.len(), self.closed());
            for view in &views {
                if let Some(standing) = self.of_view(view) {
                    self.know(&view.name, standing);
                }
            }
            if before == (self.known.len(), self.closed()) {
                return;
            }
        }
    }

    fn closed(&self) -> usize {
        self.known.values().filter(|standing| matches!(standing, Standing::Closed(_))).count()
    }

    fn of_view(&self, view: &Found) -> Option<Standing> {
        let closed = |why: &str| Some(Standing::Closed(format!("the view {} {why}", view.name)));
        let Ok(tokens) = tokens(&view.sql) else { return closed("cannot be understood") };
        let body = body_of_view(&tokens);
        let names = body.unwrap_or(&tokens).iter().filter_map(Token::name);
        let mut through: Vec<String> =
            names.filter(|name| self.known.contains_key(&**name)).map(String::from).collect();
        through.sort_unstable();
        through.dedup();
        if through.is_empty() {
            return None;
        }
        let (Some(body), Some(head)) = (body, tokens.get(2)) else { return closed("cannot be understood") };
        if names_a_schema(body) {
            return closed("names a table with its schema before it. Name it without");
        }
        let Some((first, last)) = body.first().zip(body.last()) else { return closed("is empty") };
        if through.iter().any(|name| matches!(self.standing(name), Some(Standing::Closed(_)))) {
            return closed("reads what does not say whose rows it holds");
        }
        let columns_end = tokens.iter().rev().find(|token| token.end() <= first.start && !token.is("as"));
        let columns =
            view.sql.get(head.end()..columns_end.map_or(head.end(), Token::end)).unwrap_or_default();
        let body = view.sql.get(first.start..last.end()).unwrap_or_default();
        let definition = format!("{}{columns} as not materialized ({body})", quoted(&view.name));
        Some(Standing::Shown(Part { definition, through }))
    }

    fn learn_triggers(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare("select name, tbl_name, sql from sqlite_schema where type = 'trigger'")?;
        let triggers = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for trigger in triggers {
            let (name, table, sql): (String, String, String) = trigger?;
            self.stirred.insert(table.to_ascii_lowercase());
            let unseen = match tokens(&sql) {
                Ok(tokens) => self.unseen_by_trigger(&tokens),
                Err(_) => Some("is not understood".to_owned()),
            };
            if let Some(what) = unseen {
                let why = format!(
                    "the trigger {name} {what}, of all organizations. Let it take what it needs from new and old, or \
                     do its work in statements"
                );
                self.refused_triggers.insert(name.to_ascii_lowercase(), why);
            }
            self.triggers.insert(name.to_ascii_lowercase());
        }
        Ok(())
    }

    /// What the trigger's body does that nothing confines, if it does: read from a table that belongs to tenants, or replace rows of it.
    ///
    /// What it writes to, and what stands before a dot, it does not read from.
    fn unseen_by_trigger(&self, tokens: &[Token<'_>]) -> Option<String> {
        let body = tokens.iter().position(|token| token.is("when") || token.is("begin"))?;
        let body = tokens.get(body..).unwrap_or_default();
        let before = |at: usize, back: usize| at.checked_sub(back).and_then(|at| body.get(at));
        let is = |at: usize, back: usize, word: &str| before(at, back).is_some_and(|token| token.is(word));
        let reads = body.iter().enumerate().any(|(at, token)| {
            ["select", "join", "in"].iter().any(|word| token.is(word))
                || (token.is("from") && !is(at, 1, "delete"))
        });
        let replaces = body.iter().enumerate().any(|(at, token)| {
            token.is("replace") && (is(at, 1, "or") || body.get(at + 1).is_some_and(|next| next.is("into")))
        });
        if !reads && !replaces {
            return None;
        }
        let mut at = 0;
        while let Some(token) = body.get(at) {
            let name = token.name().filter(|name| self.known.contains_key(&**name));
            let is_target = is(at, 1, "into")
                || is(at, 1, "update")
                || (is(at, 3, "update") && is(at, 2, "or"))
                || (is(at, 1, "from") && is(at, 2, "delete"));
            let kind = |at: usize| body.get(at).map(|token| token.kind);
            if let Some(name) = name {
                let is_view =
                    matches!(self.standing(&name), Some(Standing::Shown(part)) if !part.through.is_empty());
                if is_target && replaces {
                    return Some(format!("replaces rows of {name}"));
                }
                if (!is_target || is_view) && kind(at + 1) != Some(Kind::Dot) {
                    return Some(format!("reads {name}"));
                }
            }
            // The names of the columns that it fills.
            if is(at, 1, "into") && kind(at + 1) == Some(Kind::Open) {
                while kind(at).is_some_and(|kind| kind != Kind::Close) {
                    at += 1;
                }
            }
            at += 1;
        }
        None
    }
}

/// Whether a name is written with the schema that it is of. Parts have none, so that would lead past them.
pub(crate) fn names_a_schema(tokens: &[Token<'_>]) -> bool {
    tokens.windows(2).any(|pair| match pair {
        [schema, dot] if dot.kind == Kind::Dot => {
            schema.name().is_some_and(|name| matches!(&*name, "main" | "temp"))
        }
        _ => false,
    })
}

/// A trigger of the connection's own, which the room's file does not hold.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// Three of them see every row that is inserted, updated or deleted, whatever does it: a statement, a trigger, or a reference
/// that deletes what it leads from. They are never skipped, as they call no others.
fn guards(table: &str, column: &str) -> impl Iterator<Item = Guard> {
    let foreign =
        |row: &str| format!("{IS_FOREIGN}({row}.{}, '{}')", quoted(column), table.replace('\'', "''"));
    let (new, old) = (foreign("new"), foreign("old"));
    let (on, both) = (quoted(table), format!("{old} or {new}"));
    let make = move |(change, condition)| {
        let name = format!("{RESERVED}{change}_{table}");
        let sql = format!(
            "create temp trigger {} after {change} on main.{on} when {condition} \
             begin select raise(abort, 'a row of another organization'); end",
            quoted(&name),
        );
        Guard { name, sql }
    };
    [("insert", new), ("delete", old), ("update", both)].map(make).into_iter()
}

/// Whether a key of the table is declared such that a new row takes the place of others.
fn replaces(tokens: &[Token<'_>]) -> bool {
    tokens.windows(2).any(|pair| matches!(pair, [one, other] if one.is("conflict") && other.is("replace")))
}

/// As a name that is read as nothing else.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn rows_of(table: &str, column: &str) -> String {
    format!(
        "{0} as not materialized (select * from main.{0} where {1} = {TENANT})",
        quoted(table),
        quoted(column)
    )
}

fn is_ordinary(name: &str, all: &[Found]) -> bool {
    all.iter().any(|found| found.kind == "table" && found.name.eq_ignore_ascii_case(name))
}

/// What stands behind `as` in `create view name (columns) as`.
fn body_of_view<'a>(tokens: &'a [Token<'a>]) -> Option<&'a [Token<'a>]> {
    let at = match tokens.get(3)? {
        token if token.kind == Kind::Open => {
            4 + tokens.get(4..)?.iter().position(|token| token.kind == Kind::Close)?
        }
        _ => 2,
    };
    tokens.get(at + 1).filter(|token| token.is("as"))?;
    tokens.get(at + 2..)
}

/// The module of a virtual table, and those of its arguments that are a word, `=` and a name.
fn arguments(tokens: &[Token<'_>]) -> (String, BTreeMap<String, String>) {
    let mut arguments = BTreeMap::new();
    let Some(using) = tokens.iter().position(|token| token.is("using")) else {
        return (String::new(), arguments);
    };
    let module = tokens.get(using + 1).and_then(Token::name).unwrap_or_default().into_owned();
    let rest = tokens.get(using + 2..).unwrap_or_default();
    for five in rest.windows(5) {
        let [before, word, equals, value, after] = five else { continue };
        let is_alone = matches!(before.kind, Kind::Open | Kind::Comma)
            && matches!(after.kind, Kind::Close | Kind::Comma)
            && word.kind == Kind::Word
            && equals.text == "=";
        if let Some((word, value)) = word.name().zip(value.name()).filter(|_| is_alone) {
            arguments.insert(word.into_owned(), value.into_owned());
        }
    }
    (module, arguments)
}

fn found(connection: &Connection) -> rusqlite::Result<Vec<Found>> {
    let sql = "select l.name, l.type, coalesce(s.sql, ''), x.name, x.hidden,
                   x.pk = 1 and lower(x.type) = 'integer' and max(x.pk) over (partition by l.name) = 1
               from pragma_table_list as l
               left join sqlite_schema as s on s.name = l.name and s.type in ('table', 'view')
               left join pragma_table_xinfo(case when l.type <> 'view' then l.name end) as x
               where l.schema = 'main' order by l.name, x.cid";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut all: Vec<Found> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if is_reserved(&name) || name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_")) {
            continue;
        }
        if all.last().is_none_or(|last| last.name != name) {
            all.push(Found { name, kind: row.get(1)?, sql: row.get(2)?, columns: Vec::new() });
        }
        if let (Some(found), Some(name)) = (all.last_mut(), row.get::<_, Option<String>>(3)?) {
            let hidden: i64 = row.get(4)?;
            found.columns.push(Column { name, is_hidden: hidden == 1, is_number: row.get(5)? });
        }
    }
    Ok(all)
}

/// Which tables references hold together.
fn groups(connection: &Connection) -> rusqlite::Result<HashMap<String, usize>> {
    let sql = "select lower(l.name), lower(f.\"table\") from pragma_table_list as l
               left join pragma_foreign_key_list(l.name) as f
               where l.schema = 'main' and l.type = 'table'";
    let mut statement = connection.prepare(sql)?;
    let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut groups: HashMap<String, usize> = HashMap::new();
    for (number, pair) in pairs.enumerate() {
        let (one, other): (String, Option<String>) = pair?;
        let group = *groups.entry(one).or_insert(number);
        let Some(other) = other else { continue };
        if let Some(joined) = groups.insert(other, group) {
            groups.values_mut().filter(|its| **its == joined).for_each(|its| *its = group);
        }
    }
    Ok(groups)
}
