//! What was said and is kept, and who has heard it.

use switchboard_delivery::{EventFilter, HearingState};
use switchboard_sdk::Event;

use crate::plugins::{Attempts, Fate, id, number, pass_time, say_about, stage};

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_newest_first_page_by_page_and_none_twice() {
    let stage = stage([]).await;
    for number in 0..7 {
        say_about(&stage, "a", [number]).await;
    }
    let (mut before, mut numbers) = (None, Vec::new());
    loop {
        let page = stage.delivery().events(&EventFilter::default(), before.as_ref(), 3).await.unwrap();
        numbers.extend(page.events.iter().map(|kept| number(&kept.event)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_lets_through_what_it_says() {
    let stage = stage([]).await;
    say_about(&stage, "a", [1]).await;
    stage.clock().advance(std::time::Duration::from_secs(60));
    let later = stage.kernel().now();
    say_about(&stage, "b", [2]).await;
    let found = async |filter: EventFilter| {
        let page = stage.delivery().events(&filter, None, 10).await.unwrap();
        page.events.iter().map(|kept| number(&kept.event)).collect::<Vec<_>>()
    };
    let all = EventFilter::default;
    let organization = stage.kernel().named("default").unwrap().id;
    assert_eq!(found(EventFilter { organization: Some(organization), ..all() }).await, [2, 1]);
    let other = switchboard_sdk::OrganizationId(organization.0 + 1);
    assert_eq!(found(EventFilter { organization: Some(other), ..all() }).await, [0; 0]);
    assert_eq!(found(EventFilter { source: Some(id("source")), ..all() }).await, [2, 1]);
    assert_eq!(found(EventFilter { source: Some(id("archive")), ..all() }).await, [0; 0]);
    assert_eq!(found(EventFilter { subject: Some("a".to_owned()), ..all() }).await, [1]);
    assert_eq!(found(EventFilter { since: Some(later), ..all() }).await, [2]);
    assert_eq!(found(EventFilter { until: Some(later), ..all() }).await, [1]);
    for (pattern, expected) in [
        ("thing.said", 2),
        ("thing.*", 2),
        ("*.said", 2),
        ("**", 2),
        ("thing", 0),
        ("thing.*.said", 0),
        ("th.*", 0),
    ] {
        let pattern = Some(pattern.parse().unwrap());
        assert_eq!(
            found(EventFilter { pattern: pattern.clone(), ..all() }).await.len(),
            expected,
            "{pattern:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_fill_a_page_before_their_number_does() {
    let stage = stage([]).await;
    for number in 0..6 {
        let say = serde_json::json!({ "subject": "a", "numbers": [number], "filling": 3_000_000 });
        stage.service("source.say", &say).await.unwrap();
    }
    let page = stage.delivery().events(&EventFilter::default(), None, 6).await.unwrap();
    assert!((1..6).contains(&page.events.len()), "{} of 3 MB each", page.events.len());
    let rest = stage.delivery().events(&EventFilter::default(), page.next.as_ref(), 6).await.unwrap();
    assert_eq!(number(&rest.events[0].event), 5 - page.events.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_shown_with_how_it_stands_with_each_listener() {
    let (archive, ledger) =
        (Attempts::that(|_: &Event| Fate::Fails("the shelf is full")), Attempts::that_go_well());
    let stage = stage([("archive", &archive), ("billing", &ledger)]).await;
    say_about(&stage, "a", [1]).await;
    stage.idle().await;
    let kept = stage.delivery().events(&EventFilter::default(), None, 1).await.unwrap().events.remove(0);
    assert_eq!((kept.waiting, kept.dead), (1, 0));
    let stands = async || {
        let (_, hearings) = stage.delivery().event(&id("source"), &kept.event.id).await.unwrap().unwrap();
        let about = |it: &switchboard_delivery::Hearing| (it.listener.to_string(), it.state, it.attempt);
        assert_eq!(hearings[0].error.as_deref(), Some("the shelf is full"));
        assert!(hearings[0].at.is_some() && hearings[1].error.is_none());
        hearings.iter().map(about).collect::<Vec<_>>()
    };
    let heard = ("billing".to_owned(), HearingState::Delivered, 0);
    assert_eq!(stands().await, [("archive".to_owned(), HearingState::Waiting, 1), heard.clone()]);
    for _ in 0..10 {
        pass_time(&stage).await;
    }
    assert_eq!(stands().await, [("archive".to_owned(), HearingState::Dead, 10), heard]);
    assert!(stage.delivery().event(&id("source"), "none").await.unwrap().is_none());
    assert!(stage.delivery().event(&id("nobody"), &kept.event.id).await.unwrap().is_none());
}
