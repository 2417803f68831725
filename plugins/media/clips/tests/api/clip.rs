//! One clip: created, shown, changed, deleted.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value as Json, json};
use switchboard_sdk::Failure;
use switchboard_testkit::Engine;

use crate::{CLIPS, at, create, expect_not_found, faults, get, library, media_of};

#[tokio::test]
async fn a_created_clip_is_answered_as_it_is_shown_afterwards() {
    let stage = library().await;
    let body = json!({
        "title": "Ace", "file_path": "C:\\clips\\ace.mp4", "description": "five", "game_name": "Go",
        "game_id": "go-1", "tags": ["b", "a", "b"], "clip_metadata": {"k": [1, {"n": null}], "f": 0.1},
        "file_size": 9_007_199_254_740_991_i64, "duration": 12, "resolution": "1920x1080", "fps": 59.94,
        "codec": "h264", "recorded_at": "2026-01-31T14:00:00.25+02:00", "processed": true,
        "processing_status": "done",
    });
    let created: Json = stage.ask("POST", CLIPS).json(&body).send().await.json(201);
    let expected = json!({
        "id": 1, "title": "Ace", "file_path": "C:\\clips\\ace.mp4", "description": "five", "game_name": "Go",
        "game_id": "go-1", "tags": ["b", "a", "b"], "metadata": {"k": [1, {"n": null}], "f": 0.1},
        "file_size": 9_007_199_254_740_991_i64, "duration": 12, "resolution": "1920x1080", "fps": 59.94,
        "codec": "h264", "recorded_at": "2026-01-31T12:00:00.25Z", "processed": true,
        "processing_status": "done", "created_at": "2026-01-02T03:04:05.000000Z",
        "updated_at": "2026-01-02T03:04:05.000000Z",
    });
    assert_eq!(created, expected);
    assert_eq!(get(&stage, "/api/v1/clips/1").await, expected);
    assert_eq!(get(&stage, "/api/v1/clips/1/").await, expected);
    assert_eq!(get(&stage, CLIPS).await, json!([expected]));
}

#[tokio::test]
async fn what_is_not_given_is_null_and_not_processed() {
    let stage = library().await;
    let created: Json = stage
        .ask("POST", "/api/v1/clips")
        .json(&json!({"title": "A", "file_path": "a"}))
        .send()
        .await
        .json(201);
    for field in [
        "description",
        "game_name",
        "game_id",
        "tags",
        "metadata",
        "file_size",
        "duration",
        "resolution",
        "fps",
        "codec",
        "recorded_at",
        "processing_status",
    ] {
        assert_eq!(created.get(field), Some(&Json::Null), "{field}");
    }
    assert_eq!((&created["id"], &created["processed"]), (&json!(1), &json!(false)));
    assert_eq!(created.as_object().unwrap().len(), 18);
    let nulls: Map<String, Json> =
        ["description", "tags", "clip_metadata", "file_size", "fps", "recorded_at"]
            .into_iter()
            .map(|field| (field.to_owned(), Json::Null))
            .collect();
    create(&stage, "null is as good as nothing", Json::Object(nulls)).await;
}

#[tokio::test]
async fn each_rule_of_a_new_clip_is_held() {
    let stage = library().await;
    for (field, value, kind) in [
        ("title", json!(""), "string_too_short"),
        ("title", json!("x".repeat(256)), "string_too_long"),
        ("title", json!(null), "string_type"),
        ("title", json!(7), "string_type"),
        ("file_path", json!(""), "string_too_short"),
        ("file_path", json!("x".repeat(501)), "string_too_long"),
        ("description", json!(7), "string_type"),
        ("game_name", json!("x".repeat(256)), "string_too_long"),
        ("game_id", json!("x".repeat(256)), "string_too_long"),
        ("tags", json!("a"), "list_type"),
        ("tags", json!({"a": 1}), "list_type"),
        ("clip_metadata", json!([]), "dict_type"),
        ("clip_metadata", json!("{}"), "dict_type"),
        ("file_size", json!(0), "greater_than"),
        ("file_size", json!(-1), "greater_than"),
        ("file_size", json!(1.5), "int_type"),
        ("file_size", json!(1e30), "less_than_equal"),
        ("duration", json!(0), "greater_than"),
        ("duration", json!(0.5), "int_type"),
        ("duration", json!("12"), "int_type"),
        ("resolution", json!("x".repeat(51)), "string_too_long"),
        ("fps", json!(0), "greater_than"),
        ("fps", json!(-29.97), "greater_than"),
        ("fps", json!("60"), "float_type"),
        ("codec", json!("x".repeat(51)), "string_too_long"),
        ("recorded_at", json!("yesterday"), "datetime_parsing"),
        ("recorded_at", json!("2026-02-30T00:00:00Z"), "datetime_parsing"),
        ("recorded_at", json!("2026-01-31 12:00"), "datetime_parsing"),
        ("recorded_at", json!(1), "string_type"),
        ("processed", json!("yes"), "bool_type"),
        ("processed", json!(null), "bool_type"),
        ("processing_status", json!("x".repeat(51)), "string_too_long"),
    ] {
        let mut body = json!({"title": "A", "file_path": "a"});
        body[field] = value.clone();
        let answer = stage.ask("POST", CLIPS).json(&body).send().await;
        assert_eq!(faults(&answer), [format!("body.{field} {kind}")], "{field}: {value}");
    }
    assert_eq!(get(&stage, CLIPS).await, json!([]), "nothing of it was stored");
}

#[tokio::test]
async fn what_is_just_within_the_rules_is_stored() {
    let stage = library().await;
    for (field, value) in [
        ("title", json!("ü".repeat(255))),
        ("file_path", json!("x".repeat(500))),
        ("game_name", json!("x".repeat(255))),
        ("resolution", json!("x".repeat(50))),
        ("file_size", json!(1)),
        ("duration", json!(1)),
        ("fps", json!(0.001)),
        ("tags", json!([])),
        ("recorded_at", json!("2026-01-31t12:00:00z")),
        ("title", json!("a\0b \u{1F3AE} <script>")),
    ] {
        if value.as_str().is_some_and(|text| text.contains('\0'))
            && stage.store().engine() == Engine::Postgres
        {
            // It keeps no text with a zero byte.
            continue;
        }
        let mut body = json!({"title": "A", "file_path": "a"});
        body[field] = value.clone();
        let created: Json = stage.ask("POST", CLIPS).json(&body).send().await.json(201);
        if field != "recorded_at" {
            assert_eq!(created[field], value);
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_body_is_told_at_once() {
    let stage = library().await;
    let body = json!({"file_path": "", "tags": ["a", 1], "fps": 0});
    let answer = stage.ask("POST", CLIPS).json(&body).send().await;
    assert_eq!(
        faults(&answer),
        [
            "body.file_path string_too_short",
            "body.fps greater_than",
            "body.tags.1 string_type",
            "body.title missing"
        ]
    );
    let Failure::Invalid { faults, .. } = answer.failure() else { panic!("{answer:?}") };
    let tag = faults.iter().find(|fault| fault.kind == "string_type").unwrap();
    assert_eq!(
        serde_json::to_value(tag).unwrap(),
        json!({"type": "string_type", "loc": ["body", "tags", 1], "msg": "Input should be a valid string", "input": 1})
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let stage = library().await;
    let id = create(&stage, "Ace", json!({})).await["id"].clone();
    for (body, kind) in [
        (&b""[..], "body missing"),
        (b"{", "body json_invalid"),
        (b"title=Ace", "body json_invalid"),
        (b"{\"title\": \"\xff\"}", "body json_invalid"),
        (b"{\"title\": \"\\ud800\"}", "body json_invalid"),
        (b"{} {}", "body json_invalid"),
        (b"[]", "body dict_type"),
        (b"null", "body dict_type"),
        (b"\"title\"", "body dict_type"),
    ] {
        for (method, address) in [("POST", CLIPS.to_owned()), ("PUT", at(&id)), ("PATCH", at(&id))] {
            let answer = stage.ask(method, &address).body(body).send().await;
            assert_eq!(faults(&answer), [kind], "{method} {}", String::from_utf8_lossy(body));
        }
    }
    let deep = format!("{{\"clip_metadata\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = stage.ask("PATCH", &at(&id)).body(deep).send().await;
    assert_eq!(faults(&answer), ["body json_invalid"]);
}

#[tokio::test]
async fn a_field_that_create_does_not_know_is_passed_over() {
    let stage = library().await;
    let created = create(&stage, "Ace", json!({"id": 99, "colour": "red", "created_at": "now"})).await;
    assert_eq!((&created["id"], created.get("colour")), (&json!(1), None));
}

#[tokio::test]
async fn a_clip_that_is_not_there_is_named_in_the_answer() {
    let stage = library().await;
    for (method, address, body) in [
        ("GET", at(7), None),
        ("HEAD", at(7), None),
        ("PUT", at(7), Some("{}")),
        ("PATCH", at(7), Some("{}")),
        ("DELETE", at(7), None),
        ("GET", media_of(7), None),
        ("HEAD", media_of(7), None),
        ("PUT", media_of(7), Some("bytes")),
    ] {
        let answer = stage.ask(method, &address).body(body.unwrap_or_default()).send().await;
        expect_not_found(&answer, "Clip with id 7 not found");
    }
    expect_not_found(&stage.ask("GET", &at(-3)).send().await, "Clip with id -3 not found");
}

#[tokio::test]
async fn an_id_is_a_whole_number() {
    let stage = library().await;
    create(&stage, "Ace", json!({})).await;
    for id in ["seven", "1.0", "1e0", "", "0x1", "9223372036854775808", "%31%00", "1;drop", "ⅰ"] {
        if id.is_empty() {
            continue;
        }
        for (method, address) in [
            ("GET", at(id)),
            ("PUT", at(id)),
            ("PATCH", at(id)),
            ("DELETE", at(id)),
            ("GET", media_of(id)),
            ("PUT", media_of(id)),
        ] {
            let answer = stage.ask(method, &address).json(&json!({})).send().await;
            assert_eq!(faults(&answer), ["path.id int_parsing"], "{method} {address}");
        }
    }
    assert_eq!(get(&stage, CLIPS).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn put_and_patch_change_what_is_given_and_nothing_else() {
    let stage = library().await;
    for method in ["PUT", "PATCH"] {
        let before = create(
            &stage,
            "Ace",
            json!({"description": "d", "game_name": "Go", "tags": ["a"], "clip_metadata": {"a": 1}, "duration": 3}),
        )
        .await;
        let id = &before["id"];
        stage.clock().advance(Duration::from_secs(1));
        let change =
            json!({"title": "Better", "tags": ["b", "c"], "clip_metadata": {"b": 2}, "description": null});
        let after: Json = stage.ask(method, &at(id)).json(&change).send().await.json(200);
        let mut expected = before.clone();
        for (field, value) in [
            ("title", json!("Better")),
            ("tags", json!(["b", "c"])),
            ("metadata", json!({"b": 2})),
            ("description", json!(null)),
        ] {
            expected[field] = value;
        }
        expected["updated_at"] = after["updated_at"].clone();
        assert_eq!(after, expected, "{method}");
        assert_ne!(after["updated_at"], before["updated_at"]);
        assert_eq!(get(&stage, &at(id)).await, after);
    }
}

#[tokio::test]
async fn every_field_that_may_change_changes() {
    let stage = library().await;
    let id = create(&stage, "Ace", json!({})).await["id"].clone();
    for (field, value, shown_as) in [
        ("title", json!("x".repeat(255)), "title"),
        ("description", json!("told"), "description"),
        ("game_name", json!("Go"), "game_name"),
        ("game_id", json!("go"), "game_id"),
        ("tags", json!(["a"]), "tags"),
        ("clip_metadata", json!({"deep": {"er": [1]}}), "metadata"),
        ("processed", json!(true), "processed"),
        ("processing_status", json!("done"), "processing_status"),
    ] {
        let after: Json =
            stage.ask("PUT", &at(&id)).json(&json!({field: value.clone()})).send().await.json(200);
        assert_eq!(after[shown_as], value, "{field}");
    }
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_changes_nothing() {
    let stage = library().await;
    let before = create(&stage, "Ace", json!({"description": "d"})).await;
    for (field, value, kind) in [
        ("title", json!(""), "string_too_short"),
        ("title", json!("x".repeat(256)), "string_too_long"),
        ("title", json!(null), "string_type"),
        ("game_name", json!("x".repeat(256)), "string_too_long"),
        ("game_id", json!(1), "string_type"),
        ("tags", json!([[]]), ".0 string_type"),
        ("clip_metadata", json!(1), "dict_type"),
        ("processed", json!(null), "bool_type"),
        ("processed", json!(1), "bool_type"),
        ("processing_status", json!("x".repeat(51)), "string_too_long"),
        ("file_path", json!("b"), "extra_forbidden"),
        ("file_size", json!(1), "extra_forbidden"),
        ("metadata", json!({}), "extra_forbidden"),
        ("id", json!(2), "extra_forbidden"),
        ("organization_id", json!(2), "extra_forbidden"),
        ("created_at", json!("x"), "extra_forbidden"),
    ] {
        for method in ["PUT", "PATCH"] {
            let mut body = json!({"description": "changed"});
            body[field] = value.clone();
            let answer = stage.ask(method, &at(&before["id"])).json(&body).send().await;
            let expected = match kind.strip_prefix('.') {
                Some(deeper) => format!("body.{field}.{deeper}"),
                None => format!("body.{field} {kind}"),
            };
            assert_eq!(faults(&answer), [expected], "{method} {field}: {value}");
        }
    }
    assert_eq!(get(&stage, &at(&before["id"])).await, before);
}

#[tokio::test]
async fn a_change_to_what_already_is_leaves_the_clip_as_it_was() {
    let stage = library().await;
    let before = create(&stage, "Ace", json!({"tags": ["a"], "clip_metadata": {"b": 1, "a": 2}})).await;
    stage.clock().advance(Duration::from_secs(1));
    for body in [json!({}), json!({"title": "Ace", "tags": ["a"], "clip_metadata": {"a": 2, "b": 1}})] {
        let after: Json = stage.ask("PATCH", &at(&before["id"])).json(&body).send().await.json(200);
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn a_deleted_clip_is_gone_and_its_number_is_not_given_again() {
    let stage = library().await;
    let id = create(&stage, "Ace", json!({})).await["id"].clone();
    let answer = stage.ask("DELETE", &at(&id)).send().await;
    assert!(answer.expect(204).body.is_empty());
    expect_not_found(&stage.ask("GET", &at(&id)).send().await, "Clip with id 1 not found");
    expect_not_found(&stage.ask("DELETE", &at(&id)).send().await, "Clip with id 1 not found");
    assert_eq!(get(&stage, CLIPS).await, json!([]));
    assert_eq!(create(&stage, "Next", json!({})).await["id"], json!(2));
}

#[tokio::test]
async fn changes_made_at_the_same_time_are_all_kept() {
    let stage = library().await;
    let id = create(&stage, "Ace", json!({})).await["id"].clone();
    for round in 0..10 {
        let said = format!("round {round}");
        let changes = [
            json!({"title": said}),
            json!({"description": said}),
            json!({"game_name": said}),
            json!({"game_id": said}),
            json!({"tags": [said]}),
            json!({"processing_status": said}),
        ];
        let asked = changes.iter().map(|change| stage.ask("PATCH", &at(&id)).json(change).send());
        let annotated = (0..6).map(|key| {
            let annotation = json!({"id": id, "metadata": {format!("{round}-{key}"): true}});
            let stage = &stage;
            async move { stage.service("clips.annotate", &annotation).await.unwrap() }
        });
        let (answers, _) = futures_util::future::join(join_all(asked), join_all(annotated)).await;
        answers.iter().for_each(|answer| _ = answer.expect(200));
        let clip = get(&stage, &at(&id)).await;
        for field in ["title", "description", "game_name", "game_id", "processing_status"] {
            assert_eq!(clip[field], json!(said), "{field}");
        }
        assert_eq!(clip["tags"], json!([said]));
        assert_eq!(clip["metadata"].as_object().unwrap().len(), (round + 1) * 6);
    }
}

#[tokio::test]
async fn each_method_needs_its_own_permission() {
    let stage = library().await;
    let id = create(&stage, "Ace", json!({})).await["id"].clone();
    for (method, address, action) in [
        ("GET", CLIPS.to_owned(), "clip:read"),
        ("GET", at("stats"), "clip:read"),
        ("GET", at("stats/summary"), "clip:read"),
        ("GET", at(&id), "clip:read"),
        ("GET", media_of(&id), "clip:read"),
        ("POST", CLIPS.to_owned(), "clip:create"),
        ("POST", at("upload"), "clip:create"),
        ("PUT", at(&id), "clip:update"),
        ("PATCH", at(&id), "clip:update"),
        ("PUT", media_of(&id), "clip:update"),
        ("DELETE", at(&id), "clip:delete"),
    ] {
        let others = ["clip:read", "clip:create", "clip:update", "clip:delete"];
        let others: Vec<_> = others.into_iter().filter(|other| *other != action).collect();
        let body = match method {
            "POST" => json!({"title": "B", "file_path": "b"}),
            _ => json!({"title": "B"}),
        };
        let answer = stage.ask(method, &address).allowed(&others).json(&body).send().await;
        let failure = answer.failure();
        assert!(matches!(failure, Failure::Forbidden { .. }), "{method} {address}: {failure:?}");
        assert!(failure.to_string().contains(action), "{failure}");
    }
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let stage = library().await;
    let before = create(&stage, "Ace", json!({"tags": ["kept"]})).await;
    let stage = stage.again_with([crate::clips()]).await;
    assert_eq!(get(&stage, &at(&before["id"])).await, before);
    assert_eq!(get(&stage, "/api/v1/clips/?q=kept").await, json!([before]));
}
