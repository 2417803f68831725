//! The page of figures.

use std::{fmt, time::Duration};

use crate::{detect::Detection, load::Outcome};

/// All that was measured.
pub(crate) struct Report {
    pub(crate) names: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
    pub(crate) starts: Starts,
    pub(crate) idle: Vec<u64>,
    pub(crate) loaded: Vec<u64>,
    pub(crate) detection: Option<Detection>,
    pub(crate) connections: usize,
    pub(crate) rounds: usize,
}

/// How long starts took, in order.
#[derive(Default)]
pub(crate) struct Starts {
    /// In an empty folder.
    pub(crate) first: Vec<Duration>,
    /// Where there was data.
    pub(crate) again: Vec<Duration>,
}

/// One kind of request, to each server.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) spreads: Vec<Spread>,
}

/// The rounds of one kind of request to one server.
pub(crate) struct Spread {
    rate: f64,
    half: Duration,
    slowest: Duration,
}

impl Spread {
    /// The round in the middle, by requests per second.
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
        sorted.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        match sorted.get(sorted.len() / 2) {
            Some(middle) => {
                Self { rate: middle.rate, half: middle.within(0.5), slowest: middle.within(0.99) }
            }
            None => Self { rate: f64::NAN, half: Duration::ZERO, slowest: Duration::ZERO },
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connections, rounds) = (self.connections, self.rounds);
        writeln!(
            f,
            "Requests per second, median of {rounds} rounds, {connections} connections; in brackets the time"
        )?;
        writeln!(f, "within which half and 99 of 100 were answered, in milliseconds.\n")?;
        writeln!(f, "| request | {} | to bare | to bare, batching |", self.names.join(" | "))?;
        writeln!(f, "|---|{}", "---:|".repeat(self.names.len() + 2))?;
        for row in &self.rows {
            write!(f, "| `{}` |", row.name)?;
            for spread in &row.spreads {
                let (half, slowest) = (spread.half.as_secs_f64() * 1e3, spread.slowest.as_secs_f64() * 1e3);
                write!(f, " {:.0} ({half:.2}, {slowest:.2}) |", spread.rate)?;
            }
            let ours = row.spreads.first().map_or(f64::NAN, |spread| spread.rate);
            for rival in row.spreads.iter().skip(1) {
                write!(f, " **{:.2}** |", ours / rival.rate)?;
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        writeln!(f, "| | measured | bound |\n|---|---:|---:|")?;
        for (what, times) in [("a start", &self.starts.again), ("the first start", &self.starts.first)] {
            let milliseconds =
                |time: Option<&Duration>| time.copied().unwrap_or_default().as_secs_f64() * 1e3;
            let (middle, slowest) = (milliseconds(times.get(times.len() / 2)), milliseconds(times.last()));
            let count = times.len();
            writeln!(
                f,
                "| {what} with all plugins, until ready: median (slowest) of {count} | {middle:.0} ms ({slowest:.0} ms) | 150 ms |"
            )?;
        }
        let mib = |kib: Option<&u64>| kib.copied().unwrap_or_default() as f64 / 1024.0;
        writeln!(f, "| resident memory, idle | {:.1} MiB | 60 MB |", mib(self.idle.first()))?;
        writeln!(f, "| resident memory, after the load | {:.1} MiB | |", mib(self.loaded.first()))?;
        writeln!(
            f,
            "| the bare server, idle / after the load | {:.1} / {:.1} MiB | |",
            mib(self.idle.get(1)),
            mib(self.loaded.get(1))
        )?;
        if let Some(detection) = &self.detection {
            let times = detection.sound_seconds / detection.took_seconds;
            let memory = detection.most_memory_kib as f64 / 1024.0;
            let minutes = detection.sound_seconds / 60.0;
            writeln!(f, "| detection, {minutes:.0} minutes of AAC: times real time | {times:.0} | 60 |")?;
            writeln!(f, "| its most memory | {memory:.1} MiB | 100 MB |")?;
        }
        Ok(())
    }
}
