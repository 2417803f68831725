//! The second factor.

use switchboard_accounts::{Client, Error, SignedIn};
use totp_rs::Totp;

use crate::stage::{OTHER, PASSWORD, Stage};

/// Somebody with a second factor.
struct Cautious {
    totp: Totp,
    recovery: Vec<String>,
    signed_in: SignedIn,
}

impl Cautious {
    async fn new(stage: &Stage, email: &str) -> Self {
        stage.account(email).await;
        let session = stage.sign_in(email).await;
        let enrolment =
            stage.accounts.begin_second_factor(&session.secret, PASSWORD, &Client::default()).await.unwrap();
        assert!(enrolment.uri.starts_with("otpauth://totp/Switchboard:"), "{}", enrolment.uri);
        let totp = Totp::from_url(&enrolment.uri).unwrap();
        let code = code(&totp, stage);
        let (signed_in, recovery) =
            stage.accounts.confirm_second_factor(&session.secret, &code).await.unwrap();
        stage.pass(30);
        Self { totp, recovery, signed_in }
    }
}

/// The code of this moment.
fn code(totp: &Totp, stage: &Stage) -> String {
    use switchboard_api::capability::Clock;
    totp.generate(u64::try_from(stage.clock.now().as_second()).unwrap()).to_string()
}

#[tokio::test]
async fn signing_in_takes_the_second_factor_and_before_it_a_session_is_half_one() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    let half = stage.sign_in("ada@example.com").await;
    assert!(half.session.needs_second_factor);
    let refused = stage.accounts.change_password(&half.secret, PASSWORD, OTHER, &Client::default()).await;
    assert!(matches!(refused, Err(Error::NoSession)), "{refused:?}");
    let wrong = stage.accounts.finish_sign_in(&half.secret, "000000").await.map_err(Error::from);
    assert!(matches!(wrong, Err(Error::WrongCode(_))), "{wrong:?}");
    let whole = stage.accounts.finish_sign_in(&half.secret, &code(&ada.totp, &stage)).await.unwrap();
    assert!(!whole.session.needs_second_factor);
    assert!(!stage.opens(&half.secret).await, "the secret of before is worth nothing");
    stage.pass(3 * 86400);
    assert!(stage.opens(&whole.secret).await);
}

#[tokio::test]
async fn a_half_session_ends_after_ten_minutes() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    let half = stage.sign_in("ada@example.com").await;
    stage.pass(600);
    let late =
        stage.accounts.finish_sign_in(&half.secret, &code(&ada.totp, &stage)).await.map_err(Error::from);
    assert!(matches!(late, Err(Error::NoSession)), "{late:?}");
}

#[tokio::test]
async fn a_code_is_accepted_once_and_a_step_early_or_late() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    let late = code(&ada.totp, &stage);
    stage.pass(30);
    let half = stage.sign_in("ada@example.com").await;
    stage.accounts.finish_sign_in(&half.secret, &late).await.unwrap();
    let half = stage.sign_in("ada@example.com").await;
    let again = stage.accounts.finish_sign_in(&half.secret, &late).await.map_err(Error::from);
    assert!(matches!(again, Err(Error::WrongCode(_))), "{again:?}");
    let now = code(&ada.totp, &stage);
    stage.accounts.finish_sign_in(&half.secret, &now).await.unwrap();
    let old = code(&ada.totp, &stage);
    stage.pass(60);
    let half = stage.sign_in("ada@example.com").await;
    assert!(stage.accounts.finish_sign_in(&half.secret, &old).await.is_err(), "two steps late");
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    let right = code(&ada.totp, &stage);
    let half = stage.sign_in("ada@example.com").await;
    for _ in 0..5 {
        let wrong = stage.accounts.finish_sign_in(&half.secret, "not a code").await.map_err(Error::from);
        assert!(matches!(wrong, Err(Error::WrongCode(_))), "{wrong:?}");
    }
    // Another session makes no difference.
    let half = stage.sign_in("ada@example.com").await;
    let refused = stage.accounts.finish_sign_in(&half.secret, &right).await.map_err(Error::from);
    assert!(matches!(refused, Err(Error::TooMany { .. })), "{refused:?}");
}

#[tokio::test]
async fn each_recovery_code_stands_in_for_the_second_factor_once() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    assert_eq!(ada.recovery.len(), 10);
    let half = stage.sign_in("ada@example.com").await;
    let account = half.session.account.id;
    let typed = ada.recovery[0].to_uppercase().replace('-', " ");
    stage.accounts.finish_sign_in(&half.secret, &typed).await.unwrap();
    assert_eq!(stage.accounts.recovery_codes_left(account).await.unwrap(), 9);
    let half = stage.sign_in("ada@example.com").await;
    let again = stage.accounts.finish_sign_in(&half.secret, &ada.recovery[0]).await.map_err(Error::from);
    assert!(matches!(again, Err(Error::WrongCode(_))), "{again:?}");
    let client = Client::default();
    let new = stage.accounts.new_recovery_codes(&ada.signed_in.secret, PASSWORD, &client).await.unwrap();
    assert!(stage.accounts.finish_sign_in(&half.secret, &ada.recovery[1]).await.is_err());
    stage.accounts.finish_sign_in(&half.secret, &new[1]).await.unwrap();
}

#[tokio::test]
async fn a_second_factor_asks_for_nothing_before_it_is_confirmed() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let session = stage.sign_in("ada@example.com").await;
    let client = Client::default();
    let begin = async |proof| stage.accounts.begin_second_factor(&session.secret, proof, &client).await;
    assert!(matches!(begin(OTHER).await, Err(Error::WrongPassword)));
    let first = Totp::from_url(begin(PASSWORD).await.unwrap().uri).unwrap();
    begin(PASSWORD).await.unwrap();
    assert!(!stage.sign_in("ada@example.com").await.session.needs_second_factor);
    let old = stage.accounts.confirm_second_factor(&session.secret, &code(&first, &stage)).await;
    assert!(matches!(old, Err(Error::WrongCode(_))), "of a secret that was replaced: {old:?}");
}

#[tokio::test]
async fn confirming_it_ends_all_other_sessions_and_removing_it_takes_the_password() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let here = stage.sign_in("ada@example.com").await;
    let there = stage.sign_in("ada@example.com").await;
    let client = Client::default();
    let enrolment = stage.accounts.begin_second_factor(&here.secret, PASSWORD, &client).await.unwrap();
    let totp = Totp::from_url(&enrolment.uri).unwrap();
    let (now, _) = stage.accounts.confirm_second_factor(&here.secret, &code(&totp, &stage)).await.unwrap();
    assert!(!stage.opens(&here.secret).await && !stage.opens(&there.secret).await);
    assert!(now.session.account.has_second_factor && !now.session.needs_second_factor);
    let refused = stage.accounts.begin_second_factor(&now.secret, PASSWORD, &client).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let wrong = stage.accounts.remove_second_factor(&now.secret, OTHER, &client).await;
    assert!(matches!(wrong, Err(Error::WrongPassword)), "{wrong:?}");
    stage.accounts.remove_second_factor(&now.secret, PASSWORD, &client).await.unwrap();
    assert!(!stage.sign_in("ada@example.com").await.session.needs_second_factor);
}

#[tokio::test]
async fn the_secret_is_kept_sealed() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    let kept = stage.stored("select secret from second_factor").await;
    let whose = format!("{}|", ada.signed_in.session.account.id);
    assert!(kept.starts_with(&whose) && !kept.contains(&ada.totp.secret().to_base32()), "{kept}");
}

#[tokio::test]
async fn a_sealed_secret_is_replaced_where_it_is_still_what_it_was() {
    let stage = Stage::new().await;
    let ada = Cautious::new(&stage, "ada@example.com").await;
    let sealed = stage.accounts.sealed_secrets().await.unwrap();
    let [(account, before)] = sealed.as_slice() else { panic!("{sealed:?}") };
    // The same bytes, in another way.
    let after = before.replace('|', "|0").replace("|00", "|0");
    assert!(!stage.accounts.replace_sealed_secret(*account, "something else", &after).await.unwrap());
    assert!(stage.accounts.replace_sealed_secret(*account, before, &after).await.unwrap());
    assert_eq!(stage.accounts.sealed_secrets().await.unwrap(), [(*account, after)]);
    let half = stage.sign_in("ada@example.com").await;
    stage.accounts.finish_sign_in(&half.secret, &code(&ada.totp, &stage)).await.unwrap();
}
