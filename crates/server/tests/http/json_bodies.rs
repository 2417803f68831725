//! Bodies that are no JSON, or not the JSON that an address takes.

use reqwest::Method;
use serde_json::json;

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
};

const PARCELS: &str = "/api/org/default/trial/parcels";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_told_in_the_shape_of_the_address() {
    let stage = Stage::new().await;
    let texts = [
        "{",
        "nonsense",
        "{\"weight\": 1,}",
        "{\"weight\": 1} x",
        "\u{feff}{}",
        "{\"weight\": NaN}",
        "{'weight': 1}",
    ];
    for text in texts {
        assert_eq!(stage.post_text(CLIPS, text).await.faults(), ["json_invalid body"], "{text}");
        let details = stage.post_text(PARCELS, text).await.problem(422, "invalid");
        assert_eq!(details["errors"][0]["type"], "json_invalid", "{text}");
    }
    for bytes in [&b"\xff\xfe\x00"[..], b"{\"label\": \"\xff\"}", b"\0"] {
        assert_eq!(stage.post_text(CLIPS, bytes).await.faults(), ["json_invalid body"], "{bytes:?}");
    }
    stage.nothing_is_left_behind().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_where_one_is_needed_is_missing() {
    let stage = Stage::new().await;
    for address in [CLIPS, PARCELS] {
        assert_eq!(stage.post_text(address, "").await.faults(), ["missing body"]);
        assert_eq!(stage.send(Method::POST, address, stage.admin()).await.faults(), ["missing body"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_told_at_once_with_its_place() {
    let stage = Stage::new().await;
    let wrong = json!({ "title": 7, "file_path": "", "tags": ["a", 1], "duration": 0, "fps": "fast" });
    let faults = stage.post(CLIPS, &wrong).await.faults();
    assert_eq!(
        faults,
        [
            "float_type body.fps",
            "greater_than body.duration",
            "string_too_short body.file_path",
            "string_type body.tags.1",
            "string_type body.title",
        ]
    );
    let answer = stage.post(PARCELS, &json!({ "weight": -1, "label": null, "colour": "red" })).await;
    let details = answer.problem(422, "invalid");
    let places: Vec<_> =
        details["errors"].as_array().unwrap().iter().map(|fault| fault["loc"].to_string()).collect();
    for place in [r#"["body","weight"]"#, r#"["body","label"]"#, r#"["body","colour"]"#] {
        assert!(places.iter().any(|told| told == place), "{details}");
    }
    for other in ["[]", "7", "null", "\"text\"", "true"] {
        let faults = stage.post_text(CLIPS, other).await.faults();
        assert!(faults.len() == 1 && faults[0].ends_with(" body"), "{other}: {faults:?}");
    }
    stage.nothing_is_left_behind().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_known_is_refused_where_the_api_says_so() {
    let stage = Stage::new().await;
    let clip = stage.clip(stage.admin(), "Ace").await;
    for method in [Method::PUT, Method::PATCH] {
        let asked = stage.ask(method, &format!("{CLIPS}/{clip}")).bearer_auth(stage.admin());
        let asked = asked.json(&json!({ "title": "Changed", "colour": "red" }));
        assert_eq!(Answer::of(asked.send().await.unwrap()).await.faults(), ["extra_forbidden body.colour"]);
    }
    assert_eq!(stage.get(&format!("{CLIPS}/{clip}")).await.json(200)["title"], "Ace");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_nested_ten_thousand_deep_is_refused() {
    let stage = Stage::new().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        for address in [CLIPS, PARCELS] {
            for body in [nested.clone(), format!("{{\"weight\": 1, \"contents\": {nested}}}")] {
                assert_eq!(stage.post_text(address, body).await.faults(), ["json_invalid body"]);
            }
        }
    }
    stage.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_body_is_called_it_is_read_as_json() {
    let stage = Stage::new().await;
    let asked = stage.ask(Method::POST, PARCELS).bearer_auth(stage.admin()).body("{\"weight\": 3}");
    let taken = Answer::of(asked.send().await.unwrap()).await.json(201);
    assert_eq!(taken, json!({ "weight": 3, "label": "", "contents": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_the_wrong_type_is_told_with_its_place() {
    let stage = Stage::new().await;
    let faults = stage.get(&format!("{CLIPS}?skip=-1&limit=many&processed=perhaps")).await.faults();
    let places: Vec<&str> = faults.iter().map(|fault| fault.split_once(' ').unwrap().1).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["query.limit", "query.processed", "query.skip"], "{faults:?}");
}
