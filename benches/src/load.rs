//! The client: connections that each send the next request as soon as the answer to the last has come.
//!
//! Written on plain sockets, so that it takes as little of the machine as can be from the servers beside it.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request to be sent again and again.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    bytes: Arc<[u8]>,
}

/// What a load gave.
pub(crate) struct Outcome {
    /// Requests answered each second.
    pub(crate) rate: f64,
    /// How long each took, in order.
    pub(crate) took: Vec<Duration>,
}

impl Request {
    /// A request with a token unless that is empty, and a JSON body where there is one.
    pub(crate) fn new(name: &'static str, line: &str, status: u16, token: &str, body: Option<&str>) -> Self {
        let mut text = format!("{line} HTTP/1.1\r\nhost: bench\r\n");
        if !token.is_empty() {
            text += &format!("authorization: Bearer {token}\r\n");
        }
        if let Some(body) = body {
            text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        }
        text += "\r\n";
        text += body.unwrap_or_default();
        Self { name, status, bytes: text.into_bytes().into() }
    }
}

impl Outcome {
    /// The time within which this share of the requests was answered.
    pub(crate) fn within(&self, share: f64) -> Duration {
        let position = (self.took.len() as f64 * share) as usize;
        self.took.get(position.min(self.took.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Sends the request from so many connections for so long.
pub(crate) async fn run(
    server: SocketAddr,
    request: &Request,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let end = begun + time;
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut connection = Connection::open(server).await?;
                let mut took = Vec::with_capacity(1 << 14);
                while Instant::now() < end {
                    let sent = Instant::now();
                    connection.exchange(&request).await?;
                    took.push(sent.elapsed());
                }
                anyhow::Ok(took)
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.append(&mut task.await??);
    }
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    Ok(Outcome { rate, took })
}

/// Sends the request so often, over one connection.
pub(crate) async fn repeat(server: SocketAddr, request: &Request, times: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(server).await?;
    for _ in 0..times {
        connection.exchange(request).await?;
    }
    Ok(())
}

/// A connection that is kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1 << 16) })
    }

    /// Sends the request, and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: &Request) -> anyhow::Result<()> {
        self.stream.write_all(&request.bytes).await?;
        self.buffer.clear();
        let mut whole = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("{}: the server closed the connection", request.name);
            }
            if whole.is_none() {
                whole = self.length_of_answer(request)?;
            }
            if whole.is_some_and(|whole| self.buffer.len() >= whole) {
                return Ok(());
            }
        }
    }

    /// How many bytes head and body have together, once the head is there.
    fn length_of_answer(&self, request: &Request) -> anyhow::Result<Option<usize>> {
        let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(self.buffer.get(..end).unwrap_or_default())?;
        let status: u16 = head.get(9..12).context("an answer without a status")?.parse()?;
        if status != request.status {
            bail!(
                "{}: answered {status}, not {}: {}",
                request.name,
                request.status,
                String::from_utf8_lossy(&self.buffer)
            );
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        Ok(Some(end + 4 + length.context("an answer without a length")?))
    }
}
