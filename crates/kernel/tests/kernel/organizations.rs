//! How organizations come and go, and what is switched on in them together.

use serde_json::Value;
use switchboard_api::{AccountId, Roles};
use switchboard_kernel::{By, InvitationTerms, Kernel};
use switchboard_sdk::{Context, Failure};
use switchboard_testkit::Stage;

use crate::small_plugins::{Diary, built, plugin};

fn by() -> By {
    By::system("test")
}

fn is_on(kernel: &Kernel, id: &str, organization: &str) -> bool {
    let (snapshot, organization) = (kernel.snapshot(), kernel.named(organization).unwrap().id);
    snapshot.plugin(id).is_some_and(|plugin| snapshot.is_enabled(plugin, organization))
}

/// `base`, `middle` which requires it, and `top` which requires that; each writes into the diary when it is switched, and `top`
/// cannot be switched on when the diary says so.
async fn tower(diary: &Diary, top_fails: bool) -> Stage {
    let floors = [("base", ""), ("middle", "requires: [base]"), ("top", "requires: [middle]")];
    let plugins = floors.map(|(id, more)| {
        let (on, off) = (diary.clone(), diary.clone());
        let fails = top_fails && id == "top";
        let definition = plugin(id, more)
            .on_enable(move |_: Context, _: Value| {
                on.write(format!("{id} on"));
                let ended = if fails { Err(Failure::conflict("no roof")) } else { Ok(()) };
                std::future::ready(ended)
            })
            .on_disable(move |_: Context| {
                off.write(format!("{id} off"));
                std::future::ready(Ok(()))
            });
        built(definition)
    });
    Stage::with(plugins).await
}

#[tokio::test]
async fn what_is_required_is_switched_on_first_and_what_requires_it_off_first() {
    let diary = Diary::default();
    let stage = tower(&diary, false).await;
    let kernel = stage.kernel();
    let refused = kernel.enable(&by(), "top", "default").await.unwrap_err().to_string();
    assert!(refused.contains("requires `middle`"), "{refused}");
    let on = kernel.enable_with_requirements(&by(), "top", "default").await.unwrap();
    assert_eq!(on.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["base", "middle", "top"]);
    assert_eq!(diary.take(), ["base on", "middle on", "top on"]);
    assert!(kernel.enable_with_requirements(&by(), "top", "default").await.unwrap().is_empty());
    let refused = kernel.disable(&by(), "base", "default").await.unwrap_err().to_string();
    assert!(refused.contains("required by `middle`"), "{refused}");
    kernel.disable_with_dependents(&by(), "base", "default").await.unwrap();
    assert_eq!(diary.take(), ["top off", "middle off", "base off"]);
    assert!(["base", "middle", "top"].iter().all(|id| !is_on(kernel, id, "default")));
}

#[tokio::test]
async fn when_one_of_several_fails_those_before_it_are_switched_off_again() {
    let diary = Diary::default();
    let stage = tower(&diary, true).await;
    let kernel = stage.kernel();
    let refused = kernel.enable_with_requirements(&by(), "top", "default").await.unwrap_err().to_string();
    assert!(refused.contains("no roof"), "{refused}");
    assert_eq!(diary.take(), ["base on", "middle on", "top on", "middle off", "base off"]);
    assert!(["base", "middle", "top"].iter().all(|id| !is_on(kernel, id, "default")));
    let stage = stage.again_with([built(plugin("base", ""))]).await;
    assert!(!is_on(stage.kernel(), "base", "default"));
}

#[tokio::test]
async fn the_number_of_an_organization_that_is_gone_for_good_is_never_used_again() {
    let stage = Stage::with([]).await;
    let kernel = stage.kernel();
    let acme = kernel.create_organization_with(&by(), "acme", "Acme", Some(AccountId(1))).await.unwrap();
    kernel.remove_organization(&by(), &acme).await.unwrap();
    assert!(kernel.memberships(AccountId(1)).await.unwrap().is_empty());
    assert_eq!(kernel.purge_organizations(&by()).await.unwrap(), 0);
    stage.clock().advance(std::time::Duration::from_secs(31 * 24 * 3600));
    assert_eq!(kernel.purge_organizations(&by()).await.unwrap(), 1);
    assert!(kernel.restore_organization(&by(), "acme").await.is_err());
    let again = kernel.create_organization(&by(), "acme", "Acme").await.unwrap();
    assert!(again.id > acme.id);
    assert!(kernel.members(again.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_invitation_holds_until_its_last_day_is_over() {
    let stage = Stage::with([]).await;
    let kernel = stage.kernel();
    let organization = kernel.named("default").unwrap();
    let terms = InvitationTerms { roles: Roles::new(["viewer"]), email: None, days: 7, use_limit: None };
    let made = kernel.invite(&by(), &organization, terms.clone()).await.unwrap();
    kernel.accept_invitation(&by(), &made.code, AccountId(1), &[]).await.unwrap();
    let roles = kernel.roles_of(AccountId(1), organization.id).await.unwrap().unwrap();
    assert_eq!(roles.as_str(), "viewer");
    stage.clock().advance(std::time::Duration::from_secs(7 * 24 * 3600));
    let refused = kernel.accept_invitation(&by(), &made.code, AccountId(2), &[]).await.unwrap_err();
    assert_eq!(refused.to_string(), "the invitation has expired: ask for a new one");
    for days in [0, 91] {
        assert!(
            kernel.invite(&by(), &organization, InvitationTerms { days, ..terms.clone() }).await.is_err()
        );
    }
}
