//! A numbered change to a room's tables, and how its files are named.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::Error;

/// A numbered change to a room's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the sequence, from 1, without gaps.
    pub number: u32,
    /// What it is called: `initial` of `001_initial.sql`.
    pub name: String,
    /// The statements that make the change.
    pub up: String,
    /// The statements that take it back, where that can be done.
    pub down: Option<String>,
    /// What makes the change on PostgreSQL, where that is said otherwise.
    pub postgres: Option<String>,
    /// What takes it back on PostgreSQL, where that is said otherwise.
    pub postgres_down: Option<String>,
}

impl Migration {
    pub(crate) fn up_on_postgres(&self) -> &str {
        self.postgres.as_deref().unwrap_or(&self.up)
    }

    pub(crate) fn down_on_postgres(&self) -> Option<&str> {
        self.postgres_down.as_deref().or(self.down.as_deref())
    }
}

/// A migration that was tried in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Whether it holds; if not, nothing of it was done.
    pub success: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// When, in RFC 3339, UTC.
    pub at: String,
}

/// Of the change alone, with the line ends of any system.
pub(crate) fn checksum(statements: &str) -> String {
    let text = statements.replace("\r\n", "\n");
    Sha256::digest(text.trim().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The migrations of a folder's files, given by name and text, in any order.
///
/// `001_initial.sql` makes the first change, `001_initial.down.sql` takes it back. Where PostgreSQL needs other words,
/// `001_initial.postgres.sql` and `001_initial.postgres.down.sql` are taken there in their place.
///
/// ```
/// # use switchboard_store::parse_migration_files;
/// let migrations = parse_migration_files([
///     ("001_initial.down.sql", "drop table clip"),
///     ("001_initial.sql", "create table clip (id integer primary key)"),
/// ])?;
/// assert_eq!((migrations.len(), migrations[0].number, migrations[0].down.is_some()), (1, 1, true));
/// # Ok::<_, switchboard_store::Error>(())
/// ```
///
/// # Errors
/// [`Error::MigrationFile`] naming the file that has no such name, has a number twice or after a gap, or takes back what no
/// other makes.
pub fn parse_migration_files<N: AsRef<str>, T: AsRef<str>>(
    files: impl IntoIterator<Item = (N, T)>,
) -> Result<Vec<Migration>, Error> {
    let mut ups: BTreeMap<u32, (String, Migration)> = BTreeMap::new();
    let mut besides = Vec::new();
    for (file, text) in files {
        let (file, text) = (file.as_ref().to_owned(), text.as_ref().to_owned());
        let Some(name) = FileName::parse(&file) else {
            let why = "has no name of a migration: call it 001_what_it_does.sql, with a number of three digits or more, \
                       and what takes it back 001_what_it_does.down.sql";
            return Err(wrong(&file, why));
        };
        if name.is_down || name.is_for_postgres {
            let (is_down, is_for_postgres) = (name.is_down, name.is_for_postgres);
            besides.push((name.number, name.name.to_owned(), is_down, is_for_postgres, file, text));
            continue;
        }
        let (number, name_of) = (name.number, name.name.to_owned());
        let migration = Migration { number, name: name_of, up: text, ..Migration::default() };
        if let Some((other, _)) = ups.get(&name.number) {
            return Err(wrong(&file, &format!("has the number of {other:?}: give it the next free one")));
        }
        ups.insert(name.number, (file, migration));
    }
    for (number, name, is_down, is_for_postgres, file, text) in besides {
        let Some((_, migration)) = ups.get_mut(&number).filter(|(_, migration)| migration.name == name)
        else {
            let does = if is_down { "takes back" } else { "says otherwise" };
            return Err(wrong(&file, &format!("{does} what no {number:03}_{name}.sql makes")));
        };
        let place = match (is_down, is_for_postgres) {
            (true, false) => &mut migration.down,
            (false, _) => &mut migration.postgres,
            (true, true) => &mut migration.postgres_down,
        };
        *place = Some(text);
    }
    for (expected, (number, (file, _))) in (1..).zip(&ups) {
        if *number != expected {
            return Err(wrong(file, &format!("comes after a gap: there is no migration {expected:03}")));
        }
    }
    Ok(ups.into_values().map(|(_, migration)| migration).collect())
}

fn wrong(file: &str, why: &str) -> Error {
    Error::MigrationFile { file: file.to_owned(), why: why.to_owned() }
}

struct FileName<'a> {
    number: u32,
    name: &'a str,
    is_down: bool,
    is_for_postgres: bool,
}

impl<'a> FileName<'a> {
    fn parse(file: &'a str) -> Option<Self> {
        let rest = file.strip_suffix(".sql")?;
        let (rest, is_down) = strip(rest, ".down");
        let (rest, is_for_postgres) = strip(rest, ".postgres");
        let (number, name) = rest.split_once('_')?;
        let is_number = number.len() >= 3 && number.bytes().all(|digit| digit.is_ascii_digit());
        let is_name = !name.is_empty()
            && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
        if !is_number || !is_name {
            return None;
        }
        Some(Self { number: number.parse().ok()?, name, is_down, is_for_postgres })
    }
}

fn strip<'a>(text: &'a str, suffix: &str) -> (&'a str, bool) {
    text.strip_suffix(suffix).map_or((text, false), |rest| (rest, true))
}

#[cfg(test)]
mod tests {
    use super::parse_migration_files;

    fn fault(files: &[&str]) -> String {
        parse_migration_files(files.iter().map(|file| (*file, ""))).unwrap_err().to_string()
    }

    #[test]
    fn files_become_a_sequence_whatever_their_order() {
        let files = ["002_tags.sql", "001_initial.postgres.sql", "001_initial.sql", "002_tags.down.sql"];
        let migrations = parse_migration_files(files.map(|file| (file, file))).unwrap();
        let seen: Vec<_> =
            migrations.iter().map(|it| (it.number, it.up.as_str(), it.down.as_deref())).collect();
        assert_eq!(seen, [(1, "001_initial.sql", None), (2, "002_tags.sql", Some("002_tags.down.sql"))]);
        assert_eq!(migrations[0].up_on_postgres(), "001_initial.postgres.sql");
        assert_eq!(migrations[1].down_on_postgres(), Some("002_tags.down.sql"));
    }

    #[test]
    fn a_file_that_does_not_fit_is_named() {
        assert!(fault(&["initial.sql"]).contains("\"initial.sql\" has no name of a migration"));
        assert!(fault(&["01_a.sql"]).contains("three digits"));
        assert!(fault(&["001_a.sql", "001_b.sql"]).contains("has the number of \"001_a.sql\""));
        assert!(fault(&["001_a.sql", "003_c.sql"]).contains("there is no migration 002"));
        assert!(fault(&["001_a.sql", "001_b.down.sql"]).contains("no 001_b.sql makes"));
        assert!(fault(&["001_a.sql", "001_b.postgres.sql"]).contains("no 001_b.sql makes"));
    }
}
