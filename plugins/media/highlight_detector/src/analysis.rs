//! From a media file to its highlights.

use std::{
    io::{Read, Seek},
    ops::ControlFlow,
};

use crate::{
    highlight::{Highlight, Settings, find},
    loudness::{Meter, SILENCE, STEP, Step, Unmeasurable},
    sound::{Frames, Sound, Unheard},
};

/// The longest audio that is listened to, in seconds: a day.
const LONGEST: f64 = 24.0 * 3600.0;

/// A hole in the track's times, in seconds, that is longer than what clocks differ by: silence stands for it.
const HOLE: f64 = 0.05;

/// How far an analysis is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Seconds of audio that were listened to.
    pub done: f64,
    /// Seconds of audio that there are, where the container says it.
    pub total: Option<f64>,
}

impl Progress {
    /// What is done, from 0 to 1; `None` when nobody knows.
    pub fn share(&self) -> Option<f64> {
        self.total.filter(|total| *total > 0.0).map(|total| (self.done / total).clamp(0.0, 1.0))
    }
}

/// What an analysis found.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The highlights, in order of time.
    pub highlights: Vec<Highlight>,
    /// How long the audio is, in seconds.
    pub duration: f64,
}

/// Listens to a media file and finds its highlights.
///
/// The file is read as a stream: memory does not grow with it but for 8 bytes each 100 ms of audio. `watch` is called
/// before the first frame and after about each second of audio; with [`ControlFlow::Break`] it ends the analysis.
///
/// ```
/// # use std::ops::ControlFlow;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/media/three-highlights.mp4");
/// use highlight_detector::{Settings, analyse};
///
/// let clip = std::fs::File::open(path)?;
/// let analysis = analyse(clip, &Settings::default(), |_| ControlFlow::Continue(()))?;
/// assert_eq!(analysis.highlights.len(), 3);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Why the file was not heard, or not to its end; [`Unheard::Stopped`] when `watch` ended it.
pub fn analyse(
    source: impl Read + Seek + Send + Sync + 'static,
    settings: &Settings,
    mut watch: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Analysis, Unheard> {
    let mut sound = Sound::open(source)?;
    let total = sound.duration();
    let mut listener = Listener::default();
    let mut next_look = 0.0;
    loop {
        if listener.time >= next_look {
            look(&mut watch, Progress { done: listener.time, total })?;
            next_look = listener.time + 1.0;
        }
        let Some(frames) = sound.next_frames()? else { break };
        if let Some(start) = frames.start {
            listener.wait_until(start, &frames, |done| look(&mut watch, Progress { done, total }))?;
        }
        listener.hear(&frames)?;
    }
    Ok(Analysis { highlights: find(&listener.steps, listener.time, settings), duration: listener.time })
}

fn look(watch: &mut impl FnMut(Progress) -> ControlFlow<()>, progress: Progress) -> Result<(), Unheard> {
    match watch(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Unheard::Stopped),
    }
}

/// Puts what is heard in its place in time.
#[derive(Default)]
struct Listener {
    meter: Option<Meter>,
    steps: Vec<Step>,
    /// Seconds from the start up to which it was listened.
    time: f64,
}

impl Listener {
    /// Hears frames, but for those before the start of the film.
    fn hear(&mut self, frames: &Frames<'_>) -> Result<(), Unheard> {
        let before = frames.start.map_or(0.0, |start| (-start).max(0.0));
        let dropped = (before * f64::from(frames.rate)).round() as usize;
        let dropped = dropped.saturating_mul(frames.channels.count());
        self.measure(frames.samples.get(dropped..).unwrap_or_default(), frames)
    }

    /// Hears silence up to a time, a step of it at once.
    fn wait_until(
        &mut self,
        time: f64,
        frames: &Frames<'_>,
        mut look: impl FnMut(f64) -> Result<(), Unheard>,
    ) -> Result<(), Unheard> {
        if time > LONGEST {
            return Err(Unheard::TooLong);
        }
        let mut silence = Vec::new();
        let mut next_look = self.time;
        while time - self.time > HOLE {
            if self.time >= next_look {
                look(self.time)?;
                next_look = self.time + 1.0;
            }
            let count = ((time - self.time).min(STEP) * f64::from(frames.rate)).round() as usize;
            silence.resize(count.max(1) * frames.channels.count(), 0.0);
            self.measure(&silence, frames)?;
        }
        Ok(())
    }

    fn measure(&mut self, samples: &[f32], frames: &Frames<'_>) -> Result<(), Unheard> {
        let unmeasurable = |_: Unmeasurable| {
            Unheard::Broken(format!("it says {} channels at {} Hz", frames.channels.count(), frames.rate))
        };
        let meter = match self.meter.take().filter(|meter| meter.fits(frames.rate, frames.channels)) {
            Some(meter) => meter,
            None => {
                let meter = Meter::new(frames.rate, frames.channels).map_err(unmeasurable)?;
                // A meter begins with a step of its own: what the one before it left over stands as silence.
                let begun = (self.time / STEP).round() as usize;
                self.steps.resize(begun, Step { momentary: SILENCE, loudest: SILENCE });
                meter
            }
        };
        let meter = self.meter.insert(meter);
        meter.listen(samples, &mut self.steps).map_err(unmeasurable)?;
        let count = samples.len() / frames.channels.count().max(1);
        self.time += count as f64 / f64::from(frames.rate);
        if self.time > LONGEST { Err(Unheard::TooLong) } else { Ok(()) }
    }
}
