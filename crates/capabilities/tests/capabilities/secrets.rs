//! `secrets`: secret settings, for whom they were set, and for those alone who name them.

use serde_json::{Value, json};
use switchboard_sdk::prelude::*;
use switchboard_testkit::{Capability, Stage, kernel::By};

use crate::small_plugins::{built, plugin, sentence, with_acme};

const KEEPER: &str = "config_schema:
  type: object
  properties:
    key: {type: string, secret: true}
    other: {type: string, secret: true}
    mail: {type: object, properties: {host: {type: string}, password: {secret: true}}}
config_defaults: {mail: {host: localhost}}
provides: {services: [{name: keeper.tell}, {name: keeper.config}]}
capabilities: [{name: secrets, reason: Signs., secrets: [key, mail.password]}]";

fn keeper(more: &str) -> Definition {
    plugin("keeper", more)
        .service("keeper.tell", async |ctx: Context, name: String| {
            let secret = ctx.secrets().get(&name)?;
            assert!(!format!("{secret:?}").contains("hush"));
            Ok(secret.map(|secret| secret.expose().to_owned()))
        })
        .service("keeper.config", async |ctx: Context, (): ()| ctx.config::<Value>())
}

async fn configure(stage: &Stage, organization: Option<&str>, config: Value) {
    let config = config.as_object().unwrap().clone();
    stage.kernel().configure(&By::system("test"), "keeper", organization, config).await.unwrap();
}

#[tokio::test]
async fn a_secret_is_that_of_the_organization_and_the_configuration_does_not_have_it() {
    let stage = with_acme([keeper(KEEPER)]).await;
    configure(&stage, None, json!({"key": "hush", "other": "in the open"})).await;
    configure(&stage, Some("acme"), json!({"key": "hush hush", "mail": {"password": 7, "host": "a"}})).await;
    let tell =
        async |organization, name: &str| stage.service_for(organization, "keeper.tell", &json!(name)).await;
    assert_eq!(tell("default", "key").await, Ok(json!("hush")));
    assert_eq!(tell("acme", "key").await, Ok(json!("hush hush")));
    assert_eq!(tell("acme", "mail.password").await, Ok(json!("7")));
    assert_eq!(tell("default", "mail.password").await, Ok(Value::Null));
    for name in ["other", "mail", "mail.host", "nothing"] {
        let said = sentence("forbidden", tell("acme", name).await);
        assert!(said.contains(&format!("`{name}`")) && said.contains("manifest"), "{said}");
    }
    let read = stage.service_for("acme", "keeper.config", &Value::Null).await.unwrap();
    assert_eq!(read, json!({"other": "in the open", "mail": {"host": "a"}}));
}

#[tokio::test]
async fn who_does_not_ask_for_secrets_has_none_and_reads_them_with_the_configuration() {
    let (without, _) = KEEPER.split_once("\ncapabilities").unwrap();
    let stage = with_acme([keeper(without)]).await;
    configure(&stage, None, json!({"key": "hush"})).await;
    let said = sentence("forbidden", stage.service("keeper.tell", &json!("key")).await);
    assert!(said.contains("may not use `secrets`"), "{said}");
    let read = stage.service("keeper.config", &Value::Null).await.unwrap();
    assert_eq!(read["key"], "hush");
}

#[tokio::test]
async fn a_name_that_is_no_secret_keeps_the_plugin_from_loading() {
    for name in ["mail.host", "nothing", "mail"] {
        let more = KEEPER.replace("[key, mail.password]", &format!("[{name}]"));
        let stage = Stage::with_some_failing([built(keeper(&more))]).await;
        let catalog = stage.kernel().catalog();
        let reason = catalog.entry("keeper").unwrap().state.reason().unwrap().to_owned();
        assert!(
            reason.contains(&format!("the secret `{name}`")) && reason.contains("config_schema"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_test_has_it_fail_like_any_other() {
    let stage = with_acme([keeper(KEEPER)]).await;
    stage.faults().set(Capability::Secrets, Some(Failure::unavailable("shut")));
    assert_eq!(sentence("unavailable", stage.service("keeper.tell", &json!("key")).await), "shut");
}
