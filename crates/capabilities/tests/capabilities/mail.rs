//! `mail`: a message is sent when a mail server has it, and never by halves.

mod smtp_server;

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use serde_json::{Value, json};
use switchboard_capabilities::{MailFolder, MailOptions, Smtp, SmtpServer};
use switchboard_sdk::{Definition, prelude::*};
use switchboard_testkit::Stage;

use self::smtp_server::{AUTHORITY, Encrypted, Instead, MailServer, Taken};
use crate::small_plugins::{built, plugin, sentence, with_acme};

/// `me` and `hunter2`, as RFC 4616 has them, in base 64.
const PASSWORD: &str = "AG1lAGh1bnRlcjI=";

fn postman() -> Definition {
    plugin(
        "postman",
        "capabilities: [{name: mail, reason: Writes to people.}]\nprovides: {services: [{name: postman.send}]}",
    )
    .service("postman.send", async |ctx: Context, message: Value| {
        let message = serde_json::from_value(message).map_err(|error| invalid!("{error}"))?;
        ctx.mail().send(message).await
    })
}

fn hello(to: &str) -> Value {
    json!({"to": [to], "subject": "Hello", "text": "Hello, you."})
}

fn from_us() -> switchboard_capabilities::Sender {
    "Switchboard <switchboard@example.com>".parse().unwrap()
}

async fn stage_of(server: SmtpServer) -> Stage {
    let mail = MailOptions::new(from_us(), Arc::new(Smtp::new(server)));
    Stage::setup().mail(mail).with([built(postman())]).await
}

fn plain(server: &MailServer) -> SmtpServer {
    format!("smtp://127.0.0.1:{}?tls=none", server.port).parse().unwrap()
}

fn encrypted(scheme: &str, server: &MailServer) -> SmtpServer {
    let address: SmtpServer = format!("{scheme}://me@localhost:{}", server.port).parse().unwrap();
    address.password("hunter2").unwrap().trust(AUTHORITY).unwrap()
}

/// A plugin that writes by way of a mail server without encryption.
async fn plainly() -> (MailServer, Stage) {
    let server = MailServer::start(Encrypted::Never, None).await;
    let stage = stage_of(plain(&server).patience(Duration::from_secs(20))).await;
    (server, stage)
}

async fn send(stage: &Stage, message: &Value) -> Result<Value, Failure> {
    stage.service("postman.send", message).await
}

fn recipients(taken: &[Taken]) -> Vec<&str> {
    taken.iter().flat_map(|taken| &taken.to).map(String::as_str).collect()
}

#[tokio::test]
async fn a_message_is_with_the_mail_server_when_the_plugin_goes_on() {
    let (server, stage) = plainly().await;
    let message = json!({
        "to": ["ada@example.com", "bob@example.com"],
        "subject": "Grüße",
        "text": "Hello\n.\nMAIL FROM:<eve@example.com>\n.\r\n",
        "html": "<p>Hello</p>",
    });
    send(&stage, &message).await.unwrap();
    let [Taken { from, to, source }] = server.taken().try_into().unwrap();
    assert_eq!(
        (from.as_str(), to),
        ("switchboard@example.com", vec!["ada@example.com".into(), "bob@example.com".into()])
    );
    assert!(source.contains("From: Switchboard <switchboard@example.com>\r\n"), "{source}");
    assert!(source.contains("Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n"), "{source}");
    assert!(source.contains("Hello\r\n.\r\nMAIL FROM:<eve@example.com>\r\n.\r\n"), "{source}");
    assert!(source.contains("<p>Hello</p>"), "{source}");
    assert_eq!(server.commands("MAIL").len(), 1, "what a message says is no command");
}

#[tokio::test]
async fn a_password_travels_encrypted_alone() {
    for (scheme, manner) in [("smtp", Encrypted::OnAsking), ("smtps", Encrypted::Always)] {
        let server = MailServer::start(manner, Some(PASSWORD)).await;
        let stage = stage_of(encrypted(scheme, &server)).await;
        send(&stage, &hello("ada@example.com")).await.unwrap();
        assert_eq!(server.taken().len(), 1, "{scheme}");
        assert_eq!(server.commands("AUTH"), [(format!("AUTH PLAIN {PASSWORD}"), true)], "{scheme}");
    }
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_or_is_somebody_else_gets_nothing() {
    let bare = MailServer::start(Encrypted::Never, Some(PASSWORD)).await;
    let stage = stage_of(encrypted("smtp", &bare)).await;
    let why = sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
    assert!(why.contains("STARTTLS"), "{why}");
    assert!(bare.commands("AUTH").is_empty() && bare.commands("MAIL").is_empty());

    let stranger = MailServer::start(Encrypted::Always, Some(PASSWORD)).await;
    let address: SmtpServer = format!("smtps://me@localhost:{}", stranger.port).parse().unwrap();
    let stage = stage_of(address.password("hunter2").unwrap()).await;
    let why = sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
    assert!(why.contains("certificate"), "{why}");
    assert!(stranger.commands("").is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_the_operators_matter() {
    let server = MailServer::start(Encrypted::Always, Some("other")).await;
    let stage = stage_of(encrypted("smtps", &server)).await;
    let why = sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
    assert!(why.contains("535") && !why.contains("hunter2"), "{why}");
    assert!(server.commands("MAIL").is_empty());
}

#[tokio::test]
async fn who_is_refused_is_named_and_nobody_else_gets_the_message() {
    let (server, stage) = plainly().await;
    server.instead("RCPT TO:<eve", Instead::Say("550 5.1.1 no such user"));
    let both = json!({"to": ["ada@example.com", "eve@example.com"], "subject": "Hello", "text": "Hello"});
    let Err(Failure::Invalid { faults, .. }) = send(&stage, &both).await else { panic!("it was taken") };
    assert_eq!(faults[0].place(), "to.1");
    assert!(faults[0].msg.contains("no such user"), "{faults:?}");
    assert!(server.taken().is_empty());
    send(&stage, &hello("ada@example.com")).await.unwrap();
    assert_eq!(recipients(&server.taken()), ["ada@example.com"]);
    assert_eq!(server.connections(), 1, "a refusal is no reason to hang up");
}

#[tokio::test]
async fn a_refusal_says_whether_it_is_for_good_and_whose_matter_it_is() {
    let (server, stage) = plainly().await;
    for (command, answer, kind, part) in [
        ("EHLO", "421 4.3.2 closing", "unavailable", "421"),
        ("MAIL", "553 5.7.1 not from here", "unavailable", "`from`"),
        ("MAIL", "451 4.3.0 later", "unavailable", "451"),
        ("RCPT", "450 4.2.1 busy", "unavailable", "450"),
        ("DATA", "554 5.5.1 no", "invalid", "554"),
        (".", "552 5.3.4 too big", "invalid", "552"),
        (".", "452 4.3.1 no room", "unavailable", "452"),
        (".", "what is this", "unavailable", "not known"),
    ] {
        server.instead(command, Instead::Say(answer));
        let why = sentence(kind, send(&stage, &hello("ada@example.com")).await);
        assert!(why.contains(part), "{command} {answer}: {why}");
        server.behave();
        assert!(server.taken().is_empty());
    }
    send(&stage, &hello("ada@example.com")).await.unwrap();
    let nowhere: SmtpServer = "smtp://127.0.0.1:1?tls=none".parse().unwrap();
    let stage = stage_of(nowhere).await;
    sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
}

#[tokio::test]
async fn a_server_that_falls_silent_or_hangs_up_does_not_mix_up_the_next_message() {
    let server = MailServer::start(Encrypted::Never, None).await;
    for (command, manner, part) in [
        (".", Instead::SayNothing, "not known"),
        (".", Instead::HangUp, "not known"),
        ("RCPT", Instead::SayNothing, "more than"),
        ("RCPT", Instead::HangUp, "does not take"),
        ("EHLO", Instead::SayNothing, "more than"),
    ] {
        let stage = stage_of(plain(&server).patience(Duration::from_millis(400))).await;
        server.instead(command, manner);
        let why = sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
        assert!(why.contains(part), "{command} {manner:?}: {why}");
        server.behave();
        let (before, connections) = (server.taken().len(), server.connections());
        send(&stage, &hello("bob@example.com")).await.unwrap();
        let taken = server.taken().split_off(before);
        assert_eq!((recipients(&taken), taken.len()), (vec!["bob@example.com"], 1));
        assert!(taken[0].source.trim_end().ends_with("Hello, you."), "{}", taken[0].source);
        assert_eq!(server.connections(), connections + 1, "what is broken off is not gone on with");
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_message_half_sent() {
    let (server, stage) = plainly().await;
    server.instead("RCPT", Instead::SayNothing);
    let message = hello("ada@example.com");
    let asked = async {
        while server.commands("RCPT").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = send(&stage, &message) => panic!("nobody answered it"),
        () = asked => {}
    }
    server.behave();
    send(&stage, &hello("bob@example.com")).await.unwrap();
    assert_eq!(recipients(&server.taken()), ["bob@example.com"]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn one_connection_serves_message_after_message_until_the_server_hangs_up() {
    let (server, stage) = plainly().await;
    for _ in 0..3 {
        send(&stage, &hello("ada@example.com")).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    server.instead("NOOP", Instead::HangUp);
    send(&stage, &hello("bob@example.com")).await.unwrap();
    assert_eq!((server.connections(), server.taken().len()), (2, 4));
}

#[tokio::test]
async fn no_more_than_a_few_connections_are_opened_at_once() {
    let (server, stage) = plainly().await;
    let message = hello("ada@example.com");
    let all = (0..40).map(|_| send(&stage, &message));
    for sent in futures_util::future::join_all(all).await {
        sent.unwrap();
    }
    assert_eq!(server.taken().len(), 40);
    assert!(server.connections() <= 4, "{}", server.connections());
}

#[tokio::test]
async fn without_a_mail_server_messages_lie_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail");
    let mail = MailOptions::new(from_us(), Arc::new(MailFolder::new(&path)));
    let stage = Stage::setup().mail(mail).with([built(postman())]).await;
    for person in ["ada@example.com", "bob@example.com"] {
        send(&stage, &hello(person)).await.unwrap();
    }
    let mut files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_by_key(|path| fs::read_to_string(path).unwrap().contains("bob@"));
    let [ada, _] = files.try_into().unwrap();
    let name = ada.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("20260102T030405Z-") && name.ends_with(".eml"), "{name}");
    assert!(fs::read_to_string(&ada).unwrap().contains("To: ada@example.com\r\n"));
    assert_eq!(fs::metadata(&ada).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_dir_all(&path).unwrap();
    fs::write(&path, "in the way").unwrap();
    sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
}

#[tokio::test]
async fn each_organization_has_so_many_messages_a_minute() {
    let stage = with_acme([postman()]).await;
    let message = hello("ada@example.com");
    for _ in 0..60 {
        send(&stage, &message).await.unwrap();
    }
    let Err(Failure::RateLimited { message: why, after }) = send(&stage, &message).await else {
        panic!("there is no end to it")
    };
    assert!(
        why.contains("60 messages") && after > Duration::ZERO && after <= Duration::from_secs(1),
        "{why} {after:?}"
    );
    stage.service_for("acme", "postman.send", &message).await.unwrap();
    assert_eq!(stage.mail().take().len(), 61);
}

#[tokio::test]
async fn a_test_reads_the_mail_and_can_have_it_fail() {
    let stage = Stage::with([built(postman())]).await;
    send(&stage, &hello("ada@example.com")).await.unwrap();
    let sent = stage.mail().take();
    assert_eq!((sent.len(), sent[0].subject.as_str()), (1, "Hello"));
    stage.mail().fail_with(Some(Failure::unavailable("no mail today")));
    sentence("unavailable", send(&stage, &hello("ada@example.com")).await);
    stage.mail().fail_with(None);
    sentence("invalid", send(&stage, &hello("nobody")).await);
    assert!(stage.mail().take().is_empty());
}

#[tokio::test]
async fn without_asking_no_mail_is_sent() {
    let rude = plugin("rude", "provides: {services: [{name: rude.send}]}").service(
        "rude.send",
        async |ctx: Context, (): ()| {
            ctx.mail().send(switchboard_sdk::MailMessage::new("ada@example.com", "Hi", "Hello")).await
        },
    );
    let stage = Stage::with([built(rude)]).await;
    let why = sentence("forbidden", stage.service("rude.send", &Value::Null).await);
    assert!(why.contains("`mail`"), "{why}");
    assert!(stage.mail().take().is_empty());
}
