//! `metrics`: what a plugin measures is its own, and one that breaks a rule is told so once.

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;
use switchboard_testkit::kernel::{LineFilter, Measured};

use crate::small_plugins::{plugin, with_acme};

fn counter(id: &str) -> Definition {
    plugin(id, &format!("provides: {{services: [{{name: {id}.count}}]}}")).service(
        &format!("{id}.count"),
        async |ctx: Context, name: String| {
            ctx.metrics().count(&name, 2, &[("size", "small")]);
            ctx.metrics().set("now", 1.5, &[]);
            ctx.metrics().observe("seconds", 0.2, &[]);
            Ok(())
        },
    )
}

#[tokio::test]
async fn what_a_plugin_measures_is_its_own_and_of_all_organizations_together() {
    let stage = with_acme([counter("one"), counter("other")]).await;
    for (organization, service) in [("default", "one.count"), ("acme", "one.count"), ("acme", "other.count")]
    {
        stage.service_for(organization, service, &json!("seen")).await.unwrap();
    }
    let seen = |id: &str| {
        let metrics = stage.metrics(id);
        let seen = metrics.series.iter().find(|(series, _)| &*series.name == "seen").unwrap();
        (metrics.series.len(), seen.1.clone())
    };
    assert_eq!(seen("one"), (3, Measured::Counter(4)));
    assert_eq!(seen("other"), (3, Measured::Counter(2)));
}

#[tokio::test]
async fn a_metric_that_breaks_a_rule_is_said_once_in_the_log_and_fails_nobody() {
    let stage = with_acme([counter("one")]).await;
    for _ in 0..3 {
        assert_eq!(stage.service("one.count", &json!("Not This")).await, Ok(Value::Null));
    }
    assert_eq!(stage.metrics("one").left_out, 3);
    let lines = stage.kernel().plugin_lines("one", LineFilter::default(), 10);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.message.contains("`Not This`"), "{line:?}");
}
