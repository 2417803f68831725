//! What a media file says of itself: duration, resolution, pictures a second, codec, size.
//!
//! MP4 and QuickTime are read by their boxes (`mp4.rs`), because symphonia says nothing of their pictures; everything
//! else by symphonia, but for the pictures a second of Matroska and WebM (`matroska.rs`). What a file does not say, or says in a way that is not understood, is not known; that is no error.

use std::{
    io::{self, Read, Seek, SeekFrom},
    panic::AssertUnwindSafe,
};

use symphonia::core::{
    codecs::{CodecParameters, audio::well_known as audio, video::well_known as video},
    formats::{FormatOptions, Track, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream},
    meta::MetadataOptions,
};

use crate::{clip::Clip, matroska, mp4, sniff};

/// How many bytes of a file are read at most, whatever it makes its reader look for.
const MOST_READ: u64 = 64 * 1024 * 1024;

/// As how many bytes a jump within the file counts: each has the file read anew from there.
const JUMP: u64 = 4096;

/// What is known of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// Bytes.
    pub(crate) size: u64,
    /// Seconds.
    pub(crate) duration: Option<f64>,
    /// Width and height in pixels, as they are shown.
    pub(crate) resolution: Option<(u32, u32)>,
    /// Pictures a second.
    pub(crate) fps: Option<f64>,
    /// Of the pictures; without pictures, of the sound.
    pub(crate) codec: Option<String>,
}

/// Looks into a file of `size` bytes, and gives its media type with what is known of it. May block.
pub(crate) fn read(file: impl Read + Seek + Send + Sync + 'static, size: u64) -> (&'static str, Facts) {
    read_within(Bounded { file, size, left: MOST_READ })
}

fn read_within<R: Read + Seek + Send + Sync + 'static>(mut file: Bounded<R>) -> (&'static str, Facts) {
    let size = file.size;
    let mut first = Vec::new();
    let looked = (&mut file).take(sniff::LOOKED_AT as u64).read_to_end(&mut first);
    let content_type = if looked.is_ok() { sniff::content_type(&first) } else { sniff::content_type(&[]) };
    let facts = match content_type {
        "video/mp4" | "audio/mp4" | "video/quicktime" => mp4::read(&mut file, size).unwrap_or_default(),
        "application/octet-stream" => Facts::default(),
        _ => {
            // Odd files make symphonia panic here and there, on products that overflow for one: then nothing is known. In a
            // component nothing is caught, and such a file is not taken; but there products wrap, and next to none is left.
            let fps = match content_type {
                "video/x-matroska" | "video/webm" => {
                    matroska::pictures_a_second(&mut file, size).ok().flatten()
                }
                _ => None,
            };
            let looking = AssertUnwindSafe(|| with_symphonia(file, content_type));
            let facts = std::panic::catch_unwind(looking).ok().flatten().unwrap_or_default();
            Facts { fps, ..facts }
        }
    };
    (content_type, Facts { size, ..facts })
}

impl Facts {
    /// Nothing is known but the size.
    pub(crate) fn of_size(size: u64) -> Self {
        Self { size, ..Self::default() }
    }

    /// Fills what was not given.
    pub(crate) fn fill(self, clip: &mut Clip) {
        let Said { file_size, duration, resolution, fps, codec } = self.said();
        clip.file_size = clip.file_size.or(file_size);
        clip.duration = clip.duration.or(duration);
        clip.resolution = clip.resolution.take().or(resolution);
        clip.fps = clip.fps.or(fps);
        clip.codec = clip.codec.take().or(codec);
    }

    /// Takes the place of what was said of other media; of what was said without media, only where it is known.
    pub(crate) fn replace(self, clip: &mut Clip, had_media: bool) {
        let Said { file_size, duration, resolution, fps, codec } = self.said();
        let stays = !had_media;
        clip.file_size = file_size;
        clip.duration = duration.or(clip.duration.filter(|_| stays));
        clip.resolution = resolution.or(clip.resolution.take().filter(|_| stays));
        clip.fps = fps.or(clip.fps.filter(|_| stays));
        clip.codec = codec.or(clip.codec.take().filter(|_| stays));
    }

    /// As a clip says it: within its rules, so that what is odd is not known.
    fn said(self) -> Said {
        #[allow(clippy::cast_possible_truncation, reason = "the guard leaves only what an i64 holds")]
        let seconds =
            |duration: f64| (duration > 0.0 && duration < 1e12).then(|| (duration.round() as i64).max(1));
        Said {
            file_size: i64::try_from(self.size).ok().filter(|size| *size > 0),
            duration: self.duration.and_then(seconds),
            resolution: self.resolution.map(|(width, height)| format!("{width}x{height}")),
            fps: self.fps.filter(|fps| fps.is_finite() && *fps > 0.0 && *fps <= 1000.0),
            codec: self.codec.filter(|codec| !codec.is_empty() && codec.len() <= 50),
        }
    }
}

struct Said {
    file_size: Option<i64>,
    duration: Option<i64>,
    resolution: Option<String>,
    fps: Option<f64>,
    codec: Option<String>,
}

fn with_symphonia<R: Read + Seek + Send + Sync + 'static>(
    mut file: Bounded<R>,
    content_type: &str,
) -> Option<Facts> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut hint = Hint::new();
    hint.mime_type(content_type);
    let format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .ok()?;
    let of = |kind| format.tracks().iter().find(|track: &&Track| track.track_type() == Some(kind));
    let (pictures, sound) = (of(TrackType::Video), of(TrackType::Audio));
    let whole = format.media_info();
    let duration = seconds(whole.time_base, whole.duration)
        .or_else(|| pictures.or(sound).and_then(|track| seconds(track.time_base, track.duration)));
    let resolution = match pictures.and_then(|track| track.codec_params.as_ref()) {
        Some(CodecParameters::Video(parameters)) => {
            parameters.width.zip(parameters.height).map(|(width, height)| (width.into(), height.into()))
        }
        _ => None,
    };
    let codec =
        pictures.or(sound).and_then(|track| codec_name(track.codec_params.as_ref()?)).map(str::to_owned);
    Some(Facts { size: 0, duration, resolution, fps: None, codec })
}

fn seconds(
    time_base: Option<symphonia::core::units::TimeBase>,
    duration: Option<symphonia::core::units::Duration>,
) -> Option<f64> {
    time_base?.calc_duration(duration?).map(|time| time.as_secs_f64())
}

fn codec_name(parameters: &CodecParameters) -> Option<&'static str> {
    match parameters {
        CodecParameters::Video(parameters) => Some(match parameters.codec {
            video::CODEC_ID_H264 => "h264",
            video::CODEC_ID_HEVC => "hevc",
            video::CODEC_ID_VVC => "vvc",
            video::CODEC_ID_VP8 => "vp8",
            video::CODEC_ID_VP9 => "vp9",
            video::CODEC_ID_AV1 => "av1",
            video::CODEC_ID_MPEG1 => "mpeg1",
            video::CODEC_ID_MPEG2 => "mpeg2",
            video::CODEC_ID_MPEG4 => "mpeg4",
            video::CODEC_ID_MJPEG => "mjpeg",
            video::CODEC_ID_THEORA => "theora",
            _ => return None,
        }),
        CodecParameters::Audio(parameters) => Some(match parameters.codec {
            audio::CODEC_ID_AAC => "aac",
            audio::CODEC_ID_MP1 => "mp1",
            audio::CODEC_ID_MP2 => "mp2",
            audio::CODEC_ID_MP3 => "mp3",
            audio::CODEC_ID_FLAC => "flac",
            audio::CODEC_ID_VORBIS => "vorbis",
            audio::CODEC_ID_OPUS => "opus",
            audio::CODEC_ID_ALAC => "alac",
            audio::CODEC_ID_AC3 => "ac3",
            audio::CODEC_ID_EAC3 => "eac3",
            audio::CODEC_ID_ADPCM_MS | audio::CODEC_ID_ADPCM_IMA_WAV | audio::CODEC_ID_ADPCM_IMA_QT => {
                "adpcm"
            }
            audio::CODEC_ID_PCM_S16LE | audio::CODEC_ID_PCM_S16BE => "pcm_s16",
            audio::CODEC_ID_PCM_S24LE | audio::CODEC_ID_PCM_S24BE => "pcm_s24",
            audio::CODEC_ID_PCM_S32LE | audio::CODEC_ID_PCM_S32BE => "pcm_s32",
            audio::CODEC_ID_PCM_U8 => "pcm_u8",
            audio::CODEC_ID_PCM_F32LE | audio::CODEC_ID_PCM_F32BE => "pcm_f32",
            audio::CODEC_ID_PCM_F64LE | audio::CODEC_ID_PCM_F64BE => "pcm_f64",
            audio::CODEC_ID_PCM_ALAW => "pcm_alaw",
            audio::CODEC_ID_PCM_MULAW => "pcm_mulaw",
            _ => return None,
        }),
        _ => None,
    }
}

/// A file of which no more than so many bytes are read.
struct Bounded<R> {
    file: R,
    size: u64,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("more would have to be read than a file's facts are worth"));
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read(buffer.get_mut(..room).unwrap_or_default())?;
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.left = self.left.saturating_sub(JUMP);
        self.file.seek(to)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Bounded<R> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.size)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Cursor,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
    };

    use proptest::prelude::*;

    use super::*;

    /// What files of each kind begin with.
    const BEGINNINGS: [&[u8]; 12] = [
        b"\0\0\0\x14ftypisom\0\0\x02\0isom",
        b"\0\0\0\x08wide",
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\
          \x42\x87\x81\x04\x42\x85\x81\x02\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
        b"fLaC",
        b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0\0\0\0\0",
        b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0",
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0",
        b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\x7fINFO",
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        b"ID3\x03\0\0\0\0\x7f\x7fAPIC\x7f\xff\xff\xff\0\0",
        b"\xff\xfb\x90\x64",
    ];

    /// A file of a terabyte that repeats itself, and counts what is read of it.
    struct Endless {
        first: Vec<u8>,
        again: Vec<u8>,
        position: u64,
        read: Arc<AtomicU64>,
    }

    const TERABYTE: u64 = 1 << 40;

    /// Less than [`MOST_READ`], so that the test is soon over.
    const LIMIT: u64 = 1 << 20;

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let position = self.position as usize;
            let next = match self.first.get(position..) {
                Some(next) if !next.is_empty() => next,
                _ => &self.again[(position - self.first.len()) % self.again.len()..],
            };
            let room = TERABYTE.saturating_sub(self.position) as usize;
            let count = next.len().min(buffer.len()).min(room);
            buffer[..count].copy_from_slice(&next[..count]);
            self.position += count as u64;
            self.read.fetch_add(count as u64, Ordering::Relaxed);
            Ok(count)
        }
    }

    impl Seek for Endless {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.position = match to {
                SeekFrom::Start(position) => position,
                SeekFrom::End(offset) => TERABYTE.saturating_add_signed(offset),
                SeekFrom::Current(offset) => self.position.saturating_add_signed(offset),
            };
            Ok(self.position)
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_it_is_read_to_an_end(
            begin in prop::sample::select(BEGINNINGS.to_vec()),
            rest in prop::collection::vec(any::<u8>(), 0..3000),
        ) {
            let (_, facts) = facts([begin, &rest[..]].concat());
            facts.said();
        }

        #[test]
        fn a_sound_file_with_any_bytes_in_any_place_is_read_to_an_end(
            position in 0..60_usize, bytes in prop::collection::vec(any::<u8>(), 1..12),
        ) {
            let mut file = wav(8000, 100);
            file.splice(position..position + bytes.len(), bytes);
            facts(file).1.said();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn of_a_file_without_end_no_more_is_read_than_facts_are_worth(
            rest in prop::collection::vec(any::<u8>(), 0..40),
            again in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            for begin in BEGINNINGS {
                let count = Arc::new(AtomicU64::new(0));
                let first = [begin, &rest[..]].concat();
                let again = again.repeat(4096);
                let file = Endless { first, again, position: 0, read: Arc::clone(&count) };
                let (_, facts) = read_within(Bounded { file, size: TERABYTE, left: LIMIT });
                prop_assert_eq!(facts.size, TERABYTE);
                prop_assert!(count.load(Ordering::Relaxed) <= LIMIT);
            }
        }
    }

    fn facts(file: Vec<u8>) -> (&'static str, Facts) {
        let size = file.len() as u64;
        read(Cursor::new(file), size)
    }

    /// Silence of 16 bits, one channel.
    fn wav(rate: u32, samples: u32) -> Vec<u8> {
        let bytes = samples * 2;
        let mut file = Vec::new();
        for part in [
            &b"RIFF"[..],
            &(36 + bytes).to_le_bytes(),
            b"WAVEfmt ",
            &16_u32.to_le_bytes(),
            &[1, 0, 1, 0],
            &rate.to_le_bytes(),
            &(rate * 2).to_le_bytes(),
            &[2, 0, 16, 0],
            b"data",
            &bytes.to_le_bytes(),
        ] {
            file.extend_from_slice(part);
        }
        file.resize(file.len() + bytes as usize, 0);
        file
    }

    #[test]
    fn a_wav_file_says_its_length_and_coding() {
        let (content_type, facts) = facts(wav(8000, 20_000));
        assert_eq!(content_type, "audio/wav");
        assert_eq!((facts.duration, facts.codec.as_deref()), (Some(2.5), Some("pcm_s16")));
        assert_eq!((facts.resolution, facts.fps, facts.size), (None, None, 40_044));
    }

    #[test]
    fn a_sound_file_of_impossibly_many_channels_is_known_by_its_kind_alone() {
        let mut file = wav(8000, 100);
        file[22..24].copy_from_slice(&0x8000_u16.to_le_bytes());
        let (content_type, facts) = facts(file);
        assert_eq!((content_type, facts.size), ("audio/wav", 244));
    }

    #[test]
    fn of_an_odd_file_only_the_size_is_known() {
        let cut_short = wav(8000, 20_000)[..20].to_vec();
        for file in
            [b"nothing that plays".to_vec(), b"OggS".to_vec(), b"\x1a\x45\xdf\xa3\x9f".to_vec(), cut_short]
        {
            let size = file.len() as u64;
            assert_eq!(facts(file).1, Facts { size, ..Facts::default() });
        }
    }

    #[test]
    fn no_more_is_read_than_it_may() {
        let mut file = Bounded { file: Cursor::new(vec![7; 100]), size: 100, left: 60 };
        let mut read = Vec::new();
        assert!(file.read_to_end(&mut read).is_err());
        assert_eq!(read.len(), 60);
    }

    #[test]
    fn what_breaks_a_clips_rules_is_not_said() {
        let odd = Facts {
            size: 10,
            duration: Some(0.2),
            fps: Some(f64::INFINITY),
            codec: Some("x".repeat(51)),
            resolution: None,
        };
        let said = odd.said();
        assert_eq!((said.duration, said.fps, said.codec), (Some(1), None, None));
    }
}
