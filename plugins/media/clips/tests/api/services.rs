//! What other plugins can ask the library for.

use serde_json::{Value as Json, json};
use switchboard_sdk::Failure;

use crate::{at, create, get, library, media_of, upload, wav};

#[tokio::test]
async fn a_clip_is_given_as_the_api_shows_it() {
    let stage = library().await;
    let created = create(&stage, "Ace", json!({"tags": ["a"], "clip_metadata": {"k": 1}})).await;
    assert_eq!(stage.service("clips.get", &json!({"id": 1})).await.unwrap(), created);
}

#[tokio::test]
async fn media_is_where_the_service_says() {
    let stage = library().await;
    create(&stage, "Bare", json!({"duration": 7})).await;
    let media = stage.service("clips.media", &json!({"id": 1})).await.unwrap();
    assert_eq!(media, json!({"key": null, "content_type": null, "size": null, "duration": 7}));
    upload(&stage, &[], &[("a.wav", &wav(3))]).await.expect(201);
    let mut media = stage.service("clips.media", &json!({"id": 2})).await.unwrap();
    let key = media["key"].take();
    assert!(key.as_str().unwrap().starts_with("media/"), "{key}");
    assert_eq!(media, json!({"key": null, "content_type": "audio/wav", "size": 48_044, "duration": 3}));
}

#[tokio::test]
async fn an_annotation_is_merged_into_the_metadata() {
    let stage = library().await;
    create(&stage, "Ace", json!({"clip_metadata": {"own": 1, "old": 1, "deep": {"a": 1}}})).await;
    let annotation =
        json!({"id": 1, "metadata": {"new": [1], "deep": {"b": 2}}, "remove": ["old", "unknown"]});
    let given = stage.service("clips.annotate", &annotation).await.unwrap();
    assert_eq!(given["metadata"], json!({"own": 1, "deep": {"b": 2}, "new": [1]}));
    assert_eq!(get(&stage, &at(1)).await, given);
    let both = json!({"id": 1, "metadata": {"own": 2}, "remove": ["own"]});
    let given = stage.service("clips.annotate", &both).await.unwrap();
    assert_eq!(given["metadata"]["own"], json!(2), "what is set is not taken out");
}

#[tokio::test]
async fn an_annotation_that_says_nothing_new_changes_nothing() {
    let stage = library().await;
    let before = create(&stage, "Ace", json!({})).await;
    stage.clock().advance(std::time::Duration::from_secs(1));
    assert_eq!(stage.service("clips.annotate", &json!({"id": 1, "remove": ["a"]})).await.unwrap(), before);
    assert_eq!(get(&stage, &at(1)).await, before);
}

#[tokio::test]
async fn an_annotation_about_media_that_was_replaced_is_refused() {
    let stage = library().await;
    upload(&stage, &[], &[("a.wav", &wav(1))]).await.expect(201);
    let key = stage.service("clips.media", &json!({"id": 1})).await.unwrap()["key"].clone();
    let annotation = json!({"id": 1, "metadata": {"found": 1}, "media": key});
    stage.service("clips.annotate", &annotation).await.unwrap();
    stage.ask("PUT", &media_of(1)).body(wav(2)).send().await.expect(200);
    let late = json!({"id": 1, "metadata": {"found": 2}, "media": key});
    let failure = stage.service("clips.annotate", &late).await.unwrap_err();
    assert!(matches!(failure, Failure::Conflict { .. }), "{failure:?}");
    assert_eq!(get(&stage, &at(1)).await["metadata"], json!({"found": 1}));
}

#[tokio::test]
async fn a_clip_that_is_not_there_is_not_found_by_any_service() {
    let stage = library().await;
    for service in ["clips.get", "clips.media", "clips.annotate"] {
        let failure = stage.service(service, &json!({"id": 7})).await.unwrap_err();
        assert_eq!(failure, Failure::not_found("Clip with id 7 not found"), "{service}");
    }
}

#[tokio::test]
async fn a_service_refuses_what_is_no_question() {
    let stage = library().await;
    for payload in [json!({}), json!(null), json!({"id": "7"}), json!({"id": 1.5})] {
        let failure: Result<Json, Failure> = stage.service("clips.get", &payload).await;
        assert!(matches!(failure, Err(Failure::Invalid { .. })), "{payload}: {failure:?}");
    }
}
