//! Lists of clips, and statistics over them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use switchboard_sdk::Failure;

use crate::{create, faults, get, library, titles};

#[tokio::test]
async fn a_library_without_clips_is_an_empty_list_with_or_without_the_slash() {
    let stage = library().await;
    assert_eq!(get(&stage, "/api/v1/clips/").await, json!([]));
    assert_eq!(get(&stage, "/api/v1/clips").await, json!([]));
    create(&stage, "Ace", json!({})).await;
    let with_slash = get(&stage, "/api/v1/clips/?limit=1").await;
    assert_eq!(titles(&with_slash), ["Ace"]);
    assert_eq!(get(&stage, "/api/v1/clips?limit=1").await, with_slash);
}

#[tokio::test]
async fn the_newest_comes_first_and_of_one_moment_the_one_stored_last() {
    let stage = library().await;
    for title in ["first", "second", "third"] {
        create(&stage, title, json!({})).await;
    }
    stage.clock().advance(Duration::from_micros(1));
    create(&stage, "later", json!({})).await;
    stage.clock().set("2020-01-01T00:00:00Z".parse().unwrap());
    create(&stage, "earlier", json!({})).await;
    let list = get(&stage, "/api/v1/clips/").await;
    assert_eq!(titles(&list), ["later", "third", "second", "first", "earlier"]);
}

#[tokio::test]
async fn pages_over_a_thousand_clips_leave_none_out_and_repeat_none() {
    let stage = library().await;
    stream::iter(0..1005)
        .map(|number| {
            let stage = &stage;
            async move { create(stage, &format!("clip {number}"), json!({})).await }
        })
        .buffer_unordered(8)
        .for_each(|_| std::future::ready(()))
        .await;
    assert_eq!(get(&stage, "/api/v1/clips/").await.as_array().unwrap().len(), 100, "100 unless asked");
    let largest = get(&stage, "/api/v1/clips/?limit=1000").await;
    let rest = get(&stage, "/api/v1/clips/?limit=1000&skip=1000").await;
    assert_eq!((largest.as_array().unwrap().len(), rest.as_array().unwrap().len()), (1000, 5));
    let mut paged = Vec::new();
    loop {
        let page = get(&stage, &format!("/api/v1/clips/?limit=77&skip={}", paged.len())).await;
        match page.as_array().unwrap().as_slice() {
            [] => break,
            clips => paged.extend(clips.iter().map(|clip| clip["id"].as_i64().unwrap())),
        }
    }
    let expected: Vec<i64> = (1..=1005).rev().collect();
    assert_eq!(paged, expected);
    assert_eq!(get(&stage, "/api/v1/clips/?skip=9223372036854775807").await, json!([]));
}

#[tokio::test]
async fn skip_and_limit_have_bounds() {
    let stage = library().await;
    for (query, expected) in [
        ("skip=-1", "query.skip greater_than_equal"),
        ("limit=0", "query.limit greater_than_equal"),
        ("limit=-5", "query.limit greater_than_equal"),
        ("limit=1001", "query.limit less_than_equal"),
        ("limit=many", "query.limit int_parsing"),
        ("skip=1.5", "query.skip int_parsing"),
        ("skip=99999999999999999999", "query.skip int_parsing"),
        ("processed=perhaps", "query.processed bool_parsing"),
        ("processed=", "query.processed bool_parsing"),
    ] {
        let answer = stage.ask("GET", &format!("/api/v1/clips/?{query}")).send().await;
        assert_eq!(faults(&answer), [expected], "{query}");
    }
    let answer = stage.ask("GET", "/api/v1/clips/?limit=0&skip=-1").send().await;
    assert_eq!(faults(&answer), ["query.limit greater_than_equal", "query.skip greater_than_equal"]);
}

#[tokio::test]
async fn a_fault_says_what_was_sent() {
    let stage = library().await;
    let answer = stage.ask("GET", "/api/v1/clips/?limit=many").send().await;
    let Failure::Invalid { faults, .. } = answer.failure() else { panic!("{answer:?}") };
    assert_eq!(
        serde_json::to_value(faults).unwrap(),
        json!([{
            "type": "int_parsing",
            "loc": ["query", "limit"],
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "input": "many",
        }])
    );
}

#[tokio::test]
async fn a_game_is_meant_by_its_exact_name() {
    let stage = library().await;
    for (title, game) in [("a", "Go"), ("b", "go"), ("c", "Go 2"), ("d", "Pokémon & Co")] {
        create(&stage, title, json!({"game_name": game})).await;
    }
    create(&stage, "e", json!({})).await;
    assert_eq!(titles(&get(&stage, "/api/v1/clips/?game_name=Go").await), ["a"]);
    assert_eq!(titles(&get(&stage, "/api/v1/clips/?game_name=Pok%C3%A9mon+%26%20Co").await), ["d"]);
    assert_eq!(get(&stage, "/api/v1/clips/?game_name=G%25").await, json!([]));
}

#[tokio::test]
async fn processed_is_asked_for_in_any_word_for_true_and_false() {
    let stage = library().await;
    create(&stage, "done", json!({"processed": true, "game_name": "Go"})).await;
    create(&stage, "open", json!({"game_name": "Go"})).await;
    for word in ["true", "True", "TRUE", "1", "yes", "YES", "on", "On"] {
        assert_eq!(
            titles(&get(&stage, &format!("/api/v1/clips/?processed={word}")).await),
            ["done"],
            "{word}"
        );
    }
    for word in ["false", "False", "0", "no", "No", "off", "OFF"] {
        assert_eq!(
            titles(&get(&stage, &format!("/api/v1/clips/?processed={word}")).await),
            ["open"],
            "{word}"
        );
    }
    assert_eq!(
        titles(&get(&stage, "/api/v1/clips/?processed=yes&game_name=Go&skip=0&other=1").await),
        ["done"]
    );
    assert_eq!(get(&stage, "/api/v1/clips/?processed=yes&skip=1").await, json!([]));
}

#[tokio::test]
async fn the_number_of_all_that_fit_is_told_when_asked_for() {
    let stage = library().await;
    for title in ["a", "b", "c"] {
        create(&stage, title, json!({"processed": title == "a"})).await;
    }
    let answer = stage.ask("GET", "/api/v1/clips/?limit=1&count=true").send().await;
    assert_eq!(answer.header("x-total-count"), Some("3"));
    let answer = stage.ask("GET", "/api/v1/clips/?processed=no&skip=9&count=1").send().await;
    assert_eq!(answer.header("x-total-count"), Some("2"));
    assert_eq!(stage.ask("GET", "/api/v1/clips/").send().await.header("x-total-count"), None);
}

#[tokio::test]
async fn statistics_count_the_clips_and_name_the_games() {
    let stage = library().await;
    let none = json!({
        "total_clips": 0, "processed_clips": 0, "unprocessed_clips": 0, "total_games": 0, "games": [],
    });
    assert_eq!(get(&stage, "/api/v1/clips/stats").await, none);
    for (title, fields) in [
        ("a", json!({"game_name": "Tetris", "processed": true})),
        ("b", json!({"game_name": "Go"})),
        ("c", json!({"game_name": "Go"})),
        ("d", json!({"game_name": ""})),
        ("e", json!({})),
    ] {
        create(&stage, title, fields).await;
    }
    let some = json!({
        "total_clips": 5, "processed_clips": 1, "unprocessed_clips": 4, "total_games": 2,
        "games": ["Go", "Tetris"],
    });
    for address in ["/api/v1/clips/stats", "/api/v1/clips/stats/", "/api/v1/clips/stats/summary"] {
        assert_eq!(get(&stage, address).await, some, "{address}");
    }
}
