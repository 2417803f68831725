//! `blobs`: large values as streams, each organization's apart.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use switchboard_manifest::PluginId;

use crate::{Body, BoxFuture, Context, Failure, Timestamp};

/// A blob's name: of the plugin itself, or of one that shares it.
#[derive(Debug, Clone, Copy)]
pub struct BlobKey<'a> {
    /// Whose it is; the plugin's own when absent.
    pub owner: Option<&'a PluginId>,
    /// Its name, such as `media/7`: words of `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`, joined by `/`; at most 200 bytes.
    pub key: &'a str,
}

/// What is known of a blob without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its size in bytes.
    pub size: u64,
    /// Changes when the content does; without quotes.
    pub etag: String,
    /// When it was stored.
    pub modified: Timestamp,
}

/// A blob, or a part of it.
#[derive(Debug)]
pub struct Blob {
    /// What is known of the whole.
    pub info: BlobInfo,
    /// Which bytes these are.
    pub range: Range<u64>,
    /// The bytes.
    pub body: Body,
}

/// A blob to be read here and there, by work on [`Compute`](super::Compute): reading may block.
pub trait BlobFile: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> BlobFile for T {}

/// Large values.
pub trait Blobs: Send + Sync {
    /// Stores the body under the key, in place of what was there. Either all of it, or nothing, is stored.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] when it is more than the organization may store at once; [`Failure::Invalid`] for a key
    /// that is none; whatever the body fails with; [`Failure::Unavailable`] when the disk is full or fails.
    fn put<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        body: Body,
    ) -> BoxFuture<'a, Result<BlobInfo, Failure>>;

    /// What is known of a blob; `None` when there is none.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] for another plugin's blob that is not shared with this one.
    fn info<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
    ) -> BoxFuture<'a, Result<Option<BlobInfo>, Failure>>;

    /// The blob, or the part of it in `range`, as a stream; `None` when there is none.
    ///
    /// # Errors
    /// As [`info`](Self::info); [`Failure::Invalid`] for a range that is not within it.
    fn get<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<Option<Blob>, Failure>>;

    /// The blob as a file to read here and there; `None` when there is none.
    ///
    /// # Errors
    /// As [`info`](Self::info).
    fn open<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
    ) -> BoxFuture<'a, Result<Option<Box<dyn BlobFile>>, Failure>>;

    /// Removes a blob; it is no error when there is none.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the disk fails.
    fn delete<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<(), Failure>>;
}
