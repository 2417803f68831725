//! Fetching a package from where it is, with its signature and the time of its release.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use url::Url;

use crate::{Credentials, Digest, Error, SIGNATURE_EXTENSION, Signature, Source, outbound, registry};

/// The largest signature, in bytes; they have some hundreds.
pub(crate) const LARGEST_SIGNATURE: u64 = 8 << 10;

/// How much is fetched, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchBounds {
    /// The largest package, in bytes.
    pub bytes: u64,
    /// The longest that fetching one may take.
    pub time: Duration,
    /// How many redirects are followed.
    pub redirects: usize,
}

impl Default for FetchBounds {
    /// 64 MiB, two minutes, five redirects.
    fn default() -> Self {
        Self { bytes: crate::Bounds::default().package, time: Duration::from_secs(120), redirects: 5 }
    }
}

/// A package that was fetched, and not looked into yet.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Where it is from.
    pub source: Source,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The signature beside it, if there is one. Nobody has checked it yet.
    pub signature: Option<Signature>,
    /// When it was released, as far as whoever keeps it says so: the registry's annotation, or `Last-Modified`.
    pub released: Option<Timestamp>,
}

impl Fetched {
    /// The digest of the package.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// Fetches a package. Nothing is written anywhere.
///
/// # Errors
/// When it cannot be reached, is too large, takes too long, or what stands beside it as its signature is none.
pub async fn fetch(
    source: &Source,
    credentials: Option<&Credentials>,
    bounds: &FetchBounds,
) -> Result<Fetched, Error> {
    match source {
        Source::Path(path) => from_file(path, bounds),
        Source::Url(url) => from_address(url, bounds).await,
        Source::Oci(reference) => {
            let pulled = registry::pull(reference, credentials, bounds);
            let too_slow = |_| Error::TooSlow { place: source.to_string(), seconds: bounds.time.as_secs() };
            tokio::time::timeout(bounds.time, pulled).await.map_err(too_slow)?
        }
    }
}

fn from_file(path: &Path, bounds: &FetchBounds) -> Result<Fetched, Error> {
    let place = path.display().to_string();
    let about = fs::metadata(path).map_err(Error::file("read", path))?;
    if !about.is_file() {
        return Err(Error::file("read", path)(io::Error::other("it is no file")));
    }
    if about.len() > bounds.bytes {
        return Err(Error::AnswerTooLarge { place, most: bounds.bytes });
    }
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let beside = signature_file(path);
    let signature = match fs::metadata(&beside) {
        Ok(about) if about.len() > LARGEST_SIGNATURE => {
            return Err(Error::NotASignature { why: "it is too large" });
        }
        Ok(_) => Some(fs::read(&beside).map_err(Error::file("read", &beside))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::file("read", beside)(error)),
    };
    let signature = signature.map(|bytes| parse_signature(&bytes)).transpose()?;
    Ok(Fetched { source: Source::Path(path.to_owned()), bytes, signature, released: None })
}

/// The file in which the signature of a file is: `NAME.minisig` beside it.
pub fn signature_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(SIGNATURE_EXTENSION);
    PathBuf::from(name)
}

async fn from_address(url: &Url, bounds: &FetchBounds) -> Result<Fetched, Error> {
    let place = url.to_string();
    let client = outbound::client(bounds).map_err(|why| Error::Unreachable { place: place.clone(), why })?;
    let Some(answer) = outbound::get(&client, url, bounds.bytes, bounds).await? else {
        return Err(Error::Refused { place, status: 404 });
    };
    let mut beside = url.clone();
    beside.set_path(&format!("{}.{SIGNATURE_EXTENSION}", url.path()));
    let signature = outbound::get(&client, &beside, LARGEST_SIGNATURE, bounds).await?;
    let signature = signature.map(|answer| parse_signature(&answer.bytes)).transpose()?;
    let released = answer.modified.as_deref().and_then(http_date);
    Ok(Fetched { source: Source::Url(url.clone()), bytes: answer.bytes, signature, released })
}

pub(crate) fn parse_signature(bytes: &[u8]) -> Result<Signature, Error> {
    Signature::parse(std::str::from_utf8(bytes).map_err(|_| Error::NotASignature { why: "it is no text" })?)
}

/// A time as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn a_time_is_read_as_http_writes_it() {
        let time = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(time.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(http_date("yesterday"), None);
    }
}
