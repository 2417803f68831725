//! The OpenAPI document, as it is fetched.

use std::collections::HashSet;
use switchboard_kernel::By;

use reqwest::Method;
use serde_json::Value as Json;

use crate::{answer::Answer, stage::Stage};

const DOCUMENT: &str = "/api/openapi.json";
const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

/// Every operation: its method, its path, and what is said of it.
pub(crate) fn operations(document: &Json) -> Vec<(&str, &str, &Json)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        let methods = methods.filter(|(method, _)| METHODS.contains(&method.as_str()));
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    operations.collect()
}

fn references(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::Object(fields) => {
            if let Some(Json::String(reference)) = fields.get("$ref") {
                found.push(reference.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let stage = Stage::new().await;
    let answer = stage.get(DOCUMENT).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json(200);
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for reference in found {
        let place =
            reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    let tags: HashSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut names = HashSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
        assert!(names.insert(name), "{name} is the name of two");
        assert!(operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(tag.as_str().unwrap())));
        assert!(!operation["responses"].as_object().unwrap().is_empty(), "{name}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_parameter_in_a_path_is_said_of_each_operation() {
    let stage = Stage::new().await;
    let document = stage.get(DOCUMENT).await.json(200);
    for (method, path, operation) in operations(&document) {
        let of_path = &document["paths"][path]["parameters"];
        let parameters = [of_path, &operation["parameters"]].into_iter().filter_map(Json::as_array).flatten();
        let said: HashSet<&str> = parameters
            .map(|parameter| match parameter["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).unwrap(),
                None => parameter,
            })
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let named: HashSet<&str> =
            path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(said, named, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_about_what_is_loaded_now() {
    let stage = Stage::new().await;
    let first = stage.get(DOCUMENT).await;
    let tag = first.header("etag").to_owned();
    let unchanged = async || {
        let asked = stage.ask(Method::GET, DOCUMENT).header("if-none-match", &tag).send().await.unwrap();
        asked.status().as_u16()
    };
    let names = |document: &Json| document.to_string().contains("/api/v1/clips");
    assert!(names(&first.json(200)));
    assert_eq!(unchanged().await, 304);

    stage.kernel.switch_off(&By::system("test"), "clips").await.unwrap();
    assert_eq!(unchanged().await, 200);
    let without = stage.get(DOCUMENT).await.json(200);
    assert!(!names(&without) && without.to_string().contains("/api/org/{org}/trial/parcels"));
    stage.get(crate::stage::CLIPS).await.problem(404, "not_found");

    stage.kernel.switch_on(&By::system("test"), "clips").await.unwrap();
    assert_eq!(unchanged().await, 304, "the same plugins make the same document");
    stage.get(crate::stage::CLIPS).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_compressed_for_whoever_says_that_they_read_that() {
    let stage = Stage::new().await;
    let ask = async |encoding: &str| {
        let asked = stage.ask(Method::GET, DOCUMENT).header("accept-encoding", encoding);
        Answer::of(asked.send().await.unwrap()).await.expect(200)
    };
    let plain = ask("identity").await;
    assert_eq!(plain.header("content-encoding"), "");
    let small = ask("gzip, deflate, br").await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.header("vary").to_lowercase().contains("accept-encoding"), "{:?}", small.headers);
    assert_eq!(small.header("etag"), plain.header("etag"), "a weak tag is that of both");
    assert!(small.body.starts_with(&[0x1f, 0x8b]) && small.body.len() * 4 < plain.body.len());
    // How many bytes come out again stands at the end.
    let length = u32::from_le_bytes(small.body[small.body.len() - 4..].try_into().unwrap());
    assert_eq!(length as usize, plain.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_default_is_null_which_most_types_do_not_take() {
    fn nulls(value: &Json, found: &mut Vec<String>) {
        match value {
            Json::Object(object) => {
                if object.get("default") == Some(&Json::Null) {
                    found.push(value.to_string());
                }
                object.values().for_each(|value| nulls(value, found));
            }
            Json::Array(values) => values.iter().for_each(|value| nulls(value, found)),
            _ => {}
        }
    }
    let document = Stage::new().await.get("/api/openapi.json").await.json(200);
    let mut found = Vec::new();
    nulls(&document, &mut found);
    assert_eq!(found, [""; 0]);
}
