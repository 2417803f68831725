//! Sessions.

use switchboard_accounts::{Client, Error, csrf_token, is_csrf_token};

use crate::stage::{OTHER, PASSWORD, Stage, faults, from};

const DAY: u64 = 86400;

#[tokio::test]
async fn a_session_is_opened_by_its_secret_alone_of_which_a_hash_is_kept() {
    let mut stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let first = stage.sign_in("ada@example.com").await;
    let second = stage.sign_in("ada@example.com").await;
    assert_ne!(first.secret, second.secret);
    let kept = stage.stored("select hash from session order by id limit 1").await;
    assert_ne!(kept, first.secret);
    assert!(stage.opens(&first.secret).await && !stage.opens(&kept).await && !stage.opens("").await);
    stage.restart(None).await;
    assert!(stage.opens(&first.secret).await);
}

#[tokio::test]
async fn a_session_ends_when_it_was_not_used_for_a_week() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let signed_in = stage.sign_in("ada@example.com").await;
    for _ in 0..3 {
        stage.pass(7 * DAY - 61);
        assert!(stage.opens(&signed_in.secret).await);
    }
    stage.pass(7 * DAY);
    assert!(!stage.opens(&signed_in.secret).await);
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_often_it_is_used() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let signed_in = stage.sign_in("ada@example.com").await;
    for _ in 0..29 {
        stage.pass(DAY);
        assert!(stage.opens(&signed_in.secret).await);
    }
    stage.pass(DAY);
    assert!(!stage.opens(&signed_in.secret).await);
    stage.accounts.sweep().await.unwrap();
    assert_eq!(stage.stored("select 'left: ' || count(*) from session").await, "left: 0");
}

#[tokio::test]
async fn when_a_session_was_last_used_outlives_a_restart() {
    let mut stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    let signed_in = stage.sign_in("ada@example.com").await;
    stage.pass(5 * DAY);
    assert!(stage.opens(&signed_in.secret).await);
    stage.accounts.write_last_seen().await.unwrap();
    stage.restart(None).await;
    stage.pass(5 * DAY);
    assert!(stage.opens(&signed_in.secret).await);
    let sessions = stage.accounts.sessions(ada.id).await.unwrap();
    assert_eq!(sessions[0].last_seen_at().to_string(), "2026-01-12T03:04:05Z");
}

#[tokio::test]
async fn one_ends_a_session_or_all_others_of_oneself_and_none_of_anybody_else() {
    let stage = Stage::new().await;
    let ada = stage.account("ada@example.com").await;
    stage.account("eve@example.com").await;
    let here = stage.sign_in("ada@example.com").await;
    let there = stage.sign_in("ada@example.com").await;
    let eve = stage.sign_in("eve@example.com").await;
    assert!(!stage.accounts.end_session(ada.id, eve.session.id).await.unwrap());
    assert!(stage.accounts.end_session(ada.id, there.session.id).await.unwrap());
    assert!(!stage.opens(&there.secret).await && stage.opens(&eve.secret).await);
    let third = stage.sign_in("ada@example.com").await;
    assert_eq!(stage.accounts.end_sessions(ada.id, Some(here.session.id)).await.unwrap(), 1);
    assert!(stage.opens(&here.secret).await && !stage.opens(&third.secret).await);
    stage.accounts.sign_out(&here.secret).await.unwrap();
    assert!(!stage.opens(&here.secret).await && stage.opens(&eve.secret).await);
}

#[tokio::test]
async fn a_new_password_takes_the_old_one_and_another_secret_and_ends_all_other_sessions() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let here = stage.sign_in("ada@example.com").await;
    let there = stage.sign_in("ada@example.com").await;
    let client = Client::default();
    let change = async |proof, new| stage.accounts.change_password(&here.secret, proof, new, &client).await;
    assert!(matches!(change(OTHER, "quite another one").await, Err(Error::WrongPassword)));
    assert_eq!(faults(change(PASSWORD, "short").await), ["body.new_password: string_too_short"]);
    assert!(stage.opens(&there.secret).await);
    let now = change(PASSWORD, OTHER).await.unwrap();
    assert!(stage.opens(&now.secret).await);
    assert!(!stage.opens(&here.secret).await && !stage.opens(&there.secret).await);
    assert!(stage.accounts.sign_in("ada@example.com", PASSWORD, &client).await.is_err());
    stage.accounts.sign_in("ada@example.com", OTHER, &client).await.unwrap();
}

#[tokio::test]
async fn the_password_cannot_be_guessed_by_way_of_a_stolen_session() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let stolen = stage.sign_in("ada@example.com").await;
    let client = from("192.0.2.7");
    for _ in 0..5 {
        let refused = stage.accounts.change_password(&stolen.secret, OTHER, OTHER, &client).await;
        assert!(matches!(refused, Err(Error::WrongPassword)), "{refused:?}");
    }
    let refused = stage.accounts.change_password(&stolen.secret, PASSWORD, OTHER, &client).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_session_has_a_token_of_its_own_against_forged_requests() {
    let stage = Stage::new().await;
    stage.account("ada@example.com").await;
    let (one, other) = (stage.sign_in("ada@example.com").await, stage.sign_in("ada@example.com").await);
    let token = csrf_token(&one.secret);
    assert!(is_csrf_token(&one.secret, &token));
    assert!(!is_csrf_token(&other.secret, &token) && !is_csrf_token(&one.secret, ""));
    assert!(!is_csrf_token(&one.secret, &one.secret));
}
