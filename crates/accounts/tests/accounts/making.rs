//! Making accounts.

use switchboard_accounts::{Client, Error, NewAccount};

use crate::stage::{PASSWORD, Stage, faults, from};

#[tokio::test]
async fn every_fault_of_a_new_account_is_said_by_field() {
    let stage = Stage::new().await;
    let new = NewAccount {
        email: "ada at example",
        name: &"x".repeat(81),
        password: Some("short"),
        ..NewAccount::default()
    };
    let expected = ["body.email: email", "body.name: string_too_long", "body.password: string_too_short"];
    assert_eq!(faults(stage.accounts.create(new).await), expected);
}

#[tokio::test]
async fn an_address_has_one_account_in_whatever_case_it_is_written() {
    let stage = Stage::new().await;
    let ada = stage.account("Ada@Example.com").await;
    assert_eq!((ada.email.as_str(), ada.name.as_str()), ("ada@example.com", "ada"));
    assert!(!ada.is_administrator && ada.has_password && !ada.has_second_factor);
    let again = NewAccount { email: " ADA@example.COM", password: Some(PASSWORD), ..NewAccount::default() };
    let refused = stage.accounts.create(again).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(stage.accounts.find_by_email("aDa@example.com").await.unwrap().unwrap().id, ada.id);
}

#[tokio::test]
async fn who_registers_becomes_no_administrator() {
    let stage = Stage::new().await;
    let new = NewAccount {
        email: "eve@example.com",
        password: Some(PASSWORD),
        is_administrator: true,
        ..NewAccount::default()
    };
    let eve = stage.accounts.register(new, &Client::default()).await.unwrap();
    assert!(!eve.is_administrator && !eve.is_verified());
}

#[tokio::test]
async fn one_address_makes_no_more_than_some_accounts_in_an_hour() {
    let stage = Stage::new().await;
    let client = from("192.0.2.7");
    let register = async |number: u32, client: &Client| {
        let email = format!("person{number}@example.com");
        let new = NewAccount { email: &email, ..NewAccount::default() };
        stage.accounts.register(new, client).await
    };
    for number in 0..20 {
        register(number, &client).await.unwrap();
    }
    assert!(matches!(register(20, &client).await, Err(Error::TooMany { .. })));
    register(21, &from("192.0.2.8")).await.unwrap();
}

#[tokio::test]
async fn a_password_is_kept_as_argon2id_and_nowhere_as_it_is() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let hash = stage.stored("select password_hash from account").await;
    assert!(hash.starts_with("$argon2id$v=19$") && !hash.contains(PASSWORD), "{hash}");
}
