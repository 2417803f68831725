//! How loud it is, ten times a second.
//!
//! Momentary loudness as EBU R 128 defines it (EBU Tech 3341): K-weighted by ITU-R BS.1770, over a window of 400 ms.

use ebur128::{Channel, EbuR128, Mode};
use symphonia::core::audio::{Channels, Position};

/// From one step to the next, in seconds.
pub const STEP: f64 = 0.1;

/// The length of the window, in steps.
pub const WINDOW_STEPS: usize = 4;

/// What stands for silence, and for anything quieter: the absolute gate of BS.1770, in LUFS.
pub const SILENCE: f32 = -70.0;

/// The most samples a second, over all channels, that are measured: those of 24 channels at 192 kHz. Memory for the
/// window is set aside by what a file says of itself, and it may say anything.
const MOST_SAMPLES: u64 = 24 * 192_000;

/// Slices of 10 ms in a step.
const SLICES: u64 = 10;

/// One step, of 100 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The loudness of the 400 ms that end with this step, in LUFS; at least [`SILENCE`].
    pub momentary: f32,
    /// The loudness of the loudest 10 ms in this step, in LUFS; at least [`SILENCE`].
    pub loudest: f32,
}

/// Sound that cannot be measured: of so many channels, or of such a sample rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmeasurable;

/// Measures sound of one sample rate and one set of channels.
pub struct Meter {
    inner: EbuR128,
    rate: u32,
    channels: Channels,
    /// Frames so far.
    frames: u64,
    /// Slices that are full so far.
    slices: u64,
    loudest: f32,
}

impl Meter {
    /// A meter for sound of `rate` frames a second.
    ///
    /// # Errors
    /// [`Unmeasurable`] below 1000 frames a second, without channels, with more than 64, and above 4.6 million samples
    /// a second over all channels.
    pub fn new(rate: u32, channels: &Channels) -> Result<Self, Unmeasurable> {
        let count = u32::try_from(channels.count()).map_err(|_| Unmeasurable)?;
        if rate < 1000 || u64::from(rate) * u64::from(count) > MOST_SAMPLES {
            return Err(Unmeasurable);
        }
        let mut inner = EbuR128::new(count, rate, Mode::M).map_err(|_| Unmeasurable)?;
        inner.set_channel_map(&weights(channels)).map_err(|_| Unmeasurable)?;
        Ok(Self { inner, rate, channels: channels.clone(), frames: 0, slices: 0, loudest: SILENCE })
    }

    /// Whether it is a meter for such sound.
    pub fn fits(&self, rate: u32, channels: &Channels) -> bool {
        self.rate == rate && self.channels == *channels
    }

    /// Measures interleaved frames, from -1 to 1, and appends the steps that they complete.
    ///
    /// # Errors
    /// [`Unmeasurable`] when they are not whole frames.
    pub fn listen(&mut self, mut samples: &[f32], steps: &mut Vec<Step>) -> Result<(), Unmeasurable> {
        let channels = self.channels.count();
        while !samples.is_empty() {
            let wanted = self.end_of_slice().saturating_sub(self.frames);
            let count = usize::try_from(wanted).unwrap_or(usize::MAX).min(samples.len() / channels);
            let (now, later) = samples.split_at_checked(count * channels).ok_or(Unmeasurable)?;
            if now.is_empty() {
                return Err(Unmeasurable);
            }
            self.inner.add_frames_f32(now).map_err(|_| Unmeasurable)?;
            samples = later;
            self.frames = self.frames.saturating_add(count as u64);
            if self.frames == self.end_of_slice() {
                self.end_slice(steps)?;
            }
        }
        Ok(())
    }

    /// The frames from the start to the end of the current slice: counted from the start, so that a rate that is no
    /// multiple of 100 adds no error from slice to slice.
    fn end_of_slice(&self) -> u64 {
        u64::from(self.rate).saturating_mul(self.slices + 1) / (SLICES * 10)
    }

    fn end_slice(&mut self, steps: &mut Vec<Step>) -> Result<(), Unmeasurable> {
        self.loudest = self.loudest.max(level(self.inner.loudness_window(10))?);
        self.slices += 1;
        if self.slices.is_multiple_of(SLICES) {
            steps.push(Step { momentary: level(self.inner.loudness_momentary())?, loudest: self.loudest });
            self.loudest = SILENCE;
        }
        Ok(())
    }
}

fn level(loudness: Result<f64, ebur128::Error>) -> Result<f32, Unmeasurable> {
    // `max` takes the number where the other is none: silence is -inf, and NaN is nothing that can be heard.
    loudness.map(|loudness| (loudness as f32).max(SILENCE)).map_err(|_| Unmeasurable)
}

/// What BS.1770 weighs each channel as: the low-frequency one not at all, those at the sides and behind more.
fn weights(channels: &Channels) -> Vec<Channel> {
    let Channels::Positioned(positions) = channels else {
        return vec![Channel::Center; channels.count()];
    };
    let left = Position::REAR_LEFT | Position::SIDE_LEFT;
    let right = Position::REAR_RIGHT | Position::SIDE_RIGHT;
    let weight = |position: Position| match position {
        position if left.contains(position) => Channel::LeftSurround,
        position if right.contains(position) => Channel::RightSurround,
        position if (Position::LFE1 | Position::LFE2).contains(position) => Channel::Unused,
        _ => Channel::Center,
    };
    positions.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, channels: usize, seconds: f64, amplitude: f64) -> Vec<f32> {
        let frames = (f64::from(rate) * seconds) as u32;
        (0..frames)
            .map(|frame| {
                (f64::from(frame) / f64::from(rate) * 997.0 * std::f64::consts::TAU).sin() * amplitude
            })
            .flat_map(|sample| std::iter::repeat_n(sample as f32, channels))
            .collect()
    }

    fn measured(rate: u32, positions: Position, samples: &[f32]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut meter = Meter::new(rate, &Channels::Positioned(positions)).unwrap();
        meter.listen(samples, &mut steps).unwrap();
        steps
    }

    const STEREO: Position = Position::FRONT_LEFT.union(Position::FRONT_RIGHT);

    #[test]
    fn the_reference_tone_of_tech_3341_is_as_loud_as_it_says() {
        // Case 1: a stereo sine of 1 kHz at -23 dBFS measures -23 LUFS, to a tenth.
        let steps = measured(48_000, STEREO, &tone(48_000, 2, 2.0, 10_f64.powf(-23.0 / 20.0)));
        assert_eq!(steps.len(), 20);
        assert!((steps.last().unwrap().momentary + 23.0).abs() < 0.1, "{steps:?}");
        assert!((steps.last().unwrap().loudest + 23.0).abs() < 0.2, "{steps:?}");
    }

    #[test]
    fn a_step_is_a_tenth_of_a_second_at_any_rate() {
        for rate in [8000, 11_025, 22_050, 44_100, 48_000, 96_000, 37_799] {
            let steps = measured(rate, STEREO, &tone(rate, 2, 30.0, 0.1));
            assert_eq!(steps.len(), 300, "at {rate}");
        }
    }

    #[test]
    fn digital_silence_is_silence_and_no_infinity() {
        let steps = measured(48_000, STEREO, &vec![0.0; 96_000]);
        assert!(steps.iter().all(|step| *step == Step { momentary: SILENCE, loudest: SILENCE }));
    }

    #[test]
    fn the_low_frequency_channel_does_not_count_and_those_behind_count_more() {
        let weigh = |positions| weights(&Channels::Positioned(positions));
        let surround =
            STEREO | Position::FRONT_CENTER | Position::LFE1 | Position::REAR_LEFT | Position::REAR_RIGHT;
        assert_eq!(
            weigh(surround),
            [
                Channel::Center,
                Channel::Center,
                Channel::Center,
                Channel::Unused,
                Channel::LeftSurround,
                Channel::RightSurround
            ]
        );
        assert_eq!(weights(&Channels::Discrete(8)), [Channel::Center; 8]);
    }

    #[test]
    fn no_channels_and_no_rate_cannot_be_measured() {
        assert!(Meter::new(48_000, &Channels::Discrete(0)).is_err());
        assert!(Meter::new(48_000, &Channels::Discrete(65)).is_err());
        assert!(Meter::new(0, &Channels::Discrete(2)).is_err());
        assert!(Meter::new(384_000, &Channels::Discrete(12)).is_ok());
        assert!(Meter::new(384_000, &Channels::Discrete(13)).is_err());
    }
}
