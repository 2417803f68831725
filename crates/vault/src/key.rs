//! Keys, and what they are called.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{TryRng, rngs::SysRng};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{error::Error, place::Place};

/// How many bytes stand before a ciphertext: 192 random bits, so that no two messages of one key ever share them.
const NONCE: usize = 24;

/// The most characters of a key's id.
const LONGEST_ID: usize = 32;

/// What a key is called: 1 to 32 lower-case letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct KeyId(Arc<str>);

impl KeyId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_one = (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(fits);
        is_one.then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key. Its bytes are wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
}

impl Key {
    /// A new key of random bytes, with a random id: one that another installation has not.
    pub(crate) fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill(bytes.as_mut())?;
        let mut id = [0; 4];
        fill(&mut id)?;
        Ok(Self { id: KeyId(format!("{:08x}", u32::from_be_bytes(id)).into()), bytes })
    }

    /// The key that a line of the key file says, or what is wrong with the line.
    pub(crate) fn from_line(line: &str) -> Result<Self, &'static str> {
        let (id, key) = line.split_once(' ').ok_or("a line is a key's id, a space, and the key in base64")?;
        let id = KeyId::parse(id).ok_or("a key's id has 1 to 32 lower-case letters, digits, `-` and `_`")?;
        let decoded = Zeroizing::new(STANDARD.decode(key.trim()).map_err(|_| "the key is no base64")?);
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return Err("a key has 32 bytes");
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self { id, bytes })
    }

    /// How the key is written in the key file.
    pub(crate) fn line(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(STANDARD.encode(self.bytes.as_slice()));
        Zeroizing::new(format!("{} {}\n", self.id, *key))
    }

    /// The nonce, and after it what the secret became.
    pub(crate) fn seal(&self, place: &Place, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let payload = Payload { msg: secret, aad: place.bytes() };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::TooLong(secret.len()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed; none when it was changed, or sealed for another place or with another key.
    pub(crate) fn open(&self, place: &Place, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: place.bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    SysRng.try_fill_bytes(bytes).map_err(|error| Error::NoRandom(error.to_string()))
}
