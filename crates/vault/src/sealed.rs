//! How a sealed secret is written: `swb1:<key id>:<nonce and ciphertext in base64>`.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{error::Error, key::KeyId};

/// What every sealed text begins with; its number is that of the form.
pub const PREFIX: &str = "swb1:";

pub(crate) struct Sealed {
    pub(crate) key: KeyId,
    pub(crate) bytes: Vec<u8>,
}

impl Sealed {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let (key, bytes) = halves(text)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| Error::DoesNotOpen { key: key.clone() })?;
        Ok(Self { key, bytes })
    }

    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}:{}", self.key, STANDARD.encode(&self.bytes))
    }
}

/// The key that a sealed text was sealed with.
///
/// # Errors
/// [`Error::NotSealed`] when it is none.
pub fn key_of(sealed: &str) -> Result<KeyId, Error> {
    Ok(halves(sealed)?.0)
}

fn halves(text: &str) -> Result<(KeyId, &str), Error> {
    let halves = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':'));
    let (key, bytes) = halves.ok_or(Error::NotSealed)?;
    Ok((KeyId::parse(key).ok_or(Error::NotSealed)?, bytes))
}
