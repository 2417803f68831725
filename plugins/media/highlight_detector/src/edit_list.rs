//! Where the tracks of an MP4 file begin in time, and where the file should end.
//!
//! An AAC encoder puts a few dozen milliseconds of nothing before the sound, and a recorder may begin a track later
//! than the others. Players learn of both from the file's edit lists (ISO/IEC 14496-12, 8.6.5 and 8.6.6), which the
//! demuxer does not apply.

use std::io::{self, Read, Seek, SeekFrom};

/// The time at which each track's first frame is heard: the track's id, and seconds, below 0 when the first frames
/// are to be dropped.
pub(crate) type Starts = Vec<(u32, f64)>;

/// What an MP4 file says of its own bounds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Bounds {
    /// When its tracks begin; empty for a file that is no MP4, or in which nothing is said of it.
    pub(crate) starts: Starts,
    /// Where the media of a file that was cut off would have ended, in bytes.
    pub(crate) whole: Option<u64>,
}

/// Enough for any real file, and few enough for a file made to keep us busy.
const MOST_BOXES: usize = 4096;

/// Reads the bounds of a file of so many bytes.
///
/// # Errors
/// Those of the source; not those of the file's content, which are for the demuxer to find.
pub(crate) fn bounds(source: &mut (impl Read + Seek), length: u64) -> io::Result<Bounds> {
    let mut walk =
        Walk { source, boxes: 0, movie_scale: 0, bounds: Bounds::default(), track: Track::default() };
    match walk.boxes_in(0, length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(walk.bounds),
        other => other.map(|()| walk.bounds),
    }
}

struct Walk<'a, S> {
    source: &'a mut S,
    boxes: usize,
    /// Ticks a second of the movie, in which durations are given.
    movie_scale: u32,
    bounds: Bounds,
    track: Track,
}

#[derive(Default)]
struct Track {
    id: u32,
    /// Ticks a second of the track, in which its own times are given.
    scale: u32,
    /// Ticks of the movie before the track begins.
    wait: u64,
    /// Ticks of the track that are not to be heard.
    skip: i64,
}

impl<S: Read + Seek> Walk<'_, S> {
    fn boxes_in(&mut self, start: u64, end: u64) -> io::Result<()> {
        let mut at = start;
        while end.saturating_sub(at) >= 8 && self.boxes < MOST_BOXES {
            self.boxes += 1;
            self.source.seek(SeekFrom::Start(at))?;
            let short = u64::from(self.u32()?);
            let kind = self.bytes::<4>()?;
            let (size, header) = match short {
                0 => (end - at, 8),
                1 => (self.u64()?, 16),
                size => (size, 8),
            };
            if at == 0 && &kind != b"ftyp" {
                return Ok(());
            }
            let Some(next) = at.checked_add(size).filter(|_| size >= header) else { return Ok(()) };
            if next > end {
                // Without the index, which recorders may write last, what there is of the media cannot be read.
                if &kind == b"mdat" && self.movie_scale > 0 {
                    self.bounds.whole = Some(next);
                }
                return Ok(());
            }
            self.open(&kind, at + header, next)?;
            at = next;
        }
        Ok(())
    }

    fn open(&mut self, kind: &[u8; 4], start: u64, end: u64) -> io::Result<()> {
        match kind {
            b"moov" | b"edts" | b"mdia" => self.boxes_in(start, end)?,
            b"trak" => {
                self.track = Track::default();
                self.boxes_in(start, end)?;
                self.finish_track();
            }
            b"mvhd" => self.movie_scale = self.after_times()?,
            b"mdhd" => self.track.scale = self.after_times()?,
            b"tkhd" => self.track.id = self.after_times()?,
            b"elst" => self.edits()?,
            _ => {}
        }
        Ok(())
    }

    /// The number that follows version, flags and the times of creation and change.
    fn after_times(&mut self) -> io::Result<u32> {
        let [version, ..] = self.bytes::<4>()?;
        self.source.seek(SeekFrom::Current(if version == 1 { 16 } else { 8 }))?;
        self.u32()
    }

    fn edits(&mut self) -> io::Result<()> {
        let [version, ..] = self.bytes::<4>()?;
        // Empty edits come first, then where the media begins. What an editor cut out later on is not followed.
        for _ in 0..self.u32()?.min(16) {
            let (duration, media_time) = if version == 1 {
                (self.u64()?, i64::from_be_bytes(self.bytes()?))
            } else {
                (u64::from(self.u32()?), i64::from(i32::from_be_bytes(self.bytes()?)))
            };
            self.bytes::<4>()?;
            if media_time >= 0 {
                self.track.skip = media_time;
                break;
            }
            self.track.wait = self.track.wait.saturating_add(duration);
        }
        Ok(())
    }

    fn finish_track(&mut self) {
        let Track { id, scale, wait, skip } = self.track;
        if scale == 0 || (wait > 0 && self.movie_scale == 0) {
            return;
        }
        let wait = if wait == 0 { 0.0 } else { wait as f64 / f64::from(self.movie_scale) };
        self.bounds.starts.push((id, wait - skip as f64 / f64::from(scale)));
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        self.bytes().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> io::Result<u64> {
        self.bytes().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, content].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    /// A movie of 1000 ticks a second with one track, number 2, of 48 000 ticks a second.
    fn movie(edits: &[u32]) -> Vec<u8> {
        let track = [
            boxed(b"tkhd", &numbers(&[0, 0, 0, 2, 0])),
            boxed(b"edts", &boxed(b"elst", &numbers(edits))),
            boxed(b"mdia", &boxed(b"mdhd", &numbers(&[0, 0, 0, 48_000, 0]))),
        ];
        let movie = [boxed(b"mvhd", &numbers(&[0, 0, 0, 1000, 0])), boxed(b"trak", &track.concat())];
        [boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"mdat", &[0; 100]), boxed(b"moov", &movie.concat())].concat()
    }

    fn starts_of(file: Vec<u8>) -> Starts {
        let length = file.len() as u64;
        bounds(&mut Cursor::new(file), length).unwrap().starts
    }

    #[test]
    fn what_an_encoder_put_before_the_sound_lies_before_the_start() {
        assert_eq!(starts_of(movie(&[0, 1, 60_000, 1024, 0x1_0000])), [(2, -1024.0 / 48_000.0)]);
    }

    #[test]
    fn a_track_may_begin_later_than_the_film() {
        let edits = [0, 2, 1500, u32::MAX, 0x1_0000, 60_000, 480, 0x1_0000];
        assert_eq!(starts_of(movie(&edits)), [(2, 1.49)]);
    }

    #[test]
    fn a_file_that_was_cut_off_within_its_media_says_how_long_it_was() {
        let bounds_of = |file: &[u8]| bounds(&mut Cursor::new(file), file.len() as u64).unwrap();
        let index = movie(&[0, 0]);
        let file = [index.clone(), boxed(b"mdat", &[0; 100])].concat();
        assert_eq!(bounds_of(&file).whole, None);
        assert_eq!(bounds_of(&file[..file.len() - 50]).whole, Some(file.len() as u64));
        assert_eq!(bounds_of(&index[..60]).whole, None);
    }

    #[test]
    fn other_files_and_cut_ones_say_nothing() {
        assert_eq!(starts_of(b"RIFF\0\0\0\0WAVEfmt ".to_vec()), []);
        assert_eq!(starts_of(Vec::new()), []);
        let mut cut = movie(&[0, 1, 60_000, 1024, 0x1_0000]);
        cut.truncate(cut.len() - 30);
        assert_eq!(starts_of(cut), []);
    }
}
