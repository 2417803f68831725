//! Switching on and off while serving: for an organization, and for the installation.

use crate::small_plugins::{Diary, built, plugin, reason, serves};
use serde_json::Value;
use switchboard_kernel::{By, Kernel};
use switchboard_sdk::{Context, Definition, Failure, prelude::*};
use switchboard_testkit::Stage;

const ROUTE: &str = "enabled_by_default: true
provides:
  api_routes: [{method: GET, path: /hello, scope: root, reason: a test}]";

async fn hello(_: Context) -> Result<Json<String>> {
    Ok(Json("hello".to_owned()))
}

fn greeter() -> Definition {
    plugin("greeter", ROUTE).get("/hello", hello)
}

fn is_on(kernel: &Kernel, id: &str, organization: &str) -> bool {
    let snapshot = kernel.snapshot();
    let organization = kernel.named(organization).unwrap().id;
    snapshot.plugin(id).is_some_and(|plugin| snapshot.is_enabled(plugin, organization))
}

#[tokio::test]
async fn an_organization_switches_a_plugin_off_for_itself_alone() {
    let stage = Stage::with([built(greeter())]).await;
    stage.kernel().create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    stage.kernel().disable(&By::system("test"), "greeter", "acme").await.unwrap();
    stage.ask("GET", "/hello").send().await.expect(200);
    let failure = stage.ask("GET", "/hello").organization("acme").send().await.failure().to_string();
    assert!(failure.contains("not switched on for organization `acme`"), "{failure}");
    stage.kernel().enable(&By::system("test"), "greeter", "acme").await.unwrap();
    stage.ask("GET", "/hello").organization("acme").send().await.expect(200);
}

#[tokio::test]
async fn a_hook_that_fails_leaves_it_as_it_was() {
    let stubborn = greeter()
        .on_enable(async |ctx: Context, _: Value| {
            let is_default = ctx.organization()?.slug == "default";
            if is_default { Ok(()) } else { Err(Failure::conflict("not for you")) }
        })
        .on_disable(async |_: Context| Err(Failure::conflict("work is under way")));
    let stage = Stage::with([built(stubborn)]).await;
    let kernel = stage.kernel();
    kernel.create_organization(&By::system("test"), "acme", "Acme").await.unwrap();
    assert!(!is_on(kernel, "greeter", "acme"));
    let refused = kernel.enable(&By::system("test"), "greeter", "acme").await.unwrap_err().to_string();
    assert!(refused.contains("not for you"), "{refused}");
    assert!(!is_on(kernel, "greeter", "acme"));
    let refused = kernel.disable(&By::system("test"), "greeter", "default").await.unwrap_err().to_string();
    assert!(refused.contains("work is under way"), "{refused}");
    assert!(is_on(kernel, "greeter", "default"));
}

#[tokio::test]
async fn what_is_required_is_switched_on_first_and_off_last() {
    let base = plugin("base", "");
    let leaning = plugin("leaning", "requires: [base]");
    let stage = Stage::with([built(base), built(leaning)]).await;
    let kernel = stage.kernel();
    let refused = kernel.enable(&By::system("test"), "leaning", "default").await.unwrap_err().to_string();
    assert!(refused.contains("requires `base`"), "{refused}");
    kernel.enable(&By::system("test"), "base", "default").await.unwrap();
    kernel.enable(&By::system("test"), "leaning", "default").await.unwrap();
    let refused = kernel.disable(&By::system("test"), "base", "default").await.unwrap_err().to_string();
    assert!(refused.contains("required by `leaning`"), "{refused}");
    let refused = kernel.switch_off(&By::system("test"), "base").await.unwrap_err().to_string();
    assert!(refused.contains("required by `leaning`"), "{refused}");
    assert!(is_on(kernel, "base", "default") && serves(&stage, "base"));
}

#[tokio::test]
async fn a_switch_lasts_over_a_restart() {
    let stage = Stage::with([built(greeter())]).await;
    stage.kernel().disable(&By::system("test"), "greeter", "default").await.unwrap();
    let stage = stage.again_with([built(greeter())]).await;
    assert!(!is_on(stage.kernel(), "greeter", "default"));
    stage.kernel().switch_off(&By::system("test"), "greeter").await.unwrap();
    let stage = stage.again_with([built(greeter())]).await;
    assert!(!serves(&stage, "greeter"));
    assert!(reason(&stage, "greeter").contains("switched off"));
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_changes_nothing() {
    let schema = "enabled_by_default: true
config_schema:
  type: object
  additionalProperties: false
  properties:
    size: {type: integer, minimum: 1, default: 3}
provides:
  services: [{name: sized.size}]";
    let diary = Diary::default();
    let refusing = diary.clone();
    let sized = plugin("sized", schema)
        .service("sized.size", async |ctx: Context, (): ()| ctx.config::<serde_json::Value>())
        .on_config_changed(move |_: Context, config: serde_json::Value| {
            refusing.write(config["size"].to_string());
            let fits = config["size"] != 13;
            std::future::ready(if fits { Ok(()) } else { Err(Failure::conflict("unlucky")) })
        });
    let stage = Stage::with([built(sized)]).await;
    let configure = async |size: serde_json::Value| {
        let config = [("size".to_owned(), size)].into_iter().collect();
        stage
            .kernel()
            .configure(&By::system("test"), "sized", Some("default"), config)
            .await
            .map_err(|error| error.to_string())
    };
    let size = async || stage.service("sized.size", &serde_json::Value::Null).await.unwrap()["size"].clone();
    configure(5.into()).await.unwrap();
    assert_eq!(size().await, 5);
    assert!(configure(0.into()).await.unwrap_err().contains("size"));
    assert!(configure(13.into()).await.unwrap_err().contains("unlucky"));
    assert_eq!(size().await, 5);
    assert_eq!(diary.take(), ["5", "13"], "a plugin is not asked about what its schema refuses");
}
