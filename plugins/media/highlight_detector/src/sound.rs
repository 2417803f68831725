//! The sound of a media file, as a stream of decoded frames.

use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use symphonia::core::{
    audio::{AudioSpec, Channels},
    codecs::{
        CodecParameters,
        audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known},
    },
    errors::Error,
    formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream},
    meta::MetadataOptions,
    packet::Packet,
    units::{TimeBase, Timestamp},
};

use crate::edit_list::{self, Bounds, Starts};

/// Why the sound of a file was not heard, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unheard {
    /// The file has no audio track.
    NoAudio,
    /// The file is of no format that is read here.
    UnknownFormat,
    /// The audio is of a codec that is not decoded here; its name.
    UnknownCodec(String),
    /// The file breaks its format's rules; which.
    Broken(String),
    /// The audio is longer than a day, or says so.
    TooLong,
    /// The caller wanted no more.
    Stopped,
    /// The source could not be read; why. Unlike all others, this may be different another time.
    Unreadable(String),
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAudio => f.write_str("the file has no audio track"),
            Self::UnknownFormat => f.write_str(
                "the file is of no format that is read here: MP4, MKV, WebM, MP3, FLAC, Ogg or WAV",
            ),
            Self::UnknownCodec(name) => write!(
                f,
                "the audio is of a codec that is not decoded here ({name}): record in AAC, MP3, FLAC, Vorbis or PCM"
            ),
            Self::Broken(why) => write!(f, "the file is broken: {why}"),
            Self::TooLong => f.write_str("the audio is longer than a day"),
            Self::Stopped => f.write_str("the analysis was stopped before its end"),
            Self::Unreadable(why) => write!(f, "the file could not be read: {why}"),
        }
    }
}

impl std::error::Error for Unheard {}

/// The sound of a media file, decoded as it is asked for.
pub struct Sound {
    format: Box<dyn FormatReader>,
    faults: Faults,
    track: Listened,
    /// Packets of the track so far.
    packets: u64,
    /// What was decoded last, and its rate and channels.
    samples: Vec<f32>,
    spec: Option<AudioSpec>,
}

/// The track that is listened to.
struct Listened {
    id: u32,
    decoder: Box<dyn AudioDecoder>,
    time_base: Option<TimeBase>,
    /// Seconds to add to the track's own times.
    start: f64,
    duration: Option<f64>,
}

/// Some frames of sound.
#[derive(Debug)]
pub struct Frames<'a> {
    /// When the first of them is heard, in seconds from the start of the film: below 0 for frames that are not to be
    /// heard; `None` when the file does not say.
    pub start: Option<f64>,
    /// Frames a second.
    pub rate: u32,
    /// The channels in their order.
    pub channels: &'a Channels,
    /// The samples, interleaved: finite, and -1 to 1 but for overshoots.
    pub samples: &'a [f32],
}

impl Sound {
    /// Finds the default audio track of a file, and gets ready to decode it.
    ///
    /// # Errors
    /// The reason why there is nothing to hear.
    pub fn open(source: impl Read + Seek + Send + Sync + 'static) -> Result<Self, Unheard> {
        unless_it_panics(|| Self::demux(source))
    }

    fn demux(source: impl Read + Seek + Send + Sync + 'static) -> Result<Self, Unheard> {
        let faults = Faults::default();
        let unreadable = |error: io::Error| Unheard::Unreadable(error.to_string());
        let mut source = Source::new(source, faults.clone()).map_err(unreadable)?;
        if source.length == 0 {
            return Err(Unheard::Broken("it is empty".to_owned()));
        }
        let length = source.length;
        let Bounds { starts, whole } = edit_list::bounds(&mut source, length).map_err(unreadable)?;
        source.rewind().map_err(unreadable)?;
        // The demuxer reads nothing of media that would end after the file; so it takes the file for a whole one, and
        // comes to its end early.
        source.length = whole.unwrap_or(length);
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| faults.first().unwrap_or_else(|| not_opened(&error)))?;
        let track = Listened::choose(format.as_ref(), &starts)?;
        Ok(Self { format, faults, track, packets: 0, samples: Vec::new(), spec: None })
    }

    /// The length of the track in seconds, where the container says it.
    pub fn duration(&self) -> Option<f64> {
        self.track.duration
    }

    /// The next frames; `None` at the end. A file that was cut off ends where it was cut, and a packet that cannot
    /// be decoded is left out.
    ///
    /// # Errors
    /// [`Unheard::Broken`] when nothing at all can be decoded, [`Unheard::Unreadable`] when the source fails.
    pub fn next_frames(&mut self) -> Result<Option<Frames<'_>>, Unheard> {
        let Some(packet) = unless_it_panics(|| self.decode_next())? else { return Ok(None) };
        let Self { spec: Some(spec), samples, .. } = self else { return Ok(None) };
        let start = self.track.time_of(&packet);
        Ok(Some(Frames { start, rate: spec.rate(), channels: spec.channels(), samples }))
    }

    /// Decodes the next packet that holds anything into `samples`.
    fn decode_next(&mut self) -> Result<Option<Packet>, Unheard> {
        while let Some(packet) = self.next_packet()? {
            self.packets += 1;
            if self.decode(&packet)? {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    /// The track's next packet.
    fn next_packet(&mut self) -> Result<Option<Packet>, Unheard> {
        loop {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track.id => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return self.end(None),
                // One Ogg stream after another, as radio stations send: from here on with the next one's tracks.
                Err(Error::ResetRequired) => {
                    let Ok(next) = Listened::choose(self.format.as_ref(), &Vec::new()) else {
                        return Ok(None);
                    };
                    self.track = Listened { time_base: None, ..next };
                }
                Err(error) => return self.end(Some(&error)),
            }
        }
    }

    /// What the end of the packets means.
    fn end(&self, error: Option<&Error>) -> Result<Option<Packet>, Unheard> {
        if let Some(unreadable) = self.faults.first() {
            return Err(unreadable);
        }
        match error {
            Some(error) if self.spec.is_none() => Err(Unheard::Broken(fault(error))),
            None if self.spec.is_none() && self.packets > 0 => {
                Err(Unheard::Broken("none of its audio can be decoded".to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// Decodes a packet into `samples`; whether there is anything in them.
    fn decode(&mut self, packet: &Packet) -> Result<bool, Unheard> {
        match self.track.decoder.decode(packet) {
            Ok(decoded) => {
                if self.spec.as_ref() != Some(decoded.spec()) {
                    self.spec = Some(decoded.spec().clone());
                }
                decoded.copy_to_vec_interleaved(&mut self.samples);
                self.samples.iter_mut().for_each(|sample| *sample = audible(*sample));
                Ok(!self.samples.is_empty())
            }
            Err(Error::Unsupported(what)) if self.spec.is_none() => {
                Err(Unheard::UnknownCodec(what.to_owned()))
            }
            Err(Error::ResetRequired) => {
                self.track.decoder.reset();
                Ok(false)
            }
            Err(_) => Ok(false),
        }
    }
}

impl Listened {
    fn choose(format: &dyn FormatReader, starts: &Starts) -> Result<Self, Unheard> {
        let track = format.default_track(TrackType::Audio).ok_or(Unheard::NoAudio)?;
        let Some(CodecParameters::Audio(codec)) = &track.codec_params else { return Err(Unheard::NoAudio) };
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(codec, &AudioDecoderOptions::default())
            .map_err(|error| match error {
                Error::Unsupported(_) => Unheard::UnknownCodec(name_of(codec.codec)),
                error => Unheard::Broken(fault(&error)),
            })?;
        let start = starts.iter().find(|(id, _)| *id == track.id).map_or(0.0, |(_, start)| *start);
        let duration = duration_of(track).or_else(|| duration_of_all(format));
        Ok(Self { id: track.id, decoder, time_base: track.time_base, start, duration })
    }

    /// When the first frame that the packet decodes to is heard.
    fn time_of(&self, packet: &Packet) -> Option<f64> {
        let trimmed = i64::try_from(packet.trim_start.get()).ok()?;
        let first = Timestamp::new(packet.pts.get().saturating_add(trimmed));
        Some(self.time_base?.calc_time(first)?.as_secs_f64() + self.start)
    }
}

fn duration_of(track: &Track) -> Option<f64> {
    let duration = track.time_base?.calc_duration(track.duration?)?.as_secs_f64();
    (duration > 0.0).then_some(duration)
}

/// The length of the whole: Matroska tells of no other.
fn duration_of_all(format: &dyn FormatReader) -> Option<f64> {
    let info = format.media_info();
    let duration = info.time_base?.calc_duration(info.duration?)?.as_secs_f64();
    (duration > 0.0).then_some(duration)
}

/// The sample, or what can be heard in its place: a file of floating-point numbers may hold anything.
fn audible(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-4.0, 4.0) }
}

/// What reading the file comes to. Its numbers may contradict each other in ways that the demuxers and decoders do
/// not all foresee: one that panics has been given a broken file. Optimized, where sums wrap, that is one damaged file in ten
/// thousand: a jump that would end beyond all files.
///
/// In a component nothing is caught. The call ends there, as the plugin's fault, and the filter point passes the clip on without
/// its highlights.
fn unless_it_panics<T>(read: impl FnOnce() -> Result<T, Unheard>) -> Result<T, Unheard> {
    // Whatever was left half changed is not used again: the listening ends with the error.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Unheard::Broken("its index and its sound contradict each other".to_owned())))
}

fn not_opened(error: &Error) -> Unheard {
    match error {
        Error::Unsupported(what) if what.starts_with("core (probe)") => Unheard::UnknownFormat,
        error => Unheard::Broken(fault(error)),
    }
}

/// What is wrong with the content.
fn fault(error: &Error) -> String {
    match error {
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it ends before its sound begins".to_owned()
        }
        // A recorder writes the index last: a recording that was cut off has none.
        Error::Unsupported(what) if what.contains("missing moov") => {
            "it was cut off before its index was written".to_owned()
        }
        Error::DecodeError(what) | Error::Unsupported(what) | Error::LimitError(what) => (*what).to_owned(),
        error => error.to_string(),
    }
}

/// The names of codecs that recorders write and that are not decoded here.
fn name_of(codec: AudioCodecId) -> String {
    let name = match codec {
        well_known::CODEC_ID_OPUS => "Opus",
        well_known::CODEC_ID_AC3 => "AC-3",
        well_known::CODEC_ID_EAC3 => "E-AC-3",
        well_known::CODEC_ID_AC4 => "AC-4",
        well_known::CODEC_ID_DCA => "DTS",
        well_known::CODEC_ID_TRUEHD => "TrueHD",
        well_known::CODEC_ID_SPEEX => "Speex",
        well_known::CODEC_ID_WMA => "WMA",
        well_known::CODEC_ID_WAVPACK => "WavPack",
        // Low complexity is decoded, up to two channels.
        well_known::CODEC_ID_AAC => "HE-AAC, or AAC of more than two channels",
        well_known::CODEC_ID_MP1 => "MPEG layer I",
        well_known::CODEC_ID_MP2 => "MPEG layer II",
        other => return format!("number {other}"),
    };
    name.to_owned()
}

/// The first fault of the source: told apart from those of the file's content, which look the same to a demuxer.
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Option<String>>>);

impl Faults {
    fn first(&self) -> Option<Unheard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().map(Unheard::Unreadable)
    }

    fn noting<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
        }
        result
    }
}

/// A source of known length.
struct Source<S> {
    inner: S,
    /// Its bytes; of a file that was cut off, those that it should have.
    length: u64,
    faults: Faults,
}

impl<S: Read + Seek> Source<S> {
    fn new(mut inner: S, faults: Faults) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        inner.rewind()?;
        Ok(Self { inner, length, faults })
    }
}

impl<S: Read> Read for Source<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.faults.noting(self.inner.read(buffer))
    }
}

impl<S: Seek> Seek for Source<S> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        // Not noted: a demuxer that follows a wrong number seeks to where nothing can be.
        match position {
            SeekFrom::End(offset) => {
                let place = self.length.checked_add_signed(offset).ok_or(io::ErrorKind::InvalidInput)?;
                self.inner.seek(SeekFrom::Start(place))
            }
            other => self.inner.seek(other),
        }
    }
}

impl<S: Read + Seek + Send + Sync> MediaSource for Source<S> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
