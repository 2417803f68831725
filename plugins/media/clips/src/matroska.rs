//! How many pictures a second a Matroska or WebM file has (RFC 9559): the one fact that symphonia does not tell of it.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK_ENTRY: u64 = 0xae;
const TRACK_TYPE: u64 = 0x83;
/// How long each picture is shown, in nanoseconds.
const DEFAULT_DURATION: u64 = 0x23_e383;

/// The track type of pictures.
const VIDEO: u64 = 1;

/// How many elements are looked at in one place.
const MOST_ELEMENTS: usize = 1000;

/// An element: what it is, and where its content stands.
struct Element {
    id: u64,
    content: Range<u64>,
}

/// Pictures a second of the first track of pictures, in a file of `size` bytes; `None` when it does not say.
///
/// # Errors
/// Only what reading fails with.
pub(crate) fn pictures_a_second(file: &mut (impl Read + Seek), size: u64) -> io::Result<Option<f64>> {
    let Some(segment) = find(file, 0..size, SEGMENT)? else { return Ok(None) };
    let Some(tracks) = find(file, segment, TRACKS)? else { return Ok(None) };
    let mut position = tracks.start;
    for _ in 0..MOST_ELEMENTS {
        let Some(element) = next(file, position..tracks.end)? else { break };
        position = element.content.end;
        if element.id != TRACK_ENTRY {
            continue;
        }
        if number(file, element.content.clone(), TRACK_TYPE)? == Some(VIDEO) {
            let nanoseconds = number(file, element.content, DEFAULT_DURATION)?;
            return Ok(nanoseconds.filter(|it| *it > 0).map(rate));
        }
    }
    Ok(None)
}

fn rate(nanoseconds: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    let rate = 1e9 / nanoseconds as f64;
    (rate * 1000.0).round() / 1000.0
}

fn find(file: &mut (impl Read + Seek), within: Range<u64>, id: u64) -> io::Result<Option<Range<u64>>> {
    let mut position = within.start;
    for _ in 0..MOST_ELEMENTS {
        let Some(element) = next(file, position..within.end)? else { break };
        if element.id == id {
            return Ok(Some(element.content));
        }
        position = element.content.end;
    }
    Ok(None)
}

/// The unsigned number in the element of this kind.
fn number(file: &mut (impl Read + Seek), within: Range<u64>, id: u64) -> io::Result<Option<u64>> {
    let Some(content) = find(file, within, id)? else { return Ok(None) };
    if content.end - content.start > 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(content.start))?;
    let mut bytes = Vec::new();
    file.take(content.end - content.start).read_to_end(&mut bytes)?;
    Ok(Some(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))))
}

/// The element that begins where the range does; none when there is no room for one, or it says nonsense.
fn next(file: &mut (impl Read + Seek), within: Range<u64>) -> io::Result<Option<Element>> {
    file.seek(SeekFrom::Start(within.start))?;
    let mut header = Vec::new();
    file.take(within.end.saturating_sub(within.start).min(12)).read_to_end(&mut header)?;
    let Some((id, id_length)) = variable(&header, false) else { return Ok(None) };
    let Some((size, size_length)) = variable(header.get(id_length..).unwrap_or_default(), true) else {
        return Ok(None);
    };
    let start = within.start + (id_length + size_length) as u64;
    // All ones stand for a size that was not known when the file was begun: it goes to the end.
    let is_unknown = size == (1 << (7 * size_length)) - 1;
    let end = if is_unknown { Some(within.end) } else { start.checked_add(size) };
    Ok(end.filter(|end| (start..=within.end).contains(end)).map(|end| Element { id, content: start..end }))
}

/// A number whose first bits say how long it is, with that length; an id keeps those bits.
fn variable(bytes: &[u8], without_length: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let rest = bytes.get(1..length)?;
    let first = if without_length { first & (0xff_u16 >> length) as u8 } else { first };
    Some((rest.iter().fold(u64::from(first), |number, byte| (number << 8) | u64::from(*byte)), length))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn element(id: u64, content: &[u8]) -> Vec<u8> {
        let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let size = (content.len() as u64 | 1 << 56).to_be_bytes();
        [&id, &size[..], content].concat()
    }

    /// A film with sound first, whose pictures are shown for so many nanoseconds each.
    fn film(nanoseconds: u32) -> Vec<u8> {
        let duration = element(DEFAULT_DURATION, &nanoseconds.to_be_bytes());
        let sound =
            element(TRACK_ENTRY, &[element(TRACK_TYPE, &[2]), element(DEFAULT_DURATION, &[9])].concat());
        let pictures = element(TRACK_ENTRY, &[element(TRACK_TYPE, &[1]), duration].concat());
        let tracks = element(TRACKS, &[sound, pictures].concat());
        let mut segment = vec![0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        segment.extend(element(0xec, &[0; 40]));
        segment.extend(tracks);
        [element(0x1a45_dfa3, b"webm"), segment].concat()
    }

    fn read(file: &[u8]) -> Option<f64> {
        pictures_a_second(&mut Cursor::new(file), file.len() as u64).unwrap()
    }

    #[test]
    fn the_rate_is_that_of_the_pictures() {
        assert_eq!(read(&film(33_333_333)), Some(30.0));
        assert_eq!(read(&film(33_366_667)), Some(29.97));
        assert_eq!(read(&film(16_666_667)), Some(60.0));
    }

    #[test]
    fn a_film_that_does_not_say_its_rate_has_none() {
        assert_eq!(read(&film(0)), None);
        assert_eq!(read(&element(0x1a45_dfa3, b"webm")), None);
        assert_eq!(read(b""), None);
    }

    #[test]
    fn a_film_cut_short_or_with_nonsense_is_no_error() {
        let whole = film(33_333_333);
        for position in 0..whole.len() {
            read(&whole[..position]);
            for bits in [0xff, 0x80, 0x01] {
                let mut odd = whole.clone();
                odd[position] ^= bits;
                read(&odd);
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_it_is_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            read(&bytes);
            read(&element(SEGMENT, &bytes));
            read(&element(SEGMENT, &element(TRACKS, &element(TRACK_ENTRY, &bytes))));
        }
    }
}
