//! A mail server that takes messages by SMTP: RFC 5321, 3207 and 4954.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lettre::transport::smtp::{
    Error,
    authentication::Mechanism,
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Noop, Rcpt, Rset},
    extension::{ClientId, Extension, MailBodyParameter, MailParameter},
};
use serde_json::Value as Json;
use switchboard_api::{BoxFuture, Failure, Fault};
use tokio::{sync::Semaphore, time::timeout};

use super::{Letter, MailCarrier, SmtpServer, smtp_server::Security};

/// How many connections there are at once. Mail servers refuse those who come with more.
const MOST_CONNECTIONS: usize = 4;
/// How long a connection is kept for the next message. Mail servers hang up after five minutes or so.
const IDLE: Duration = Duration::from_secs(60);
/// When to come again after a mail server that refuses for now.
const LATER: Duration = Duration::from_secs(60);
/// What is kept of a mail server's own words.
const LONGEST_ANSWER: usize = 300;

/// A mail server that takes messages by SMTP.
///
/// A message is sent when the server has said that it took it: there is no queue on this side that could lose one. The
/// connections are kept for the next message, but never one on which a message was broken off: its next answer could be the
/// last message's.
pub struct Smtp {
    server: SmtpServer,
    places: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// What was being done when it failed.
#[derive(Debug, Clone, Copy)]
enum Step {
    Connecting,
    Sender,
    Recipient(usize),
    Content,
}

impl Smtp {
    /// Nothing is connected to yet.
    pub fn new(server: SmtpServer) -> Self {
        Self { server, places: Semaphore::new(MOST_CONNECTIONS), idle: Mutex::default() }
    }

    /// Connects and authenticates, and sends nothing.
    ///
    /// # Errors
    /// Why no message would be taken.
    pub async fn try_out(&self) -> Result<(), Failure> {
        let connected = timeout(self.server.patience, self.connect()).await;
        match connected.map_err(|_| self.too_slow())? {
            Ok(mut connection) => {
                // A word of farewell that is not heard changes nothing.
                let _ = timeout(Duration::from_secs(1), connection.quit()).await;
                Ok(())
            }
            Err(error) => Err(self.failure(Step::Connecting, &error, None)),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let SmtpServer { host, port, security, credentials, patience, .. } = &self.server;
        let name = ClientId::default();
        let tls = match security {
            Security::Tls => Some(self.server.tls()?),
            Security::StartTls | Security::None => None,
        };
        let address = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(*patience), &name, tls, None).await?;
        if *security == Security::StartTls {
            connection.starttls(self.server.tls()?, &name).await?;
        }
        if let Some(credentials) = credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    /// A connection that is there, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        while let Some((mut connection, since)) = self.parked() {
            if since.elapsed() < IDLE && connection.command(Noop).await.is_ok() {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    fn parked(&self) -> Option<(AsyncSmtpConnection, Instant)> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn park(&self, connection: AsyncSmtpConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
    }

    async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        // Those who are turned away wait as long as those who are served.
        let _place =
            self.places.acquire().await.map_err(|_| Failure::unavailable("no mail is sent any more"))?;
        let connected = self.connection().await;
        let mut connection =
            connected.map_err(|error| self.failure(Step::Connecting, &error, Some(letter)))?;
        let beyond_ascii = is_beyond_ascii(letter);
        if beyond_ascii && !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            self.park(connection);
            return Err(Failure::invalid("the mail server takes no addresses with letters beyond a to z"));
        }
        match hand_over(&mut connection, letter, beyond_ascii).await {
            Ok(()) => {
                self.park(connection);
                Ok(())
            }
            Err((step, error)) => {
                // What was refused is forgotten, and the connection is as good as before.
                if error.status().is_some() && connection.command(Rset).await.is_ok() {
                    self.park(connection);
                }
                Err(self.failure(step, &error, Some(letter)))
            }
        }
    }

    fn too_slow(&self) -> Failure {
        let message = format!(
            "the mail server took more than {:?}, and whether it has the message is not known",
            self.server.patience
        );
        Failure::Unavailable { message, after: Some(LATER) }
    }

    fn failure(&self, step: Step, error: &Error, letter: Option<&Letter>) -> Failure {
        let answer: String = error.to_string().chars().take(LONGEST_ANSWER).collect();
        tracing::debug!(server = %self.server, "{step:?}: {answer}");
        let for_good = error.is_permanent();
        let recipient = |place: usize| letter.and_then(|letter| letter.message().to.get(place));
        match step {
            Step::Recipient(place) if for_good => {
                let says = format!("The mail server refuses this recipient: {answer}");
                let (given, place) =
                    (recipient(place).map(String::as_str).into(), [Json::from("to"), place.into()]);
                Failure::faults(vec![Fault::new("recipient", place, says, given)])
            }
            Step::Content if for_good => {
                Failure::invalid(format!("the mail server refuses the message: {answer}"))
            }
            Step::Sender if for_good => Failure::unavailable(format!(
                "the mail server refuses whom messages are from, which `from` under `[mail]` in switchboard.toml says: \
                 {answer}"
            )),
            Step::Connecting => {
                let message = format!("the mail server cannot be used: {answer}");
                Failure::Unavailable { message, after: (!for_good).then_some(LATER) }
            }
            Step::Content if error.status().is_none() => {
                let message = format!(
                    "the mail server broke off, and whether it has the message is not known: {answer}"
                );
                Failure::Unavailable { message, after: Some(LATER) }
            }
            Step::Sender | Step::Recipient(_) | Step::Content => {
                let message = format!("the mail server does not take the message now: {answer}");
                Failure::Unavailable { message, after: Some(LATER) }
            }
        }
    }
}

/// Only addresses can be: all else of a message is written in ASCII.
fn is_beyond_ascii(letter: &Letter) -> bool {
    letter.recipients().iter().chain([letter.sender()]).any(|address| !address.to_string().is_ascii())
}

/// One message: to all of its recipients, or to none, as nothing is sent before all of them were taken.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    letter: &Letter,
    beyond_ascii: bool,
) -> Result<(), (Step, Error)> {
    // Whoever speaks SMTPUTF8 speaks 8BITMIME: RFC 6531, 3.1.
    let utf8 = [MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
    let parameters = if beyond_ascii { utf8.to_vec() } else { Vec::new() };
    let mail = Mail::new(Some(letter.sender().clone()), parameters);
    connection.command(mail).await.map_err(|error| (Step::Sender, error))?;
    for (place, recipient) in letter.recipients().iter().enumerate() {
        let rcpt = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(rcpt).await.map_err(|error| (Step::Recipient(place), error))?;
    }
    // A refusal of `DATA` is one of the message; nothing of it was sent.
    connection.command(Data).await.map_err(|error| (Step::Content, error))?;
    connection.message(letter.source()).await.map_err(|error| (Step::Content, error))?;
    Ok(())
}

impl MailCarrier for Smtp {
    fn carry<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            timeout(self.server.patience, self.send(letter)).await.map_err(|_| self.too_slow())??;
            Ok(format!("{} took it", self.server))
        })
    }
}
