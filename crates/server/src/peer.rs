//! From which address a request came.

use std::net::IpAddr;

/// The address at the other end of the connection, as an extension of the request. None is set for a Unix socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);
