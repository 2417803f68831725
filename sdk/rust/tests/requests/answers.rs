//! What handlers give.

use serde_json::{Value, json};
use switchboard_sdk::{
    Response,
    http::{HeaderMap, HeaderValue, StatusCode},
    prelude::*,
};

use crate::{on, with_route};

#[tokio::test]
async fn json_says_what_it_is() {
    let stage = on(with_route("GET", "/", async || Ok(Json(vec![1, 2])))).await;
    let answer = stage.ask("GET", "/t").send().await;
    assert_eq!(answer.json::<Vec<i64>>(200), [1, 2]);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn what_was_created_and_what_is_gone_have_statuses_of_their_own() {
    let stage = on(with_route("POST", "/", async || Ok(Created("new")))).await;
    assert_eq!(stage.ask("POST", "/t").send().await.json::<String>(201), "new");
    let stage = on(with_route("POST", "/", async || Ok(NoContent))).await;
    let answer = stage.ask("POST", "/t").send().await;
    assert!(answer.expect(204).body.is_empty());
}

#[tokio::test]
async fn headers_are_added_to_any_answer() {
    let handler = async || {
        let headers = HeaderMap::from_iter([
            ("etag".parse().unwrap(), HeaderValue::from_static("\"7\"")),
            ("content-type".parse().unwrap(), HeaderValue::from_static("application/geo+json")),
        ]);
        Ok((headers, Json(7)))
    };
    let stage = on(with_route("GET", "/", handler)).await;
    let answer = stage.ask("GET", "/t").send().await;
    assert_eq!((answer.header("etag"), answer.json::<i64>(200)), (Some("\"7\""), 7));
    let content_types: Vec<_> = answer.headers.get_all("content-type").iter().collect();
    assert_eq!(content_types, ["application/geo+json"], "in place of its own, not beside it");
}

#[tokio::test]
async fn a_response_is_given_as_it_is() {
    let handler = async || {
        let mut response = Response::new(StatusCode::IM_A_TEAPOT);
        response.body = "short and stout".into();
        Ok(response)
    };
    let stage = on(with_route("GET", "/", handler)).await;
    let answer = stage.ask("GET", "/t").send().await;
    assert_eq!(answer.expect(418).body, "short and stout");
}

#[tokio::test]
async fn a_failure_reaches_the_caller_as_it_is() {
    let handler = async |Path(kind): Path<String>| -> Result<NoContent> {
        Err(match kind.as_str() {
            "missing" => not_found!("clip {} not found", 7),
            "taken" => conflict!("taken"),
            "secret" => forbidden!("not you"),
            _ => invalid!("not that"),
        })
    };
    let stage = on(with_route("GET", "/{kind}", handler)).await;
    for (kind, expected) in
        [("missing", "not_found"), ("taken", "conflict"), ("secret", "forbidden"), ("x", "invalid")]
    {
        let answer = stage.ask("GET", &format!("/t/{kind}")).send().await;
        assert_eq!(answer.failure().kind(), expected);
    }
    let missing = stage.ask("GET", "/t/missing").send().await;
    assert_eq!(missing.failure().to_string(), "clip 7 not found");
}

#[tokio::test]
async fn what_has_no_json_form_is_the_plugins_fault() {
    async fn odd() -> Result<Json<std::collections::BTreeMap<Option<u8>, u8>>> {
        Ok(Json([(None, 1)].into()))
    }
    let stage = on(with_route("GET", "/", odd)).await;
    let answer = stage.ask("GET", "/t").send().await;
    assert_eq!(answer.failure().kind(), "broken");
}

#[tokio::test]
async fn the_description_says_what_is_taken_and_given() {
    async fn add_clip(Path(id): Path<i64>, Json(title): Json<String>) -> Result<Created<(i64, String)>> {
        Ok(Created((id, title)))
    }
    let definition = with_route("POST", "/{id}", add_clip).build().unwrap();
    let operation = serde_json::to_value(&definition.description().routes[0]).unwrap();
    assert_eq!((&operation["id"], &operation["summary"]), (&json!("add_clip"), &json!("Add clip")));
    assert_eq!(operation["parameters"][0]["name"], "id");
    assert_eq!(operation["parameters"][0]["schema"]["type"], "integer");
    assert_eq!(operation["body"]["schema"]["type"], "string");
    assert_eq!(operation["answers"][0]["status"], 201);
    assert_ne!(operation["answers"][0]["body"]["schema"], Value::Null);
}
