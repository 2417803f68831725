//! Large values.

use std::{
    io::{Error, ErrorKind, Read, Result as IoResult, Seek, SeekFrom},
    ops::Range,
};

use switchboard_api::{
    Body, Failure,
    capability::{Blob, BlobFile, BlobInfo, BlobKey},
};

use super::{
    super::{Calling, bindings::switchboard::plugin::blobs, body},
    moment,
};

/// How much of a file is read at once.
const AHEAD: u32 = 64 << 10;

#[derive(Clone, Copy)]
pub(crate) struct Blobs;

impl Blobs {
    pub(crate) async fn put(self, _: &Calling, key: &str, body: Body) -> Result<BlobInfo, Failure> {
        let mut body = match body::all_held(body) {
            Ok(held) => return info(blobs::put(key, held)?),
            Err(body) => body,
        };
        let writer = blobs::write(key)?;
        while let Some(piece) = body.next().await {
            writer.write(&piece?)?;
        }
        info(blobs::Writer::finish(writer)?)
    }

    pub(crate) async fn info(self, _: &Calling, key: BlobKey<'_>) -> Result<Option<BlobInfo>, Failure> {
        blobs::info(owner(&key), key.key)?.map(info).transpose()
    }

    pub(crate) async fn get(
        self,
        _: &Calling,
        key: BlobKey<'_>,
        range: Option<Range<u64>>,
    ) -> Result<Option<Blob>, Failure> {
        let part = range.map(|range| (range.start, range.end));
        let Some(blobs::Blob { info: whole, start, end, body: held }) =
            blobs::get(owner(&key), key.key, part)?
        else {
            return Ok(None);
        };
        Ok(Some(Blob { info: info(whole)?, range: start..end, body: body::taken(Vec::new(), Some(held)) }))
    }

    pub(crate) async fn open(
        self,
        _: &Calling,
        key: BlobKey<'_>,
    ) -> Result<Option<Box<dyn BlobFile>>, Failure> {
        let Some(file) = blobs::open(owner(&key), key.key)? else { return Ok(None) };
        let size = file.size();
        Ok(Some(Box::new(Opened { file, size, position: 0, ahead: Vec::new(), ahead_from: 0 })))
    }

    pub(crate) async fn delete(self, _: &Calling, key: &str) -> Result<(), Failure> {
        Ok(blobs::delete(key)?)
    }
}

/// A blob that is read here and there, with what lies ahead.
struct Opened {
    file: blobs::File,
    size: u64,
    position: u64,
    ahead: Vec<u8>,
    /// Where the bytes ahead begin.
    ahead_from: u64,
}

impl Opened {
    /// What lies ahead of the position already.
    fn at_hand(&self) -> &[u8] {
        let from = self.position.checked_sub(self.ahead_from).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.ahead.get(from..)).unwrap_or_default()
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if buffer.is_empty() || self.position >= self.size {
            return Ok(0);
        }
        if self.at_hand().is_empty() {
            let most = u32::try_from(buffer.len()).unwrap_or(u32::MAX).max(AHEAD);
            self.ahead = self.file.read_at(self.position, most).map_err(|failure| {
                let kind = if failure.kind == "timed_out" { ErrorKind::TimedOut } else { ErrorKind::Other };
                Error::new(kind, failure.message)
            })?;
            self.ahead_from = self.position;
        }
        let count = self.at_hand().read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = place.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

fn owner<'a>(key: &BlobKey<'a>) -> Option<&'a str> {
    key.owner.map(|owner| owner.as_str())
}

fn info(given: blobs::BlobInfo) -> Result<BlobInfo, Failure> {
    let blobs::BlobInfo { size, etag, modified } = given;
    Ok(BlobInfo { size, etag, modified: moment(modified)? })
}
