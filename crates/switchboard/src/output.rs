//! What is printed: text for people, or JSON for programs.

use std::io::{IsTerminal, Write};

use serde_json::{Value as Json, json};

/// The exit code when something failed.
pub(crate) const FAILED: u8 = 1;
/// The exit code when something was checked and found wanting.
pub(crate) const FOUND_WANTING: u8 = 3;

/// Where results go: standard output, as text or as JSON. What happens on the way goes to standard error.
pub(crate) struct Output {
    json: bool,
    colour: bool,
}

/// How a word is coloured, where the terminal has colours.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
    Muted,
    Strong,
}

/// What to do about an error: `try:` when it is printed.
#[derive(Debug, Clone)]
pub(crate) struct Advice(String);

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says with an error what to do about it.
pub(crate) trait Advise<T> {
    /// The same result; an error has the advice with it.
    fn advise(self, advice: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Advise<T> for Result<T, E> {
    fn advise(self, advice: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| error.into().context(Advice(advice.into())))
    }
}

/// An error taken apart: what failed, why, and what to do.
struct Told {
    what: String,
    because: Vec<String>,
    advice: Option<String>,
}

impl Told {
    fn of(error: &anyhow::Error) -> Self {
        let advice = error.downcast_ref::<Advice>().map(|advice| advice.0.clone());
        let mut sentences: Vec<String> = Vec::new();
        for sentence in error.chain().map(ToString::to_string) {
            // Many errors repeat their cause in their own sentence.
            let is_said = sentences.iter().any(|earlier| earlier.contains(&sentence));
            if !is_said && Some(&sentence) != advice.as_ref() {
                sentences.push(sentence);
            }
        }
        let mut sentences = sentences.into_iter();
        let what = sentences.next().unwrap_or_else(|| "it failed, and nothing says why".to_owned());
        Self { what, because: sentences.collect(), advice }
    }

    fn as_json(&self) -> Json {
        json!({ "error": self.what, "because": self.because, "try": self.advice })
    }

    fn as_text(&self, output: &Output) -> String {
        let mut lines = vec![format!("{} {}", output.paint_error("error:"), self.what)];
        lines.extend(self.because.iter().map(|cause| format!("  because: {cause}")));
        lines.extend(self.advice.iter().map(|advice| format!("  try: {advice}")));
        lines.join("\n")
    }
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let colour = !json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: as JSON, or as the text that is made of it.
    pub(crate) fn result(&self, value: &Json, text: impl FnOnce() -> String) {
        let printed = if self.json { format!("{value:#}") } else { text() };
        // A reader that went away, such as `head`, is no failure.
        let _ = writeln!(std::io::stdout(), "{}", printed.trim_end());
    }

    /// Prints a result that others may follow, as serving does: JSON on one line, or the text that is made of it.
    pub(crate) fn line(&self, value: &Json, text: impl FnOnce() -> String) {
        let printed = if self.json { value.to_string() } else { text() };
        let _ = writeln!(std::io::stdout(), "{}", printed.trim_end());
    }

    /// Says something on the way to a result, to people alone.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Prints what failed, why, and what to do.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let told = Told::of(error);
        let printed = if self.json { format!("{:#}", told.as_json()) } else { told.as_text(self) };
        let _ = writeln!(std::io::stderr(), "{printed}");
    }

    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour { painted(tone, text) } else { text.to_owned() }
    }

    /// For standard error, which may be a terminal when standard output is none.
    fn paint_error(&self, text: &str) -> String {
        let colour = !self.json && std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if colour { painted(Tone::Bad, text) } else { text.to_owned() }
    }

    /// Rows under their headings, each column as wide as it must be; the last may run on.
    pub(crate) fn table(&self, headings: &[&str], rows: &[Vec<String>]) -> String {
        let widths: Vec<usize> = headings
            .iter()
            .enumerate()
            .map(|(column, heading)| {
                let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                cells.chain([heading.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded = cells.zip(&widths).map(|(cell, width)| {
                let gap = width.saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(gap))
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let heading = self.paint(Tone::Muted, &line(&mut headings.iter().copied()));
        let rows = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
        [heading].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }

    /// A bar for work of so many units; hidden where nobody looks.
    pub(crate) fn progress(&self, length: u64, bytes: bool) -> indicatif::ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let template = if bytes {
            "{msg:20} {bar:24} {bytes}/{total_bytes} {eta}"
        } else {
            "{msg:20} {bar:24} {pos}/{len}"
        };
        let bar = indicatif::ProgressBar::new(length);
        if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar
    }
}

fn painted(tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Warning => "33",
        Tone::Bad => "31;1",
        Tone::Muted => "2",
        Tone::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::{Advise, Output, Told};

    #[test]
    fn an_error_says_what_failed_and_why_and_what_to_do() {
        let cause: Result<(), _> = Err(anyhow::anyhow!("Address already in use"));
        let error = cause.context("127.0.0.1:1 cannot be listened on").advise("choose another").unwrap_err();
        let text = Told::of(&error).as_text(&Output { json: false, colour: false });
        let expected = "error: 127.0.0.1:1 cannot be listened on\n  because: Address already in use\n  try: choose another";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_table_lines_its_columns_up() {
        let output = Output { json: false, colour: false };
        let rows =
            vec![vec!["clips".into(), "loaded".into()], vec!["highlight_detector".into(), "failed".into()]];
        let table = output.table(&["ID", "STATE"], &rows);
        assert_eq!(
            table,
            "ID                  STATE\nclips               loaded\nhighlight_detector  failed"
        );
    }
}
