//! Calls that fail, captured where they fail and made again where the plugin is written.

use crate::small_plugins::{built, manifest, plugin};
use serde_json::{Value, json};
use switchboard_api::Reply;
use switchboard_capture::Captured;
use switchboard_kernel::By;
use switchboard_sdk::{Context, Definition, Failure, prelude::*};
use switchboard_testkit::Stage;

const MORE: &str = "enabled_by_default: true
capabilities: [{name: kv, reason: Keeps.}, {name: db, reason: Keeps.}]
config_schema: {type: object, properties: {word: {type: string, secret: true}}}
provides:
  services: [{name: adder.add}]";

#[derive(Deserialize)]
struct Settings {
    word: Option<String>,
}

/// Adds what is kept to what it is given; one of its versions cannot add odd numbers.
async fn add(ctx: Context, given: i64, is_right: bool) -> Result<i64> {
    let settings: Settings = ctx.config()?;
    let kept = ctx.kv().get("kept").await?.map_or(0, |entry| entry.value.len() as i64);
    let [one] = ctx.db().query::<i64>("select $1 + 1", (given,)).await?[..] else {
        return Err(Failure::broken("no row"));
    };
    let at = ctx.now();
    ctx.log().info(&format!("adding {kept} at {at}"));
    if given % 2 == 1 && !is_right {
        return Err(Failure::broken(format!("odd: {given}, {}", settings.word.unwrap_or_default())));
    }
    Ok(kept + one)
}

fn adder(version: &str, is_right: bool) -> Definition {
    Definition::new(manifest("adder", version, MORE))
        .service("adder.add", move |ctx: Context, given: i64| add(ctx, given, is_right))
}

async fn captured(stage: &Stage) -> Captured {
    let kernel = stage.kernel();
    let [kept] = &kernel.captures(Some("adder")).await.unwrap()[..] else { panic!("one was captured") };
    assert!(kept.message.starts_with("odd: 7") && kept.what == "the service adder.add", "{kept:?}");
    Captured::read(&kernel.capture(&By::system("test"), kept.id).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_that_failed_is_made_again_with_the_same_answers() {
    let stage = Stage::with([built(adder("1.0.0", false))]).await;
    let (kernel, by) = (stage.kernel(), By::system("test"));
    stage.service("adder.add", &json!(5)).await.unwrap_err();
    kernel.capture_failures(&by, "adder", 1).await.unwrap();
    stage.service("adder.add", &json!(4)).await.unwrap();
    assert_eq!(kernel.captures_wanted("adder"), 1, "what goes well is not captured");
    stage.service("adder.add", &json!(7)).await.unwrap_err();
    stage.service("adder.add", &json!(9)).await.unwrap_err();
    let captured = captured(&stage).await;
    assert_eq!(captured.questions(), 4, "the configuration, the value, the rows and the time");

    let as_it_was = captured.again(&*built(adder("1.0.0", false))).await.unwrap();
    assert_eq!(as_it_was.reply.unwrap_err(), captured.failure);
    assert_eq!(as_it_was.strayed, None);
    let mended = captured.again(&*built(adder("1.0.1", true))).await.unwrap();
    assert!(matches!(mended.reply.unwrap(), Reply::Payload(sum) if sum.as_str() == "8"));
    assert_eq!(mended.log, as_it_was.log, "at the same time, on the same answers");
    let lines = kernel.audit(&Default::default(), switchboard_kernel::AuditPage::Newest, 2).await.unwrap();
    assert_eq!(
        lines.iter().map(|line| line.action.as_str()).collect::<Vec<_>>(),
        ["capture.read", "capture.asked_for"]
    );
}

#[tokio::test]
async fn a_call_that_goes_another_way_says_where() {
    let stage = Stage::with([built(adder("1.0.0", false))]).await;
    stage.kernel().capture_failures(&By::system("test"), "adder", 1).await.unwrap();
    stage.service("adder.add", &json!(7)).await.unwrap_err();
    let other = plugin("adder", MORE).service("adder.add", async |ctx: Context, given: i64| {
        ctx.kv().get("another").await?;
        Ok(given)
    });
    let again = captured(&stage).await.again(&*built(other)).await.unwrap();
    let strayed = again.strayed.unwrap();
    assert!(
        strayed.contains(r#"`kv.get` with {"key":"another"}"#) && strayed.contains(r#"{"key":"kept"}"#),
        "{strayed}"
    );
    assert!(again.reply.is_err());
    let nobody = built(plugin("nobody", "enabled_by_default: true"));
    let refused = captured(&stage).await.again(&*nobody).await.unwrap_err().to_string();
    assert!(refused.contains("`adder`") && refused.contains("`nobody`"), "{refused}");
}

#[tokio::test]
async fn secrets_are_not_in_what_is_captured() {
    let stage = Stage::with([built(adder("1.0.0", false))]).await;
    let (kernel, by) = (stage.kernel(), By::system("test"));
    kernel
        .configure(
            &by,
            "adder",
            Some("default"),
            json!({"word": "xyzzy-secret"}).as_object().unwrap().clone(),
        )
        .await
        .unwrap();
    kernel.capture_failures(&by, "adder", 1).await.unwrap();
    let failure = stage.service("adder.add", &json!(7)).await.unwrap_err().to_string();
    assert!(failure.contains("xyzzy-secret"), "the plugin says it: {failure}");
    let kept = kernel.captures(None).await.unwrap();
    let text = kernel.capture(&by, kept[0].id).await.unwrap();
    assert!(!text.contains("xyzzy-secret") && !kept[0].message.contains("xyzzy-secret"), "{text}");
    kernel.remove_capture(&by, kept[0].id).await.unwrap();
    assert_eq!(kernel.captures(None).await.unwrap(), []);
    assert!(kernel.capture(&by, kept[0].id).await.is_err());
}

const SIGNER: &str = "enabled_by_default: true
capabilities: [{name: secrets, reason: Signs., secrets: [word]}, {name: kv, reason: Keeps.}]
config_schema: {type: object, properties: {word: {type: string, secret: true}}}
provides:
  commands: [{name: sign, description: Signs, arguments: [{name: what, description: What}]}]";

/// Signs with the secret; what it signs with is asked of the host.
fn signer(is_right: bool) -> Definition {
    plugin("signer", SIGNER).command("sign", move |ctx: Context, command: CommandCall| async move {
        let word = ctx.secrets().get("word")?.ok_or_else(|| not_found!("no word"))?;
        ctx.kv().get(&format!("signed by {}", word.expose())).await?;
        match is_right {
            true => Ok(format!("signed {}", command.arguments.as_str())),
            false => Err(Failure::broken(format!("cannot sign with {}", word.expose()))),
        }
    })
}

#[tokio::test]
async fn a_command_is_captured_without_the_secret_it_asked_for_and_made_again_with_what_stands_in_its_place()
{
    let stage = Stage::with([built(signer(false))]).await;
    let (kernel, by) = (stage.kernel(), By::system("test"));
    let config = json!({"word": "xyzzy-secret"}).as_object().unwrap().clone();
    kernel.configure(&by, "signer", None, config).await.unwrap();
    kernel.capture_failures(&by, "signer", 1).await.unwrap();
    stage.command("!sign a treaty").await.unwrap_err();
    let kept = kernel.captures(None).await.unwrap();
    assert_eq!(kept[0].what, "the command sign");
    let text = kernel.capture(&by, kept[0].id).await.unwrap();
    assert!(text.contains("•••") && !text.contains("xyzzy-secret"), "{text}");
    let calls = kernel.ended_calls(&Default::default(), 1).await.unwrap();
    assert_eq!((&*calls[0].kind, &*calls[0].what, &*calls[0].outcome), ("command", "sign", "broken"));
    let message = calls[0].message.as_deref().unwrap();
    assert!(message.contains("•••") && !message.contains("xyzzy-secret"), "{message}");

    let again = Captured::read(&text).unwrap().again(&*built(signer(true))).await.unwrap();
    assert_eq!(again.strayed, None, "what it asks with is what stands there");
    assert!(
        matches!(again.reply.unwrap(), Reply::Said(said) if said.text == r#"signed {"what":"a treaty"}"#)
    );
}

#[test]
fn what_is_no_captured_call_is_refused() {
    let said = |text: &str| Captured::read(text).unwrap_err().to_string();
    assert!(said("{}").contains("no captured call"));
    assert!(said(r#"{"form": 9}"#).contains("form 9"));
    assert!(said(&Value::Null.to_string()).contains("no captured call"));
}
