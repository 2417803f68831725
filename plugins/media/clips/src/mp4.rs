//! The facts of an MP4 or QuickTime file, by its boxes (ISO/IEC 14496-12).
//!
//! Only headers and one short table are read: a few kilobytes of a file of any size.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use crate::facts::Facts;

/// How many boxes are looked at in one place.
const MOST_BOXES: usize = 1000;

/// How many runs of equally long pictures are looked at; the average over these is near enough to that over all.
const MOST_RUNS: u32 = 16_384;

/// A box: its kind, and where its content stands.
struct Part {
    kind: [u8; 4],
    content: Range<u64>,
}

/// What a track says of itself.
#[derive(Default)]
struct Track {
    is_video: bool,
    is_audio: bool,
    duration: Option<f64>,
    resolution: Option<(u32, u32)>,
    fps: Option<f64>,
    codec: Option<String>,
}

/// Reads the facts of a file of `size` bytes.
///
/// # Errors
/// Only what reading fails with: what the file does not say is not known.
pub(crate) fn read(file: &mut (impl Read + Seek), size: u64) -> io::Result<Facts> {
    let Some(movie) = find(file, 0..size, *b"moov")? else { return Ok(Facts::default()) };
    let mut tracks = Vec::new();
    let (mut whole, mut fragments) = (None, None);
    let mut ticks_a_second = 0;
    for part in parts(file, movie.content)? {
        match &part.kind {
            b"mvhd" => {
                if let Some((scale, ticks)) = clock(&content(file, &part, 32)?) {
                    ticks_a_second = scale;
                    whole = seconds(ticks, scale);
                }
            }
            b"mvex" => {
                if let Some(part) = find(file, part.content, *b"mehd")? {
                    let header = content(file, &part, 12)?;
                    let ticks = if header.first() == Some(&1) {
                        long(&header, 4)
                    } else {
                        int(&header, 4).map(u64::from)
                    };
                    fragments = ticks.and_then(|ticks| seconds(ticks, ticks_a_second));
                }
            }
            b"trak" => tracks.push(track(file, part.content)?),
            _ => {}
        }
    }
    let longest = tracks.iter().filter_map(|track| track.duration).reduce(f64::max);
    let position =
        tracks.iter().position(|track| track.is_video).or(tracks.iter().position(|track| track.is_audio));
    let shown = position.map(|position| tracks.swap_remove(position)).unwrap_or_default();
    Ok(Facts {
        size,
        duration: whole.or(fragments).or(longest),
        resolution: shown.resolution,
        fps: shown.fps,
        codec: shown.codec,
    })
}

fn track(file: &mut (impl Read + Seek), within: Range<u64>) -> io::Result<Track> {
    let mut track = Track::default();
    let mut on_screen = None;
    let mut is_turned = false;
    for part in parts(file, within)? {
        match &part.kind {
            b"tkhd" => {
                let header = content(file, &part, 96)?;
                // Version 1 has longer times before it.
                let matrix = if header.first() == Some(&1) { 52 } else { 40 };
                is_turned = int(&header, matrix) == Some(0) && int(&header, matrix + 16) == Some(0);
                let size = |at| int(&header, at).map(|fixed_point| fixed_point >> 16);
                on_screen = size(matrix + 36).zip(size(matrix + 40));
            }
            b"mdia" => media(file, part.content, &mut track)?,
            _ => {}
        }
    }
    if track.is_video {
        let pixels = track.resolution.or(on_screen).filter(|(width, height)| *width > 0 && *height > 0);
        track.resolution =
            pixels.map(|(width, height)| if is_turned { (height, width) } else { (width, height) });
    }
    Ok(track)
}

fn media(file: &mut (impl Read + Seek), within: Range<u64>, track: &mut Track) -> io::Result<()> {
    let mut ticks_a_second = 0;
    for part in parts(file, within)? {
        match &part.kind {
            b"mdhd" => {
                if let Some((scale, ticks)) = clock(&content(file, &part, 32)?) {
                    ticks_a_second = scale;
                    track.duration = seconds(ticks, scale);
                }
            }
            b"hdlr" => {
                let header = content(file, &part, 12)?;
                track.is_video = header.get(8..12) == Some(b"vide");
                track.is_audio = header.get(8..12) == Some(b"soun");
            }
            b"minf" => {
                let Some(samples) = find(file, part.content, *b"stbl")? else { continue };
                for part in parts(file, samples.content)? {
                    match &part.kind {
                        b"stsd" => entry(&content(file, &part, 44)?, track),
                        b"stts" if track.is_video => {
                            track.fps =
                                pictures_a_second(&content(file, &part, 8 + 8 * MOST_RUNS)?, ticks_a_second);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The first description of how a track is coded.
fn entry(description: &[u8], track: &mut Track) {
    if let Some(word) = description.get(12..16) {
        track.codec = codec(word);
    }
    if track.is_video {
        let half = |at: usize| {
            description.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes)
        };
        let pixels = half(40).zip(half(42)).map(|(width, height)| (width.into(), height.into()));
        track.resolution = pixels.filter(|(width, height): &(u32, u32)| *width > 0 && *height > 0);
    }
}

/// The names by which people know the codings; others by their own four letters.
fn codec(word: &[u8]) -> Option<String> {
    let name = match word {
        b"avc1" | b"avc3" => "h264",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "hevc",
        b"vvc1" | b"vvi1" => "vvc",
        b"av01" => "av1",
        b"vp08" => "vp8",
        b"vp09" => "vp9",
        b"mp4v" => "mpeg4",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "prores",
        b"mp4a" => "aac",
        b".mp3" => "mp3",
        b"Opus" => "opus",
        b"fLaC" => "flac",
        b"ac-3" => "ac3",
        b"ec-3" => "eac3",
        b"sowt" | b"twos" | b"lpcm" | b"ipcm" => "pcm",
        // Encrypted: what is inside is not said here.
        b"encv" | b"enca" => return None,
        other => {
            let word = std::str::from_utf8(other).ok()?.trim();
            let is_name = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return is_name.then(|| word.to_ascii_lowercase());
        }
    };
    Some(name.to_owned())
}

fn pictures_a_second(runs: &[u8], ticks_a_second: u32) -> Option<f64> {
    let (mut pictures, mut ticks) = (0_u64, 0_u64);
    let count = int(runs, 4)?.min(MOST_RUNS) as usize;
    for run in runs.get(8..)?.chunks_exact(8).take(count) {
        let (of, long) = (u64::from(int(run, 0)?), u64::from(int(run, 4)?));
        pictures = pictures.saturating_add(of);
        ticks = ticks.saturating_add(of.saturating_mul(long));
    }
    if pictures == 0 || ticks == 0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    let rate = pictures as f64 * f64::from(ticks_a_second) / ticks as f64;
    (rate > 0.0).then_some((rate * 1000.0).round() / 1000.0)
}

/// Ticks a second and the duration in ticks, of `mvhd` or `mdhd`.
fn clock(header: &[u8]) -> Option<(u32, u64)> {
    if header.first()? == &1 {
        Some((int(header, 20)?, long(header, 24)?))
    } else {
        // All ones stand for a duration that is not known.
        Some((
            int(header, 12)?,
            int(header, 16).map(|ticks| if ticks == u32::MAX { 0 } else { u64::from(ticks) })?,
        ))
    }
}

fn seconds(ticks: u64, a_second: u32) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "whole seconds are what becomes of it")]
    (ticks > 0 && ticks < u64::MAX && a_second > 0).then(|| ticks as f64 / f64::from(a_second))
}

fn find(file: &mut (impl Read + Seek), within: Range<u64>, kind: [u8; 4]) -> io::Result<Option<Part>> {
    let mut position = within.start;
    for _ in 0..MOST_BOXES {
        let Some(part) = next(file, position..within.end)? else { return Ok(None) };
        position = part.content.end;
        if part.kind == kind {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

fn parts(file: &mut (impl Read + Seek), within: Range<u64>) -> io::Result<Vec<Part>> {
    let mut position = within.start;
    let mut parts = Vec::new();
    while let Some(part) = next(file, position..within.end)?
        && parts.len() < MOST_BOXES
    {
        position = part.content.end;
        parts.push(part);
    }
    Ok(parts)
}

/// The box that begins where the range does; none when there is no room for one, or it says nonsense.
fn next(file: &mut (impl Read + Seek), within: Range<u64>) -> io::Result<Option<Part>> {
    let room = within.end.saturating_sub(within.start);
    if room < 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(within.start))?;
    let mut header = Vec::new();
    file.take(room.min(16)).read_to_end(&mut header)?;
    let (Some(short), Some(kind)) = (int(&header, 0), header.get(4..8).and_then(|kind| kind.try_into().ok()))
    else {
        return Ok(None);
    };
    let (header_size, size) = match short {
        0 => (8, room),
        1 => (16, long(&header, 8).unwrap_or(0)),
        short => (8, u64::from(short)),
    };
    let is_sound = size >= header_size && size <= room;
    Ok(is_sound.then(|| Part { kind, content: within.start + header_size..within.start + size }))
}

/// At most so many bytes of a box's content.
fn content(file: &mut (impl Read + Seek), part: &Part, most: u32) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(part.content.start))?;
    let mut bytes = Vec::new();
    file.take((part.content.end - part.content.start).min(most.into())).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn int(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    const KINDS: [&[u8; 4]; 14] = [
        b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"mvhd", b"mehd", b"tkhd", b"mdhd", b"hdlr",
        b"stsd", b"stts", b"free",
    ];

    /// Boxes within boxes, some of which lie about their size.
    fn boxes() -> impl Strategy<Value = Vec<u8>> {
        let kind = || prop::sample::select(KINDS.to_vec());
        let size = || {
            prop_oneof![
                8 => Just(None),
                1 => (0..40_u32).prop_map(Some),
                1 => any::<u32>().prop_map(Some),
            ]
        };
        let lying = |kind: &[u8; 4], size: Option<u32>, content: &[u8]| {
            let mut bytes = boxed(kind, content);
            if let Some(size) = size {
                bytes[..4].copy_from_slice(&size.to_be_bytes());
            }
            bytes
        };
        let leaf = (kind(), size(), prop::collection::vec(any::<u8>(), 0..120));
        leaf.prop_map(move |(kind, size, content)| lying(kind, size, &content)).prop_recursive(
            7,
            60,
            6,
            move |inner| {
                (kind(), size(), prop::collection::vec(inner, 0..6))
                    .prop_map(move |(kind, size, content)| lying(kind, size, &content.concat()))
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_its_facts_are_read_to_an_end(
            begin in boxes(), bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            facts(&[&boxed(b"moov", &begin), &bytes[..]].concat());
            facts(&[&begin, &bytes[..]].concat());
            facts(&bytes);
        }

        #[test]
        fn a_movie_with_any_bytes_in_any_place_is_read_to_an_end(
            position in 0..600_usize, bytes in prop::collection::vec(any::<u8>(), 1..16), turned: bool,
        ) {
            let mut movie = movie(turned, b"avc1");
            let begin = position.min(movie.len());
            let end = (begin + bytes.len()).min(movie.len());
            movie.splice(begin..end, bytes);
            let facts = facts(&movie);
            prop_assert!(facts.duration.is_none_or(|seconds| seconds.is_finite() && seconds > 0.0));
            prop_assert!(facts.fps.is_none_or(|fps| fps.is_finite()));
        }
    }

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(content.len() + 8).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(content);
        bytes
    }

    fn ints(ints: &[u32]) -> Vec<u8> {
        ints.iter().flat_map(|int| int.to_be_bytes()).collect()
    }

    /// A movie of one video track: 1280x720, 300 pictures of 1/30 s, but for one that lasts twice as long.
    fn movie(turned: bool, coding: &[u8; 4]) -> Vec<u8> {
        let one = 0x0001_0000;
        let matrix = if turned { [0, one, 0, one, 0, 0, 0, 0, 0] } else { [one, 0, 0, 0, one, 0, 0, 0, 0] };
        let mut track_header = ints(&[0, 0, 0, 1, 0, 10_000, 0, 0, 0, 0]);
        track_header.extend(ints(&matrix));
        track_header.extend(ints(&[1280 << 16, 720 << 16]));
        let mut description = ints(&[0, 1, 86]);
        description.extend_from_slice(coding);
        description.extend_from_slice(&[0; 24]);
        description.extend_from_slice(&[5, 0, 2, 208]);
        description.extend_from_slice(&[0; 50]);
        let samples =
            [boxed(b"stsd", &description), boxed(b"stts", &ints(&[0, 2, 299, 512, 1, 1024]))].concat();
        let mut handler = ints(&[0, 0]);
        handler.extend_from_slice(b"vide");
        let media = [
            boxed(b"mdhd", &ints(&[0, 0, 0, 15_360, 154_112, 0])),
            boxed(b"hdlr", &handler),
            boxed(b"minf", &boxed(b"stbl", &samples)),
        ]
        .concat();
        let track = [boxed(b"tkhd", &track_header), boxed(b"mdia", &media)].concat();
        let movie = [boxed(b"mvhd", &ints(&[0, 0, 0, 1000, 10_033, 0])), boxed(b"trak", &track)].concat();
        [boxed(b"ftyp", b"isom\0\0\x02\0"), boxed(b"mdat", &[7; 100]), boxed(b"moov", &movie)].concat()
    }

    fn facts(file: &[u8]) -> Facts {
        read(&mut Cursor::new(file), file.len() as u64).unwrap()
    }

    #[test]
    fn a_movie_says_its_length_size_rate_and_coding() {
        let facts = facts(&movie(false, b"avc1"));
        assert_eq!(facts.duration, Some(10.033));
        assert_eq!(facts.resolution, Some((1280, 720)));
        assert_eq!(facts.fps, Some(29.9));
        assert_eq!(facts.codec.as_deref(), Some("h264"));
    }

    #[test]
    fn a_movie_held_upright_is_as_wide_as_it_is_shown() {
        assert_eq!(facts(&movie(true, b"hvc1")).resolution, Some((720, 1280)));
    }

    #[test]
    fn a_coding_without_a_name_goes_by_its_letters() {
        assert_eq!(facts(&movie(false, b"XVID")).codec.as_deref(), Some("xvid"));
        assert_eq!(facts(&movie(false, b"encv")).codec, None);
        assert_eq!(facts(&movie(false, b"\0\x01\x02\x03")).codec, None);
    }

    #[test]
    fn a_file_cut_short_or_with_nonsense_is_no_error() {
        let whole = movie(false, b"avc1");
        for length in 0..whole.len() {
            facts(&whole[..length]);
        }
        for position in 0..whole.len() {
            let mut odd = whole.clone();
            odd[position] ^= 0xff;
            facts(&odd);
        }
    }

    #[test]
    fn a_box_larger_than_four_gigabytes_is_stepped_over() {
        let mut file = boxed(b"ftyp", b"isom");
        file.extend(ints(&[1]));
        file.extend_from_slice(b"mdat");
        file.extend((1_u64 << 40).to_be_bytes());
        let mut file = Cursor::new(file);
        assert_eq!(read(&mut file, 1 << 41).unwrap(), Facts::default());
    }
}
