//! What is heard in real files, which `scripts/make-media` made.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot read its files has failed"
)]

use std::{fs::File, io::Cursor, ops::ControlFlow, path::PathBuf};

use highlight_detector::{Analysis, Highlight, Kind, Settings, Unheard, analyse};

fn media(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/media").join(name)
}

fn heard(name: &str, settings: Settings) -> Result<Analysis, Unheard> {
    analyse(File::open(media(name)).unwrap(), &settings, |_| ControlFlow::Continue(()))
}

fn highlights(name: &str) -> Vec<Highlight> {
    heard(name, Settings::default()).unwrap().highlights
}

/// What the file says of itself, beside it.
fn expected() -> Vec<(f64, f64, Kind)> {
    let file = File::open(media("three-highlights.json")).unwrap();
    let said: serde_json::Value = serde_json::from_reader(file).unwrap();
    let one = |said: &serde_json::Value| {
        let kind = serde_json::from_value(said["type"].clone()).unwrap();
        (said["start"].as_f64().unwrap(), said["duration"].as_f64().unwrap(), kind)
    };
    said["highlights"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn the_three_highlights_are_found_where_they_are_and_nothing_else() {
    let found = highlights("three-highlights.mp4");
    assert_eq!(found.len(), 3, "{found:#?}");
    for (found, (start, duration, kind)) in found.iter().zip(expected()) {
        assert!((found.timestamp - start).abs() <= 0.5, "{found:?} should begin at {start}");
        let end = found.timestamp + found.duration;
        assert!((end - start - duration).abs() <= 0.5, "{found:?} should end at {}", start + duration);
        assert_eq!(found.kind, kind, "{found:?}");
        assert!(found.score > 0.5 && found.score < 1.0, "{found:?}");
    }
}

#[test]
fn the_three_highlights_are_found_at_any_sensitivity() {
    for sensitivity in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let found =
            heard("three-highlights.mp4", Settings { sensitivity, min_duration: 1 }).unwrap().highlights;
        assert_eq!(found.len(), 3, "at {sensitivity}: {found:#?}");
    }
}

#[test]
fn the_sound_is_as_long_as_the_file_says() {
    let duration = heard("three-highlights.mp4", Settings::default()).unwrap().duration;
    assert!((duration - 64.0).abs() < 0.1, "{duration}");
}

#[test]
fn every_container_gives_the_same_answer() {
    for name in ["passage.flac", "passage.mkv", "passage.mp3", "passage.mp4", "passage.ogg", "passage.wav"] {
        let analysis = heard(name, Settings { min_duration: 1, ..Settings::default() }).unwrap();
        // Two AAC frames more in Matroska, which does not tell what the encoder put before the sound and after it.
        assert!((analysis.duration - 8.0).abs() < 0.19, "{name} lasts {}", analysis.duration);
        let [found] = analysis.highlights.as_slice() else { panic!("{name}: {:#?}", analysis.highlights) };
        assert!((found.timestamp - 4.0).abs() <= 0.11, "{name}: {found:?}");
        assert!((found.duration - 2.0).abs() <= 0.21, "{name}: {found:?}");
        assert_eq!(found.kind, Kind::Loudness, "{name}: {found:?}");
    }
}

#[test]
fn a_short_passage_is_widened_about_its_peak() {
    let [found] = <[Highlight; 1]>::try_from(highlights("passage.flac")).unwrap();
    assert_eq!(found.duration, 5.0);
    let middle = found.timestamp + found.duration / 2.0;
    assert!((4.0..=6.0).contains(&middle) || found.timestamp + found.duration > 7.9, "{found:?}");
}

#[test]
fn a_file_without_sound_has_no_highlights_but_a_reason() {
    assert_eq!(heard("silent.mp4", Settings::default()), Err(Unheard::NoAudio));
}

#[test]
fn a_recording_that_was_cut_off_before_its_index_is_broken() {
    let Err(Unheard::Broken(why)) = heard("broken.mp4", Settings::default()) else { panic!("it was heard") };
    assert_eq!(why, "it was cut off before its index was written");
}

#[test]
fn a_letter_is_no_media_file() {
    assert_eq!(heard("not-media.bin", Settings::default()), Err(Unheard::UnknownFormat));
}

#[test]
fn a_codec_that_is_not_decoded_is_named() {
    assert_eq!(heard("opus.mkv", Settings::default()), Err(Unheard::UnknownCodec("Opus".to_owned())));
}

#[test]
fn an_empty_file_is_broken() {
    let heard = analyse(Cursor::new(Vec::new()), &Settings::default(), |_| ControlFlow::Continue(()));
    assert_eq!(heard, Err(Unheard::Broken("it is empty".to_owned())));
}

#[test]
fn a_recording_that_was_cut_off_is_heard_as_far_as_it_goes() {
    // This file has its index in front, as recorders that write as they go have it: what is cut off is sound.
    let mut bytes = std::fs::read(media("three-highlights.mp4")).unwrap();
    bytes.truncate(bytes.len() / 2);
    let found = analyse(Cursor::new(bytes), &Settings::default(), |_| ControlFlow::Continue(())).unwrap();
    assert!(found.duration > 10.0 && found.duration < 60.0, "{}", found.duration);
    assert!((found.highlights[0].timestamp - 12.0).abs() <= 0.5, "{:#?}", found.highlights);
}

#[test]
fn a_recording_in_fragments_is_heard_to_where_the_recorder_went_down() {
    let mut bytes = std::fs::read(media("passage.mp4")).unwrap();
    bytes.truncate(bytes.len() * 9 / 10);
    let found = analyse(Cursor::new(bytes), &Settings::default(), |_| ControlFlow::Continue(())).unwrap();
    assert!(found.duration > 6.0 && found.duration < 8.0, "{}", found.duration);
    assert_eq!(found.highlights.len(), 1, "{:#?}", found.highlights);
}

#[test]
fn progress_rises_from_nothing_to_the_end() {
    let (send, received) = std::sync::mpsc::channel();
    let file = File::open(media("three-highlights.mp4")).unwrap();
    analyse(file, &Settings::default(), |progress| {
        send.send(progress).unwrap();
        ControlFlow::Continue(())
    })
    .unwrap();
    let seen: Vec<_> = received.try_iter().collect();
    assert_eq!(seen[0].share(), Some(0.0));
    assert!(seen.is_sorted_by(|a, b| a.done < b.done), "{seen:?}");
    assert!(seen.len() >= 60 && seen.last().unwrap().share().unwrap() > 0.95, "{seen:?}");
}

#[test]
fn an_analysis_ends_as_soon_as_nobody_wants_it_any_more() {
    let mut looks = 0;
    let file = File::open(media("three-highlights.mp4")).unwrap();
    let stopped = analyse(file, &Settings::default(), |progress| {
        looks += 1;
        if progress.done < 3.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(stopped, Err(Unheard::Stopped));
    assert!(looks <= 5, "it was asked {looks} times");
}

/// A disk that fails after so many bytes.
struct Failing(File, u64);

impl std::io::Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1 == 0 {
            return Err(std::io::Error::other("the disk is gone"));
        }
        let read = self.0.read(buffer)?;
        self.1 = self.1.saturating_sub(read as u64);
        Ok(read)
    }
}

impl std::io::Seek for Failing {
    fn seek(&mut self, position: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(position)
    }
}

#[test]
fn a_disk_that_fails_is_not_taken_for_a_broken_file() {
    for bytes in [0, 100_000] {
        let file = Failing(File::open(media("three-highlights.mp4")).unwrap(), bytes);
        let heard = analyse(file, &Settings::default(), |_| ControlFlow::Continue(()));
        assert_eq!(heard, Err(Unheard::Unreadable("the disk is gone".to_owned())), "after {bytes} bytes");
    }
}
