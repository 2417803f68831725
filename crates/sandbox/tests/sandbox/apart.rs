//! What one organization leaves behind is not another's.

use serde_json::json;
use switchboard_kernel::By;
use switchboard_testkit::Stage;

use crate::guest::{Guest, staged};

/// Answers how often this instance was called.
const COUNTING: &str = "(i32.store8 (i32.const 512) (i32.add (i32.const 48) (global.get $calls)))
    (local.set $at (i32.const 512)) (local.set $length (i32.const 1))";

async fn counted(stage: &Stage, organization: &str) -> i64 {
    let answer = stage.service_for(organization, "guest.do", &json!(null)).await.unwrap();
    answer.as_i64().unwrap()
}

#[tokio::test]
async fn an_instance_serves_one_organization_and_no_other() {
    let (stage, _folder) = staged(Guest::doing(COUNTING)).await;
    stage.kernel().create_organization(&By::system("test"), "other", "Other").await.unwrap();
    assert_eq!(counted(&stage, "default").await, 1);
    assert_eq!(counted(&stage, "default").await, 2);
    assert_eq!(counted(&stage, "other").await, 1);
    assert_eq!(counted(&stage, "default").await, 3);
    assert_eq!(counted(&stage, "other").await, 2);
}

#[tokio::test]
async fn a_plugin_may_ask_for_a_new_instance_each_time() {
    let (stage, _folder) = staged(Guest::doing(COUNTING).limits(r#"{"reuse_instances": false}"#)).await;
    assert_eq!(counted(&stage, "default").await, 1);
    assert_eq!(counted(&stage, "default").await, 1);
}
