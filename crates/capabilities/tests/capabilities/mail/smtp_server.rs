//! A mail server on this machine: SMTP as it is spoken, with the manners that a test gives it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// The certificate of whoever signed that of the server.
pub(crate) const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("certificates/server.pem");
const KEY: &[u8] = include_bytes!("certificates/server.key.pem");

/// When a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encrypted {
    Never,
    OnAsking,
    Always,
}

/// What is said in place of the usual answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Instead {
    Say(&'static str),
    SayNothing,
    HangUp,
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) source: String,
}

/// How the server behaves. A manner holds for commands that begin so; `.` is the end of a message.
#[derive(Clone)]
pub(crate) struct Manners {
    pub(crate) encrypted: Encrypted,
    pub(crate) password: Option<&'static str>,
    pub(crate) instead: Arc<Mutex<Vec<(&'static str, Instead)>>>,
}

/// A mail server on a free port.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    pub(crate) manners: Manners,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// Each command, and whether it came encrypted.
    commands: Vec<(String, bool)>,
    taken: Vec<Taken>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl MailServer {
    pub(crate) async fn start(encrypted: Encrypted, password: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let manners = Manners { encrypted, password, instead: Arc::default() };
        let seen = Arc::<Mutex<Seen>>::default();
        let (behaviour, log) = (manners.clone(), seen.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                log.lock().unwrap().connections += 1;
                let (behaviour, log) = (behaviour.clone(), log.clone());
                // One that hangs up is one of the things that are tried.
                tokio::spawn(async move { serve(stream, &behaviour, &log).await.ok() });
            }
        });
        Self { port, manners, seen }
    }

    /// What is said to commands that begin so, from now on.
    pub(crate) fn instead(&self, command: &'static str, instead: Instead) {
        self.manners.instead.lock().unwrap().push((command, instead));
    }

    /// Good manners again.
    pub(crate) fn behave(&self) {
        self.manners.instead.lock().unwrap().clear();
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.seen.lock().unwrap().taken.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// The commands that begin so, and whether each came encrypted.
    pub(crate) fn commands(&self, begin: &str) -> Vec<(String, bool)> {
        let seen = self.seen.lock().unwrap();
        seen.commands.iter().filter(|(command, _)| command.starts_with(begin)).cloned().collect()
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(stream: TcpStream, manners: &Manners, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut encrypted = manners.encrypted == Encrypted::Always;
    let mut stream: BufReader<Box<dyn Stream>> = BufReader::new(match encrypted {
        true => Box::new(acceptor().accept(stream).await?),
        false => Box::new(stream),
    });
    let mut envelope = Taken { from: String::new(), to: Vec::new(), source: String::new() };
    let mut known = manners.password.is_none();
    say(&mut stream, "220 localhost ESMTP").await?;
    loop {
        let command = line(&mut stream).await?;
        seen.lock().unwrap().commands.push((command.clone(), encrypted));
        if !politely(&mut stream, &command, manners).await? {
            continue;
        }
        let verb = command.split(' ').next().unwrap().to_ascii_uppercase();
        let offers_tls = manners.encrypted == Encrypted::OnAsking && !encrypted;
        match verb.as_str() {
            "EHLO" => {
                let tls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
                say(&mut stream, &format!("250-localhost\r\n{tls}250-AUTH PLAIN LOGIN\r\n250 8BITMIME"))
                    .await?;
            }
            "STARTTLS" if offers_tls => {
                say(&mut stream, "220 go on").await?;
                stream = BufReader::new(Box::new(acceptor().accept(stream.into_inner()).await?));
                encrypted = true;
            }
            "AUTH" => {
                known = manners.password.is_some_and(|password| command == format!("AUTH PLAIN {password}"));
                say(&mut stream, if known { "235 welcome" } else { "535 5.7.8 wrong password" }).await?;
            }
            "MAIL" if !known => say(&mut stream, "530 5.7.0 who are you?").await?,
            "MAIL" => {
                envelope = Taken { from: path(&command), to: Vec::new(), source: String::new() };
                say(&mut stream, "250 ok").await?;
            }
            "RCPT" => {
                envelope.to.push(path(&command));
                say(&mut stream, "250 ok").await?;
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                envelope.source = content(&mut stream).await?;
                if politely(&mut stream, ".", manners).await? {
                    seen.lock().unwrap().taken.push(envelope.clone());
                    say(&mut stream, "250 taken").await?;
                }
            }
            "RSET" | "NOOP" => say(&mut stream, "250 ok").await?,
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "502 what?").await?,
        }
    }
}

/// Whether the usual answer is to be given.
async fn politely(
    stream: &mut BufReader<Box<dyn Stream>>,
    command: &str,
    manners: &Manners,
) -> io::Result<bool> {
    let instead =
        manners.instead.lock().unwrap().iter().find(|(begin, _)| command.starts_with(begin)).copied();
    match instead {
        None => Ok(true),
        Some((_, Instead::Say(answer))) => say(stream, answer).await.map(|()| false),
        Some((_, Instead::SayNothing)) => std::future::pending().await,
        Some((_, Instead::HangUp)) => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

async fn say(stream: &mut BufReader<Box<dyn Stream>>, answer: &str) -> io::Result<()> {
    stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// A line, which ends with CR and LF and with nothing else.
async fn line(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            return Ok(String::from_utf8(line).unwrap());
        }
    }
}

async fn content(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<String> {
    let mut content = String::new();
    loop {
        let line = line(stream).await?;
        if line == "." {
            return Ok(content);
        }
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
        content.push_str("\r\n");
    }
}

/// What stands between angle brackets.
fn path(command: &str) -> String {
    command.split(['<', '>']).nth(1).unwrap().to_owned()
}
