//! What a statement's text says, as far as it must be known before PostgreSQL reads it.
//!
//! The database itself keeps a room's role in its room, a guest's from the host's tables, and a tenant from others' rows. What
//! it lets everybody do all the same is refused here, by name: statements that are no reading or writing of rows (`set`,
//! `do`, `copy`, …) by their first word, and functions that change settings, wait, take locks, read files or run text as SQL
//! by their names, wherever in the text they stand. Statements go to PostgreSQL one at a time by the extended protocol, which
//! takes no second one behind a semicolon, so that the first word is the word of all that is run.

/// What begins a statement.
pub(crate) fn first_word(sql: &str) -> String {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == '\u{feff}');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = rest.get(comment_length(rest)..).unwrap_or_default();
        } else {
            break;
        }
    }
    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>().to_ascii_lowercase()
}

/// Whether it may change something. One that only seems to is run as if it did.
pub(crate) fn may_write(sql: &str) -> bool {
    let words = ["insert", "update", "delete", "merge", "truncate", "nextval", "setval", "into"];
    let first = first_word(sql);
    !matches!(first.as_str(), "select" | "with" | "values" | "table" | "show")
        || all_words(sql).any(|word| words.contains(&word.as_str()))
}

/// Whether it changes what tables there are.
pub(crate) fn defines(sql: &str) -> bool {
    matches!(first_word(sql).as_str(), "create" | "alter" | "drop")
}

/// Why a guest may not say this.
pub(crate) fn refused_to_guest(sql: &str) -> Option<String> {
    let first = first_word(sql);
    match first.as_str() {
        "select" | "insert" | "update" | "delete" | "with" | "values" => refused_by_name(sql),
        "" => None,
        "create" | "alter" | "drop" | "truncate" | "comment" | "grant" | "revoke" | "reindex" => {
            Some("a statement changes tables' definitions, which only a migration may".to_owned())
        }
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "prepare" => {
            Some("a statement controls transactions by itself; use begin and commit".to_owned())
        }
        _ => Some(format!("a statement begins with {first}, which is the host's to use")),
    }
}

/// Why a migration may not say this.
pub(crate) fn refused_to_migration(sql: &str) -> Option<String> {
    let words: Vec<String> = all_words(&without_comments(sql)).take(4).collect();
    let mut words =
        words.iter().map(String::as_str).filter(|word| !matches!(*word, "unique" | "or" | "replace"));
    let first = words.next().unwrap_or_default();
    let kinds = ["table", "index", "view", "sequence"];
    match first {
        "" => None,
        "select" | "insert" | "update" | "delete" | "with" | "values" | "comment" => refused_by_name(sql),
        "create" | "alter" | "drop" => match words.next() {
            Some(kind) if kinds.contains(&kind) => refused_by_name(sql),
            kind => Some(format!(
                "a migration says {first} {}; it may {first} tables, indexes, views and sequences",
                kind.unwrap_or_default()
            )),
        },
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "prepare" => {
            Some("a migration controls transactions by itself; each migration is one already".to_owned())
        }
        _ => Some(format!("a migration begins a statement with {first}, which is the host's to use")),
    }
}

/// Names are looked for in all of the text, whatever they stand for there: a name that is hidden from us, and not from
/// PostgreSQL, cannot be.
fn refused_by_name(sql: &str) -> Option<String> {
    if sql.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"u&\"")) {
        return Some("a statement spells a name by the numbers of its letters".to_owned());
    }
    let mut before = String::new();
    for word in all_words(sql) {
        if is_refused_name(&word) {
            return Some(format!(
                "a statement names {word}, which is PostgreSQL's own to use. If it is part of a text, give that as a parameter"
            ));
        }
        if before == "into" && matches!(word.as_str(), "temp" | "temporary" | "unlogged" | "table") {
            return Some("a statement makes a table, which only a migration may".to_owned());
        }
        before = word;
    }
    None
}

fn is_refused_name(word: &str) -> bool {
    let allowed = ["pg_catalog", "pg_typeof"];
    let whole = [
        "set_config",
        "information_schema",
        "ts_stat",
        "ts_rewrite",
        "query_to_xml",
        "query_to_xmlschema",
        "query_to_xml_and_xmlschema",
        "cursor_to_xml",
        "cursor_to_xmlschema",
        "current_query",
        "inet_server_addr",
        "has_table_privilege",
    ];
    let beginnings = [
        "pg_",
        "lo_",
        "dblink",
        "table_to_xml",
        "schema_to_xml",
        "database_to_xml",
        "loread",
        "lowrite",
        "txid_",
        "_switchboard",
    ];
    (whole.contains(&word) || beginnings.iter().any(|beginning| word.starts_with(beginning)))
        && !allowed.contains(&word)
}

/// Every word of the text, in small letters, in quotation marks or not, in comments or not.
fn all_words(sql: &str) -> impl Iterator<Item = String> {
    sql.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
}

/// The statements of a script, each without the semicolon that ends it.
pub(crate) fn pieces(script: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(rest) = script.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(';') {
            pieces.push(script.get(from..at).unwrap_or_default());
            from = at + 1;
            at += 1;
        } else {
            at += step(rest);
        }
    }
    pieces.push(script.get(from..).unwrap_or_default());
    pieces.retain(|piece| !without_comments(piece).trim().is_empty());
    pieces
}

fn without_comments(sql: &str) -> String {
    let mut kept = String::with_capacity(sql.len());
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let length = step(rest);
        if rest.starts_with("--") || rest.starts_with("/*") {
            kept.push(' ');
        } else {
            kept.push_str(rest.get(..length).unwrap_or_default());
        }
        at += length;
    }
    kept
}

/// How long what begins the text is: a comment, a text or name in quotation marks, or one character.
fn step(rest: &str) -> usize {
    if rest.starts_with("--") {
        return rest.find('\n').map_or(rest.len(), |end| end + 1);
    }
    if rest.starts_with("/*") {
        return comment_length(rest);
    }
    for quote in ['\'', '"'] {
        if let Some(text) = rest.strip_prefix(quote) {
            return text.find(quote).map_or(rest.len(), |end| end + 2);
        }
    }
    // `$$` or `$tag$`, but no parameter.
    if let Some((tag, _)) = rest.strip_prefix('$').and_then(|after| after.split_once('$'))
        && !tag.starts_with(|c: char| c.is_ascii_digit())
        && tag.chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        let mark = tag.len() + 2;
        let close = format!("${tag}$");
        let body = rest.get(mark..).unwrap_or_default();
        return body.find(&close).map_or(rest.len(), |end| mark + end + close.len());
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

/// How long the comment is that begins the text; one may hold others.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{first_word, may_write, pieces, refused_to_guest, refused_to_migration};

    #[test]
    fn the_first_word_is_found_behind_comments_and_parentheses() {
        for (sql, word) in [
            ("select 1", "select"),
            (" -- set x\n (( SELECT 1))", "select"),
            ("/* a /* b */ select */ set role x", "set"),
            ("", ""),
            ("/* never ends", ""),
        ] {
            assert_eq!(first_word(sql), word, "{sql}");
        }
    }

    #[test]
    fn a_script_falls_into_its_statements() {
        let script = "create table a (x text default ';'); -- not; here\n/* nor; */ insert into a values ($$;$$), ($t$;$$;$t$);;";
        let all = pieces(script);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(first_word(all[1]), "insert");
    }

    #[test]
    fn what_is_no_reading_or_writing_of_rows_is_refused() {
        for sql in [
            "set role x",
            "reset role",
            "do $$ $$",
            "copy clip to stdout",
            "listen x",
            "explain select 1",
            "table clip",
        ] {
            assert!(refused_to_guest(sql).is_some(), "{sql}");
        }
        for sql in [
            "select set_config('a', 'b', true)",
            "select \"SET_CONFIG\"('a', 'b', true)",
            "select U&\"\\0073et_config\"('a', 'b', true)",
        ] {
            assert!(refused_to_guest(sql).is_some(), "{sql}");
        }
        for sql in [
            "create function f() returns int language sql as 'select 1'",
            "do $$ $$",
            "create temp table t ()",
            "grant all on t to x",
        ] {
            assert!(refused_to_migration(sql).is_some(), "{sql}");
        }
        for sql in [
            "create unique index i on t (x)",
            "create or replace view v as select 1",
            "-- first\ncreate table t (x text)",
        ] {
            assert_eq!(refused_to_migration(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_writes_is_told_from_what_reads() {
        assert!(!may_write("select title from clip where id = $1"));
        assert!(may_write("with x as (delete from clip returning *) select * from x"));
        assert!(may_write("insert into clip values (1) returning id"));
    }
}
