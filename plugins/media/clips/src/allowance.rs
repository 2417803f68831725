//! How large the media of one clip may be, for the organization of the call.

use futures_util::stream;
use switchboard_sdk::{Body, Context, Failure, Result};

/// What an organization has set; where it has not, the server's limit on uploads is the only one.
#[derive(serde::Deserialize)]
struct Settings {
    max_media_mb: Option<u64>,
}

/// The body, which fails once it is larger than the organization's limit, if it has one.
///
/// # Errors
/// [`Failure::TooLarge`] at once for a body that says that it is larger.
pub(crate) fn bounded(ctx: &Context, body: Body) -> Result<Body> {
    match ctx.config::<Settings>()?.max_media_mb {
        Some(mebibytes) => within(body, mebibytes.saturating_mul(1 << 20)),
        None => Ok(body),
    }
}

fn within(body: Body, most: u64) -> Result<Body> {
    let length = body.length();
    if length.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let pieces = stream::unfold((body, most), move |(mut body, left)| async move {
        Some(match body.next().await? {
            Ok(piece) => match left.checked_sub(piece.len() as u64) {
                Some(left) => (Ok(piece), (body, left)),
                None => (Err(too_large(most)), (Body::Empty, 0)),
            },
            Err(failure) => (Err(failure), (Body::Empty, 0)),
        })
    });
    Ok(Body::stream(pieces, length))
}

fn too_large(most: u64) -> Failure {
    let mebibytes = most >> 20;
    Failure::too_large(
        format!(
            "the file is larger than the {mebibytes} MiB (`max_media_mb`) that this organization accepts"
        ),
        most,
    )
}

#[cfg(test)]
mod tests {
    use switchboard_sdk::bytes::Bytes;

    use super::*;

    fn pieces(sizes: &[usize]) -> Body {
        let pieces: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect();
        Body::stream(stream::iter(pieces), None)
    }

    #[tokio::test]
    async fn what_is_just_within_the_limit_passes_as_it_is() {
        let whole = within(pieces(&[60, 40]), 100).unwrap().collect(u64::MAX).await.unwrap();
        assert_eq!(whole.len(), 100);
    }

    #[tokio::test]
    async fn one_byte_more_is_refused_whether_it_was_said_before_or_not() {
        let failure = within(pieces(&[60, 41]), 100).unwrap().collect(u64::MAX).await.unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { limit: 100, .. }), "{failure:?}");
        let failure = within(Body::from(vec![7; 101]), 100).unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { limit: 100, .. }), "{failure:?}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_fails_as_it_did() {
        let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(Failure::invalid("cut short"))]);
        let failure = within(Body::stream(broken, None), 100).unwrap().collect(u64::MAX).await.unwrap_err();
        assert_eq!(failure, Failure::invalid("cut short"));
    }
}
