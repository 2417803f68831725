//! Acting as somebody else.

use switchboard_accounts::{Client, Error};

use crate::stage::{OTHER, PASSWORD, Stage};

#[tokio::test]
async fn an_administrator_acts_as_somebody_else_until_they_end_it_and_each_time_the_secret_changes() {
    let stage = Stage::new().await;
    let root = stage.administrator("root@example.com").await;
    let ada = stage.account("ada@example.com").await;
    let own = stage.sign_in("root@example.com").await;
    let acting = stage.accounts.begin_impersonation(&own.secret, ada.id).await.unwrap();
    assert_eq!(acting.session.actor().id, ada.id);
    assert_eq!(acting.session.impersonator().map(|account| account.id), Some(root.id));
    assert!(!stage.opens(&own.secret).await);
    let twice = stage.accounts.begin_impersonation(&acting.secret, ada.id).await;
    assert!(matches!(twice, Err(Error::Refused(_))), "{twice:?}");
    let ended = stage.accounts.end_impersonation(&acting.secret).await.unwrap();
    assert_eq!((ended.session.actor().id, ended.session.impersonator().is_none()), (root.id, true));
    assert!(!stage.opens(&acting.secret).await);
    assert!(stage.accounts.end_impersonation(&ended.secret).await.is_err());
}

#[tokio::test]
async fn nobody_acts_as_an_administrator_or_a_disabled_account_and_nobody_but_administrators_acts() {
    let stage = Stage::new().await;
    stage.administrator("root@example.com").await;
    let other = stage.administrator("other@example.com").await;
    let ada = stage.account("ada@example.com").await;
    let bob = stage.account("bob@example.com").await;
    let root = stage.sign_in("root@example.com").await;
    let refused = stage.accounts.begin_impersonation(&root.secret, other.id).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let person = stage.sign_in("ada@example.com").await;
    let refused = stage.accounts.begin_impersonation(&person.secret, bob.id).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    stage.accounts.set_disabled(ada.id, true).await.unwrap();
    let refused = stage.accounts.begin_impersonation(&root.secret, ada.id).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn how_somebody_signs_in_is_not_changed_by_who_acts_as_them() {
    let stage = Stage::new().await;
    stage.administrator("root@example.com").await;
    let ada = stage.account("ada@example.com").await;
    let own = stage.sign_in("root@example.com").await;
    let acting = stage.accounts.begin_impersonation(&own.secret, ada.id).await.unwrap();
    let client = Client::default();
    let refused = stage.accounts.change_password(&acting.secret, PASSWORD, OTHER, &client).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let refused = stage.accounts.change_email(&acting.secret, PASSWORD, "x@example.com", &client).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let refused = stage.accounts.begin_second_factor(&acting.secret, PASSWORD, &client).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn it_ends_with_the_right_to_it() {
    let stage = Stage::new().await;
    let root = stage.administrator("root@example.com").await;
    let ada = stage.account("ada@example.com").await;
    let own = stage.sign_in("root@example.com").await;
    let acting = stage.accounts.begin_impersonation(&own.secret, ada.id).await.unwrap();
    stage.accounts.set_administrator(root.id, false).await.unwrap();
    assert!(!stage.opens(&acting.secret).await);
    stage.accounts.set_administrator(root.id, true).await.unwrap();
    assert!(stage.opens(&acting.secret).await);
    stage.accounts.set_administrator(ada.id, true).await.unwrap();
    assert!(!stage.opens(&acting.secret).await, "who became an administrator is nobody to act as");
}
