//! `Json` and `WholeBody`.

use serde_json::{Value, json};
use switchboard_sdk::{extract::WholeBody, prelude::*};

use crate::{fault, faults, on, with_route};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct New {
    #[schemars(length(min = 1, max = 5))]
    title: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// A word that may not be `secret`; its schema cannot say that.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
struct Tag(String);

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        if word == "secret" { Err(format!("`{word}` is no tag")) } else { Ok(Self(word)) }
    }
}

#[tokio::test]
async fn a_body_is_checked_before_the_handler_and_every_fault_named() {
    let stage = on(with_route("POST", "/", async |Json(new): Json<New>| Ok(Created(new)))).await;
    let post = |value: Value| stage.ask("POST", "/t").json(&value);
    let created = post(json!({"title": "Seven", "tags": ["a"]})).send().await.json::<Value>(201);
    assert_eq!(created, json!({"title": "Seven", "tags": ["a"]}));
    let mut found = faults(post(json!({"title": "", "tags": [1], "colour": "red"}))).await;
    found.as_array_mut().unwrap().sort_by_key(|fault| fault["loc"].to_string());
    assert_eq!(
        found,
        json!([
            fault(
                "extra_forbidden",
                json!(["body", "colour"]),
                "Extra inputs are not permitted",
                json!("red")
            ),
            fault("string_type", json!(["body", "tags", 0]), "Input should be a valid string", json!(1)),
            fault(
                "string_too_short",
                json!(["body", "title"]),
                "String should have at least 1 character",
                json!("")
            ),
        ])
    );
    assert_eq!(
        faults(post(json!({}))).await,
        json!([fault("missing", json!(["body", "title"]), "Field required", json!({}))])
    );
    let broken = faults(stage.ask("POST", "/t").body("{\"title\":")).await;
    assert_eq!((&broken[0]["type"], &broken[0]["loc"]), (&json!("json_invalid"), &json!(["body"])));
    assert_eq!(
        faults(stage.ask("POST", "/t")).await,
        json!([fault("missing", json!(["body"]), "A JSON body is required", Value::Null)])
    );
}

#[tokio::test]
async fn what_only_the_type_refuses_is_named_at_its_place_too() {
    let stage = on(with_route("POST", "/", async |Json(new): Json<New>| Ok(Created(new)))).await;
    let ask = stage.ask("POST", "/t").json(&json!({"title": "x", "tags": ["fine", "secret"]}));
    assert_eq!(
        faults(ask).await,
        json!([fault("value_error", json!(["body", "tags", 1]), "`secret` is no tag", json!("secret"))])
    );
}

#[tokio::test]
async fn a_whole_body_comes_as_it_is() {
    let length = async |WholeBody(body): WholeBody| Ok(Json(body.collect(10).await?.len()));
    let stage = on(with_route("PUT", "/", length)).await;
    assert_eq!(stage.ask("PUT", "/t").body("not json").send().await.json::<usize>(200), 8);
    let refused = stage.ask("PUT", "/t").body("longer than that").send().await;
    assert_eq!(refused.failure().kind(), "too_large");
}

#[tokio::test]
async fn a_value_that_came_another_way_is_checked_alike() {
    let check = async |ctx: Context, WholeBody(body): WholeBody| {
        let value = serde_json::from_slice(&body.collect(1000).await?).unwrap();
        Ok(Json(ctx.checked::<New>(value, &["form"])?))
    };
    let stage = on(with_route("PUT", "/", check)).await;
    let put = |value: Value| stage.ask("PUT", "/t").body(value.to_string());
    let good = json!({"title": "Seven", "tags": []});
    assert_eq!(put(good.clone()).send().await.json::<Value>(200), good);
    assert_eq!(
        faults(put(json!({"tags": []}))).await,
        json!([fault("missing", json!(["form", "title"]), "Field required", json!({"tags": []}))])
    );
    assert_eq!(
        faults(put(json!({"title": "x", "tags": ["secret"]}))).await,
        json!([fault("value_error", json!(["form", "tags", 0]), "`secret` is no tag", json!("secret"))])
    );
}
