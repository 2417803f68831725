//! Events over HTTP: what was said, what was given up, who hears nothing for now, and events as they are said.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{client::client, stage::Stage};

const EVENTS: &str = "/api/admin/events";
const LETTERS: &str = "/api/admin/dead-letters";
const OWN: &str = "/api/org/default/organization";

async fn cry(stage: &Stage, organization: &str, event: &str, subject: &str, text: &str) {
    let said = json!({"event": event, "subject": subject, "text": text});
    stage.post(&format!("/api/org/{organization}/herald/cry"), said).await.is_empty();
    stage.delivery.idle().await;
}

async fn with_acme() -> Stage {
    let stage = Stage::with_events().await;
    stage.post("/api/admin/organizations", json!({"slug": "acme", "name": "Acme"})).await.json(201);
    stage
}

fn data(page: &Json) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["data"].as_str().unwrap()).collect()
}

/// What was done to events, of the newest lines of the audit log first.
async fn noted(stage: &Stage) -> Vec<String> {
    let lines = stage.get("/api/admin/audit?limit=10").await.json(200);
    let actions = lines["lines"].as_array().unwrap().iter().map(|line| {
        format!(
            "{} {} {}",
            line["action"].as_str().unwrap(),
            line["subject"].as_str().unwrap(),
            line["organization"]
        )
    });
    actions.filter(|line| line.starts_with("event.") || line.starts_with("listener.")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_in_the_form_of_cloud_events() {
    let stage = with_acme().await;
    cry(&stage, "default", "news.cried", "town", "one").await;
    cry(&stage, "acme", "weather.told", "sky", "two").await;
    let page = stage.get(EVENTS).await.json(200);
    assert_eq!((data(&page), &page["next"]), (vec!["two", "one"], &Json::Null));
    let event = &page["events"][1];
    for (name, value) in [
        ("specversion", "1.0"),
        ("source", "herald"),
        ("type", "news.cried"),
        ("subject", "town"),
        ("datacontenttype", "application/json"),
        ("organization", "default"),
        ("actor", "stage 0"),
    ] {
        assert_eq!(event[name], value, "{event}");
    }
    // What is no attribute of the specification has a name as it wants one.
    assert!(event.as_object().unwrap().keys().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())));
    for (query, expected) in [
        ("type=news.*", vec!["one"]),
        ("type=**&limit=1", vec!["two"]),
        ("subject=sky", vec!["two"]),
        ("plugin=scribe", vec![]),
        ("organization=acme", vec!["two"]),
        ("until=2001-01-01T00:00:00Z", vec![]),
        ("since=2001-01-01T00:00:00Z", vec!["two", "one"]),
    ] {
        assert_eq!(data(&stage.get(&format!("{EVENTS}?{query}")).await.json(200)), expected, "{query}");
    }
    let next = stage.get(&format!("{EVENTS}?limit=1")).await.json(200)["next"].as_str().unwrap().to_owned();
    assert_eq!(data(&stage.get(&format!("{EVENTS}?before={next}")).await.json(200)), ["one"]);
    for (query, place) in [("type=News", "type"), ("plugin=%20", "plugin"), ("before=x", "before")] {
        let faults = stage.get(&format!("{EVENTS}?{query}")).await.faults();
        assert_eq!(faults, [format!("value_error query.{place}")]);
    }
    stage.get(&format!("{EVENTS}?organization=nobody")).await.detail(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_cloud_events_gets_nothing_else() {
    let stage = with_acme().await;
    cry(&stage, "default", "news.cried", "town", "one").await;
    cry(&stage, "default", "news.cried", "town", "two").await;
    let ask = async |address: &str, accept: &str| {
        let request = client().get(format!("{}{address}", stage.url)).bearer_auth(stage.admin());
        request.header("accept", accept).send().await.unwrap()
    };
    let answer = ask(&format!("{EVENTS}?limit=1"), "application/cloudevents-batch+json").await;
    assert_eq!(answer.headers()["content-type"], "application/cloudevents-batch+json");
    let next = answer.headers()["x-next"].to_str().unwrap().to_owned();
    let batch: Vec<Json> = answer.json().await.unwrap();
    assert_eq!((batch.len(), &batch[0]["data"]), (1, &json!("two")));
    assert_eq!(data(&stage.get(&format!("{EVENTS}?before={next}")).await.json(200)), ["one"]);
    let id = batch[0]["id"].as_str().unwrap();
    let answer = ask(&format!("{EVENTS}/herald/{id}"), "application/cloudevents+json, */*;q=0.1").await;
    assert_eq!(answer.headers()["content-type"], "application/cloudevents+json");
    assert_eq!(answer.json::<Json>().await.unwrap()["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_given_up_is_seen_sent_again_and_discarded() {
    let stage = with_acme().await;
    stage.direction.fail("hear", "no ink");
    cry(&stage, "default", "news.cried", "town", "one").await;
    cry(&stage, "acme", "news.cried", "town", "two").await;
    let letters = stage.get(LETTERS).await.json(200);
    assert_eq!((&letters["total"], &letters["letters"][0]["event"]["data"]), (&json!(2), &json!("two")));
    let letter = &letters["letters"][1];
    assert_eq!(
        (&letter["listener"], &letter["error"], &letter["attempts"]),
        (&json!("scribe"), &json!("no ink"), &json!(1))
    );
    let id = letter["event"]["id"].as_str().unwrap().to_owned();
    let shown = stage.get(&format!("{EVENTS}/herald/{id}")).await.json(200);
    assert_eq!((&shown["event"]["dead"], &shown["listeners"][0]["state"]), (&json!(1), &json!("dead")));
    assert_eq!(stage.get("/api/admin/listeners").await.json(200)[0]["dead"], 2);

    for refused in [json!({}), json!({"all": false}), json!({"evnt": id})] {
        assert_eq!(stage.post(&format!("{LETTERS}/discard"), refused.clone()).await.status, 422, "{refused}");
    }
    let discarded = stage.post(&format!("{LETTERS}/discard?organization=acme"), json!({"all": true})).await;
    assert_eq!(discarded.json(200), json!({"letters": 1}));
    stage.direction.fail_no_more();
    stage.direction.called();
    let replayed = stage.post(&format!("{LETTERS}/replay"), json!({"listener": "scribe"})).await;
    assert_eq!(replayed.json(200), json!({"letters": 1}));
    stage.delivery.idle().await;
    assert_eq!(stage.direction.called(), ["scribe.hear"]);
    let shown = stage.get(&format!("{EVENTS}/herald/{id}")).await.json(200);
    assert_eq!(shown["listeners"][0]["state"], "delivered");
    let nothing = stage.post(&format!("{LETTERS}/replay"), json!({"event": id})).await;
    assert_eq!(nothing.json(200), json!({"letters": 0}));
    assert_eq!(noted(&stage).await, ["event.replayed events null", "event.discarded events \"acme\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_is_paused_and_resumed() {
    let stage = with_acme().await;
    let pause = |what: &str| format!("/api/admin/listeners/scribe/{what}");
    stage.post(&pause("pause?organization=acme"), Json::Null).await.is_empty();
    stage.post(&pause("pause?organization=acme"), Json::Null).await.is_empty();
    stage.direction.called();
    cry(&stage, "acme", "news.cried", "town", "one").await;
    assert_eq!(stage.direction.called(), [""; 0]);
    let listeners = stage.get("/api/admin/listeners").await.json(200);
    let scribe = &listeners[0];
    assert_eq!((&scribe["plugin"], &scribe["waiting"]), (&json!("scribe"), &json!(1)));
    assert_eq!(scribe["paused"][0]["organization"], "acme", "{scribe}");
    stage.post(&pause("resume?organization=acme"), Json::Null).await.is_empty();
    stage.delivery.idle().await;
    assert_eq!(stage.direction.called(), ["scribe.hear"]);
    stage.post(&pause("pause"), Json::Null).await.is_empty();
    stage.post("/api/admin/listeners/greeter/pause", Json::Null).await.detail(409);
    stage.post("/api/admin/listeners/nobody/pause", Json::Null).await.detail(404);
    let lines = [
        "listener.paused plugin:scribe null",
        "listener.resumed plugin:scribe \"acme\"",
        "listener.paused plugin:scribe \"acme\"",
    ];
    assert_eq!(noted(&stage).await, lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_sees_and_changes_what_is_its_own() {
    let stage = with_acme().await;
    stage.direction.fail("hear", "no ink");
    cry(&stage, "default", "news.cried", "town", "ours").await;
    cry(&stage, "acme", "news.cried", "town", "theirs").await;
    let token = stage.token("ours", Some("default"), &["event:read", "event:deliver"]).await;
    let ask = async |method: Method, address: &str, body: Option<Json>| {
        stage.ask(method, &format!("{OWN}{address}"), Some(&token), body).await
    };
    let get = async |address: &str| ask(Method::GET, address, None).await;
    assert_eq!(data(&get("/events").await.json(200)), ["ours"]);
    let theirs = stage.get(&format!("{EVENTS}?organization=acme")).await.json(200)["events"][0].clone();
    get(&format!("/events/herald/{}", theirs["id"].as_str().unwrap())).await.detail(404);
    let letters = get("/dead-letters").await.json(200);
    assert_eq!((&letters["total"], &letters["letters"][0]["event"]["data"]), (&json!(1), &json!("ours")));
    assert_eq!(get("/listeners").await.json(200)[0]["dead"], 1);
    let discarded = ask(Method::POST, "/dead-letters/discard", Some(json!({"all": true}))).await;
    assert_eq!(discarded.json(200), json!({"letters": 1}));
    assert_eq!(stage.get(LETTERS).await.json(200)["total"], 1, "another's stay");

    stage.direction.fail_no_more();
    stage.direction.called();
    ask(Method::POST, "/listeners/scribe/pause", None).await.is_empty();
    cry(&stage, "default", "news.cried", "town", "later").await;
    cry(&stage, "acme", "news.cried", "town", "now").await;
    assert_eq!(stage.direction.called(), ["scribe.hear"]);
    ask(Method::POST, "/listeners/scribe/resume", None).await.is_empty();
    stage.delivery.idle().await;
    assert_eq!(stage.direction.called(), ["scribe.hear"]);
    ask(Method::POST, "/listeners/encore/pause", None).await.detail(404);
    let reader = stage.token("reader", Some("default"), &["event:read"]).await;
    let refused = format!("{OWN}/listeners/scribe/pause");
    stage.ask(Method::POST, &refused, Some(&reader), None).await.detail(403);
}

/// A stream of events, read message by message.
struct Reading {
    answer: reqwest::Response,
    text: String,
}

impl Reading {
    async fn of(stage: &Stage, address: &str, token: &str, last: Option<&str>) -> Self {
        let mut request = client().get(format!("{}{address}", stage.url)).bearer_auth(token);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut reading = Self { answer, text: String::new() };
        assert_eq!(reading.message().await, [("retry".to_owned(), "1000".to_owned())]);
        reading
    }

    /// The fields of the next message.
    async fn message(&mut self) -> Vec<(String, String)> {
        let message = loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let message = message.to_owned();
                self.text = rest.to_owned();
                break message;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.answer.chunk()).await.unwrap();
            let chunk = chunk.unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        };
        let field =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        message.lines().map(|line| field(line).unwrap()).collect()
    }

    /// The next event's id in the stream, and what it carries.
    async fn event(&mut self) -> (String, String) {
        let message = self.message().await;
        let [(id, place), (data, event)] = &message[..] else { panic!("{message:?}") };
        assert_eq!((id.as_str(), data.as_str()), ("id", "data"));
        let event: Json = serde_json::from_str(event).unwrap();
        assert_eq!(event["specversion"], "1.0");
        (place.clone(), event["data"].as_str().unwrap().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_as_they_are_said_and_whoever_comes_back_misses_none() {
    let stage = with_acme().await;
    cry(&stage, "default", "news.cried", "town", "before").await;
    let mut reading = Reading::of(&stage, &format!("{EVENTS}/stream"), stage.admin(), None).await;
    for text in ["one", "two"] {
        cry(&stage, "default", "news.cried", "town", text).await;
    }
    let (first, said) = reading.event().await;
    assert_eq!(said, "one");
    assert_eq!(reading.event().await.1, "two");
    drop(reading);
    cry(&stage, "acme", "weather.told", "sky", "three").await;
    let mut again = Reading::of(&stage, &format!("{EVENTS}/stream"), stage.admin(), Some(&first)).await;
    assert_eq!([again.event().await.1, again.event().await.1], ["two", "three"]);
    let request = client().get(format!("{}{EVENTS}/stream", stage.url)).bearer_auth(stage.admin());
    assert_eq!(request.header("last-event-id", "nonsense").send().await.unwrap().status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_what_the_reader_may_see_and_wants() {
    let stage = with_acme().await;
    let token = stage.token("ours", Some("default"), &["event:read"]).await;
    let mut own = Reading::of(&stage, &format!("{OWN}/events/stream"), &token, None).await;
    let mut news = Reading::of(&stage, &format!("{EVENTS}/stream?type=news.*"), stage.admin(), None).await;
    cry(&stage, "acme", "news.cried", "town", "theirs").await;
    cry(&stage, "default", "weather.told", "sky", "weather").await;
    cry(&stage, "default", "news.cried", "town", "news").await;
    assert_eq!([own.event().await.1, own.event().await.1], ["weather", "news"]);
    assert_eq!([news.event().await.1, news.event().await.1], ["theirs", "news"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_when_a_plugin_is_loaded_anew() {
    let stage = with_acme().await;
    let mut reading = Reading::of(&stage, &format!("{EVENTS}/stream"), stage.admin(), None).await;
    for what in ["disable", "enable"] {
        stage.post(&format!("/api/admin/plugins/herald/{what}"), json!({})).await.json(200);
    }
    cry(&stage, "default", "news.cried", "town", "back").await;
    assert_eq!(reading.event().await.1, "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_streams_are_read_at_a_time_and_all_end_when_the_server_stops() {
    let stage = with_acme().await;
    let address = format!("{OWN}/events/stream");
    let mut first = Reading::of(&stage, &address, stage.admin(), None).await;
    let second = Reading::of(&stage, &address, stage.admin(), None).await;
    let refused = stage.get(&address).await;
    assert!(refused.detail(429).contains('2'), "{refused:?}");
    let other = "/api/org/acme/organization/events/stream";
    drop(Reading::of(&stage, other, stage.admin(), None).await);
    drop(second);
    // Its place is free once it was noticed that it is gone.
    let mut third = stage.ask(Method::HEAD, &address, Some(stage.admin()), None).await;
    for _ in 0..300 {
        if third.status != 429 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        third = stage.ask(Method::HEAD, &address, Some(stage.admin()), None).await;
    }
    assert_eq!(third.status, 200);
    stage.delivery.dismiss_onlookers();
    let end = first.message().await;
    assert_eq!(end[0], ("event".to_owned(), "end".to_owned()));
    assert!(end[1].1.contains("the server stops"), "{end:?}");
    assert_eq!(first.answer.chunk().await.unwrap(), None);
}
