//! What is where, and what is said where nothing is.

use http::header;
use reqwest::Method;
use serde_json::json;

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
    wire::Wire,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_answers_is_a_problem_in_json_with_and_without_a_token() {
    let stage = Stage::new().await;
    for address in
        ["/nowhere", "/api", "/api/v1", "/api/v1/clip", "/api/org/default/trial/no", "/%20", "//", "/api//v1"]
    {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::from_bytes(b"BREW").unwrap()] {
            let details = stage.send(method.clone(), address, stage.admin()).await.problem(404, "not_found");
            assert!(details["detail"].as_str().unwrap().contains(address), "{details}");
            let asked = stage.ask(method, address).header("accept", "text/html").send().await.unwrap();
            Answer::of(asked).await.problem(404, "not_found");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_is_a_page_for_a_browser_and_says_to_a_program_where_things_are() {
    let stage = Stage::new().await;
    let get = async |accept: &str| {
        let asked = stage.ask(Method::GET, "/").header(header::ACCEPT, accept).send().await.unwrap();
        Answer::of(asked).await.expect(200)
    };
    for accept in ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*"] {
        let page = get(accept).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text().starts_with("<!DOCTYPE html>") && page.text().contains("Clips"));
        assert!(page.header("vary").to_lowercase().contains("accept"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    }
    let places = get("application/json").await;
    assert_eq!(places.header("content-type"), "application/json");
    let expected = json!({
        "message": "Switchboard is running", "version": "1.2.3", "docs": "/api/docs", "health": "/api/v1/health",
    });
    assert_eq!(places.json(200), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_reference_is_a_page_that_loads_all_it_names_from_here() {
    let stage = Stage::new().await;
    let page = stage.get("/api/docs").await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = page.text();
    let names: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|word| text.split(word).skip(1).map(|rest| rest.split('"').next().unwrap()))
        .collect();
    assert!(names.len() > 4, "{names:?}");
    for name in names {
        let asset = stage.ask(Method::GET, name).send().await.unwrap();
        assert_eq!(asset.status(), 200, "{name}");
        if name.starts_with("/assets/") {
            let tag = asset.headers()["etag"].clone();
            let again = stage.ask(Method::GET, name).header(header::IF_NONE_MATCH, tag).send().await.unwrap();
            assert_eq!(again.status(), 304, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_told_those_that_are_answered() {
    let stage = Stage::new().await;
    for (method, address, allowed) in [
        (Method::PATCH, CLIPS, &["GET", "HEAD", "POST"][..]),
        (Method::from_bytes(b"BREW").unwrap(), CLIPS, &["GET", "HEAD", "POST"]),
        (Method::POST, "/api/v1/clips/7", &["DELETE", "GET", "HEAD", "PATCH", "PUT"]),
        (Method::GET, "/api/org/default/trial/parcels", &["DELETE", "POST"]),
        (Method::HEAD, "/api/org/default/trial/parcels", &["DELETE", "POST"]),
    ] {
        let answer = stage.send(method.clone(), address, stage.admin()).await.expect(405);
        let mut named: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
        named.sort_unstable();
        assert_eq!(named, allowed, "{method} {address}");
        if method != Method::HEAD {
            let details = answer.problem(405, "method_not_allowed");
            assert!(details["detail"].as_str().unwrap().contains(method.as_str()), "{details}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_addresses_are_only_read() {
    let stage = Stage::new().await;
    for address in ["/", "/healthz", "/api/v1/health", "/metrics", "/api/openapi.json", "/assets/mark.svg"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let answer = stage.send(method, address, stage.admin()).await.expect(405);
            let mut named: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            named.sort_unstable();
            assert_eq!(named, ["GET", "HEAD"], "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_addresses_say_so_as_every_other_does() {
    let stage = Stage::new().await;
    for address in ["/", "/healthz", "/api/v1/health", "/metrics", "/api/openapi.json", "/assets/mark.svg"] {
        stage.send(Method::POST, address, stage.admin()).await.problem(405, "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_at_the_end_of_an_address_makes_no_difference() {
    let stage = Stage::new().await;
    stage.clip(stage.admin(), "Ace").await;
    let without = stage.get(CLIPS).await.expect(200);
    assert_eq!(stage.get("/api/v1/clips/").await.expect(200).body, without.body);
}

/// Sent as they are written: a client that is one would tidy them up.
#[tokio::test(flavor = "multi_thread")]
async fn traps_in_percent_encoding_lead_nowhere() {
    let stage = Stage::new().await;
    let get = async |address: &str| {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, &format!("GET {address}"), &[]).await;
        wire.answer().await
    };
    for address in
        ["/%", "/%zz", "/api/v1/clips/%ff", "/api/org/default/trial/words/%C3%28", "/api/org/%80/trial/wait"]
    {
        get(address).await.problem(400, "bad_request");
    }
    for address in [
        "/api/v1/%2e%2e/v1/health",
        "/api/v1/../v1/health",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
    ] {
        get(address).await.problem(404, "not_found");
    }
    // A slash that is written otherwise is part of a word, and so is everything else.
    for (address, word) in [
        ("%2e%2e", ".."),
        ("a%2fb", "a/b"),
        ("a%20b+c", "a b+c"),
        ("%C3%A9", "é"),
        ("100%25", "100%"),
        ("a%00b", "a\0b"),
    ] {
        let answer = get(&format!("/api/org/default/trial/words/{address}")).await;
        assert_eq!(answer.json(200), json!({ "word": word }), "{address}");
    }
    for id in ["%2e%2e", "%00", "1%00", "a", "1e3", "0x1", "99999999999999999999"] {
        let faults = get(&format!("{CLIPS}/{id}")).await.faults();
        assert!(faults.len() == 1 && faults[0].ends_with(" path.id"), "{id}: {faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let stage = Stage::new().await;
    stage.clip(stage.admin(), "Ace").await;
    for address in [
        "/",
        "/healthz",
        "/api/v1/health",
        "/api/docs",
        "/api/openapi.json",
        "/metrics",
        CLIPS,
        "/api/v1/clips/1",
        "/api/v1/clips/9",
        "/nowhere",
    ] {
        let got = stage.get(address).await;
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, &format!("HEAD {address}"), &[("accept", "*/*"), ("accept-encoding", "gzip")])
            .await;
        let (status, headers) = wire.answered_head().await;
        assert_eq!(status, got.status, "{address}");
        assert_eq!(headers["content-type"], got.header("content-type"), "{address}");
        // On the same connection, a body would be taken for the beginning of this answer.
        wire.head(&stage, "GET /healthz", &[]).await;
        assert_eq!(wire.answer().await.expect(200).text(), "ok\n", "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_a_query_is_answered() {
    let stage = Stage::new().await;
    stage.clip(stage.admin(), "Ace").await;
    for query in [
        "",
        "%",
        "&&=&a",
        "nonsense=1",
        "limit=1&limit=2",
        "game_name=%00",
        "game_name=%F0%9F%8E%AE",
        "a[]=1",
    ] {
        stage.get(&format!("{CLIPS}?{query}")).await.expect(200);
    }
    for (query, place) in [
        ("limit=%ff", "query.limit"),
        ("limit=", "query.limit"),
        ("skip=1e3", "query.skip"),
        ("limit=1001", "query.limit"),
        ("skip=0;limit=1", "query.skip"),
    ] {
        let faults = stage.get(&format!("{CLIPS}?{query}")).await.faults();
        assert!(faults.len() == 1 && faults[0].ends_with(place), "{query}: {faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_too_long_is_414() {
    let stage = Stage::new().await;
    let mut wire = Wire::to(&stage).await;
    wire.head(&stage, &format!("GET /{}", "a".repeat(70_000)), &[]).await;
    assert_eq!(wire.answered_head().await.0, 414);
    stage.serves_on().await;
}
