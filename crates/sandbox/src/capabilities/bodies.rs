//! `bodies`: bytes that the host holds for a plugin.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use switchboard_api::{Body, Failure};
use wasmtime::component::Resource;

use crate::{bindings::imports::bodies, interrupted::Answer, state::State};

/// The bodies that a plugin makes are together at most this large.
pub(crate) const MOST_MADE: usize = 64 << 20;

/// No more is given at once.
pub(crate) const MOST_AT_ONCE: u32 = 1 << 20;

/// A body that is held for a plugin.
#[expect(unreachable_pub, reason = "the generated bindings give it out again")]
pub enum Held {
    /// The plugin made it.
    Made(BytesMut),
    /// It came from elsewhere.
    Lent {
        /// What came and was not read yet.
        ahead: Bytes,
        /// What is still to come.
        body: Body,
        /// How many bytes are left, if that is known.
        left: Option<u64>,
    },
}

impl Held {
    /// A body from elsewhere.
    pub(crate) fn lent(body: Body) -> Self {
        Self::Lent { ahead: Bytes::new(), left: body.length(), body }
    }

    /// What of it was not read.
    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Made(bytes) => bytes.freeze().into(),
            Self::Lent { ahead, body, .. } if ahead.is_empty() => body,
            Self::Lent { ahead, body, left } => {
                let first = futures_util::stream::once(std::future::ready(Ok(ahead)));
                Body::stream(first.chain(body.into_chunks()), left)
            }
        }
    }

    /// What of it was not read, behind these bytes.
    pub(crate) fn behind(self, first: Bytes) -> Body {
        let body = self.into_body();
        let length = body.length().map(|length| length + first.len() as u64);
        let first = futures_util::stream::once(std::future::ready(Ok(first)));
        Body::stream(first.chain(body.into_chunks()), length)
    }

    async fn read(&mut self, most: u32) -> Result<Bytes, Failure> {
        let most = most.clamp(1, MOST_AT_ONCE) as usize;
        match self {
            Self::Made(bytes) => Ok(bytes.split_to(most.min(bytes.len())).freeze()),
            Self::Lent { ahead, body, left } => {
                while ahead.is_empty() {
                    match body.next().await {
                        Some(chunk) => *ahead = chunk?,
                        None => return Ok(Bytes::new()),
                    }
                }
                let bytes = ahead.split_to(most.min(ahead.len()));
                *left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                Ok(bytes)
            }
        }
    }
}

impl State {
    /// The bytes of all bodies that the plugin has made and still holds.
    fn made(&mut self) -> usize {
        let held = self.table.iter_mut().filter_map(|resource| resource.downcast_ref());
        held.map(|held| if let Held::Made(bytes) = held { bytes.len() } else { 0 }).sum()
    }
}

impl bodies::Host for State {}

impl bodies::HostBody for State {
    async fn new(&mut self, bytes: Vec<u8>) -> wasmtime::Result<Resource<Held>> {
        let most = MOST_MADE >> 20;
        wasmtime::ensure!(
            self.made() + bytes.len() <= MOST_MADE,
            "the plugin makes bodies of more than {most} MiB"
        );
        self.hold(Held::Made(BytesMut::from(bytes.as_slice())))
    }

    async fn append(&mut self, body: Resource<Held>, bytes: Vec<u8>) -> Answer<()> {
        let all = self.made();
        match self.table.get_mut(&body)? {
            Held::Made(_) if all + bytes.len() > MOST_MADE => {
                let message =
                    format!("the bodies that a plugin makes are together at most {} MiB", MOST_MADE >> 20);
                Err(Failure::too_large(message, MOST_MADE as u64).into())
            }
            Held::Made(made) => {
                made.extend_from_slice(&bytes);
                Ok(())
            }
            Held::Lent { .. } => {
                Err(Failure::invalid("a body that came from elsewhere cannot be appended to: make one")
                    .into())
            }
        }
    }

    async fn length(&mut self, body: Resource<Held>) -> wasmtime::Result<Option<u64>> {
        Ok(match self.table.get(&body)? {
            Held::Made(bytes) => Some(bytes.len() as u64),
            Held::Lent { left, .. } => *left,
        })
    }

    async fn read(&mut self, body: Resource<Held>, most: u32) -> Answer<Vec<u8>> {
        Ok(self.table.get_mut(&body)?.read(most).await?.into())
    }

    async fn drop(&mut self, body: Resource<Held>) -> wasmtime::Result<()> {
        self.let_go(body)
    }
}
