//! Signing in by e-mail address and password.

use switchboard_accounts::{Client, Error, NewAccount, Reason, Strength};

use crate::stage::{OTHER, PASSWORD, Stage, from};

#[tokio::test]
async fn who_knows_the_password_signs_in() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    let signed_in = stage.accounts.sign_in(" ADA@example.com", PASSWORD, &from("192.0.2.7")).await.unwrap();
    let session = stage.accounts.session(&signed_in.secret).await.unwrap().unwrap();
    assert_eq!((&*session.account, session.needs_second_factor), (&ada, false));
    assert_eq!(session.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(session.user_agent.as_deref(), Some("a browser"));
}

#[tokio::test]
async fn unknown_wrong_without_a_password_and_disabled_are_answered_alike_and_after_the_same_work() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let disabled = stage.account("bob@example.com").await;
    stage.accounts.set_disabled(disabled.id, true).await.unwrap();
    let bare = NewAccount { email: "cleo@example.com", ..NewAccount::default() };
    stage.accounts.create(bare).await.unwrap();
    for (email, password, reason) in [
        ("nobody@example.com", PASSWORD, Reason::UnknownAddress),
        ("ada@example.com", OTHER, Reason::WrongPassword),
        ("bob@example.com", PASSWORD, Reason::Disabled),
        ("cleo@example.com", "", Reason::WrongPassword),
        ("not an address", "", Reason::UnknownAddress),
    ] {
        let before = stage.accounts.verified_passwords();
        let refused = stage.accounts.sign_in(email, password, &Client::default()).await.unwrap_err();
        assert!(matches!(refused.error, Error::WrongCredentials), "{email}: {refused:?}");
        // For operators alone: who tried is told the error.
        let known = stage.accounts.find_by_email(email).await.unwrap().map(|account| account.id);
        assert_eq!((refused.account, refused.reason), (known, Some(reason)), "{email}");
        assert_eq!(stage.accounts.verified_passwords() - before, 1, "{email}");
    }
}

#[tokio::test]
async fn after_five_tries_in_vain_one_waits_and_each_time_longer_even_after_a_restart() {
    let mut stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let client = from("192.0.2.7");
    let wait = async |stage: &Stage, password: &str| match stage
        .accounts
        .sign_in("ada@example.com", password, &client)
        .await
        .map_err(Error::from)
    {
        Err(Error::TooMany { after }) => Some(after.as_secs()),
        Err(Error::WrongCredentials) => None,
        other => panic!("{other:?}"),
    };
    for _ in 0..5 {
        assert_eq!(wait(&stage, OTHER).await, None);
    }
    let verified = stage.accounts.verified_passwords();
    assert_eq!(wait(&stage, PASSWORD).await, Some(60), "the right password does not help");
    assert_eq!(stage.accounts.verified_passwords(), verified, "and nothing is hashed");
    stage.restart(None).await;
    stage.pass(20);
    assert_eq!(wait(&stage, PASSWORD).await, Some(40));
    stage.pass(41);
    assert_eq!(wait(&stage, OTHER).await, None);
    assert_eq!(wait(&stage, OTHER).await, Some(120));
    // From elsewhere the owner gets in.
    stage.accounts.sign_in("ada@example.com", PASSWORD, &from("192.0.2.8")).await.unwrap();
    stage.pass(121);
    stage.accounts.sign_in("ada@example.com", PASSWORD, &client).await.unwrap();
    for _ in 0..5 {
        assert_eq!(wait(&stage, OTHER).await, None, "who signed in begins anew");
    }
}

#[tokio::test]
async fn many_tries_at_once_are_no_more_than_as_many_one_after_another() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let client = from("192.0.2.7");
    let tries = (0..40).map(|_| stage.accounts.sign_in("ada@example.com", OTHER, &client));
    let mut verified = 0;
    for refused in futures_util::future::join_all(tries).await {
        verified += u32::from(matches!(refused.unwrap_err().error, Error::WrongCredentials));
    }
    assert_eq!(verified, 5);
}

#[tokio::test]
async fn one_address_that_tries_many_accounts_is_stopped_too() {
    let stage = Stage::new().await;
    let client = from("2001:db8::1");
    for number in 0..50 {
        let email = format!("person{number}@example.com");
        let refused = stage.accounts.sign_in(&email, PASSWORD, &client).await.unwrap_err();
        assert!(matches!(refused.error, Error::WrongCredentials), "{number}: {refused:?}");
    }
    let neighbour = from("2001:db8::2");
    let refused = stage.accounts.sign_in("another@example.com", PASSWORD, &neighbour).await.unwrap_err();
    assert!(matches!(refused.error, Error::TooMany { .. }), "{refused:?}");
    assert_eq!((refused.account, refused.reason), (None, Some(Reason::Throttled)));
}

#[tokio::test]
async fn a_hash_that_costs_too_little_is_made_anew_at_the_next_sign_in() {
    let mut stage = Stage::new().await;
    stage.account("ada@example.com").await;
    stage.restart(Some(Strength { memory: 128, rounds: 2, lanes: 1 })).await;
    stage.sign_in("ada@example.com").await;
    let hash = stage.stored("select password_hash from account").await;
    assert!(hash.contains("m=128,t=2,p=1"), "{hash}");
    stage.sign_in("ada@example.com").await;
    assert_eq!(stage.stored("select password_hash from account").await, hash);
}
