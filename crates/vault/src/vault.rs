//! What seals and opens.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{PoisonError, RwLock},
};

use crate::{
    error::Error,
    key::{Key, KeyId},
    key_file::KeyFile,
    place::Place,
    sealed::Sealed,
    secret::Secret,
};

/// Seals secrets with XChaCha20-Poly1305, and opens them: the first key seals, all keys open.
pub struct Vault {
    file: Option<KeyFile>,
    /// Never empty.
    keys: RwLock<Vec<Key>>,
}

impl Vault {
    /// A vault with the keys of a file. Where there is none, one is made with a new key; of several processes that do so
    /// at once, all end up with the same.
    ///
    /// # Errors
    /// When the file cannot be read or made, is not as it should be, or may be read by others than its owner.
    pub fn with_key_file(path: &Path) -> Result<Self, Error> {
        let file = KeyFile::new(path);
        let keys = match file.read()? {
            Some(keys) => keys,
            None => {
                file.change(|keys| if keys.is_empty() { Ok(vec![Key::generate()?]) } else { Ok(keys) })?
            }
        };
        Ok(Self { file: Some(file), keys: RwLock::new(keys) })
    }

    /// A vault whose key is in no file, and is gone with it: for tests.
    ///
    /// # Errors
    /// [`Error::NoRandom`].
    pub fn in_memory() -> Result<Self, Error> {
        Ok(Self { file: None, keys: RwLock::new(vec![Key::generate()?]) })
    }

    /// Seals a secret for a place: `swb1:<key id>:<nonce and ciphertext in base64>`.
    ///
    /// # Errors
    /// When the key file, which another process may have changed meanwhile, cannot be read any more.
    pub fn seal(&self, place: &Place, secret: &[u8]) -> Result<String, Error> {
        // Sealing is rare, and one with a key that another process is about to drop would be lost.
        self.read_again()?;
        self.with_keys(|keys| {
            let key = keys.first().ok_or_else(|| Error::NoKeys { file: self.path().into() })?;
            Ok(Sealed { key: key.id.clone(), bytes: key.seal(place, secret)? }.text())
        })
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`], [`Error::DoesNotOpen`] when it was changed or was sealed for another place,
    /// [`Error::NotSealed`].
    pub fn open(&self, place: &Place, sealed: &str) -> Result<Secret, Error> {
        let sealed = Sealed::parse(sealed)?;
        if !self.has(&sealed.key) {
            // Another process may have added it.
            self.read_again()?;
        }
        self.with_keys(|keys| {
            let key = keys.iter().find(|key| key.id == sealed.key);
            let key = key.ok_or_else(|| Error::NoSuchKey { key: sealed.key.clone(), file: self.shown() })?;
            let opened = key.open(place, &sealed.bytes);
            let opened = opened.ok_or_else(|| Error::DoesNotOpen { key: sealed.key.clone() })?;
            Ok(Secret::wiped(opened))
        })
    }

    /// The same secret sealed with the first key; none when it is already.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`seal`](Self::seal).
    pub fn reseal(&self, place: &Place, sealed: &str) -> Result<Option<String>, Error> {
        if crate::key_of(sealed)? == self.first()? {
            return Ok(None);
        }
        let secret = self.open(place, sealed)?;
        self.seal(place, secret.expose()).map(Some)
    }

    /// The ids of the keys; the first one seals.
    pub fn keys(&self) -> Vec<KeyId> {
        self.with_keys(|keys| keys.iter().map(|key| key.id.clone()).collect())
    }

    /// Whether a key of that id is here.
    pub fn has(&self, key: &KeyId) -> bool {
        self.with_keys(|keys| keys.iter().any(|it| it.id == *key))
    }

    /// The file with the keys; none for a vault in memory.
    pub fn key_file(&self) -> Option<&Path> {
        self.file.as_ref().map(KeyFile::path)
    }

    /// Adds a new key, which seals from now on. What is sealed stays as it is until it is [resealed](Self::reseal).
    ///
    /// # Errors
    /// When the key file cannot be written; then no key was added.
    pub fn add_key(&self) -> Result<KeyId, Error> {
        let key = Key::generate()?;
        let id = key.id.clone();
        self.change(|mut keys| {
            keys.insert(0, key);
            keys
        })?;
        Ok(id)
    }

    /// Drops the keys that nothing is sealed with any more, and says which those were. The one that seals stays.
    ///
    /// # Errors
    /// When the key file cannot be written; then no key was dropped.
    pub fn drop_unused(&self, used: &BTreeSet<KeyId>) -> Result<Vec<KeyId>, Error> {
        let mut dropped = Vec::new();
        self.change(|mut keys| {
            let first = keys.first().map(|key| key.id.clone());
            keys.retain(|key| {
                let stays = first.as_ref() == Some(&key.id) || used.contains(&key.id);
                if !stays {
                    dropped.push(key.id.clone());
                }
                stays
            });
            keys
        })?;
        Ok(dropped)
    }

    fn first(&self) -> Result<KeyId, Error> {
        let first = self.with_keys(|keys| keys.first().map(|key| key.id.clone()));
        first.ok_or_else(|| Error::NoKeys { file: self.path().into() })
    }

    /// Takes up what the file says now.
    fn read_again(&self) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let keys = file.read()?;
        // One that was removed while the server runs is one that it can still do without.
        if let Some(keys) = keys {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        Ok(())
    }

    fn change(&self, change: impl FnOnce(Vec<Key>) -> Vec<Key>) -> Result<(), Error> {
        match &self.file {
            Some(file) => {
                let known = self.with_keys(<[Key]>::to_vec);
                let keys = file.change(|keys| Ok(change(if keys.is_empty() { known } else { keys })))?;
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
            }
            None => {
                let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                *keys = change(keys.clone());
            }
        }
        Ok(())
    }

    fn with_keys<T>(&self, read: impl FnOnce(&[Key]) -> T) -> T {
        read(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn path(&self) -> &Path {
        self.key_file().unwrap_or_else(|| Path::new("memory"))
    }

    fn shown(&self) -> String {
        self.key_file().map_or_else(|| "memory".to_owned(), |path| path.display().to_string())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("file", &self.key_file()).field("keys", &self.keys()).finish()
    }
}
