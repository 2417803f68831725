//! Signing in by a provider.

use switchboard_accounts::{Client, Error, ExternalIdentity, NewAccount};
use switchboard_api::AccountId;

use crate::stage::{PASSWORD, Stage, faults};

fn identity(subject: &str, email: &str, is_email_verified: bool) -> ExternalIdentity {
    ExternalIdentity {
        provider: "example".to_owned(),
        subject: subject.to_owned(),
        email: (!email.is_empty()).then(|| email.to_owned()),
        is_email_verified,
        name: Some("Ada Lovelace".to_owned()),
    }
}

/// Signs in whoever is recognized, and whoever is not to an account that is made.
async fn sign_in(stage: &Stage, identity: &ExternalIdentity) -> Result<AccountId, Error> {
    let account = match stage.accounts.recognize(identity).await? {
        Some(account) => account,
        None => stage.accounts.register_external(identity).await?,
    };
    Ok(stage.accounts.sign_in_external(&account, &Client::default()).await?.session.account.id)
}

#[tokio::test]
async fn who_is_new_gets_an_account_and_the_same_one_the_next_time_whatever_their_address_is_then() {
    let stage = Stage::new().await;
    let stranger = stage.accounts.recognize(&identity("7", "ada@example.com", true)).await.unwrap();
    assert_eq!((stranger, stage.accounts.count().await.unwrap()), (None, 0), "nothing is made by looking");
    let id = sign_in(&stage, &identity("7", "Ada@example.com", true)).await.unwrap();
    let ada = stage.accounts.account(id).await.unwrap();
    assert_eq!((ada.email.as_str(), ada.name.as_str()), ("ada@example.com", "Ada Lovelace"));
    assert!(ada.is_verified() && !ada.has_password && !ada.is_administrator);
    assert_eq!(sign_in(&stage, &identity("7", "moved@example.com", false)).await.unwrap(), id);
    assert_ne!(sign_in(&stage, &identity("8", "other@example.com", true)).await.unwrap(), id);
    let nameless = sign_in(&stage, &identity("9", "", true)).await;
    assert_eq!(faults(nameless)[0], "body.email: email");
}

#[tokio::test]
async fn an_address_links_when_both_sides_have_verified_it_and_never_otherwise() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    let unproved = NewAccount { email: "bob@example.com", password: Some(PASSWORD), ..NewAccount::default() };
    stage.accounts.create(unproved).await.unwrap();
    for (subject, email, is_verified) in
        [("1", "ada@example.com", false), ("2", "bob@example.com", true), ("3", "bob@example.com", false)]
    {
        let refused = sign_in(&stage, &identity(subject, email, is_verified)).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{subject}: {refused:?}");
    }
    assert_eq!(sign_in(&stage, &identity("4", "ADA@example.com", true)).await.unwrap(), ada.id);
    assert_eq!(stage.accounts.links(ada.id).await.unwrap()[0].subject, "4");
}

#[tokio::test]
async fn who_is_disabled_does_not_get_in_by_a_provider_either() {
    let stage = Stage::new().await;
    let id = sign_in(&stage, &identity("7", "ada@example.com", true)).await.unwrap();
    stage.accounts.set_disabled(id, true).await.unwrap();
    let refused = sign_in(&stage, &identity("7", "ada@example.com", true)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn an_identity_is_one_accounts() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    stage.account("bob@example.com").await;
    let ada = stage.sign_in("ada@example.com").await;
    let bob = stage.sign_in("bob@example.com").await;
    stage.accounts.link(&ada.secret, &identity("7", "", false)).await.unwrap();
    stage.accounts.link(&ada.secret, &identity("7", "", false)).await.unwrap();
    let refused = stage.accounts.link(&bob.secret, &identity("7", "", false)).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let not_theirs = stage.accounts.unlink(&bob.secret, "example", "7").await;
    assert!(matches!(not_theirs, Err(Error::Refused(_))), "{not_theirs:?}");
    stage.accounts.unlink(&ada.secret, "example", "7").await.unwrap();
    stage.accounts.link(&bob.secret, &identity("7", "", false)).await.unwrap();
}

#[tokio::test]
async fn the_last_way_in_cannot_be_taken_away() {
    let stage = Stage::new().await;
    let client = Client::default();
    let account = stage.accounts.register_external(&identity("7", "ada@example.com", true)).await.unwrap();
    let signed_in = stage.accounts.sign_in_external(&account, &client).await.unwrap();
    let refused = stage.accounts.unlink(&signed_in.secret, "example", "7").await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(stage.accounts.links(signed_in.session.account.id).await.unwrap().len(), 1);
    let now = stage.accounts.change_password(&signed_in.secret, "", PASSWORD, &client).await.unwrap();
    stage.accounts.unlink(&now.secret, "example", "7").await.unwrap();
    stage.sign_in("ada@example.com").await;
}
