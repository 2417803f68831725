//! `audit`: a line says whose it is, and there are only so many, and only so large.

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;
use switchboard_testkit::{
    Stage,
    kernel::{AuditFilter, AuditLine, AuditPage},
};

use crate::small_plugins::{plugin, sentence, with_acme};

fn clerk() -> Definition {
    plugin("clerk", "provides: {services: [{name: clerk.note}]}").service(
        "clerk.note",
        async |ctx: Context, (action, subject, after): (String, String, Value)| {
            ctx.audit(&action, &subject, &(), &after).await
        },
    )
}

async fn lines(stage: &Stage) -> Vec<AuditLine> {
    let filter = AuditFilter { action: Some("clerk.*".to_owned()), ..AuditFilter::default() };
    stage.kernel().audit(&filter, AuditPage::After(0), 1000).await.unwrap()
}

#[tokio::test]
async fn a_line_carries_the_plugin_the_organization_and_who_is_behind_the_call() {
    let stage = with_acme([clerk()]).await;
    stage.service_for("acme", "clerk.note", &json!(["exported", "clip:7", {"to": "archive"}])).await.unwrap();
    let lines = lines(&stage).await;
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((line.action.as_str(), line.subject.as_str()), ("clerk.exported", "clip:7"));
    assert_eq!((line.plugin.as_deref(), line.before.as_deref()), (Some("clerk"), None));
    assert_eq!(line.after.as_deref(), Some(r#"{"to":"archive"}"#));
    let acme = stage.kernel().named("acme").unwrap().id;
    assert_eq!(line.organization_id, Some(acme.0));
    assert_eq!(stage.kernel().verify_audit().await.unwrap().fault, None);
}

#[tokio::test]
async fn what_is_no_line_is_refused() {
    let stage = with_acme([clerk()]).await;
    let note = async |what: Value| stage.service("clerk.note", &what).await;
    for (action, subject) in [
        ("", "clip:7"),
        ("Exported", "clip:7"),
        ("ex ported", "clip:7"),
        (".exported", "clip:7"),
        ("exported", ""),
        ("exported", "a\nb"),
        ("exported", "x".repeat(201).as_str()),
    ] {
        sentence("invalid", note(json!([action, subject, null])).await);
    }
    let large = sentence("too_large", note(json!(["exported", "clip:7", "x".repeat(17_000)])).await);
    assert!(large.contains("16384"), "{large}");
    assert_eq!(lines(&stage).await, []);
}

#[tokio::test]
async fn a_plugin_that_writes_without_end_is_slowed_down_in_that_organization() {
    let stage = with_acme([clerk()]).await;
    let line = json!(["exported", "clip:7", null]);
    let mut written = 0;
    // However slowly this goes, more are written than come back meanwhile.
    let refused = loop {
        match stage.service("clerk.note", &line).await {
            Ok(_) => written += 1,
            Err(failure) => break failure,
        }
    };
    assert_eq!(refused.kind(), "rate_limited", "{refused}");
    stage.service_for("acme", "clerk.note", &line).await.unwrap();
    assert!(written >= 200, "{written}");
}
