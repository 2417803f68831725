//! A client that says whatever it likes, byte by byte, and reads what comes back.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{answer::Answer, stage::Stage};

/// After this long the server is taken to say nothing more.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) async fn to(stage: &Stage) -> Self {
        Self { stream: TcpStream::connect(stage.socket()).await.unwrap(), read: Vec::new() }
    }

    /// Sends the bytes. That the server stopped listening meanwhile is no fault of the test.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Sends a request's head, with the host and the administrator's token.
    pub(crate) async fn head(&mut self, stage: &Stage, line: &str, headers: &[(&str, &str)]) {
        let mut head =
            format!("{line} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n", stage.admin());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        assert!(self.send(head).await);
    }

    /// Sends a piece of a body that comes in pieces.
    pub(crate) async fn piece(&mut self, bytes: &[u8]) -> bool {
        let mut piece = format!("{:x}\r\n", bytes.len()).into_bytes();
        piece.extend_from_slice(bytes);
        piece.extend_from_slice(b"\r\n");
        self.send(piece).await
    }

    /// The next answer, to a request that is not HEAD.
    pub(crate) async fn answer(&mut self) -> Answer {
        let (status, headers) = self.answered_head().await;
        let length =
            headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the connection ended within a body of {length} bytes");
        }
        let body = self.read.drain(..length).collect();
        Answer { status, headers, body }
    }

    /// The head of the next answer.
    pub(crate) async fn answered_head(&mut self) -> (u16, HeaderMap) {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await, "no answer, but the end after {:?}", self.text());
        };
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.parse::<HeaderName>().unwrap(), value.trim().parse::<HeaderValue>().unwrap())
        });
        (status, headers.collect())
    }

    /// Says that nothing more is sent, and reads on.
    pub(crate) async fn hang_up(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The status of the next answer; `None` when the connection ends without one.
    pub(crate) async fn answered_if_any(&mut self) -> Option<u16> {
        if self.read.is_empty() && !self.more().await {
            return None;
        }
        Some(self.answered_head().await.0)
    }

    /// Requires that the server ends the connection, without another word.
    pub(crate) async fn ends(&mut self) {
        while self.more().await {}
        assert_eq!(self.text(), "");
    }

    /// Waits until the server ends the connection, whatever it says.
    pub(crate) async fn is_ended(&mut self) {
        while self.more().await {}
    }

    /// Whether the server has said nothing that was not read yet.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut bytes = [0; 1024];
        if let Ok(count) = self.stream.try_read(&mut bytes) {
            self.read.extend_from_slice(&bytes[..count]);
            return false;
        }
        self.read.is_empty()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// Reads on; false at the end.
    async fn more(&mut self) -> bool {
        let mut bytes = [0; 16 << 10];
        let reading = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes)).await;
        let reading =
            reading.unwrap_or_else(|_| panic!("the server neither answers nor ends the connection"));
        let count = reading.unwrap_or(0);
        self.read.extend_from_slice(&bytes[..count]);
        count > 0
    }
}
