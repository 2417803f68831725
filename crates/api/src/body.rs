//! Bytes that may come in pieces.

use std::{any::Any, fmt, pin::Pin};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use crate::Failure;

/// A stream of bytes that may fail on the way.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// The bytes of a request, a response or a blob: at hand, or coming in pieces.
#[derive(Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// All at hand.
    Whole(Bytes),
    /// Coming in pieces.
    Stream {
        /// The pieces.
        chunks: Chunks,
        /// How many bytes there will be, if that is known.
        length: Option<u64>,
    },
    /// Held by somebody else.
    Lent(Box<dyn Lent>),
}

/// A body that somebody else holds, such as the host of a sandboxed plugin: its pieces come when they are asked for, and who lent it
/// knows it again when it is given back.
pub trait Lent: Stream<Item = Result<Bytes, Failure>> + Any + Send + Unpin {
    /// How many bytes are left, if that is known.
    fn length(&self) -> Option<u64>;
}

impl Body {
    /// A body that comes in pieces.
    pub fn stream(
        chunks: impl Stream<Item = Result<Bytes, Failure>> + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        Self::Stream { chunks: Box::pin(chunks), length }
    }

    /// How many bytes there are, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Stream { length, .. } => *length,
            Self::Lent(lent) => lent.length(),
        }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        match self {
            Self::Empty => None,
            Self::Whole(_) => match std::mem::take(self) {
                Self::Whole(bytes) if !bytes.is_empty() => Some(Ok(bytes)),
                _ => None,
            },
            Self::Stream { chunks, .. } => chunks.next().await,
            Self::Lent(lent) => lent.next().await,
        }
    }

    /// All of it in memory, if it is no more than `limit` bytes.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] beyond the limit, and whatever the stream fails with.
    pub async fn collect(self, limit: u64) -> Result<Bytes, Failure> {
        let too_large =
            || Failure::too_large(format!("the body is larger than the {limit} bytes accepted here"), limit);
        if self.length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        match self {
            Self::Empty => Ok(Bytes::new()),
            Self::Whole(bytes) => Ok(bytes),
            Self::Stream { .. } | Self::Lent(_) => {
                let mut chunks = self.into_chunks();
                let mut all = BytesMut::new();
                while let Some(chunk) = chunks.next().await {
                    let chunk = chunk?;
                    if (all.len() + chunk.len()) as u64 > limit {
                        return Err(too_large());
                    }
                    all.extend_from_slice(&chunk);
                }
                Ok(all.freeze())
            }
        }
    }

    /// The pieces as a stream.
    pub fn into_chunks(self) -> Chunks {
        match self {
            Self::Empty => Box::pin(futures_util::stream::empty()),
            Self::Whole(bytes) => Box::pin(futures_util::stream::once(std::future::ready(Ok(bytes)))),
            Self::Stream { chunks, .. } => chunks,
            Self::Lent(lent) => Box::into_pin(lent),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::Empty } else { Self::Whole(bytes) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(f, "Body({length} bytes)"),
            None => f.write_str("Body(length unknown)"),
        }
    }
}
