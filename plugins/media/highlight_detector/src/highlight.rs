//! Finding highlights in how loud it is over time.

use serde::{Deserialize, Serialize};

use crate::{
    loudness::{STEP, Step, WINDOW_STEPS},
    median::RunningMedian,
};

/// The baseline is the median over this many steps: 30 s.
const BASELINE_STEPS: usize = 300;

/// The lowest baseline, in LUFS. What is quieter than this is not heard beside a game, and standing out of it is no
/// merit: otherwise a whisper after digital silence would be a highlight.
const LOWEST_BASELINE: f32 = -50.0;

/// Passages that are closer to each other are one, in seconds.
const JOINED_BELOW: f64 = 2.0;

/// In a burst the loudest 10 ms stand at least this far above the 400 ms around them, in LU. In even sound they hardly
/// do; in a single click they do by 16.
const BURST: f32 = 8.0;

/// What somebody wants of the highlights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How little suffices, from 0 (12 LU above the baseline) to 1 (4 LU).
    pub sensitivity: f64,
    /// The shortest highlight, in whole seconds.
    pub min_duration: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sensitivity: 0.7, min_duration: 5 }
    }
}

impl Settings {
    /// How far above the baseline it must be, in LU: `12 - 8 × sensitivity`.
    pub fn threshold(&self) -> f64 {
        12.0 - 8.0 * self.sensitivity.clamp(0.0, 1.0)
    }
}

/// A moment that stands out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Highlight {
    /// When it begins, in seconds from the start, to a hundredth.
    pub timestamp: f64,
    /// How long it lasts, in seconds, to a hundredth.
    pub duration: f64,
    /// How far it stands out, from 0 to 1, to a thousandth.
    pub score: f64,
    /// What was heard.
    #[serde(rename = "type")]
    pub kind: Kind,
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A sustained rise.
    Loudness,
    /// A burst, or several.
    Transient,
}

/// The highlights of a clip, in order of time.
///
/// `steps` begin at 0 and follow each other every 100 ms; `length` is the clip's, in seconds. Highlights lie within it
/// and do not overlap.
pub fn find(steps: &[Step], length: f64, settings: &Settings) -> Vec<Highlight> {
    // To a hundredth, as the answer is: rounded up, the last highlight would end after the sound. A sum of many packets
    // may lie a hair below the number that it stands for.
    let length = (length.max(0.0) * 100.0 + 1e-6).floor() / 100.0;
    let passages = passages(steps, settings.threshold());
    let joined = join(passages, JOINED_BELOW);
    let widened = joined.into_iter().map(|passage| passage.widened(f64::from(settings.min_duration), length));
    join(widened, 0.0).into_iter().map(|passage| passage.highlight()).collect()
}

/// A time in which it is louder than the threshold.
#[derive(Debug, Clone, PartialEq)]
struct Passage {
    start: f64,
    end: f64,
    /// Where it is loudest.
    peak: f64,
    /// The loudness there, above the baseline, in LU.
    excess: f64,
    /// Its steps, and how many of them belong to a burst.
    steps: usize,
    bursts: usize,
}

impl Passage {
    /// This one and a later one as one.
    fn with(self, later: Self) -> Self {
        let loudest = if later.excess > self.excess { &later } else { &self };
        Self {
            start: self.start.min(later.start),
            end: self.end.max(later.end),
            peak: loudest.peak,
            excess: loudest.excess,
            steps: self.steps + later.steps,
            bursts: self.bursts + later.bursts,
        }
    }

    /// At least `shortest` seconds long: about its peak, but within the clip, and with all that was in it before.
    fn widened(self, shortest: f64, length: f64) -> Self {
        let end = self.end.min(length);
        let start = self.start.min(end);
        if end - start >= shortest {
            return Self { start, end, ..self };
        }
        let about_peak = (self.peak - shortest / 2.0).clamp(end - shortest, start);
        let start = about_peak.min(length - shortest).max(0.0);
        Self { start, end: (start + shortest).min(length), ..self }
    }

    fn highlight(self) -> Highlight {
        // Both ends are rounded, and not the duration, so that neighbours that touch do not overlap.
        let (start, end) = (rounded(self.start, 100.0), rounded(self.end, 100.0));
        Highlight {
            timestamp: start,
            duration: rounded(end - start, 100.0),
            score: score(self.excess),
            kind: if self.bursts * 2 > self.steps { Kind::Transient } else { Kind::Loudness },
        }
    }
}

/// How far something stands out, from 0 to 1: `1 - e^(-excess / 10)` of the excess in LU, to a thousandth. Twice as
/// loud to the ear, 10 LU, is 0.632; nothing reaches 1 by being a little louder still.
pub fn score(excess: f64) -> f64 {
    rounded(1.0 - (-excess.max(0.0) / 10.0).exp(), 1000.0)
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// The times in which the loudness is at least the threshold above the baseline.
fn passages(steps: &[Step], threshold: f64) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut open: Option<Passage> = None;
    for (index, (step, baseline)) in steps.iter().zip(baseline(steps)).enumerate() {
        let excess = f64::from(step.momentary - baseline);
        if excess < threshold {
            passages.extend(open.take());
            continue;
        }
        let window = steps.get((index + 1).saturating_sub(WINDOW_STEPS)..=index).unwrap_or_default();
        let heard = heard(window, step.momentary, index, excess);
        open = Some(match open.take() {
            Some(passage) => passage.with(heard),
            None => heard,
        });
    }
    passages.extend(open);
    passages
}

/// A passage of one step.
///
/// The window of 400 ms first passes the threshold when the step that is new in it is loud, and last when the step that
/// is oldest in it is: so a passage begins with the newest step of its first window and ends with the oldest of its last.
fn heard(window: &[Step], momentary: f32, index: usize, excess: f64) -> Passage {
    let newest = index as f64 * STEP;
    let oldest = (index + 1).saturating_sub(window.len()) as f64 * STEP;
    let loudest = window.iter().enumerate().max_by(|(_, a), (_, b)| a.loudest.total_cmp(&b.loudest));
    let (place, loudest) = loudest.map_or((0, momentary), |(place, step)| (place, step.loudest));
    Passage {
        start: newest,
        end: oldest + STEP,
        peak: oldest + (place as f64 + 0.5) * STEP,
        excess,
        steps: 1,
        bursts: usize::from(loudest - momentary >= BURST),
    }
}

/// The baseline at each step, in LUFS: the median over the 30 s around it. Towards the clip's ends the 30 s stay within
/// the clip, and a shorter clip is its own baseline.
fn baseline(steps: &[Step]) -> Vec<f32> {
    let span = BASELINE_STEPS.min(steps.len());
    let (first, rest) = steps.split_at_checked(span).unwrap_or((steps, &[]));
    let mut median = RunningMedian::default();
    first.iter().for_each(|step| median.push(step.momentary));

    let mut baseline = Vec::with_capacity(steps.len());
    let mut now = audible(&median);
    baseline.resize(span / 2, now);
    for step in rest {
        baseline.push(now);
        median.push(step.momentary);
        median.pop();
        now = audible(&median);
    }
    baseline.resize(steps.len(), now);
    baseline
}

fn audible(median: &RunningMedian) -> f32 {
    median.median().unwrap_or(LOWEST_BASELINE).max(LOWEST_BASELINE)
}

/// Passages in order, with those that are closer than `gap` seconds to each other as one.
fn join(passages: impl IntoIterator<Item = Passage>, gap: f64) -> Vec<Passage> {
    let mut joined: Vec<Passage> = Vec::new();
    for passage in passages {
        match joined.pop() {
            Some(last) if passage.start - last.end < gap => joined.push(last.with(passage)),
            last => joined.extend(last.into_iter().chain([passage])),
        }
    }
    joined
}
