//! What holds for every sound and for every file, however broken.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot read its files has failed"
)]

use std::{
    io::Cursor,
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
};

use highlight_detector::{
    Analysis, Highlight, Settings, Unheard, analyse,
    highlight::{find, score},
    loudness::{SILENCE, STEP, Step},
    median::RunningMedian,
};
use proptest::prelude::*;

const FILES: [&str; 7] = [
    "three-highlights.mp4",
    "passage.flac",
    "passage.mkv",
    "passage.mp3",
    "passage.mp4",
    "passage.ogg",
    "passage.wav",
];

fn media(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/media").join(name)).unwrap()
}

/// Hears the bytes, but no more than a quarter of an hour of what they claim to hold.
fn heard(bytes: Vec<u8>) -> Result<Analysis, Unheard> {
    analyse(Cursor::new(bytes), &Settings { sensitivity: 1.0, min_duration: 1 }, |progress| {
        if progress.done < 900.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
}

/// Requires that highlights are in order, apart from each other, within the sound, and scored.
fn are_sound(highlights: &[Highlight], length: f64) -> Result<(), TestCaseError> {
    let mut end = 0.0;
    for highlight in highlights {
        prop_assert!(highlight.timestamp >= end - 1e-9, "{highlights:#?}");
        prop_assert!(highlight.duration >= 0.0, "{highlight:?}");
        prop_assert!((0.0..=1.0).contains(&highlight.score), "{highlight:?}");
        end = highlight.timestamp + highlight.duration;
    }
    prop_assert!(end <= length + 1e-6, "{highlights:#?} in {length}");
    Ok(())
}

/// How loud it is, step by step: passages of any length, each about as loud all through.
fn sounds() -> impl Strategy<Value = Vec<Step>> {
    let passage = (1..60_usize, -80.0..0.0_f32, 0.0..20.0_f32);
    prop::collection::vec(passage, 0..40).prop_map(|passages| {
        let steps = passages.into_iter().flat_map(|(count, loudness, burst)| {
            let momentary = loudness.max(SILENCE);
            std::iter::repeat_n(Step { momentary, loudest: momentary + burst }, count)
        });
        steps.collect()
    })
}

/// A file with some of its bytes changed, and cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..24);
    let near_the_start = prop::collection::vec((0..2000_usize, any::<u8>()), 0..12);
    (prop::sample::select(&FILES[..]), changes, near_the_start, 0.0..1.2_f64).prop_map(
        |(name, changes, near_the_start, kept)| {
            let mut bytes = media(name);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            for (place, byte) in near_the_start {
                bytes[place] = byte;
            }
            bytes.truncate((bytes.len() as f64 * kept) as usize);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn the_running_median_is_the_median(
        values in prop::collection::vec(-100.0..100.0_f32, 1..400),
        width in 1..60_usize,
    ) {
        let mut running = RunningMedian::default();
        for end in 1..=values.len() {
            running.push(values[end - 1]);
            if end > width {
                running.pop();
            }
            let mut window = values[end.saturating_sub(width)..end].to_vec();
            window.sort_by(f32::total_cmp);
            prop_assert_eq!(running.median(), Some(window[window.len() / 2]));
        }
    }

    #[test]
    fn highlights_are_in_order_and_apart_and_within_the_sound(
        steps in sounds(),
        sensitivity in 0.0..=1.0_f64,
        min_duration in 1..40_u32,
        rest in 0.0..0.1_f64,
    ) {
        let length = steps.len() as f64 * STEP + rest;
        let found = find(&steps, length, &Settings { sensitivity, min_duration });
        are_sound(&found, length)?;
        let shortest = f64::from(min_duration).min((length * 100.0).floor() / 100.0);
        prop_assert!(found.iter().all(|found| found.duration >= shortest - 0.011), "{found:#?}");
    }

    #[test]
    fn what_is_found_is_found_with_more_sensitivity_too(
        steps in sounds(),
        low in 0.0..=1.0_f64,
        more in 0.0..=1.0_f64,
        min_duration in 1..10_u32,
    ) {
        let length = steps.len() as f64 * STEP;
        let high = low + (1.0 - low) * more;
        let found = |sensitivity| find(&steps, length, &Settings { sensitivity, min_duration });
        let (few, many) = (found(low), found(high));
        for one in &few {
            let end = one.timestamp + one.duration;
            let overlap =
                |other: &Highlight| other.timestamp < end && one.timestamp < other.timestamp + other.duration;
            prop_assert!(many.iter().any(overlap), "{one:?} at {low} is not among those at {high}: {many:#?}");
        }
    }

    #[test]
    fn a_sound_that_stays_as_it_is_has_no_highlights(loudness in -70.0..0.0_f32, count in 0..900_usize) {
        let steps = vec![Step { momentary: loudness.max(SILENCE), loudest: loudness.max(SILENCE) }; count];
        let found = find(&steps, count as f64 * STEP, &Settings { sensitivity: 1.0, min_duration: 1 });
        prop_assert_eq!(found, []);
    }

    #[test]
    fn more_excess_never_scores_less(excess in -10.0..80.0_f64, more in 0.0..20.0_f64) {
        prop_assert!(score(excess) <= score(excess + more));
        prop_assert!((0.0..=1.0).contains(&score(excess)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_heard_or_refused(bytes in damaged()) {
        if let Ok(analysis) = heard(bytes) {
            are_sound(&analysis.highlights, analysis.duration)?;
        }
    }

    #[test]
    fn letters_and_noise_are_refused_or_heard(
        start in prop::sample::select(vec![
            &b""[..], b"\0\0\0\x18ftypisom", b"\x1aE\xdf\xa3", b"fLaC\0\0\0\x22", b"OggS\0\x02", b"RIFF\xff\xff\xff\xffWAVEfmt ",
            b"\xff\xfb\x90\x64",
            b"ID3\x04\0\0",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..4000),
    ) {
        if let Ok(analysis) = heard([start, &rest].concat()) {
            are_sound(&analysis.highlights, analysis.duration)?;
        }
    }
}

#[test]
fn a_file_is_heard_as_a_stream() {
    // Read once from beginning to end, but for the probe and the look at the edit list, and never held as a whole.
    struct Counting(Cursor<Vec<u8>>, Arc<AtomicU64>);
    impl std::io::Read for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1.fetch_add(read as u64, Ordering::Relaxed);
            Ok(read)
        }
    }
    impl std::io::Seek for Counting {
        fn seek(&mut self, position: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(position)
        }
    }
    for name in FILES {
        let bytes = media(name);
        let length = bytes.len() as u64;
        let read = Arc::new(AtomicU64::new(0));
        let mut halfway = None;
        let source = Counting(Cursor::new(bytes), read.clone());
        let counter = read.clone();
        analyse(source, &Settings::default(), |progress| {
            if progress.share().is_some_and(|share| share >= 0.5) {
                halfway.get_or_insert(counter.load(Ordering::Relaxed));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(read.load(Ordering::Relaxed) < length * 2 + 200_000, "{name}");
        if name == "three-highlights.mp4" {
            assert!(halfway.unwrap() < length, "{halfway:?} of {length} were read by half of the time");
        }
    }
}
