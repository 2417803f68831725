//! What is wrong with a manifest, or another document that is read here, and the report of it.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::{path::Path, quote::is_invisible, tree::Place};

/// One thing that is wrong with a manifest, where it is, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1 in characters.
    pub column: usize,
    /// The way there from the top: `provides.api_routes[2].path`. Empty for the manifest as a whole.
    pub path: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// Everything that is wrong with one manifest, in the order of the file; never empty.
///
/// [`Display`](fmt::Display) writes a report for a terminal, without colours. Serialized, it is the list of
/// its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    shown: Vec<Shown>,
    /// What they are in, as a sentence ends.
    document: &'static str,
}

/// A fault with the source it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    fault: Fault,
    excerpt: Option<Excerpt>,
}

/// A part of one line of a file, and which of its characters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// Characters before the carets.
    before: usize,
    carets: usize,
}

impl Faults {
    /// The faults from first to last.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.shown.iter().map(|shown| &shown.fault)
    }

    /// How many there are: one at least.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// The report that names the file, so that a terminal or an editor can jump to each place.
    ///
    /// ```
    /// # use switchboard_manifest::Manifest;
    /// let faults = Manifest::read("id: Clips").unwrap_err();
    /// assert!(faults.report("plugins/clips/manifest.yaml").contains("--> plugins/clips/manifest.yaml:1:5, id\n"));
    /// ```
    pub fn report(&self, file: &str) -> String {
        self.written(|fault| format!("{file}:{}:{}", fault.line, fault.column))
    }

    /// For a text that was refused without a word; nothing is known to be.
    pub(crate) fn unexplained() -> Self {
        let message = "this is not a manifest".to_owned();
        let fault = Fault { line: 1, column: 1, path: String::new(), message, instead: None };
        Self { shown: vec![Shown { fault, excerpt: None }], document: "the manifest" }
    }

    fn written(&self, place: impl Fn(&Fault) -> String) -> String {
        let mut report = String::new();
        for (position, Shown { fault, excerpt }) in self.shown.iter().enumerate() {
            report.push_str(if position > 0 { "\n" } else { "" });
            report.push_str(&format!("error: {}\n", fault.message));
            let gutter = fault.line.to_string().len();
            let path = if fault.path.is_empty() { String::new() } else { format!(", {}", fault.path) };
            report.push_str(&format!("{:gutter$}--> {}{path}\n", "", place(fault)));
            if let Some(Excerpt { text, before, carets }) = excerpt {
                let marks = format!("{:before$}{:^>carets$}", "", "");
                report.push_str(&format!(
                    "{:gutter$} |\n{} | {text}\n{:gutter$} | {marks}\n",
                    "", fault.line, ""
                ));
            }
            if let Some(instead) = &fault.instead {
                report.push_str(&format!("{:gutter$} = write: {instead}\n", ""));
            }
        }
        let (count, document) = (self.shown.len(), self.document);
        let noun = if count == 1 { "fault" } else { "faults" };
        report.push_str(&format!("\n{count} {noun} in {document}\n"));
        report
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|fault| format!("line {}, column {}", fault.line, fault.column)))
    }
}

impl std::error::Error for Faults {}

impl Serialize for Faults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Faults as they are found, in any order.
#[derive(Default)]
pub(crate) struct Found(BTreeMap<Path, Vec<Finding>>);

struct Finding {
    place: Place,
    message: String,
    instead: Option<String>,
}

impl Found {
    pub(crate) fn add(
        &mut self,
        place: Place,
        path: Path,
        message: impl Into<String>,
        instead: Option<String>,
    ) {
        let finding = Finding { place, message: message.into(), instead };
        self.0.entry(path).or_default().push(finding);
    }

    /// Whether something is wrong with exactly the value at a path.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Whether something is wrong with the value at a path, with one within it or with one that holds it.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        let within = self.0.range(path..).next().is_some_and(|(at, _)| at.steps().starts_with(path.steps()));
        within || path.ancestors().any(|holder| self.has(&holder))
    }

    pub(crate) fn forget(&mut self, path: &Path) {
        self.0.remove(path);
    }

    /// The faults with the lines they stand on; `None` if there are none.
    pub(crate) fn into_faults(self, text: &str, document: &'static str) -> Option<Faults> {
        let each = |(path, findings): (Path, Vec<Finding>)| {
            let path = path.to_string();
            findings.into_iter().map(move |finding| (path.clone(), finding))
        };
        let mut findings: Vec<_> = self.0.into_iter().flat_map(each).collect();
        findings.sort_by_key(|(_, finding)| (finding.place.line, finding.place.column));
        let lines: Vec<&str> = text.lines().collect();
        let shown = |(path, Finding { place, message, instead }): (String, Finding)| {
            let place = place.within(&lines);
            let excerpt = lines.get(place.line - 1).and_then(|line| Excerpt::of(line, place));
            Shown { fault: Fault { line: place.line, column: place.column, path, message, instead }, excerpt }
        };
        (!findings.is_empty()).then(|| Faults { shown: findings.into_iter().map(shown).collect(), document })
    }
}

impl Place {
    /// The place moved inside the file: parsers point past the last line when something is missing there.
    fn within(self, lines: &[&str]) -> Self {
        let last = lines.len().max(1);
        if self.line > last {
            let column = lines.last().map_or(0, |line| line.chars().count()) + 1;
            return Self { line: last, column, end_line: last, end_column: column };
        }
        let columns = lines.get(self.line.saturating_sub(1)).map_or(0, |line| line.chars().count());
        Self { line: self.line.max(1), column: self.column.clamp(1, columns + 1), ..self }
    }
}

impl Excerpt {
    /// At most this many characters of a line are shown.
    const WIDTH: usize = 100;

    /// `None` for a line with nothing to show.
    fn of(line: &str, place: Place) -> Option<Self> {
        if line.trim().is_empty() {
            return None;
        }
        let length = line.trim_end().chars().count();
        let start = place.column - 1;
        let end = if place.end_line == place.line { place.end_column.saturating_sub(1) } else { length };
        // A long line is cut to what surrounds the place.
        let cut = if length <= Self::WIDTH { 0 } else { start.saturating_sub(Self::WIDTH / 2) };
        let text: String = line.trim_end().chars().skip(cut).take(Self::WIDTH).map(harmless).collect();
        let before = start - cut;
        let carets = end.min(cut + Self::WIDTH).saturating_sub(start).max(1);
        Some(Self { text, before, carets })
    }
}

/// One column wide, and nothing that a terminal obeys.
fn harmless(c: char) -> char {
    if c == '\t' {
        ' '
    } else if c.is_control() || is_invisible(c) {
        '\u{fffd}'
    } else {
        c
    }
}
