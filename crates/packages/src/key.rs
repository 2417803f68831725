//! The keys that packages are signed and checked with: those of minisign.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use minisign::{ErrorKind, KeyPair, SecretKeyBox};

use crate::Error;

/// What stands in a secret key where a password protects it: the function that makes a key of the password.
const PROTECTED: [u8; 2] = *b"Sc";
/// How many characters a public key has in base64.
const PUBLIC_LENGTH: usize = 56;
/// How many bytes a secret key has.
const SECRET_LENGTH: usize = 158;
/// How many of them, at its end, are its checksum.
const CHECKSUM_LENGTH: usize = 32;

/// A key that signatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(minisign::PublicKey);

/// A key to sign with. It is never shown.
pub struct SecretKey(minisign::SecretKey);

/// A new pair of keys, each as its file: what `minisign` reads.
pub struct KeyFiles {
    /// For everybody.
    pub public: String,
    /// For the author alone.
    pub secret: String,
    /// What the pair is known by.
    pub id: String,
}

impl PublicKey {
    /// Reads a public key: the file, or the line in it that begins with `RW`.
    ///
    /// # Errors
    /// [`Error::PublicKey`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let line =
            text.lines().map(str::trim).find(|line| line.len() == PUBLIC_LENGTH && line.starts_with("RW"));
        let Some(line) = line else {
            return Err(Error::PublicKey { why: "no line of it has the 56 characters of one".to_owned() });
        };
        let key = minisign::PublicKey::from_base64(line);
        key.map(Self).map_err(|error| Error::PublicKey { why: error.to_string() })
    }

    /// What it is known by: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        id(self.0.keynum())
    }

    /// The key in one line, as it is given to others.
    pub fn line(&self) -> String {
        self.0.to_base64()
    }

    /// The key as a file.
    pub fn file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{}\n", self.id(), self.line())
    }

    pub(crate) fn inner(&self) -> &minisign::PublicKey {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl SecretKey {
    /// Whether a password is needed to use a secret key.
    ///
    /// # Errors
    /// [`Error::SecretKey`].
    pub fn is_protected(file: &str) -> Result<bool, Error> {
        let bytes = bytes_of(file)?;
        Ok(bytes.get(2..4) == Some(PROTECTED.as_slice()))
    }

    /// Reads a secret key; with the password, where one protects it.
    ///
    /// # Errors
    /// [`Error::WrongPassword`], [`Error::SecretKey`].
    pub fn parse(file: &str, password: Option<&str>) -> Result<Self, Error> {
        let unreadable = |error: minisign::PError| Error::SecretKey { why: error.to_string() };
        let boxed = SecretKeyBox::from_string(file).map_err(unreadable)?;
        let key = match (Self::is_protected(file)?, password) {
            (false, _) => match without_checksum(&bytes_of(file)?) {
                Some(bytes) => minisign::SecretKey::from_bytes(bytes).map_err(unreadable)?,
                None => boxed.into_unencrypted_secret_key().map_err(unreadable)?,
            },
            (true, None) => return Err(Error::WrongPassword),
            (true, Some(password)) => {
                boxed.into_secret_key(Some(password.to_owned())).map_err(|error| match error.kind() {
                    ErrorKind::Verify => Error::WrongPassword,
                    _ => unreadable(error),
                })?
            }
        };
        Ok(Self(key))
    }

    /// The key that its signatures are checked with.
    ///
    /// # Errors
    /// [`Error::SecretKey`].
    pub fn public(&self) -> Result<PublicKey, Error> {
        let public = minisign::PublicKey::from_secret_key(&self.0);
        public.map(PublicKey).map_err(|error| Error::SecretKey { why: error.to_string() })
    }

    pub(crate) fn inner(&self) -> &minisign::SecretKey {
        &self.0
    }
}

impl KeyFiles {
    /// Makes a new pair, protected by the password if there is one.
    ///
    /// # Errors
    /// [`Error::Cryptography`], where the system has no random numbers.
    pub fn generate(password: Option<&str>) -> Result<Self, Error> {
        let failed = |error: minisign::PError| Error::Cryptography { why: error.to_string() };
        let KeyPair { pk, sk } = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
            None => KeyPair::generate_unencrypted_keypair(),
        }
        .map_err(failed)?;
        let public = PublicKey(pk);
        let comment =
            if password.is_some() { "minisign encrypted secret key" } else { "minisign secret key" };
        let secret = sk.to_box(Some(comment)).map_err(failed)?.into_string();
        Ok(Self { public: public.file(), secret, id: public.id() })
    }
}

/// The bytes that the second line of a secret key's file stands for.
fn bytes_of(file: &str) -> Result<Vec<u8>, Error> {
    let fault = |why: &str| Error::SecretKey { why: why.to_owned() };
    let line = file.lines().nth(1).ok_or_else(|| fault("it has no second line"))?;
    let bytes = STANDARD.decode(line.trim()).map_err(|_| fault("its second line is no base64"))?;
    if bytes.len() == SECRET_LENGTH { Ok(bytes) } else { Err(fault("its second line has not 158 bytes")) }
}

/// The bytes of a key whose checksum is all zeros: `minisign -W` writes none, and the library takes that for damage. Damage is
/// found all the same, when the first signature does not fit the public half.
fn without_checksum(bytes: &[u8]) -> Option<&[u8]> {
    let sum = bytes.get(SECRET_LENGTH - CHECKSUM_LENGTH..)?;
    sum.iter().all(|byte| *byte == 0).then_some(bytes)
}

/// The number of a key, as `minisign` shows it.
pub(crate) fn id(number: &[u8]) -> String {
    number.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}
