//! Bodies that the host holds.

use std::{
    any::Any,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use switchboard_api::{Body, Failure, Lent};

use super::bindings::switchboard::plugin::bodies;

/// How much is asked for at once.
const PIECE: u32 = 256 << 10;

/// How much of an answer that a handler makes in pieces is kept before the host is given it.
const KEPT: usize = 64 << 10;

/// A body of the host's, behind what of it is here already.
struct Held {
    first: Bytes,
    rest: bodies::Body,
}

impl Stream for Held {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        Poll::Ready(match self.rest.read(PIECE) {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some(Ok(piece.into())),
            Err(failure) => Some(Err(failure.into())),
        })
    }
}

impl Lent for Held {
    fn length(&self) -> Option<u64> {
        Some(self.rest.length()? + self.first.len() as u64)
    }
}

/// The body that the host gave: bytes, and what it still holds.
pub(super) fn taken(first: Vec<u8>, rest: Option<bodies::Body>) -> Body {
    match rest {
        Some(rest) => Body::Lent(Box::new(Held { first: first.into(), rest })),
        None => first.into(),
    }
}

/// The body for the host: bytes, and what comes behind them. What the host holds already goes back as it came.
pub(super) async fn given(body: Body) -> Result<(Vec<u8>, Option<bodies::Body>), Failure> {
    let mut body = match held(body) {
        Ok(Held { first, rest }) => return Ok((first.into(), Some(rest))),
        Err(Body::Empty) => return Ok((Vec::new(), None)),
        Err(Body::Whole(bytes)) => return Ok((bytes.into(), None)),
        Err(body) => body,
    };
    let (mut first, mut rest) = (Vec::new(), None::<bodies::Body>);
    while let Some(piece) = body.next().await {
        let piece = piece?;
        match &rest {
            Some(rest) => rest.append(&piece)?,
            None if first.len() + piece.len() <= KEPT => first.extend_from_slice(&piece),
            None => rest = Some(bodies::Body::new(&piece)),
        }
    }
    Ok((first, rest))
}

/// The body if the host holds all of it; otherwise itself.
pub(super) fn all_held(body: Body) -> Result<bodies::Body, Body> {
    held(body)
        .and_then(|held| if held.first.is_empty() { Ok(held.rest) } else { Err(Body::Lent(Box::new(held))) })
}

fn held(body: Body) -> Result<Held, Body> {
    match body {
        Body::Lent(lent) if (&*lent as &dyn Any).is::<Held>() => {
            let lent: Box<dyn Any> = lent;
            lent.downcast().map(|held| *held).map_err(|_| Body::Empty)
        }
        other => Err(other),
    }
}
