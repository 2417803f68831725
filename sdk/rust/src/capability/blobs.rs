//! Large values.

use std::ops::Range;

use switchboard_api::{
    Body, Failure,
    capability::{Blob, BlobFile, BlobInfo, BlobKey},
};
use switchboard_manifest::PluginId;

use crate::Context;

/// Large values, the organization's own.
#[derive(Clone, Copy)]
pub struct Blobs<'a> {
    pub(crate) context: &'a Context,
    pub(crate) owner: Option<&'a PluginId>,
}

impl<'a> Blobs<'a> {
    /// The blobs that another plugin shares; to be read, not written.
    pub fn of(self, owner: &'a PluginId) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// Stores the body under the key, in place of what was there: all of it, or nothing.
    ///
    /// # Errors
    /// [`Failure::TooLarge`], [`Failure::Invalid`] for a key that is none, [`Failure::Unavailable`] when the disk is
    /// full, and whatever the body fails with.
    pub async fn put(&self, key: &str, body: impl Into<Body>) -> Result<BlobInfo, Failure> {
        self.writable(key)?;
        self.context.host.blobs(&self.context.call)?.put(&self.context.call, key, body.into()).await
    }

    /// What is known of a blob; `None` when there is none.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] for a blob that is not shared with this plugin.
    pub async fn info(&self, key: &str) -> Result<Option<BlobInfo>, Failure> {
        self.context.host.blobs(&self.context.call)?.info(&self.context.call, self.key(key)).await
    }

    /// The blob, or the bytes of it in `range`, as a stream; `None` when there is none.
    ///
    /// # Errors
    /// As [`info`](Self::info); [`Failure::Invalid`] for a range that is not within it.
    pub async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Blob>, Failure> {
        self.context.host.blobs(&self.context.call)?.get(&self.context.call, self.key(key), range).await
    }

    /// The blob as a file to read here and there, within [`Context::compute`]; `None` when there is none.
    ///
    /// # Errors
    /// As [`info`](Self::info).
    pub async fn open(&self, key: &str) -> Result<Option<Box<dyn BlobFile>>, Failure> {
        self.context.host.blobs(&self.context.call)?.open(&self.context.call, self.key(key)).await
    }

    /// Removes a blob; it is no error when there is none.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the disk fails.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        self.writable(key)?;
        self.context.host.blobs(&self.context.call)?.delete(&self.context.call, key).await
    }

    fn key<'k>(&'k self, key: &'k str) -> BlobKey<'k> {
        BlobKey { owner: self.owner, key }
    }

    fn writable(&self, key: &str) -> Result<(), Failure> {
        match self.owner {
            None => Ok(()),
            Some(owner) => Err(Failure::forbidden(format!(
                "blob `{key}` belongs to plugin `{owner}`: it can be read here, not changed"
            ))),
        }
    }
}
