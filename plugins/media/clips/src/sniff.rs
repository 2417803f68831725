//! What a file is, by its first bytes: what a client says of it is not relied on.

/// How many of the first bytes are looked at.
pub(crate) const LOOKED_AT: usize = 512;

/// The media type of what a browser may play, or `application/octet-stream`.
pub(crate) fn content_type(first: &[u8]) -> &'static str {
    let at = |position: usize, word: &[u8]| first.get(position..).is_some_and(|rest| rest.starts_with(word));
    match () {
        () if at(4, b"ftypqt  ") => "video/quicktime",
        () if at(4, b"ftypM4A ") || at(4, b"ftypM4B ") => "audio/mp4",
        () if at(4, b"ftyp") => "video/mp4",
        // QuickTime files older than `ftyp` begin with any of these.
        () if at(4, b"moov") || at(4, b"mdat") || at(4, b"wide") => "video/quicktime",
        () if at(0, b"\x1a\x45\xdf\xa3") => {
            if first.windows(4).any(|word| word == b"webm") {
                "video/webm"
            } else {
                "video/x-matroska"
            }
        }
        () if at(0, b"fLaC") => "audio/flac",
        () if at(0, b"OggS") => "audio/ogg",
        () if at(0, b"RIFF") && at(8, b"WAVE") => "audio/wav",
        () if at(0, b"ID3") || is_mpeg_audio(first) => "audio/mpeg",
        () => "application/octet-stream",
    }
}

/// The ending of a file's name for a media type.
pub(crate) fn ending(content_type: &str) -> &'static str {
    match content_type {
        "video/mp4" => "mp4",
        "audio/mp4" => "m4a",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        "video/x-matroska" => "mkv",
        "audio/flac" => "flac",
        "audio/ogg" => "ogg",
        "audio/wav" => "wav",
        "audio/mpeg" => "mp3",
        _ => "bin",
    }
}

/// Whether a frame of MPEG audio layer III begins here: its sync word, and none of the values that are reserved.
fn is_mpeg_audio(first: &[u8]) -> bool {
    let [a, b, c, ..] = first else { return false };
    let (version, layer, bitrate, rate) = ((b >> 3) & 3, (b >> 1) & 3, c >> 4, (c >> 2) & 3);
    *a == 0xff && b & 0xe0 == 0xe0 && version != 1 && layer == 1 && bitrate != 0 && bitrate != 15 && rate != 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{content_type, ending};

    proptest! {
        #[test]
        fn whatever_a_file_begins_with_it_is_something_that_runs_nowhere(
            mut first in prop::collection::vec(any::<u8>(), 0..600),
            word in prop::sample::select(vec![&b""[..], b"RIFF", b"\x1a\x45\xdf\xa3", b"\xff\xfb", b"ID3", b"ftyp"]),
            position in 0..9_usize,
        ) {
            first.splice(position.min(first.len())..position.min(first.len()), word.iter().copied());
            let known = content_type(&first);
            let runs_nowhere =
                known.starts_with("video/") || known.starts_with("audio/") || known == "application/octet-stream";
            prop_assert!(runs_nowhere, "{known}");
            prop_assert_eq!(ending(known) == "bin", known == "application/octet-stream");
        }
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        for (first, expected) in [
            (&b"\0\0\0\x20ftypisom\0\0\x02\0"[..], "video/mp4"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
            (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", "video/x-matroska"),
            (b"fLaC\0\0\0\x22", "audio/flac"),
            (b"OggS\0\x02", "audio/ogg"),
            (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
            (b"ID3\x04\0", "audio/mpeg"),
            (b"\xff\xfb\x90\x64", "audio/mpeg"),
        ] {
            assert_eq!(content_type(first), expected);
        }
    }

    #[test]
    fn what_a_browser_could_run_is_only_bytes() {
        for first in [
            &b"<html><script>"[..],
            b"<svg xmlns",
            b"%PDF-1.7",
            b"RIFF\x24\0\0\0AVI ",
            b"",
            b"\xff\xd8\xff\xe0",
        ] {
            assert_eq!(content_type(first), "application/octet-stream");
        }
    }
}
