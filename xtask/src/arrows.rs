//! Which crate may know which: the table in `ARCHITECTURE.md` against what Cargo builds.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::path::Path;

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

/// The heading above the table.
const HEADING: &str = "## Arrows";

/// The right side of a crate that may know all others: the one that puts them together.
const EVERYTHING: &str = "everything it composes";

/// What each crate of the workspace knows, by the name of its folder: `kernel -> api, manifest, store, sql`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrows {
    known: BTreeMap<String, BTreeSet<String>>,
    composers: BTreeSet<String>,
}

/// Why the table in `ARCHITECTURE.md` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableFault {
    /// The page has no section of arrows.
    NoHeading,
    /// The section has no fenced block, or one that never ends.
    NoBlock,
    /// A line of the block is not of the form `crate -> other, another`.
    Line {
        /// The line as it stands.
        line: String,
    },
    /// Two lines speak of the same crate.
    Twice {
        /// The crate.
        name: String,
    },
}

impl fmt::Display for TableFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeading => write!(
                out,
                "ARCHITECTURE.md has no heading `{HEADING}`; add it, and below it a fenced block with a line for \
                 each crate, such as `kernel -> api, manifest, store, sql`"
            ),
            Self::NoBlock => write!(
                out,
                "below `{HEADING}` ARCHITECTURE.md has no fenced block; open one with ``` and write a line for each \
                 crate, such as `kernel -> api, manifest, store, sql`"
            ),
            Self::Line { line } => write!(
                out,
                "the line `{line}` below `{HEADING}` in ARCHITECTURE.md is no arrow; write `crate -> other, another`, \
                 or `crate ->` for one that knows no other"
            ),
            Self::Twice { name } => {
                write!(out, "ARCHITECTURE.md has two lines for `{name}` below `{HEADING}`; make them one")
            }
        }
    }
}

impl Error for TableFault {}

impl Arrows {
    /// The table that a page promises, read from the fenced block after its heading `## Arrows`.
    ///
    /// # Errors
    /// When the page has no such table, or a line of it cannot be read.
    ///
    /// # Example
    /// ```
    /// let page = "# A house\n\n## Arrows\n\n```\nsql ->\nstore -> sql\n```\n";
    /// let table = xtask::Arrows::parse(page).unwrap();
    /// assert!(table.allows("store", "sql"));
    /// assert!(!table.allows("sql", "store"));
    /// ```
    pub fn parse(page: &str) -> Result<Self, TableFault> {
        let mut lines = page.lines().skip_while(|line| line.trim_end() != HEADING);
        lines.next().ok_or(TableFault::NoHeading)?;
        let mut section = lines.take_while(|line| !line.starts_with("## "));
        section.find(|line| line.starts_with("```")).ok_or(TableFault::NoBlock)?;

        let mut arrows = Self::default();
        for line in section {
            if line.starts_with("```") {
                return Ok(arrows);
            }
            if !line.trim().is_empty() {
                arrows.read_line(line)?;
            }
        }
        Err(TableFault::NoBlock)
    }

    fn read_line(&mut self, line: &str) -> Result<(), TableFault> {
        let not_an_arrow = || TableFault::Line { line: line.to_owned() };
        let (name, known) = line.split_once("->").ok_or_else(not_an_arrow)?;
        let (name, known) = (name.trim(), known.trim());
        if !is_a_name(name) {
            return Err(not_an_arrow());
        }
        if self.lists(name) {
            return Err(TableFault::Twice { name: name.to_owned() });
        }
        if known == EVERYTHING {
            self.composers.insert(name.to_owned());
            return Ok(());
        }
        let known: BTreeSet<String> =
            known.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if !known.iter().all(|word| is_a_name(word)) {
            return Err(not_an_arrow());
        }
        self.known.insert(name.to_owned(), known);
        Ok(())
    }

    /// Adds one crate and what it knows.
    #[must_use]
    pub fn with(mut self, name: &str, known: &[&str]) -> Self {
        self.known.insert(name.to_owned(), known.iter().map(|word| (*word).to_owned()).collect());
        self
    }

    /// Whether the crate has a line.
    #[must_use]
    pub fn lists(&self, name: &str) -> bool {
        self.known.contains_key(name) || self.composers.contains(name)
    }

    /// Whether `name` may know `other`.
    #[must_use]
    pub fn allows(&self, name: &str, other: &str) -> bool {
        self.composers.contains(name) || self.known.get(name).is_some_and(|known| known.contains(other))
    }
}

fn is_a_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
}

/// The arrows that Cargo builds: dependencies between members of the workspace, those of tests excepted.
///
/// # Errors
/// When `cargo metadata` fails.
pub fn workspace_arrows(root: &Path) -> Result<Arrows, cargo_metadata::Error> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .exec()?;
    // The crate of the rules is no part of what they rule.
    let packages =
        || metadata.packages.iter().filter(|package| package.name.as_str() != env!("CARGO_PKG_NAME"));
    let members: BTreeSet<&str> = packages().map(|package| package.name.as_str()).collect();
    let mut arrows = Arrows::default();
    for package in packages() {
        let known = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| members.contains(name))
            .map(|name| short(name).to_owned())
            .collect();
        arrows.known.insert(short(&package.name).to_owned(), known);
    }
    Ok(arrows)
}

/// A crate as the table calls it.
fn short(package: &str) -> &str {
    package.strip_prefix("switchboard-").unwrap_or(package)
}

/// What differs between the table and what is built, one sentence for each arrow.
#[must_use]
pub fn broken_arrows(table: &Arrows, built: &Arrows) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, known) in &built.known {
        if !table.lists(name) {
            faults.push(format!(
                "crate `{name}` is missing from the table; add the line `{}`",
                line_of(name, known)
            ));
            continue;
        }
        for other in known.iter().filter(|other| !table.allows(name, other)) {
            faults.push(format!(
                "extra arrow `{name} -> {other}`: Cargo builds it and the table does not have it; if `{name}` should \
                 not know `{other}`, remove the dependency, else argue for the arrow in ARCHITECTURE.md"
            ));
        }
    }
    for (name, known) in &table.known {
        let Some(really) = built.known.get(name) else {
            faults.push(format!("the table has a line for `{name}`, and the workspace has no such crate"));
            continue;
        };
        for other in known.difference(really) {
            faults.push(format!(
                "missing arrow `{name} -> {other}`: the table has it and Cargo does not build it; take it out of \
                 ARCHITECTURE.md"
            ));
        }
    }
    for name in table.composers.iter().filter(|name| !built.known.contains_key(*name)) {
        faults.push(format!("the table has a line for `{name}`, and the workspace has no such crate"));
    }
    faults
}

fn line_of(name: &str, known: &BTreeSet<String>) -> String {
    let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    format!("{name} -> {known}").trim_end().to_owned()
}
