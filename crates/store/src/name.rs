//! What rooms and tables may be called.

/// How the names of the host's own tables in a room begin; guests and migrations cannot touch them.
pub const RESERVED: &str = "_switchboard_";

pub(crate) fn is_room_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}
