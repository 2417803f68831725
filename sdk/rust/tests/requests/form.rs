//! `Multipart`.

use serde_json::{Value, json};
use switchboard_sdk::{Body, bytes::Bytes, extract::Multipart, prelude::*};
use switchboard_testkit::Stage;

use crate::{faults, on, with_route};

const FORM: &str = "multipart/form-data; boundary=edge";

/// Takes `title` as text and counts the bytes of `file`; passes over everything else.
async fn take(mut form: Multipart) -> Result<Json<Value>> {
    let (mut title, mut size) = (None, None);
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("title") => title = Some(field.text(10).await?),
            Some("file") => {
                let name = field.file_name().map(str::to_owned);
                let mut body = field.into_body();
                let mut bytes = 0;
                while let Some(chunk) = body.next().await.transpose()? {
                    bytes += chunk.len();
                }
                size = Some((name, bytes));
            }
            _ => {}
        }
    }
    Ok(Json(json!({"title": title, "file": size})))
}

async fn stage() -> Stage {
    on(with_route("POST", "/", take)).await
}

fn field(name: &str, content: &str) -> String {
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
}

fn file(content: &str) -> String {
    format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n{content}\r\n"
    )
}

/// The text in pieces of that size, each there without waiting.
fn in_pieces(text: &str, size: usize) -> Body {
    let pieces: Vec<_> =
        text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Body::stream(futures_util::stream::iter(pieces), None)
}

#[tokio::test]
async fn fields_come_in_order_whatever_the_pieces_and_what_is_not_read_is_passed_over() {
    let stage = stage().await;
    let skipped = "s".repeat(200_000);
    let text = format!(
        "{}{}{}--edge--\r\n",
        field("other", &skipped),
        field("title", "Seven"),
        file(&"x".repeat(100_000))
    );
    for size in [7, 1000, 1 << 20] {
        let ask = stage.ask("POST", "/t").header("content-type", FORM).body(in_pieces(&text, size));
        let taken = ask.send().await.json::<Value>(200);
        assert_eq!(taken, json!({"title": "Seven", "file": ["a.mp4", 100_000]}), "in pieces of {size}");
    }
}

#[tokio::test]
async fn what_is_no_form_is_said_at_its_header() {
    let stage = stage().await;
    for content_type in ["application/json", "multipart/form-data"] {
        let found = faults(stage.ask("POST", "/t").header("content-type", content_type).body("{}")).await;
        assert_eq!(found[0]["loc"], json!(["header", "content-type"]));
        assert_eq!((&found[0]["type"], &found[0]["input"]), (&json!("form_expected"), &json!(content_type)));
    }
    assert_eq!(faults(stage.ask("POST", "/t")).await[0]["input"], Value::Null);
}

#[tokio::test]
async fn a_form_that_is_cut_short_or_too_long_in_a_field_is_refused() {
    let stage = stage().await;
    let kind = async |text: &str| {
        let ask = stage.ask("POST", "/t").header("content-type", FORM).body(in_pieces(text, 1000));
        ask.send().await.failure().kind()
    };
    assert_eq!(kind("").await, "invalid");
    assert_eq!(kind(&file("half of")).await, "invalid");
    assert_eq!(kind(&format!("{}--edge--\r\n", field("title", "longer than ten"))).await, "too_large");
    let not_text = b"--edge\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\xff\r\n--edge--\r\n";
    let found = faults(stage.ask("POST", "/t").header("content-type", FORM).body(&not_text[..])).await;
    assert_eq!((&found[0]["type"], &found[0]["loc"]), (&json!("string_unicode"), &json!(["body", "title"])));
}

#[tokio::test]
async fn headers_without_end_are_not_gathered_in_memory() {
    let stage = stage().await;
    let read = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for before in ["", "--edge\r\nContent-Disposition: form-data; name=\"", &field("other", "unread")] {
        let begun = format!("{before}--edge\r\nX-Endless: ");
        let (counted, piece) = (read.clone(), Bytes::from(vec![b'x'; 8 << 10]));
        let endless = (0..1 << 14).map(move |n| {
            counted.store(n, std::sync::atomic::Ordering::Relaxed);
            Ok(if n == 0 { Bytes::from(begun.clone()) } else { piece.clone() })
        });
        let body = Body::stream(futures_util::stream::iter(endless), None);
        let answer = stage.ask("POST", "/t").header("content-type", FORM).body(body).send().await;
        let why = answer.failure().to_string();
        assert!(why.contains("where a field should begin"), "{why}");
        assert!(read.load(std::sync::atomic::Ordering::Relaxed) < 32);
    }
}
