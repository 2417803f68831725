//! `config`: the layers, highest first: organization, installation, the manifest's defaults.

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;
use switchboard_testkit::Stage;
use switchboard_testkit::kernel::By;

use crate::small_plugins::{plugin, with_acme};

const LAYERED: &str = "config_schema:
  type: object
  additionalProperties: false
  properties: {a: {type: integer}, b: {type: integer}, c: {type: integer}}
config_defaults: {a: 1, b: 1, c: 1}
provides: {services: [{name: layered.all}]}";

#[tokio::test]
async fn a_higher_layer_hides_what_it_names_and_nothing_else() {
    let layered =
        plugin("layered", LAYERED).service("layered.all", async |ctx: Context, (): ()| ctx.config::<Value>());
    let stage = with_acme([layered]).await;
    let all = async |stage: &Stage, organization: &str| {
        stage.service_for(organization, "layered.all", &Value::Null).await.unwrap()
    };
    let configure = async |organization: Option<&str>, config: Value| {
        let config = config.as_object().unwrap().clone();
        stage.kernel().configure(&By::system("test"), "layered", organization, config).await.unwrap();
    };
    assert_eq!(all(&stage, "default").await, json!({"a": 1, "b": 1, "c": 1}));
    configure(Some("default"), json!({"c": 3})).await;
    configure(None, json!({"b": 2, "c": 2})).await;
    assert_eq!(all(&stage, "default").await, json!({"a": 1, "b": 2, "c": 3}));
    assert_eq!(all(&stage, "acme").await, json!({"a": 1, "b": 2, "c": 2}));
    configure(Some("default"), json!({})).await;
    assert_eq!(all(&stage, "default").await, json!({"a": 1, "b": 2, "c": 2}));
}
