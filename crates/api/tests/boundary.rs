//! What crosses the boundary, on its own: bodies and their limits, deadlines that stand still, failures in their written
//! form.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    any::Any,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use switchboard_api::{Body, Deadline, Failure, Fault, Lent, Payload, Stop};

fn pieces(sizes: &[usize], length: Option<u64>) -> Body {
    let pieces: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect();
    Body::stream(stream::iter(pieces), length)
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_collected_and_one_byte_more_is_refused() {
    assert_eq!(pieces(&[60, 40], None).collect(100).await.unwrap().len(), 100);
    assert_eq!(Body::from(vec![7; 100]).collect(100).await.unwrap().len(), 100);
    for body in [pieces(&[60, 41], None), pieces(&[1], Some(101)), Body::from(vec![7; 101])] {
        let failure = body.collect(100).await.unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { limit: 100, .. }), "{failure:?}");
    }
}

#[tokio::test]
async fn a_body_that_says_too_little_of_itself_is_held_to_the_limit_all_the_same() {
    let failure = pieces(&[60, 60], Some(10)).collect(100).await.unwrap_err();
    assert!(matches!(failure, Failure::TooLarge { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_fails_as_it_did() {
    let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(Failure::invalid("cut short"))]);
    assert_eq!(Body::stream(broken, None).collect(100).await, Err(Failure::invalid("cut short")));
}

#[tokio::test]
async fn an_empty_body_has_no_piece_and_a_whole_one_has_one() {
    for mut empty in [Body::Empty, Body::from(""), Body::Whole(Bytes::new())] {
        assert_eq!(empty.length(), Some(0));
        assert!(empty.next().await.is_none());
    }
    let mut whole = Body::from("ab");
    assert_eq!(whole.next().await.unwrap().unwrap(), "ab");
    assert!(whole.next().await.is_none());
    assert_eq!(format!("{:?}", pieces(&[1], None)), "Body(length unknown)");
}

#[test]
fn a_deadline_stands_still_while_anybody_is_waited_for() {
    let deadline = Deadline::after(Instant::now(), Duration::from_secs(3600));
    let begun = deadline.instant();
    let (one, other) = (deadline.stand_still(), deadline.stand_still());
    std::thread::sleep(Duration::from_millis(3));
    drop(one);
    let meanwhile = deadline.instant();
    assert!(meanwhile > begun, "it moves on with the time that passes");
    std::thread::sleep(Duration::from_millis(3));
    drop(other);
    let after = deadline.instant();
    assert!(after > meanwhile, "it stands as long as one of them waits");
    std::thread::sleep(Duration::from_millis(3));
    assert_eq!(deadline.instant(), after, "and then goes on towards its end");
}

#[test]
fn a_deadline_beyond_all_time_is_one_far_away() {
    let far = Deadline::after(Instant::now(), Duration::MAX);
    assert!(far.instant() > Instant::now() + Duration::from_secs(24 * 3600));
}

#[test]
fn stopping_a_call_stops_those_within_it_and_not_the_one_above() {
    let above = Stop::default();
    let call = above.within();
    let below = call.within();
    call.set();
    assert!(call.is_set() && call.clone().is_set() && below.is_set());
    assert!(!above.is_set());
}

#[test]
fn a_fault_is_written_as_clients_know_it() {
    let fault = Fault::new("greater_than", ["body", "fps"], "Input should be greater than 0", json!(0));
    let expected = json!({"type": "greater_than", "loc": ["body", "fps"], "msg": "Input should be greater than 0", "input": 0});
    assert_eq!(serde_json::to_value(&fault).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Fault>(expected).unwrap(), fault);
}

#[test]
fn a_failure_of_one_fault_says_it_and_of_many_counts_them() {
    let fault = |name: &str| Fault::new("missing", ["body", name], "Field required", json!(null));
    assert_eq!(Failure::faults(vec![fault("title")]).to_string(), "body.title: Field required");
    assert_eq!(Failure::faults(vec![fault("a"), fault("b")]).to_string(), "2 fields break a rule");
    let indexed = Fault::new("string_type", [json!("body"), json!("tags"), json!(2)], "…", json!(1));
    assert_eq!(indexed.place(), "body.tags.2");
}

#[test]
fn every_failure_survives_being_written_down() {
    let after = Duration::from_secs(3);
    for failure in [
        Failure::faults(vec![Fault::new("missing", ["query", "q"], "Field required", json!(null))]),
        Failure::not_found("clip 7"),
        Failure::forbidden("not you"),
        Failure::conflict("taken"),
        Failure::too_large("a file", 7),
        Failure::RateLimited { message: "slower".into(), after },
        Failure::Unavailable { message: "later".into(), after: Some(after) },
        Failure::unavailable("not now"),
        Failure::timed_out("too long"),
        Failure::broken("a bug"),
    ] {
        let written = serde_json::to_value(&failure).unwrap();
        assert_eq!(written["kind"], failure.kind());
        assert_eq!(serde_json::from_value::<Failure>(written).unwrap(), failure);
    }
}

#[test]
fn a_payload_is_json_or_refused() {
    assert_eq!(Payload::from_text("[1, 2]").unwrap().to::<Vec<i64>>().unwrap(), [1, 2]);
    assert!(matches!(Payload::from_text("[1,").unwrap_err(), Failure::Invalid { .. }));
    assert!(matches!(Payload::null().to::<i64>().unwrap_err(), Failure::Invalid { .. }));
}

/// A body that somebody holds, as the host of a sandboxed plugin does.
struct Held(Vec<&'static [u8]>);

impl Stream for Held {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let next = (!self.0.is_empty()).then(|| Ok(Bytes::from_static(self.0.remove(0))));
        Poll::Ready(next)
    }
}

impl Lent for Held {
    fn length(&self) -> Option<u64> {
        Some(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[tokio::test]
async fn whoever_lent_a_body_knows_it_again_and_others_read_it_as_any() {
    let lent = || Body::Lent(Box::new(Held(vec![b"ab", b"c"])));
    let Body::Lent(held) = lent() else { panic!("it is another") };
    assert!((&*held as &dyn Any).is::<Held>());

    let mut body = lent();
    assert_eq!(body.next().await.unwrap().unwrap(), "ab");
    assert_eq!(body.length(), Some(1));
    assert_eq!(body.collect(1).await.unwrap(), "c");
    assert_eq!(lent().collect(2).await.unwrap_err().kind(), "too_large");
    assert_eq!(lent().into_chunks().count().await, 2);
}

#[test]
fn a_deadline_and_a_stop_that_somebody_else_keeps_say_what_they_say() {
    let deadline = Deadline::kept_elsewhere(|| Duration::from_secs(7));
    let waiting = deadline.stand_still();
    assert_eq!(deadline.time_left(), Duration::from_secs(7));
    drop(waiting);
    let (going_on, over) = (Stop::kept_elsewhere(|| false), Stop::kept_elsewhere(|| true));
    assert!(!going_on.is_set() && over.is_set() && over.within().is_set());
    going_on.set();
    assert!(going_on.is_set());
}
