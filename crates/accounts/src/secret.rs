//! Random texts that open something, and the hashes that are kept of them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use switchboard_api::capability::Random;

/// What is kept of a secret, and finds it.
pub(crate) type Hash = [u8; 32];

/// 256 random bits, as text that stands in addresses and cookies as it is.
pub(crate) fn new_secret(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The hash of a secret. One round is enough for what is random throughout.
pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret).into()
}

/// A hash as the tables keep it.
pub(crate) fn text(hash: &Hash) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

/// The hash of which that is the text, if it is one.
pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// What follows from a secret for another use, and tells nothing about it.
pub(crate) fn derive(purpose: &str, secret: &str) -> Hash {
    Sha256::new().chain_update(purpose).chain_update([0]).chain_update(secret).finalize().into()
}
