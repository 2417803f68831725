//! Full-text search over title, description, tags and game.

use serde_json::json;

use crate::{at, create, faults, get, library, titles};

async fn found(stage: &switchboard_testkit::Stage, encoded: &str) -> Vec<String> {
    let list = get(stage, &format!("/api/v1/clips/?q={encoded}")).await;
    let mut found: Vec<_> = titles(&list).into_iter().map(str::to_owned).collect();
    found.sort();
    found
}

#[tokio::test]
async fn every_word_is_found_in_title_description_tags_and_game() {
    let stage = library().await;
    create(&stage, "Ace on Mirage", json!({"description": "five shots", "tags": ["clutch"]})).await;
    create(&stage, "Pentakill", json!({"game_name": "League of Legends", "tags": ["clutch", "baron"]})).await;
    create(&stage, "Über-Sprung", json!({})).await;
    assert_eq!(found(&stage, "mirage").await, ["Ace on Mirage"]);
    assert_eq!(found(&stage, "FIVE").await, ["Ace on Mirage"]);
    assert_eq!(found(&stage, "clutch").await, ["Ace on Mirage", "Pentakill"]);
    assert_eq!(found(&stage, "clutch+legends").await, ["Pentakill"]);
    assert_eq!(found(&stage, "uber").await, ["Über-Sprung"], "signs over letters make no difference");
    assert_eq!(found(&stage, "penta").await, ["Pentakill"], "the last word may go on");
    assert_eq!(found(&stage, "penta+baron").await, [""; 0], "the others may not");
    assert_eq!(found(&stage, "%20").await.len(), 3, "nothing typed selects everything");
}

#[tokio::test]
async fn the_index_follows_what_clips_say() {
    let stage = library().await;
    let id = create(&stage, "Before", json!({"tags": ["old"]})).await["id"].clone();
    let change = json!({"title": "After", "tags": ["new"], "description": "told"});
    stage.ask("PATCH", &at(&id)).json(&change).send().await.expect(200);
    assert_eq!(found(&stage, "before").await, [""; 0]);
    assert_eq!(found(&stage, "old").await, [""; 0]);
    assert_eq!(found(&stage, "after+new+told").await, ["After"]);
    stage.ask("PATCH", &at(&id)).json(&json!({"description": null, "tags": null})).send().await.expect(200);
    assert_eq!(found(&stage, "told").await, [""; 0]);
    stage.ask("DELETE", &at(&id)).send().await.expect(204);
    assert_eq!(found(&stage, "after").await, [""; 0]);
}

#[tokio::test]
async fn a_search_is_narrowed_by_game_and_processed_and_paged() {
    let stage = library().await;
    for (title, game, processed) in
        [("ace one", "Go", true), ("ace two", "Go", false), ("ace three", "Chess", true)]
    {
        create(&stage, title, json!({"game_name": game, "processed": processed})).await;
    }
    let list = get(&stage, "/api/v1/clips/?q=ace&game_name=Go&processed=true").await;
    assert_eq!(titles(&list), ["ace one"]);
    let list = get(&stage, "/api/v1/clips/?q=ace&skip=1&limit=1").await;
    assert_eq!(titles(&list), ["ace two"]);
    let answer = stage.ask("GET", "/api/v1/clips/?q=ace&limit=1&count=true").send().await;
    assert_eq!(answer.header("x-total-count"), Some("3"));
}

#[tokio::test]
async fn nothing_that_is_typed_is_read_as_sql_or_as_the_indexs_own_words() {
    let stage = library().await;
    create(&stage, "Ace", json!({"game_name": "O'Reilly's \"Go\""})).await;
    for typed in [
        "'; drop table clip; --",
        "\" OR 1=1 --",
        "ace OR title:x",
        "ace NOT go",
        "NEAR(ace go, 5)",
        "title : ace",
        "{title} : ace",
        "^ace*",
        "ace -",
        "(",
        "\"",
        "\"\"\"",
        "*",
        "%",
        "\0",
        "ace\0go",
        "Ⓐ ①",
        "ͅ",
        "+ace",
        "$1",
        "?",
        "\u{202e}ace",
    ] {
        let mut encoded = String::new();
        for byte in typed.bytes() {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        stage.ask("GET", &format!("/api/v1/clips/?q={encoded}")).send().await.expect(200);
        let by_game = stage.ask("GET", &format!("/api/v1/clips/?game_name={encoded}")).send().await;
        assert_eq!(by_game.json::<serde_json::Value>(200), json!([]), "{typed}");
    }
    assert_eq!(found(&stage, "o'reilly's").await, ["Ace"]);
    let list = get(&stage, "/api/v1/clips/?game_name=O%27Reilly%27s%20%22Go%22").await;
    assert_eq!(titles(&list), ["Ace"]);
}

#[tokio::test]
async fn a_search_has_a_length() {
    let stage = library().await;
    let answer = stage.ask("GET", &format!("/api/v1/clips/?q={}", "a".repeat(201))).send().await;
    assert_eq!(faults(&answer), ["query.q string_too_long"]);
}
