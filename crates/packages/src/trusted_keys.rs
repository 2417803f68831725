//! Whose signatures count: a folder with a public key in each file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Error, PublicKey, Signature, Signed, unpacking};

/// What the names of the files end with.
const ENDING: &str = ".pub";

/// A key that the administrator trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// What the administrator calls it; the name of its file without `.pub`.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// The keys that the administrator trusts: a file `NAME.pub` each, as `minisign` reads it.
#[derive(Debug, Clone)]
pub struct TrustedKeys {
    folder: PathBuf,
    keys: Vec<TrustedKey>,
}

impl TrustedKeys {
    /// Reads those in a folder. One that is not there has none.
    ///
    /// # Errors
    /// When it cannot be read, or a file in it is no key.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let mut trusted = Self { folder: folder.to_owned(), keys: Vec::new() };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(trusted),
            Err(error) => return Err(Error::file("looked into", folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(Error::file("looked into", folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(ENDING) {
                let text = fs::read_to_string(entry.path()).map_err(Error::file("read", entry.path()))?;
                let key = PublicKey::parse(&text).map_err(|error| match error {
                    Error::PublicKey { why } => {
                        Error::PublicKey { why: format!("{}: {why}", entry.path().display()) }
                    }
                    other => other,
                })?;
                trusted.keys.push(TrustedKey { name: name.to_owned(), key });
            }
        }
        trusted.keys.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(trusted)
    }

    /// Those that there are, by name.
    pub fn all(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Trusts one more.
    ///
    /// # Errors
    /// When the name is none or taken, the key is trusted already, or the file cannot be written.
    pub fn add(&mut self, name: &str, key: PublicKey) -> Result<(), Error> {
        if !is_name(name) {
            return Err(Error::KeyName { name: name.escape_debug().to_string() });
        }
        if self.keys.iter().any(|it| it.name == name) {
            return Err(Error::KeyNameTaken { name: name.to_owned() });
        }
        if let Some(known) = self.keys.iter().find(|it| it.key.id() == key.id()) {
            return Err(Error::TrustedAlready { key: key.id(), name: known.name.clone() });
        }
        unpacking::replace(&self.file(name), key.file().as_bytes())?;
        self.keys.push(TrustedKey { name: name.to_owned(), key });
        self.keys.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }

    /// Trusts one no more.
    ///
    /// # Errors
    /// When there is none of the name, or the file cannot be removed.
    pub fn remove(&mut self, name: &str) -> Result<TrustedKey, Error> {
        let Some(place) = self.keys.iter().position(|it| it.name == name) else {
            return Err(Error::NoSuchKey { name: name.escape_debug().to_string() });
        };
        fs::remove_file(self.file(name)).map_err(Error::file("removed", self.file(name)))?;
        unpacking::sync(&self.folder)?;
        Ok(self.keys.remove(place))
    }

    /// Which of them signed these bytes; none when the signature is of a key that is not trusted, whatever it is worth.
    ///
    /// # Errors
    /// [`Error::WrongSignature`], when it says it is of a trusted key and is not.
    pub fn who_signed(
        &self,
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<Option<(&TrustedKey, Signed)>, Error> {
        let signer = signature.key();
        match self.keys.iter().find(|it| it.key.id() == signer) {
            Some(trusted) => Ok(Some((trusted, signature.verify(bytes, &trusted.key)?))),
            None => Ok(None),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{ENDING}"))
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(plain) && name.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::TrustedKeys;
    use crate::{Error, KeyFiles, PublicKey, SecretKey, Signature};

    #[test]
    fn who_is_trusted_is_known_by_key_and_kept_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("trusted_keys");
        let (one, other) = (KeyFiles::generate(None).unwrap(), KeyFiles::generate(None).unwrap());
        let public = |keys: &KeyFiles| PublicKey::parse(&keys.public).unwrap();
        let mut trusted = TrustedKeys::open(&place).unwrap();
        trusted.add("one", public(&one)).unwrap();
        assert!(matches!(trusted.add("one", public(&other)), Err(Error::KeyNameTaken { .. })));
        assert!(matches!(trusted.add("two", public(&one)), Err(Error::TrustedAlready { .. })));
        assert!(matches!(trusted.add("../two", public(&other)), Err(Error::KeyName { .. })));

        let sign = |keys: &KeyFiles| {
            let key = SecretKey::parse(&keys.secret, None).unwrap();
            Signature::sign(b"it", &key, "it", jiff::Timestamp::UNIX_EPOCH).unwrap()
        };
        let mut again = TrustedKeys::open(&place).unwrap();
        let (signer, _) = again.who_signed(b"it", &sign(&one)).unwrap().unwrap();
        assert_eq!(signer.name, "one");
        assert!(again.who_signed(b"it", &sign(&other)).unwrap().is_none());
        assert!(matches!(again.who_signed(b"at", &sign(&one)), Err(Error::WrongSignature { .. })));

        again.remove("one").unwrap();
        assert!(TrustedKeys::open(&place).unwrap().all().is_empty());
        assert!(matches!(again.remove("one"), Err(Error::NoSuchKey { .. })));
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bad.pub"), "RWnonsense").unwrap();
        let error = TrustedKeys::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("bad.pub"), "{error}");
    }
}
