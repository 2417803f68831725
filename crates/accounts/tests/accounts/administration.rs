//! What global administrators do with accounts.

use switchboard_accounts::{Client, Error, Filter};
use switchboard_api::AccountId;

use crate::stage::{OTHER, Stage, faults};

#[tokio::test]
async fn accounts_are_listed_by_pages_and_found_by_address_or_name() {
    let stage = Stage::new().await;
    for name in ["ada", "bob", "cleo", "per%cent"] {
        stage.account(&format!("{name}@example.com")).await;
    }
    let first = stage.accounts.list(&Filter { limit: Some(3), ..Filter::default() }).await.unwrap();
    assert_eq!(first.accounts.len(), 3);
    let rest = stage.accounts.list(&Filter { after: first.next, ..Filter::default() }).await.unwrap();
    assert_eq!((rest.accounts.len(), rest.next), (1, None));
    let id = first.accounts[1].id;
    stage.accounts.rename(id, "Robert").await.unwrap();
    let found = async |text| {
        let page = stage.accounts.list(&Filter { text, ..Filter::default() }).await.unwrap();
        page.accounts.into_iter().map(|account| account.name).collect::<Vec<_>>()
    };
    assert_eq!(found("CLEO@").await, ["cleo"]);
    assert_eq!(found("robe").await, ["Robert"]);
    assert_eq!(found("%").await, ["per%cent"]);
    assert_eq!(stage.accounts.count().await.unwrap(), 4);
}

#[tokio::test]
async fn a_disabled_account_has_no_sessions_until_it_is_enabled_and_signs_in_again() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    let signed_in = stage.sign_in("ada@example.com").await;
    let code = stage.accounts.forgot_password("ada@example.com", &Client::default()).await.unwrap().unwrap();
    assert!(stage.accounts.set_disabled(ada.id, true).await.unwrap().is_disabled());
    assert!(!stage.opens(&signed_in.secret).await);
    assert!(stage.accounts.reset_password(&code.code, OTHER).await.is_err());
    assert!(!stage.accounts.set_disabled(ada.id, false).await.unwrap().is_disabled());
    assert!(!stage.opens(&signed_in.secret).await);
    stage.sign_in("ada@example.com").await;
}

#[tokio::test]
async fn an_operator_sets_a_password_without_the_one_before() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    let signed_in = stage.sign_in("ada@example.com").await;
    assert_eq!(
        faults(stage.accounts.set_password(ada.id, "short").await),
        ["body.password: string_too_short"]
    );
    stage.accounts.set_password(ada.id, OTHER).await.unwrap();
    assert!(!stage.opens(&signed_in.secret).await);
    stage.accounts.sign_in("ada@example.com", OTHER, &Client::default()).await.unwrap();
    let nobody = stage.accounts.set_password(AccountId(99), OTHER).await;
    assert!(matches!(nobody, Err(Error::NoSuchAccount(_))), "{nobody:?}");
}
