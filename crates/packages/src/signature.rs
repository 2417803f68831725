//! A signature of a package: who stands for these bytes.

use std::io::Cursor;

use minisign::SignatureBox;

use crate::{Error, PublicKey, SecretKey, key};

/// The largest signature file, in bytes; they have some hundreds.
const LARGEST: usize = 8 << 10;
/// How many characters 64 bytes have in base64.
const SIGNATURE_LENGTH: usize = 88;

/// A signature, as the file `NAME.minisig` beside what is signed holds it.
#[derive(Clone)]
pub struct Signature {
    boxed: SignatureBox,
    text: String,
}

/// What a right signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key's id.
    pub key: String,
    /// What the signer said about the file, such as its name and the time: signed as well.
    pub comment: String,
}

impl Signature {
    /// Signs bytes. The name of the file and the time become part of what is signed.
    ///
    /// # Errors
    /// [`Error::Cryptography`], where the system has no random numbers.
    pub fn sign(bytes: &[u8], key: &SecretKey, file_name: &str, now: jiff::Timestamp) -> Result<Self, Error> {
        let failed = |error: minisign::PError| Error::Cryptography { why: error.to_string() };
        let public = key.public()?;
        // In one line, and in the words of `minisign`.
        let file_name: String = file_name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let comment = format!("timestamp:{}\tfile:{file_name}\thashed", now.as_second());
        let about = "signature from minisign secret key";
        let boxed = minisign::sign(
            Some(public.inner()),
            key.inner(),
            Cursor::new(bytes),
            Some(&comment),
            Some(about),
        );
        let boxed = boxed.map_err(failed)?;
        Ok(Self { text: boxed.to_string(), boxed })
    }

    /// Reads a signature, which may come from anybody.
    ///
    /// # Errors
    /// [`Error::NotASignature`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fault = |why| Error::NotASignature { why };
        if text.len() > LARGEST {
            return Err(fault("it is too large"));
        }
        // The library takes a signature of the comment of any length, and falls over a short one.
        let last = text.lines().nth(3).ok_or_else(|| fault("it has less than four lines"))?;
        if last.trim().len() != SIGNATURE_LENGTH {
            return Err(fault("its fourth line is no signature"));
        }
        let boxed = SignatureBox::from_string(text).map_err(|_| fault("its lines are not those of one"))?;
        if !boxed.is_prehashed() {
            return Err(fault("it is of the old form, which hashes nothing"));
        }
        Ok(Self { boxed, text: text.to_owned() })
    }

    /// The signature as a file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The id of the key that it says it is of.
    pub fn key(&self) -> String {
        key::id(self.boxed.keynum())
    }

    /// Checks it.
    ///
    /// # Errors
    /// [`Error::OtherKey`], [`Error::WrongSignature`].
    pub fn verify(&self, bytes: &[u8], key: &PublicKey) -> Result<Signed, Error> {
        if self.key() != key.id() {
            return Err(Error::OtherKey { signer: self.key(), key: key.id() });
        }
        let wrong = |_| Error::WrongSignature { key: key.id() };
        minisign::verify(key.inner(), &self.boxed, Cursor::new(bytes), true, false, false).map_err(wrong)?;
        let comment = self.boxed.trusted_comment().map_err(wrong)?;
        Ok(Signed { key: key.id(), comment })
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature(by {})", self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::Signature;
    use crate::{Error, KeyFiles, PublicKey, SecretKey};

    fn signed(bytes: &[u8]) -> (Signature, PublicKey) {
        let keys = KeyFiles::generate(None).unwrap();
        let key = SecretKey::parse(&keys.secret, None).unwrap();
        let signature = Signature::sign(bytes, &key, "it.switchboard", jiff::Timestamp::UNIX_EPOCH).unwrap();
        (signature, PublicKey::parse(&keys.public).unwrap())
    }

    #[test]
    fn a_signature_stands_for_these_bytes_and_this_comment_alone() {
        let (signature, key) = signed(b"it");
        let read = Signature::parse(signature.text()).unwrap();
        assert_eq!(read.verify(b"it", &key).unwrap().comment, "timestamp:0\tfile:it.switchboard\thashed");
        assert!(matches!(read.verify(b"other", &key), Err(Error::WrongSignature { .. })));
        let other = Signature::parse(&signature.text().replace("file:it", "file:at")).unwrap();
        assert!(matches!(other.verify(b"it", &key), Err(Error::WrongSignature { .. })));
        let (_, stranger) = signed(b"it");
        assert!(matches!(read.verify(b"it", &stranger), Err(Error::OtherKey { .. })));
    }

    #[test]
    fn a_signature_whose_last_line_was_cut_is_refused() {
        let (signature, key) = signed(b"it");
        let lines: Vec<&str> = signature.text().lines().collect();
        for last in ["", "AAAA", &lines[3][..44]] {
            let cut = [lines[0], lines[1], lines[2], last].join("\n");
            assert!(matches!(Signature::parse(&cut), Err(Error::NotASignature { .. })), "{last}");
        }
        let zeros = [lines[0], lines[1], lines[2], &"A".repeat(88)].join("\n");
        let zeros = Signature::parse(&zeros).unwrap();
        assert!(matches!(zeros.verify(b"it", &key), Err(Error::WrongSignature { .. })));
    }

    #[test]
    fn a_key_with_a_password_is_used_with_it_alone() {
        let keys = KeyFiles::generate(Some("open sesame")).unwrap();
        assert!(SecretKey::is_protected(&keys.secret).unwrap());
        assert!(matches!(SecretKey::parse(&keys.secret, None), Err(Error::WrongPassword)));
        assert!(matches!(SecretKey::parse(&keys.secret, Some("close sesame")), Err(Error::WrongPassword)));
        let key = SecretKey::parse(&keys.secret, Some("open sesame")).unwrap();
        assert_eq!(key.public().unwrap(), PublicKey::parse(&keys.public).unwrap());
    }
}
