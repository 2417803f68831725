//! `Path`, `Query` and `Headers`.

use serde_json::{Value, json};
use switchboard_sdk::{
    extract::{HeadOnly, Headers},
    prelude::*,
};

use crate::{fault, faults, on, with_route};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Clip,
    Match,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Id(u32);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Place {
    kind: Kind,
    id: Id,
}

const NOT_AN_INTEGER: &str = "Input should be a valid integer, unable to parse string as an integer";

#[tokio::test]
async fn a_path_is_one_value_a_tuple_or_a_struct() {
    let one = on(with_route("GET", "/{id}", async |Path(id): Path<i64>| Ok(Json(id)))).await;
    assert_eq!(one.ask("GET", "/t/-7").send().await.json::<i64>(200), -7);
    assert_eq!(
        faults(one.ask("GET", "/t/seven")).await,
        json!([fault("int_parsing", json!(["path", "id"]), NOT_AN_INTEGER, json!("seven"))])
    );
    let text = on(with_route("GET", "/{name}", async |Path(name): Path<String>| Ok(Json(name)))).await;
    assert_eq!(text.ask("GET", "/t/gr%C3%B6%C3%9Fe%2F7").send().await.json::<String>(200), "größe/7");
    let tuple = async |Path((a, b)): Path<(i64, String)>| Ok(Json((a, b)));
    let tuple = on(with_route("GET", "/{a}/x/{b}", tuple)).await;
    assert_eq!(tuple.ask("GET", "/t/7/x/8").send().await.json::<Value>(200), json!([7, "8"]));
}

#[tokio::test]
async fn a_struct_of_types_of_its_own_is_read_and_checked_by_name() {
    let stage = on(with_route("GET", "/{kind}/{id}", async |Path(place): Path<Place>| Ok(Json(place)))).await;
    let place = stage.ask("GET", "/t/match/7").send().await.json::<Value>(200);
    assert_eq!(place, json!({"kind": "match", "id": 7}));
    assert_eq!(
        faults(stage.ask("GET", "/t/song/x")).await,
        json!([
            fault("enum", json!(["path", "kind"]), "Input should be 'clip' or 'match'", json!("song")),
            fault("int_parsing", json!(["path", "id"]), NOT_AN_INTEGER, json!("x")),
        ])
    );
    let negative = faults(stage.ask("GET", "/t/clip/-1")).await;
    assert_eq!(negative[0]["loc"], json!(["path", "id"]));
    assert_eq!(negative[0]["type"], "greater_than_equal");
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Search {
    q: String,
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    #[serde(default)]
    deep: bool,
    kind: Option<Kind>,
    after: Option<Id>,
    #[serde(default)]
    tag: Vec<String>,
}

#[tokio::test]
async fn a_query_is_read_by_its_types_and_every_fault_named() {
    let stage = on(with_route("GET", "/", async |Query(search): Query<Search>| Ok(Json(search)))).await;
    let read = stage
        .ask("GET", "/t?q=a+b&limit=7&deep=yes&kind=clip&after=3&tag=x&tag=y&other=1")
        .send()
        .await
        .json::<Value>(200);
    assert_eq!(
        read,
        json!({"q": "a b", "limit": 7, "deep": true, "kind": "clip", "after": 3, "tag": ["x", "y"]})
    );
    let none = stage.ask("GET", "/t?q=").send().await.json::<Value>(200);
    assert_eq!(none, json!({"q": "", "limit": null, "deep": false, "kind": null, "after": null, "tag": []}));
    let mut found = faults(stage.ask("GET", "/t?limit=0&deep=maybe&after=x")).await;
    found.as_array_mut().unwrap().sort_by_key(|fault| fault["loc"].to_string());
    assert_eq!(
        found,
        json!([
            fault("int_parsing", json!(["query", "after"]), NOT_AN_INTEGER, json!("x")),
            fault(
                "bool_parsing",
                json!(["query", "deep"]),
                "Input should be a valid boolean, unable to interpret input",
                json!("maybe")
            ),
            fault(
                "greater_than_equal",
                json!(["query", "limit"]),
                "Input should be greater than or equal to 1",
                json!(0)
            ),
            fault("missing", json!(["query", "q"]), "Field required", Value::Null),
        ])
    );
}

#[tokio::test]
async fn headers_are_taken_as_they_come_and_a_head_is_told_from_a_get() {
    let handler = async |headers: Headers, HeadOnly(head): HeadOnly| {
        Ok(Json((headers.get("x-name").map(str::to_owned), head)))
    };
    let stage = on(with_route("GET", "/", handler)).await;
    let named = stage.ask("GET", "/t").header("x-name", "Ada").send().await;
    assert_eq!(named.json::<Value>(200), json!(["Ada", false]));
    assert_eq!(stage.ask("HEAD", "/t").send().await.json::<Value>(200), json!([null, true]));
}
