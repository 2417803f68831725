//! Connections: taken, bounded in time, and let run out when the server stops.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use axum::serve::{Listener, ListenerExt};
use hyper::server::conn::http1::Builder;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
    task::JoinSet,
};

use crate::{coarse_timer::CoarseTimer, router::Addresses};

/// How long connections may take over what.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For a request's head to arrive, and for the next request on a connection that is kept open. 30 s.
    pub header: Duration,
    /// For requests that run when the server is told to stop. 30 s; then they are aborted.
    pub grace: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { header: Duration::from_secs(30), grace: Duration::from_secs(30) }
    }
}

/// Serves until `shutdown` comes: then takes no more connections, lets running requests end, and aborts those that take
/// longer than [`Times::grace`].
///
/// # Errors
/// None today: a connection that cannot be taken is logged and the next one is waited for.
pub async fn serve(
    listener: TcpListener,
    addresses: Addresses,
    times: Times,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    // An answer leaves at once instead of waiting for more to send; it is best effort.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    run(listener, addresses, times, |peer: &SocketAddr| Some(peer.ip()), shutdown).await
}

/// The same on a Unix socket, whose file the caller made and removes.
///
/// # Errors
/// As [`serve`].
pub async fn serve_unix(
    listener: UnixListener,
    addresses: Addresses,
    times: Times,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    run(listener, addresses, times, |_| None, shutdown).await
}

async fn run<L: Listener>(
    mut listener: L,
    addresses: Addresses,
    times: Times,
    peer: impl Fn(&L::Addr) -> Option<IpAddr>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    let (stop, stopping) = watch::channel(false);
    let builder = builder(times);
    loop {
        tokio::select! {
            (io, from) = listener.accept() => {
                let addresses = addresses.from(peer(&from));
                connections.spawn(connection(builder.clone(), TokioIo::new(io), addresses, times, stopping.clone()));
            }
            // Those that ended are forgotten.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    // Nobody listens when there is no connection.
    let _ = stop.send(true);
    let all_end = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(times.grace, all_end).await.is_err() {
        tracing::warn!(connections = connections.len(), "aborting what still runs after {:?}", times.grace);
        connections.shutdown().await;
    }
    Ok(())
}

/// HTTP/1.1 alone: who speaks HTTP/2 does so over TLS, to the proxy in front.
fn builder(times: Times) -> Builder {
    let mut builder = Builder::new();
    builder.timer(CoarseTimer).header_read_timeout(times.header);
    builder
}

async fn connection<I>(
    builder: Builder,
    io: TokioIo<I>,
    addresses: Addresses,
    times: Times,
    mut stopping: watch::Receiver<bool>,
) where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut connection = pin!(builder.serve_connection(io, TowerToHyperService::new(addresses)));
    let mut told = false;
    let mut rounds = tokio::time::interval(CoarseTimer::rounds(times.header));
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("a connection failed: {error}");
                }
                return;
            }
            // The connection is looked at again, and with it whether a head is overdue.
            _ = rounds.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
