//! Codes that are sent by mail.

use switchboard_accounts::{Client, Error, ExternalIdentity, NewAccount};

use crate::stage::{OTHER, PASSWORD, Stage, faults, from};

const HOUR: u64 = 3600;

async fn forgot(stage: &Stage, email: &str) -> Option<String> {
    let mailing = stage.accounts.forgot_password(email, &Client::default()).await.unwrap();
    mailing.map(|mailing| mailing.code)
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once_and_all_sessions_end() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let signed_in = stage.sign_in("ada@example.com").await;
    let code = forgot(&stage, "Ada@example.com").await.unwrap();
    let short = stage.accounts.reset_password(&code, "short").await;
    assert_eq!(faults(short), ["body.new_password: string_too_short"]);
    stage.accounts.reset_password(&code, OTHER).await.unwrap();
    assert!(!stage.opens(&signed_in.secret).await);
    stage.accounts.sign_in("ada@example.com", OTHER, &Client::default()).await.unwrap();
    let again = stage.accounts.reset_password(&code, PASSWORD).await;
    assert!(matches!(again, Err(Error::WrongCode(_))), "{again:?}");
}

#[tokio::test]
async fn a_code_is_kept_as_a_hash_and_serves_for_an_hour() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let code = forgot(&stage, "ada@example.com").await.unwrap();
    assert_ne!(stage.stored("select hash from code").await, code);
    stage.pass(HOUR);
    let late = stage.accounts.reset_password(&code, OTHER).await;
    assert!(matches!(late, Err(Error::WrongCode(_))), "{late:?}");
}

#[tokio::test]
async fn a_newer_code_takes_the_place_of_the_one_before_and_a_changed_password_of_both() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let first = forgot(&stage, "ada@example.com").await.unwrap();
    let second = forgot(&stage, "ada@example.com").await.unwrap();
    assert!(stage.accounts.reset_password(&first, OTHER).await.is_err());
    let session = stage.sign_in("ada@example.com").await;
    stage.accounts.change_password(&session.secret, PASSWORD, OTHER, &Client::default()).await.unwrap();
    assert!(stage.accounts.reset_password(&second, PASSWORD).await.is_err());
}

#[tokio::test]
async fn asking_for_an_unknown_address_is_bounded_as_for_a_known_one() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let disabled = stage.account("bob@example.com").await;
    stage.accounts.set_disabled(disabled.id, true).await.unwrap();
    for (email, has_account) in
        [("ada@example.com", true), ("nobody@example.com", false), ("bob@example.com", false)]
    {
        for _ in 0..3 {
            assert_eq!(forgot(&stage, email).await.is_some(), has_account, "{email}");
        }
        let refused = stage.accounts.forgot_password(email, &from("192.0.2.9")).await;
        assert!(matches!(refused, Err(Error::TooMany { .. })), "{email}: {refused:?}");
    }
}

#[tokio::test]
async fn an_address_is_proved_by_the_code_within_two_days() {
    let stage = Stage::new().await;
    let new = NewAccount { email: "ada@example.com", password: Some(PASSWORD), ..NewAccount::default() };
    let ada = stage.accounts.create(new).await.unwrap();
    let late = stage.accounts.verification(ada.id).await.unwrap().code;
    stage.pass(48 * HOUR);
    assert!(stage.accounts.verify_email(&late).await.is_err());
    let code = stage.accounts.verification(ada.id).await.unwrap().code;
    stage.pass(47 * HOUR);
    let reset = stage.accounts.reset_password(&code, OTHER).await;
    assert!(matches!(reset, Err(Error::WrongCode(_))), "a code serves for what it is for: {reset:?}");
    assert!(stage.accounts.verify_email(&code).await.unwrap().is_verified());
    assert!(stage.accounts.verify_email(&code).await.is_err());
    assert!(matches!(stage.accounts.verification(ada.id).await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn another_address_becomes_the_accounts_when_it_is_proved() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    let session = stage.sign_in("ada@example.com").await;
    let client = Client::default();
    let change =
        async |proof, email| stage.accounts.change_email(&session.secret, proof, email, &client).await;
    assert!(matches!(change(OTHER, "ada@new.example.com").await, Err(Error::WrongPassword)));
    assert_eq!(faults(change(PASSWORD, "ada").await), ["body.email: email"]);
    let old = forgot(&stage, "ada@example.com").await.unwrap();
    let mailing = change(PASSWORD, "Ada@new.example.com").await.unwrap();
    assert_eq!(mailing.email, "ada@new.example.com");
    assert_eq!(stage.accounts.account(ada.id).await.unwrap().email, "ada@example.com");
    let changed = stage.accounts.verify_email(&mailing.code).await.unwrap();
    assert_eq!((changed.id, changed.email.as_str()), (ada.id, "ada@new.example.com"));
    assert!(stage.accounts.reset_password(&old, OTHER).await.is_err(), "a code that went to the old address");
}

#[tokio::test]
async fn an_address_that_another_account_got_meanwhile_stays_with_that_one() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let session = stage.sign_in("ada@example.com").await;
    let wanted = "wanted@example.com";
    let mailing =
        stage.accounts.change_email(&session.secret, PASSWORD, wanted, &Client::default()).await.unwrap();
    stage.account(wanted).await;
    let refused = stage.accounts.verify_email(&mailing.code).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn whoever_proves_an_unproved_address_throws_out_whoever_registered_it() {
    let stage = Stage::new().await;
    let new = NewAccount { email: "victim@example.com", password: Some(PASSWORD), ..NewAccount::default() };
    let account = stage.accounts.register(new, &Client::default()).await.unwrap();
    let squatter = stage.sign_in("victim@example.com").await;
    let identity = ExternalIdentity {
        provider: "discord".to_owned(),
        subject: "666".to_owned(),
        email: None,
        is_email_verified: false,
        name: None,
    };
    stage.accounts.link(&squatter.secret, &identity).await.unwrap();
    let code = forgot(&stage, "victim@example.com").await.unwrap();
    assert!(stage.accounts.reset_password(&code, OTHER).await.unwrap().is_verified());
    assert!(!stage.opens(&squatter.secret).await);
    assert_eq!(stage.accounts.links(account.id).await.unwrap(), []);
}
