//! From which address a request came.

use std::net::IpAddr;

/// The client's address, as an extension of the request: the other end of the connection, or whom a trusted proxy there
/// names. None is set for a Unix socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);
