//! Media in parts, as players fetch them.

use reqwest::Method;

use crate::{
    answer::Answer,
    stage::{CLIPS, Stage},
    wire::Wire,
};

const SIZE: usize = 3_000_000;

fn bytes() -> Vec<u8> {
    (0..SIZE).map(|position| (position % 251) as u8).collect()
}

/// A clip with media, and where those are.
async fn media() -> (Stage, String) {
    let stage = Stage::new().await;
    let clip = stage.clip(stage.admin(), "Ace").await;
    let address = format!("{CLIPS}/{clip}/media");
    let asked = stage.ask(Method::PUT, &address).bearer_auth(stage.admin()).body(bytes());
    Answer::of(asked.send().await.unwrap()).await.expect(200);
    (stage, address)
}

async fn get(stage: &Stage, address: &str, headers: &[(&str, &str)]) -> Answer {
    let asked = stage.ask(Method::GET, address).bearer_auth(stage.admin());
    let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
    Answer::of(asked.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_that_part_and_says_of_what() {
    let (stage, address) = media().await;
    let whole = get(&stage, &address, &[]).await.expect(200);
    assert!(whole.body == bytes());
    assert_eq!((whole.header("accept-ranges"), whole.header("content-length")), ("bytes", "3000000"));
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-1048576", 0, 1_048_576),
        ("bytes=1000000-1999999", 1_000_000, 1_999_999),
        ("bytes=2999999-", SIZE - 1, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        ("bytes=100-99999999", 100, SIZE - 1),
    ] {
        let part = get(&stage, &address, &[("range", range)]).await.expect(206);
        assert!(part.body == bytes()[first..=last], "{range}");
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{SIZE}"));
        assert_eq!(part.header("content-length"), (last - first + 1).to_string());
        assert_eq!(part.header("etag"), whole.header("etag"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_outside_is_416_with_the_size() {
    let (stage, address) = media().await;
    for range in ["bytes=3000000-", "bytes=9999999-99999999", "bytes=-0"] {
        let refused = get(&stage, &address, &[("range", range)]).await.expect(416);
        assert_eq!(refused.header("content-range"), format!("bytes */{SIZE}"), "{range}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_given_only_of_what_the_client_began_with() {
    let (stage, address) = media().await;
    let before = get(&stage, &address, &[]).await;
    let tag = before.header("etag").to_owned();
    let part = get(&stage, &address, &[("range", "bytes=5-9"), ("if-range", &tag)]).await.expect(206);
    assert!(part.body == bytes()[5..10]);
    get(&stage, &address, &[("if-none-match", &tag)]).await.expect(304);

    let asked = stage.ask(Method::PUT, &address).bearer_auth(stage.admin()).body("something else");
    Answer::of(asked.send().await.unwrap()).await.expect(200);
    let whole = get(&stage, &address, &[("range", "bytes=5-9"), ("if-range", &tag)]).await.expect(200);
    assert_eq!(whole.text(), "something else");
    assert_ne!(whole.header("etag"), tag);
    get(&stage, &address, &[("if-none-match", &tag)]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_says_how_much_there_is_and_sends_none_of_it() {
    let (stage, address) = media().await;
    let mut wire = Wire::to(&stage).await;
    for _ in 0..2 {
        wire.head(&stage, &format!("HEAD {address}"), &[]).await;
        let (status, headers) = wire.answered_head().await;
        assert_eq!(
            (status, &headers["content-length"], &headers["accept-ranges"]),
            (200, &"3000000".parse().unwrap(), &"bytes".parse().unwrap())
        );
    }
    wire.head(&stage, &format!("GET {address}"), &[("range", "bytes=1-3")]).await;
    assert_eq!(wire.answer().await.expect(206).body, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_that_leaves_in_the_midst_disturbs_nobody() {
    let (stage, address) = media().await;
    for _ in 0..20 {
        let mut wire = Wire::to(&stage).await;
        wire.head(&stage, &format!("GET {address}"), &[]).await;
        assert_eq!(wire.answered_head().await.0, 200);
    }
    stage.serves_on().await;
    assert!(get(&stage, &address, &[]).await.body == bytes());
}
