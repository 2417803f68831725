//! A plugin that panics.

use crate::stage::{CLIPS, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_plugin_is_told_without_a_word_of_what_is_inside() {
    let stage = Stage::new().await;
    // Once more, and it would be set aside.
    for _ in 0..19 {
        let answer = stage.get("/api/org/default/trial/panic").await;
        let (text, id) = (answer.text(), answer.header("x-request-id").to_owned());
        for inside in ["secret", "1234", "panic", ".rs"] {
            assert!(!text.contains(inside), "{text}");
        }
        let details = answer.problem(500, "broken");
        assert_eq!(details["detail"], format!("plugin `trial` failed; the log has it under {id}"));
    }
    stage.serves_on().await;
    stage.get("/api/org/default/trial/words/still").await.expect(200);
    stage.get(CLIPS).await.expect(200);
    let metrics = stage.get("/metrics").await.text();
    let counted =
        "switchboard_plugin_failures_total{plugin=\"trial\",kind=\"request\",failure=\"broken\"} 19";
    assert!(metrics.contains(counted), "{metrics}");
}
