//! What people may do, by the roles that they hold.

use crate::small_plugins::{built, plugin};
use serde_json::json;
use switchboard_api::{AccountId, Actions, ActorKind, Roles, Standing};
use switchboard_authorization::Statement;
use switchboard_kernel::{By, Error, Kernel, OwnRole, Principal};
use switchboard_sdk::{Context, Definition, prelude::*};
use switchboard_testkit::Stage;

const RACES: &str = "enabled_by_default: true
permissions:
  actions: [{name: \"race:see\"}, {name: \"race:start\"}, {name: \"race:judge\"}]
  roles:
    viewer: [\"race:see\"]
    member: [\"race:start\"]
    judge: [\"race:*\"]";

fn races() -> Definition {
    plugin("races", RACES)
}

fn somebody(account: i64) -> Principal {
    Principal {
        kind: ActorKind::User,
        name: format!("person {account}").into(),
        account: Some(AccountId(account)),
        actions: Actions::all(),
        bound_to: None,
        is_administrator: false,
        impersonator: None,
        rate: None,
    }
}

fn test() -> By {
    By::system("test")
}

async fn give(kernel: &Kernel, account: i64, roles: &[&str]) {
    let organization = kernel.named("default").unwrap();
    let roles = Roles::new(roles.iter().copied());
    kernel.set_member(&test(), &organization, AccountId(account), &roles).await.unwrap();
}

async fn may(kernel: &Kernel, who: &Principal, organization: &str, action: &str) -> bool {
    let organization = kernel.named(organization).unwrap();
    let actor = kernel.actor(who, Some(&organization)).await.unwrap();
    let decided = kernel.snapshot().require(&actor, Some(&organization), action, None).is_ok();
    let explained = kernel.explain(who, Some(&organization), action, None).await.unwrap();
    assert_eq!(decided, explained.allowed, "what is explained is what is decided: {explained:?}");
    assert!(!explained.because.is_empty(), "{action}");
    decided
}

fn role(name: &str, statements: serde_json::Value) -> OwnRole {
    let statements: Vec<Statement> = serde_json::from_value(statements).unwrap();
    OwnRole { name: name.parse().unwrap(), description: "of a test".to_owned(), statements }
}

#[tokio::test]
async fn a_member_may_what_plugins_bundle_under_their_roles() {
    let stage = Stage::with([built(races())]).await;
    let kernel = stage.kernel();
    for (account, roles, actions) in [
        (1, &["viewer"][..], &["race:see"][..]),
        (2, &["member"], &["race:see", "race:start"]),
        (3, &["races.judge"], &["race:see", "race:start", "race:judge"]),
        (4, &["owner"], &["race:see", "race:start", "race:judge", "token:manage"]),
        (5, &[], &[]),
    ] {
        give(kernel, account, roles).await;
        for action in ["race:see", "race:start", "race:judge", "token:manage"] {
            let allowed = may(kernel, &somebody(account), "default", action).await;
            assert_eq!(allowed, actions.contains(&action), "{roles:?} {action}");
        }
    }
}

#[tokio::test]
async fn a_plugin_hands_out_nothing_that_it_does_not_declare() {
    let stage = Stage::with_some_failing([built(plugin(
        "races",
        "enabled_by_default: true\npermissions:\n  actions: [{name: \"race:see\"}]\n  roles: {viewer: [\"*\"]}",
    ))])
    .await;
    let kernel = stage.kernel();
    give(kernel, 1, &["viewer"]).await;
    assert!(may(kernel, &somebody(1), "default", "race:see").await);
    assert!(!may(kernel, &somebody(1), "default", "member:manage").await);
}

#[tokio::test]
async fn who_is_no_member_may_nothing_and_a_role_holds_in_one_organization() {
    let stage = Stage::with([built(races())]).await;
    let kernel = stage.kernel();
    kernel.create_organization(&test(), "acme", "Acme").await.unwrap();
    give(kernel, 1, &["owner"]).await;
    assert!(may(kernel, &somebody(1), "default", "race:judge").await);
    assert!(!may(kernel, &somebody(1), "acme", "race:see").await);
    let acme = kernel.named("acme").unwrap();
    let actor = kernel.actor(&somebody(1), Some(&acme)).await.unwrap();
    assert_eq!(actor.standing, Standing::Stranger);
}

#[tokio::test]
async fn a_role_of_an_organizations_own_holds_from_the_next_request_on_and_a_denial_wins() {
    let stage = Stage::with([built(races())]).await;
    let kernel = stage.kernel();
    let organization = kernel.named("default").unwrap();
    give(kernel, 1, &["member", "quiet"]).await;
    assert!(may(kernel, &somebody(1), "default", "race:start").await);
    let quiet = role("quiet", json!([{"effect": "deny", "actions": ["race:start"]}]));
    kernel.set_role(&test(), &organization, quiet).await.unwrap();
    assert!(!may(kernel, &somebody(1), "default", "race:start").await);
    assert!(may(kernel, &somebody(1), "default", "race:see").await);
    let quiet = role("quiet", json!([{"effect": "allow", "actions": ["race:*"]}]));
    kernel.set_role(&test(), &organization, quiet).await.unwrap();
    assert!(may(kernel, &somebody(1), "default", "race:judge").await);

    let name = "quiet".parse().unwrap();
    let refused = kernel.remove_role(&test(), &organization, &name).await.unwrap_err();
    assert!(refused.to_string().contains("one member holds the role `quiet`"), "{refused}");
    give(kernel, 1, &["member"]).await;
    assert!(kernel.remove_role(&test(), &organization, &name).await.unwrap());
    assert!(!kernel.remove_role(&test(), &organization, &name).await.unwrap());
}

#[tokio::test]
async fn a_role_that_is_none_is_refused_with_what_to_write() {
    let stage = Stage::with([built(races())]).await;
    let kernel = stage.kernel();
    let organization = kernel.named("default").unwrap();
    let allow = json!([{"effect": "allow", "actions": ["race:*"]}]);
    for (role, says) in [
        (role("owner", allow.clone()), "every organization has the role `owner`"),
        (role("races.judge", allow.clone()), "would be a plugin's role"),
        (role("empty", json!([])), "1 to 100 statements"),
        (role("vague", json!([{"effect": "allow", "actions": []}])), "at least one action"),
    ] {
        let refused = kernel.set_role(&test(), &organization, role).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
    assert_eq!(kernel.own_roles(organization.id).await.unwrap(), []);
}

#[tokio::test]
async fn a_token_may_no_more_than_the_person_it_acts_for() {
    let stage = Stage::with([built(races())]).await;
    let kernel = stage.kernel();
    give(kernel, 1, &["viewer"]).await;
    let wide = Principal { kind: ActorKind::Token, ..somebody(1) };
    assert!(may(kernel, &wide, "default", "race:see").await);
    assert!(!may(kernel, &wide, "default", "race:start").await);
    let narrow = Principal { actions: Actions::new(["race:start".to_owned()]), ..wide };
    assert!(!may(kernel, &narrow, "default", "race:see").await);
    give(kernel, 1, &["owner"]).await;
    assert!(may(kernel, &narrow, "default", "race:start").await);
    assert!(!may(kernel, &narrow, "default", "race:see").await);
}

#[tokio::test]
async fn plugin_code_asks_what_the_routes_ask() {
    async fn judge(ctx: Context, (): ()) -> Result<&'static str> {
        ctx.require("race:judge")?;
        ctx.require_for("race:judge", "race:7")?;
        Ok("judged")
    }
    let manifest = format!("{RACES}\nprovides:\n  services: [{{name: races.judge}}]");
    let stage = Stage::with([built(plugin("races", &manifest).service("races.judge", judge))]).await;
    assert_eq!(stage.service("races.judge", &json!(null)).await.unwrap(), json!("judged"));
}
