//! A tenant's statement, made such that it reaches the tenant's rows alone.
//!
//! Before the statement stands a part for each guarded table that it names, and SQLite takes the part wherever a name is
//! read from: in joins, subqueries, `in`, `returning`, however it is written. So nothing of the statement's
//! grammar need be understood here. The one name that SQLite takes for the table itself is that which is written to;
//! the condition behind it gets the tenant's in front, so that other tenants' rows are not found. Two ways lead past
//! this, and both are refused before SQLite sees the text: a name with its schema before it, and parentheses that close more than
//! they open. What is left is refused by the authorizer, and for each row that changes by [`super::tenancy`].

use super::authorizer::Face;
use super::statement::Fault;
use super::tables::{COLUMN, IS_FOREIGN, Part, Standing, TENANT, Tables, names_a_schema, quoted};
use super::tokens::{Kind, Token, depths, tokens};

/// A tenant's statement, as it is run. Names are in small letters.
#[derive(Debug)]
pub(crate) struct Confined {
    pub(crate) sql: String,
    /// The names that it sees through parts.
    pub(crate) shown: Vec<String>,
    /// The table that it writes to.
    pub(crate) target: Option<String>,
}

/// What is put into the text, and where.
type Edit = (usize, String);

impl Confined {
    /// # Errors
    /// With what is refused, and what to write instead.
    pub(crate) fn new(text: &str, tables: &Tables) -> Result<Self, Fault> {
        if !tables.is_any_guarded() {
            return Ok(Self { sql: edited(text, Vec::new()), shown: Vec::new(), target: None });
        }
        let tokens = tokens(text).map_err(Fault::Wrong)?;
        let head = Head::of(&tokens);
        let target = head.target.and_then(|at| tokens.get(at)).and_then(Token::name).map(String::from);
        let mut named = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let Some(name) = token.name() else { continue };
            match tables.standing(&name) {
                None => continue,
                Some(Standing::Closed(_)) if token.kind == Kind::Text && !may_be_table(&tokens, at) => {
                    continue;
                }
                Some(Standing::Closed(why)) => return Err(Fault::Forbidden(why.clone())),
                Some(_) => {}
            }
            if Some(at) != head.target {
                named.push(name.into_owned());
            }
        }
        let is_target_known = target.as_ref().is_some_and(|name| tables.standing(name).is_some());
        if (!named.is_empty() || is_target_known) && names_a_schema(&tokens) {
            let why = "a table is named with its schema before it. Name it without";
            return Err(Fault::Forbidden(why.to_owned()));
        }
        let is_looked_at = |name: &String| {
            tables.has_triggers(name) || matches!(tables.standing(name), Some(Standing::Guarded { .. }))
        };
        if let Some(name) = target.as_ref().filter(|name| head.replaces && is_looked_at(name)) {
            return Err(Fault::Forbidden(format!(
                "a row put into {name} would replace others, of whatever organization. Write `on conflict (…) do \
                 update set …`"
            )));
        }
        let mut edits = Vec::new();
        match target.as_ref().and_then(|name| tables.standing(name)) {
            Some(Standing::Guarded { .. }) => edits = head.conditions(&tokens)?,
            Some(_) => {
                let target = target.unwrap_or_default();
                return Err(Fault::Forbidden(format!(
                    "{target} is written by triggers alone, or not at all"
                )));
            }
            None => {}
        }
        let shown = if head.is_known { head.shown(named, tables)? } else { Vec::new() };
        edits.extend(head.parts(&tokens, &shown, tables));
        Ok(Self { sql: edited(text, edits), shown, target })
    }
}

/// Whether a text in quotes may stand for a table there.
fn may_be_table(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|at| tokens.get(at)) else { return false };
    matches!(before.kind, Kind::Open | Kind::Comma | Kind::Dot)
        || ["from", "join", "into", "update", "in"].iter().any(|word| before.is(word))
}

/// How a statement begins.
#[derive(Debug, Default)]
struct Head {
    /// Whether it reads or writes rows; what else it may be, no tenant may do.
    is_known: bool,
    /// The token before which parts are put, and whether a `with` stands there already.
    parts_at: usize,
    has_with: bool,
    /// The parts that the statement has of its own, in small letters.
    own: Vec<String>,
    verb: usize,
    /// The token that names the table that is written to.
    target: Option<usize>,
    /// Whether what is written may take the place of other rows.
    replaces: bool,
}

impl Head {
    fn of(tokens: &[Token<'_>]) -> Self {
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(word));
        let kind = |at: usize| tokens.get(at).map(|token| token.kind);
        let past_parentheses = |mut at: usize| {
            let mut depth = 0_usize;
            while let Some(kind) = kind(at) {
                match kind {
                    Kind::Open => depth += 1,
                    Kind::Close => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        };
        let mut head = Self::default();
        let mut at = 0;
        if is(at, "explain") {
            at += if is(1, "query") && is(2, "plan") { 3 } else { 1 };
        }
        head.parts_at = at;
        if is(at, "with") {
            head.has_with = true;
            at += if is(at + 1, "recursive") { 2 } else { 1 };
            head.parts_at = at;
            loop {
                head.own.extend(tokens.get(at).and_then(Token::name).map(String::from));
                at += 1;
                if kind(at) == Some(Kind::Open) {
                    at = past_parentheses(at);
                }
                while ["as", "not", "materialized"].iter().any(|word| is(at, word)) {
                    at += 1;
                }
                if kind(at) != Some(Kind::Open) {
                    return head;
                }
                at = past_parentheses(at);
                if kind(at) != Some(Kind::Comma) {
                    break;
                }
                at += 1;
            }
        }
        head.verb = at;
        head.is_known = true;
        let past_or = |at: usize| if is(at, "or") { at + 2 } else { at };
        head.replaces = is(at, "replace") || (is(at + 1, "or") && is(at + 2, "replace"));
        if is(at, "insert") || is(at, "replace") {
            let into = past_or(at + 1);
            head.target = is(into, "into").then_some(into + 1);
            head.is_known = head.target.is_some();
        } else if is(at, "update") {
            head.target = Some(past_or(at + 1));
        } else if is(at, "delete") {
            head.target = is(at + 1, "from").then_some(at + 2);
            head.is_known = head.target.is_some();
        } else {
            head.is_known = is(at, "select") || is(at, "values");
        }
        head
    }

    /// Those names that the statement sees through parts: what it names but makes no part of its own of, and what those parts read.
    fn shown(&self, named: Vec<String>, tables: &Tables) -> Result<Vec<String>, Fault> {
        let mut shown: Vec<String> = Vec::new();
        let mut left = named;
        left.retain(|name| !self.own.contains(name));
        while let Some(name) = left.pop() {
            if shown.contains(&name) {
                continue;
            }
            if self.own.contains(&name) {
                return Err(Fault::Wrong(format!(
                    "it makes a part {name} of its own, and reads a view that needs the table {name}. Name the part \
                     otherwise"
                )));
            }
            if let Some(part) = part(tables, &name) {
                left.extend(part.through.iter().cloned());
                shown.push(name);
            }
        }
        Ok(shown)
    }

    /// The parts, in front.
    fn parts(&self, tokens: &[Token<'_>], shown: &[String], tables: &Tables) -> Option<Edit> {
        let definitions: Vec<&str> = shown
            .iter()
            .rev()
            .filter_map(|name| part(tables, name).map(|part| part.definition.as_str()))
            .collect();
        let place = tokens.get(self.parts_at)?.start;
        if definitions.is_empty() {
            return None;
        }
        let definitions = definitions.join(", ");
        Some((place, if self.has_with { format!("{definitions}, ") } else { format!("with {definitions} ") }))
    }

    /// The tenant's condition, wherever rows of the table are looked for to be changed.
    fn conditions(&self, tokens: &[Token<'_>]) -> Result<Vec<Edit>, Fault> {
        let Some(target) = self.target else { return Ok(Vec::new()) };
        let depths = depths(tokens).map_err(Fault::Wrong)?;
        let here = |at: usize, word: &str| {
            depths.get(at) == Some(&0) && tokens.get(at).is_some_and(|token| token.is(word))
        };
        let end =
            (target..tokens.len()).find(|at| tokens.get(*at).is_some_and(|it| it.kind == Kind::Semicolon));
        let end = end.unwrap_or(tokens.len());
        if end + 1 < tokens.len() {
            return Err(Fault::Wrong("it is more than one statement. Run one at a time".to_owned()));
        }
        let called =
            if tokens.get(target + 1).is_some_and(|token| token.is("as")) { target + 2 } else { target };
        let Some(called) = tokens.get(called).and_then(Token::name) else { return Ok(Vec::new()) };
        let own = format!("{}.{} = {TENANT}", quoted(&called), quoted(COLUMN));
        let mut edits = Vec::new();
        if !tokens.get(self.verb).is_some_and(|verb| verb.is("insert") || verb.is("replace")) {
            let end = (target..end).find(|at| here(*at, "returning")).unwrap_or(end);
            edits.extend(conditioned(tokens, target..end, &own, here));
            return Ok(edits);
        }
        // An upsert: for each row that is there already, its columns are looked at.
        let table = tokens.get(target).and_then(Token::name).unwrap_or_default().replace('\'', "''");
        let own = format!("not {IS_FOREIGN}({}.{}, '{table}')", quoted(&called), quoted(COLUMN));
        let mut at = target;
        while at < end {
            if here(at, "do") && here(at + 1, "update") {
                let is_end =
                    |at: &usize| here(*at, "returning") || (here(*at, "on") && here(*at + 1, "conflict"));
                let last = (at..end).find(is_end).unwrap_or(end);
                edits.extend(conditioned(tokens, at..last, &own, here));
                at = last;
            } else {
                at += 1;
            }
        }
        Ok(edits)
    }
}

/// Puts the condition in front of that which is there, or at the end.
fn conditioned(
    tokens: &[Token<'_>],
    clause: std::ops::Range<usize>,
    own: &str,
    here: impl Fn(usize, &str) -> bool,
) -> Vec<Edit> {
    let Some(last) = clause.end.checked_sub(1).and_then(|at| tokens.get(at)) else { return Vec::new() };
    match clause.clone().find(|at| here(*at, "where")).and_then(|at| tokens.get(at)) {
        Some(token) => vec![(token.end(), format!(" {own} and (")), (last.end(), ")".to_owned())],
        None => vec![(last.end(), format!(" where {own}"))],
    }
}

fn part<'a>(tables: &'a Tables, name: &str) -> Option<&'a Part> {
    match tables.standing(name)? {
        Standing::Guarded { part, .. } | Standing::Shown(part) => Some(part),
        Standing::Closed(_) => None,
    }
}

fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(at, _)| *at);
    let more: usize = edits.iter().map(|(_, put)| put.len()).sum();
    let mark = Face::Tenant(0).mark();
    let mut sql = String::with_capacity(mark.len() + text.len() + more);
    sql.push_str(mark);
    let mut from = 0;
    for (at, put) in edits {
        sql.push_str(text.get(from..at).unwrap_or_default());
        sql.push_str(&put);
        from = at;
    }
    sql.push_str(text.get(from..).unwrap_or_default());
    sql
}
