//! What plugins measure, a plugin at a time: bounded, and kept while the server runs, whichever version of a plugin serves.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use switchboard_api::capability::Reading;
use switchboard_manifest::PluginId;

use crate::kernel::Kernel;

/// The upper bounds of the buckets of what plugins measure; a last one takes the rest.
pub const STEPS: [f64; 13] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0];

/// A plugin has no more series.
const MOST_SERIES: usize = 200;

/// A metric has no more labels.
const MOST_LABELS: usize = 4;

/// A name, and what a label says, has no more characters.
const LONGEST: usize = 64;

/// What the exposition puts behind a name, or says of every series itself.
const TAKEN_ENDINGS: [&str; 4] = ["_total", "_bucket", "_sum", "_count"];
const TAKEN_LABELS: [&str; 3] = ["plugin", "le", "quantile"];

/// What every plugin measures.
#[derive(Default)]
pub(crate) struct AllMetrics(RwLock<HashMap<PluginId, Arc<Mutex<PluginMetrics>>>>);

/// What one plugin measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginMetrics {
    /// The series that it has.
    pub series: BTreeMap<Series, Measured>,
    /// How many readings were left out: they broke a rule, or there was no room for one more series.
    pub left_out: u64,
}

/// One series of a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// What is measured: `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The metric's name.
    pub name: Box<str>,
    /// What tells it apart from other series of the metric, in the order of names.
    pub labels: Vec<(Box<str>, Box<str>)>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// How many there were.
    Counter(u64),
    /// What it was last.
    Gauge(f64),
    /// How the values are spread.
    Histogram {
        /// How many values there were.
        count: u64,
        /// What they come to together.
        sum: f64,
        /// How many were at most each of [`STEPS`].
        buckets: [u64; STEPS.len()],
    },
}

impl Series {
    fn of(name: &str, labels: &[(&str, &str)], reading: Reading) -> Result<Self, String> {
        let kind = match reading {
            Reading::More(_) => "counter",
            Reading::Now(_) => "gauge",
            Reading::Value(_) => "histogram",
        };
        if !is_name(name) || TAKEN_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            return Err(format!(
                "a metric's name is 1 to {LONGEST} of `a-z`, `0-9` and `_`, a letter first, and ends in none of `{}`",
                TAKEN_ENDINGS.join("`, `")
            ));
        }
        let mut labels: Vec<(Box<str>, Box<str>)> =
            labels.iter().map(|(name, says)| ((*name).into(), (*says).into())).collect();
        labels.sort();
        let is_label = |(name, says): &(Box<str>, Box<str>)| {
            is_name(name) && !TAKEN_LABELS.contains(&&**name) && says.chars().count() <= LONGEST
        };
        let is_twice = labels.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
        if labels.len() > MOST_LABELS || is_twice || !labels.iter().all(is_label) {
            return Err(format!(
                "a metric has {MOST_LABELS} labels at most, each once; a label's name is like a metric's and none of `{}`, and it says \
                 {LONGEST} characters at most",
                TAKEN_LABELS.join("`, `")
            ));
        }
        Ok(Self { kind, name: name.into(), labels })
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Measured {
    fn nothing(reading: Reading) -> Self {
        match reading {
            Reading::More(_) => Self::Counter(0),
            Reading::Now(_) => Self::Gauge(0.0),
            Reading::Value(_) => Self::Histogram { count: 0, sum: 0.0, buckets: Default::default() },
        }
    }

    fn take(&mut self, reading: Reading) {
        match (self, reading) {
            (Self::Counter(all), Reading::More(more)) => *all = all.saturating_add(more),
            (Self::Gauge(last), Reading::Now(now)) => *last = now,
            (Self::Histogram { count, sum, buckets }, Reading::Value(value)) => {
                *count += 1;
                *sum += value;
                for (bucket, step) in buckets.iter_mut().zip(STEPS) {
                    *bucket += u64::from(value <= step);
                }
            }
            // A series is of one kind: that is a part of what it is known by.
            _ => {}
        }
    }
}

impl PluginMetrics {
    /// Notes a reading.
    ///
    /// # Errors
    /// Why it was left out.
    fn note(&mut self, name: &str, labels: &[(&str, &str)], reading: Reading) -> Result<(), String> {
        if let Reading::Now(value) | Reading::Value(value) = reading
            && !value.is_finite()
        {
            return Err(format!("{value} is no number that can be measured"));
        }
        let series = Series::of(name, labels, reading)?;
        let room = self.series.len() < MOST_SERIES;
        match self.series.entry(series) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut().take(reading),
            std::collections::btree_map::Entry::Vacant(new) if room => {
                new.insert(Measured::nothing(reading)).take(reading);
            }
            std::collections::btree_map::Entry::Vacant(_) => {
                return Err(format!(
                    "it has {MOST_SERIES} series, the most a plugin may: labels say what is of few kinds"
                ));
            }
        }
        Ok(())
    }
}

impl AllMetrics {
    /// Notes a reading; says why, when it is the first of the plugin's that is left out.
    fn note(
        &self,
        plugin: &PluginId,
        name: &str,
        labels: &[(&str, &str)],
        reading: Reading,
    ) -> Option<String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned();
        let metrics = known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(plugin.clone()).or_default())
        });
        let mut metrics = metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let why = metrics.note(name, labels, reading).err()?;
        metrics.left_out += 1;
        (metrics.left_out == 1).then_some(why)
    }

    fn read(&self, plugin: &str) -> PluginMetrics {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned();
        known.map(|known| known.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }
}

impl Kernel {
    /// Notes what a plugin has measured. Gives a sentence for the log when it is the first reading of the plugin's that is left out.
    pub fn note_metric(
        &self,
        plugin: &PluginId,
        name: &str,
        labels: &[(&str, &str)],
        reading: Reading,
    ) -> Option<String> {
        let why = self.watch.metrics.note(plugin, name, labels, reading)?;
        Some(format!(
            "the metric `{}` is left out, and what breaks a rule from here on is counted and not said again: {why}",
            name.escape_debug()
        ))
    }

    /// What a plugin has measured since the server started.
    pub fn plugin_metrics(&self, plugin: &str) -> PluginMetrics {
        self.watch.metrics.read(plugin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Labels<'a> = &'a [(&'a str, &'a str)];

    fn noted(all: &AllMetrics, name: &str, labels: Labels<'_>, reading: Reading) -> Option<String> {
        all.note(&"clips".parse().unwrap(), name, labels, reading)
    }

    #[test]
    fn readings_add_up_by_what_they_are_of() {
        let all = AllMetrics::default();
        for (colour, more) in [("red", 2), ("blue", 1), ("red", 3)] {
            assert_eq!(noted(&all, "seen", &[("size", "s"), ("colour", colour)], Reading::More(more)), None);
        }
        for now in [7.0, -2.5] {
            assert_eq!(noted(&all, "seen", &[], Reading::Now(now)), None);
        }
        for value in [0.05, 3.0, 5000.0] {
            assert_eq!(noted(&all, "seen", &[], Reading::Value(value)), None);
        }
        let read = all.read("clips");
        let told: Vec<String> = read
            .series
            .iter()
            .map(|(series, measured)| {
                let labels: Vec<_> =
                    series.labels.iter().map(|(name, says)| format!("{name}={says}")).collect();
                format!("{} {} {measured:?}", series.kind, labels.join(","))
            })
            .collect();
        assert_eq!(
            told,
            [
                "counter colour=blue,size=s Counter(1)",
                "counter colour=red,size=s Counter(5)",
                "gauge  Gauge(-2.5)",
                "histogram  Histogram { count: 3, sum: 5003.05, buckets: [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2] }",
            ]
        );
        assert_eq!(all.read("other"), PluginMetrics::default());
    }

    #[test]
    fn what_breaks_a_rule_is_left_out_counted_and_said_once() {
        let five = [("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", "")];
        let long = "x".repeat(65);
        let broken: [(&str, Labels<'_>, Reading); 9] = [
            ("Seen", &[], Reading::More(1)),
            ("", &[], Reading::More(1)),
            (&long, &[], Reading::More(1)),
            ("seen_total", &[], Reading::More(1)),
            ("seen", &five, Reading::More(1)),
            ("seen", &[("plugin", "other")], Reading::More(1)),
            ("seen", &[("a", "1"), ("a", "2")], Reading::More(1)),
            ("seen", &[("a", &long)], Reading::More(1)),
            ("seen", &[], Reading::Now(f64::NAN)),
        ];
        let all = AllMetrics::default();
        let said: Vec<_> =
            broken.iter().filter_map(|(name, labels, reading)| noted(&all, name, labels, *reading)).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(all.read("clips"), PluginMetrics { left_out: 9, ..PluginMetrics::default() });
    }

    #[test]
    fn there_is_room_for_so_many_series_and_those_go_on() {
        let all = AllMetrics::default();
        for number in 0..MOST_SERIES + 5 {
            noted(&all, "seen", &[("by", &number.to_string())], Reading::More(1));
        }
        noted(&all, "seen", &[("by", "0")], Reading::More(1));
        let read = all.read("clips");
        assert_eq!((read.series.len(), read.left_out), (MOST_SERIES, 5));
        assert_eq!(read.series.values().next(), Some(&Measured::Counter(2)));
    }
}
