//! `switchboard plugin test`: a plugin's tests, in whatever language it is written, on a real server.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use serde_json::{Value as Json, json};
use switchboard_authoring::{Difference, Effort, Scenario, Scenarios, Source, build, is_current};

use super::{dev::put_in_place, runtime, wait_for};
use crate::{
    logging::{self, Kept},
    output::{Advise, FAILED, Output, Tone},
    rehearsal::Ground,
};

/// A file of tests, and the plugins that serve in them.
struct File {
    /// From the plugin's folder on.
    name: String,
    scenarios: Scenarios,
    ground: Ground,
}

/// What came of a test.
enum Outcome {
    Passed,
    /// What was done, and what was found.
    Failed {
        during: String,
        found: Vec<Difference>,
    },
    /// It could not be run to its end.
    Broke {
        during: String,
        error: anyhow::Error,
    },
}

/// Builds the plugin, and runs its tests.
///
/// # Errors
/// What is wrong with the source or a file of tests. That a test fails is no error.
pub(super) fn run(folder: &Path, only: Option<&str>, output: &Output) -> anyhow::Result<ExitCode> {
    let source = Source::open(folder)?;
    let scenarios = read(&folder.join("tests"))?;
    let files = laid_out(folder, &source, scenarios, output)?;
    let log = logging::keep();
    wait_for(runtime()?, all(&files, only, &log, output))
}

/// The files of tests in a folder, in the order of their names.
fn read(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Scenarios)>> {
    let is_ours = |file: &PathBuf| {
        file.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|ours| ending == *ours))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    files.sort();
    if files.is_empty() {
        return Err(anyhow!("there is no test in {}", folder.display()))
            .advise("write one, `tests/hello.yaml`: docs/testing.md says how");
    }
    files.into_iter().map(|file| Ok((file.clone(), Scenarios::read(&file)?))).collect()
}

/// Builds every plugin that takes part, each once and only when it was changed, and puts them where the servers under test look. What was
/// compiled for an earlier run is still there.
fn laid_out(
    folder: &Path,
    source: &Source,
    scenarios: Vec<(PathBuf, Scenarios)>,
    output: &Output,
) -> anyhow::Result<Vec<File>> {
    let root = source.folder().join("target").join("test");
    let mut built = BTreeSet::new();
    let mut lay = |source: &Source, plugins: &Path| -> anyhow::Result<()> {
        let id = source.manifest().id.as_str();
        let place = root.join("built").join(id);
        if built.insert(source.folder().to_owned()) && !is_current(source, &place) {
            output.note(&format!("building {id} {} …", source.manifest().version));
            build(source, &place, Effort::Quick)?;
        }
        put_in_place(&place, plugins, id)
    };
    let mut files = Vec::new();
    for (number, (file, scenarios)) in scenarios.into_iter().enumerate() {
        let ground = Ground::new(&root, number, &source.manifest().id);
        ground.clear()?;
        lay(source, &ground.plugins())?;
        let here = file.parent().unwrap_or_else(|| Path::new("."));
        for beside in &scenarios.beside {
            let neighbour = Source::open(&here.join(beside))
                .with_context(|| format!("{} names `{beside}` as a plugin beside it", file.display()))?;
            lay(&neighbour, &ground.plugins())?;
        }
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        files.push(File { name, scenarios, ground });
    }
    Ok(files)
}

async fn all(files: &[File], only: Option<&str>, log: &Kept, output: &Output) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let (mut passed, mut failed) = (0_u32, 0_u32);
    for file in files {
        let mut heading = Some(&file.name);
        let chosen = |test: &&Scenario| only.is_none_or(|only| test.name.contains(only));
        for test in file.scenarios.tests.iter().filter(chosen) {
            let begun = Instant::now();
            let outcome = one(file, test).await?;
            let logged = log.take();
            let report = Report {
                file: &file.name,
                test: &test.name,
                outcome: &outcome,
                took: begun.elapsed(),
                logged: &logged,
            };
            let heading = heading.take().map(|name| format!("{name}\n")).unwrap_or_default();
            output.line(&report.as_json(), || format!("{heading}{}", report.as_text(output)));
            match outcome {
                Outcome::Passed => passed += 1,
                _ => failed += 1,
            }
        }
    }
    if passed + failed == 0 {
        let only = only.unwrap_or_default();
        return Err(anyhow!("no test has `{only}` in its name")).advise("leave --only away to run them all");
    }
    let seconds = begun.elapsed().as_secs_f64();
    output.line(&json!({ "passed": passed, "failed": failed }), || {
        let failures = match failed {
            0 => String::new(),
            _ => {
                format!(", {}   (- expected, + found)", output.paint(Tone::Bad, &format!("{failed} failed")))
            }
        };
        format!("\n{passed} passed{failures} in {seconds:.1} s")
    });
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Runs a test on a server of its own, up to the first step of which something else came than was expected.
async fn one(file: &File, test: &Scenario) -> anyhow::Result<Outcome> {
    // Without its plugins there is nothing to test, now or later.
    let mut rehearsal = file.ground.begin(&file.scenarios).await?;
    let mut outcome = Outcome::Passed;
    for (number, step) in test.steps.iter().enumerate() {
        let during = || format!("step {}, {step}", number + 1);
        outcome = match rehearsal.step(step).await {
            Ok(found) if found.is_empty() => continue,
            Ok(found) => Outcome::Failed { during: during(), found },
            Err(error) => Outcome::Broke { during: during(), error },
        };
        break;
    }
    if let (Outcome::Passed, Some(left)) = (&outcome, rehearsal.left_undone()) {
        let found = vec![Difference::new("left undone", "nothing", left)];
        outcome = Outcome::Failed { during: "at its end".to_owned(), found };
    }
    rehearsal.end().await;
    Ok(outcome)
}

/// What is told of a test.
struct Report<'a> {
    file: &'a str,
    test: &'a str,
    outcome: &'a Outcome,
    took: Duration,
    logged: &'a str,
}

impl Report<'_> {
    fn as_json(&self) -> Json {
        let (during, differences, error) = match self.outcome {
            Outcome::Passed => (None, Vec::new(), None),
            Outcome::Failed { during, found } => (Some(during), found.iter().collect(), None),
            Outcome::Broke { during, error } => (Some(during), Vec::new(), Some(format!("{error:#}"))),
        };
        let told =
            |it: &&Difference| json!({ "place": it.place, "expected": it.expected, "found": it.found });
        json!({
            "file": self.file,
            "test": self.test,
            "passed": matches!(self.outcome, Outcome::Passed),
            "during": during,
            "differences": differences.iter().map(told).collect::<Vec<_>>(),
            "error": error,
            "log": self.logged.lines().collect::<Vec<_>>(),
        })
    }

    fn as_text(&self, output: &Output) -> String {
        let took = output.paint(Tone::Muted, &format!("{} ms", self.took.as_millis()));
        let name = self.test;
        let mut lines = match self.outcome {
            Outcome::Passed => return format!("  {} {name} {took}", output.paint(Tone::Good, "✓")),
            Outcome::Failed { during, .. } | Outcome::Broke { during, .. } => {
                vec![format!("  {} {name} {took}", output.paint(Tone::Bad, "✗")), format!("      {during}")]
            }
        };
        match self.outcome {
            Outcome::Passed => {}
            Outcome::Failed { found, .. } => {
                lines.extend(found.iter().flat_map(|Difference { place, expected, found }| {
                    [
                        format!("        {place}"),
                        format!("          - {}", output.paint(Tone::Good, expected)),
                        format!("          + {}", output.paint(Tone::Bad, found)),
                    ]
                }))
            }
            Outcome::Broke { error, .. } => lines.push(format!("        {error:#}")),
        }
        if !self.logged.is_empty() {
            lines.push("      what was logged:".to_owned());
            lines.extend(self.logged.lines().map(|line| format!("        {}", line.trim())));
        }
        lines.join("\n")
    }
}
