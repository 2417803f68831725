//! A request's body on its way in: no larger than the address takes, no slower than a client may be.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::body::{Body, BodyDataStream, HttpBody};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, header};
use switchboard_api::Failure;

use crate::problem::Problem;

/// How long, and for how many bytes, a body that nobody wants is read on. A connection that is closed over unread bytes
/// is reset, and the client would never see the answer that says why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 32 << 20;

/// Why a body was not read to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cut {
    /// It is larger than this many bytes.
    TooLarge(u64),
    /// Nothing more came for this long, or it was not whole after this long.
    TooSlow(Duration),
    /// The connection failed.
    Lost,
}

/// A request's body on its way in. What is left of it when this is dropped is read on for a moment, for nobody.
pub(crate) struct Incoming {
    body: Option<BodyDataStream>,
    read: u64,
    limit: u64,
    idle_time: Duration,
    /// The client sends nothing before it is asked to, and reading would ask it.
    holds_back: bool,
    cut: Arc<OnceLock<Cut>>,
}

impl Incoming {
    pub(crate) fn new(body: Body, headers: &HeaderMap) -> Self {
        Self {
            body: (!body.is_end_stream()).then(|| body.into_data_stream()),
            read: 0,
            limit: u64::MAX,
            idle_time: Duration::MAX,
            holds_back: headers.contains_key(header::EXPECT),
            cut: Arc::default(),
        }
    }

    /// Bounds its size in bytes and the time between its pieces; a body that says at once that it is larger is refused.
    pub(crate) fn bounded(mut self, limit: u64, idle_time: Duration) -> Result<Self, Cut> {
        (self.limit, self.idle_time) = (limit, idle_time);
        match &self.body {
            Some(body) if body.size_hint().lower() > limit => Err(Cut::TooLarge(limit)),
            _ => Ok(self),
        }
    }

    /// All of it, in at most this time.
    pub(crate) async fn collect(mut self, time: Duration) -> Result<Bytes, Cut> {
        let Some(first) = self.piece(time).await? else { return Ok(Bytes::new()) };
        if self.body.as_ref().is_none_or(BodyDataStream::is_end_stream) {
            self.body = None;
            return Ok(first);
        }
        let rest = async {
            let mut whole = BytesMut::from(first);
            while let Some(piece) = self.piece(time).await? {
                whole.extend_from_slice(&piece);
            }
            Ok(whole.freeze())
        };
        tokio::time::timeout(time, rest).await.unwrap_or(Err(Cut::TooSlow(time)))
    }

    /// It as a plugin reads it, and where it is noted when it was cut short: what the plugin makes of that does not
    /// change what the client is told.
    pub(crate) fn into_body(self) -> (switchboard_api::Body, Arc<OnceLock<Cut>>) {
        let cut = Arc::clone(&self.cut);
        let Some(body) = &self.body else { return (switchboard_api::Body::Empty, cut) };
        let length = body.size_hint().exact();
        let pieces = futures_util::stream::unfold(self, async |mut incoming| {
            let piece = incoming.piece(incoming.idle_time).await.transpose()?;
            Some((piece.map_err(Failure::from), incoming))
        });
        (switchboard_api::Body::stream(pieces, length), cut)
    }

    async fn piece(&mut self, time: Duration) -> Result<Option<Bytes>, Cut> {
        let Some(body) = &mut self.body else { return Ok(None) };
        self.holds_back = false;
        let cut = match tokio::time::timeout(time, body.next()).await {
            Ok(Some(Ok(piece))) => {
                self.read += piece.len() as u64;
                if self.read <= self.limit {
                    return Ok(Some(piece));
                }
                Cut::TooLarge(self.limit)
            }
            Ok(None) => {
                self.body = None;
                return Ok(None);
            }
            Ok(Some(Err(_))) => Cut::Lost,
            Err(_) => Cut::TooSlow(time),
        };
        self.give_up();
        // The first cut is the one that counts; there is none after it.
        let _ = self.cut.set(cut.clone());
        Err(cut)
    }

    fn give_up(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !self.holds_back && !body.is_end_stream()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(LINGER, async move {
            let mut read = 0;
            while let Some(Ok(piece)) = body.next().await {
                read += piece.len();
                if read > LINGER_BYTES {
                    break;
                }
            }
        }));
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Cut {
    fn message(&self) -> String {
        match self {
            Self::TooLarge(limit) => format!("the body is larger than the {limit} bytes accepted here"),
            Self::TooSlow(time) => format!("the body did not come within {} s", time.as_secs_f64()),
            Self::Lost => "the body ended before it was whole".to_owned(),
        }
    }
}

impl From<Cut> for Failure {
    fn from(cut: Cut) -> Self {
        let message = cut.message();
        match cut {
            Cut::TooLarge(limit) => Self::too_large(message, limit),
            Cut::TooSlow(_) => Self::timed_out(message),
            Cut::Lost => Self::invalid(message),
        }
    }
}

impl From<Cut> for Problem {
    fn from(cut: Cut) -> Self {
        let message = cut.message();
        match cut {
            Cut::TooLarge(_) => Self::too_large(message),
            Cut::TooSlow(_) => Self::too_slow(message),
            Cut::Lost => Self::bad_request(message),
        }
    }
}
