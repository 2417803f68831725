//! `blobs`: large values in a folder, each plugin's and each organization's apart.

use std::{io::ErrorKind, ops::Range, path::Path, sync::Arc};

use futures_util::StreamExt;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload,
    local::LocalFileSystem, path::Path as Key,
};
use switchboard_api::{
    Body, BoxFuture, Context, Failure, Timestamp,
    capability::{Blob, BlobFile, BlobInfo, BlobKey, Blobs},
};
use switchboard_manifest::{Capability, Manifest, PluginId};

use crate::kernel_ref::KernelRef;

/// Bytes are gathered into pieces of this size before they are written.
const PIECE: usize = 1 << 20;

/// Where blobs stand until they are whole; no plugin has such an id. What is left there by a process that was killed goes
/// at the next start.
pub(crate) const UNFINISHED: &str = ".unfinished";

/// The folder of all blobs.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) files: Arc<LocalFileSystem>,
}

/// Why the folder of blobs cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFault(String);

impl std::fmt::Display for BlobFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BlobFault {}

impl Folder {
    /// The folder, made if it is not there; nobody else may be at work in it.
    pub(crate) fn open(folder: &Path) -> Result<Self, BlobFault> {
        let say = |error: &dyn std::fmt::Display| {
            BlobFault(format!("the folder of blobs `{}` cannot be used: {error}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(|error| say(&error))?;
        match std::fs::remove_dir_all(folder.join(UNFINISHED)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(say(&error)),
            _ => {}
        }
        let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| say(&error))?;
        Ok(Self { files: Arc::new(files.with_fsync(true).with_automatic_cleanup(false)) })
    }
}

/// The blobs of one plugin, and those that others share with it.
pub(crate) struct OwnBlobs {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) folder: Folder,
    pub(crate) kernel: KernelRef,
    /// Held while a blob is put in its place, if there is a bound to what the plugin may store.
    pub(crate) publishing: tokio::sync::Mutex<()>,
}

impl OwnBlobs {
    fn place(&self, context: &Context, key: BlobKey<'_>) -> Result<Key, Failure> {
        check(key.key)?;
        let owner = match key.owner {
            Some(owner) if *owner != self.manifest.id => {
                self.check_shared(context, owner, key.key)?;
                owner
            }
            _ => &self.manifest.id,
        };
        let organization = match context.organization.as_deref() {
            Some(organization) => organization.id.to_string(),
            None => "global".to_owned(),
        };
        Key::parse(format!("{owner}/{organization}/{}", key.key))
            .map_err(|error| Failure::invalid(error.to_string()))
    }

    /// Another plugin's blob may be read when that one shares it, this one asks for it, and both serve the organization.
    fn check_shared(&self, context: &Context, owner: &PluginId, key: &str) -> Result<(), Failure> {
        let asked = self.manifest.capabilities.iter().filter(|request| request.name == Capability::Blobs);
        let reads = asked.flat_map(|request| &request.read_from).any(|other| other == owner);
        let snapshot = self.kernel.get()?.snapshot();
        let shares = snapshot.plugin(owner.as_str()).is_some_and(|plugin| {
            let is_on = context.organization.as_ref().is_none_or(|it| snapshot.is_enabled(plugin, it.id));
            is_on
                && plugin
                    .manifest()
                    .provides
                    .shared_blobs
                    .iter()
                    .any(|shared| key.starts_with(&shared.prefix))
        });
        if reads && shares {
            return Ok(());
        }
        let reader = &self.manifest.id;
        Err(Failure::forbidden(format!(
            "plugin `{reader}` may not read blob `{key}` of plugin `{owner}`: `{owner}` must share it under \
             `provides.shared_blobs`, and `{reader}` must name `{owner}` in `read_from` of its request for `blobs`"
        )))
    }

    async fn head(&self, context: &Context, key: BlobKey<'_>) -> Result<Option<(Key, BlobInfo)>, Failure> {
        let place = self.place(context, key)?;
        match self.folder.files.head(&place).await {
            Ok(meta) => Ok(Some((place, info(meta)))),
            Err(error) if is_not_there(&error) => Ok(None),
            Err(error) => Err(unusable(key.key, &error)),
        }
    }

    /// How much more the organization may store, if that is bounded.
    async fn room_left(&self, context: &Context) -> Result<Option<u64>, Failure> {
        let Some(most) = self.manifest.limits.storage_mb else { return Ok(None) };
        let organization = context.organization.as_deref().map(|it| it.id.to_string());
        let prefix =
            Key::from(format!("{}/{}", self.manifest.id, organization.as_deref().unwrap_or("global")));
        let mut stored = 0;
        let mut listing = self.folder.files.list(Some(&prefix));
        while let Some(meta) = listing.next().await {
            stored += meta.map_err(|error| unusable("*", &error))?.size;
        }
        Ok(Some((most << 20).saturating_sub(stored)))
    }

    /// Refuses a blob of that size where less room is left.
    fn fits(&self, key: &str, size: u64, left: Option<u64>) -> Result<(), Failure> {
        let Some(left) = left.filter(|left| size > *left) else { return Ok(()) };
        let message = format!(
            "there is no room for blob `{key}`: plugin `{}` may store {} MiB for each organization, and {left} bytes \
             are left",
            self.manifest.id,
            self.manifest.limits.storage_mb.unwrap_or_default()
        );
        Err(Failure::too_large(message, left))
    }

    async fn store(&self, context: &Context, key: &str, body: Body) -> Result<BlobInfo, Failure> {
        let place = self.place(context, BlobKey { owner: None, key })?;
        let left = self.room_left(context).await?;
        let announced = body.length();
        self.fits(key, announced.unwrap_or_default(), left)?;
        let arriving = Key::from(format!("{UNFINISHED}/{:016x}", rand::random::<u64>()));
        let (upload, size) = self.receive(key, &arriving, body, left).await?;
        if announced.is_some_and(|announced| announced != size) {
            return Err(Failure::invalid(format!(
                "blob `{key}` was to have {} bytes, and {size} came; it was not stored",
                announced.unwrap_or_default()
            )));
        }
        let mut _publishing = None;
        if left.is_some() {
            // Two that arrived at the same time have each seen the room that the other one takes now.
            _publishing = Some(self.publishing.lock().await);
            self.fits(key, size, self.room_left(context).await?)?;
        }
        let (files, whole) = (Arc::clone(&self.folder.files), place.clone());
        // Apart, so that a caller who goes away meanwhile leaves nothing half done.
        let published = tokio::spawn(async move { publish(&files, upload, &arriving, &whole).await });
        let stopping = |_| Failure::unavailable("the server is stopping");
        match published.await.map_err(stopping)? {
            Ok(()) => {}
            Err(error) if is_in_the_way(&error) => {
                return Err(Failure::conflict(format!(
                    "blob `{key}` cannot be stored: a key is a blob or the beginning of other keys up to a `/`, not both"
                )));
            }
            Err(error) => return Err(unusable(key, &error)),
        }
        let stored = self.head(context, BlobKey { owner: None, key }).await?;
        stored
            .map(|(_, info)| info)
            .ok_or_else(|| Failure::unavailable(format!("blob `{key}` vanished as it was stored")))
    }

    /// Writes the body where nobody sees it; gives the upload, still to be completed, and its size.
    async fn receive(
        &self,
        key: &str,
        place: &Key,
        mut body: Body,
        left: Option<u64>,
    ) -> Result<(Box<dyn MultipartUpload>, u64), Failure> {
        // Dropped before it is complete, it removes what was written.
        let mut upload =
            self.folder.files.put_multipart(place).await.map_err(|error| unusable(key, &error))?;
        let (mut size, mut pieces, mut gathered) = (0_u64, Vec::new(), 0);
        loop {
            // While bytes come from elsewhere, the deadline stands still already; see the dispatcher.
            let chunk = body.next().await.transpose()?;
            let is_last = chunk.is_none();
            if let Some(chunk) = chunk {
                size += chunk.len() as u64;
                self.fits(key, size, left)?;
                gathered += chunk.len();
                pieces.push(chunk);
            }
            if gathered >= PIECE || (is_last && gathered > 0) {
                let piece: PutPayload = pieces.drain(..).collect();
                gathered = 0;
                upload.put_part(piece).await.map_err(|error| unusable(key, &error))?;
            }
            if is_last {
                return Ok((upload, size));
            }
        }
    }
}

/// Puts what has arrived in its place, in one step; what it takes the place of is seen until then.
async fn publish(
    files: &LocalFileSystem,
    mut upload: Box<dyn MultipartUpload>,
    arrived: &Key,
    place: &Key,
) -> Result<(), object_store::Error> {
    upload.complete().await?;
    let renamed = files.rename(arrived, place).await;
    if renamed.is_err()
        && let Err(error) = files.delete(arrived).await
    {
        tracing::warn!("a blob that could not be stored is left as {arrived}: {error}");
    }
    renamed
}

impl Blobs for OwnBlobs {
    fn put<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        body: Body,
    ) -> BoxFuture<'a, Result<BlobInfo, Failure>> {
        Box::pin(self.store(context, key, body))
    }

    fn info<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
    ) -> BoxFuture<'a, Result<Option<BlobInfo>, Failure>> {
        Box::pin(async move { Ok(self.head(context, key).await?.map(|(_, info)| info)) })
    }

    fn get<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<Option<Blob>, Failure>> {
        Box::pin(async move {
            let Some((place, whole)) = self.head(context, key).await? else { return Ok(None) };
            if let Some(range) = &range
                && (range.start >= range.end || range.end > whole.size)
            {
                return Err(Failure::invalid(format!(
                    "bytes {} to {} are not within blob `{}` of {} bytes",
                    range.start, range.end, key.key, whole.size
                )));
            }
            if whole.size == 0 {
                return Ok(Some(Blob { info: whole, range: 0..0, body: Body::Empty }));
            }
            let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
            let got = match self.folder.files.get_opts(&place, options).await {
                Ok(got) => got,
                Err(error) if is_not_there(&error) => return Ok(None),
                Err(error) => return Err(unusable(key.key, &error)),
            };
            let (range, info, name) = (got.range.clone(), info(got.meta.clone()), key.key.to_owned());
            let length = range.end - range.start;
            let chunks = got.into_stream().map(move |chunk| chunk.map_err(|error| unusable(&name, &error)));
            Ok(Some(Blob { info, range, body: Body::stream(chunks, Some(length)) }))
        })
    }

    fn open<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
    ) -> BoxFuture<'a, Result<Option<Box<dyn BlobFile>>, Failure>> {
        Box::pin(async move {
            let Some((place, _)) = self.head(context, key).await? else { return Ok(None) };
            let path =
                self.folder.files.path_to_filesystem(&place).map_err(|error| unusable(key.key, &error))?;
            match std::fs::File::open(path) {
                Ok(file) => {
                    Ok(Some(Box::new(std::io::BufReader::with_capacity(1 << 16, file)) as Box<dyn BlobFile>))
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unusable(key.key, &error)),
            }
        })
    }

    fn delete<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let place = self.place(context, BlobKey { owner: None, key })?;
            match self.folder.files.delete(&place).await {
                Ok(()) => Ok(()),
                // Where a folder stands, or a blob in a folder's place, no blob of that key does.
                Err(error) if is_not_there(&error) || is_in_the_way(&error) => Ok(()),
                Err(error) => Err(unusable(key, &error)),
            }
        })
    }
}

fn info(meta: ObjectMeta) -> BlobInfo {
    let etag = meta.e_tag.map_or_else(|| meta.size.to_string(), |etag| etag.trim_matches('"').to_owned());
    let modified =
        Timestamp::from_microsecond(meta.last_modified.timestamp_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    BlobInfo { size: meta.size, etag, modified }
}

/// Whether there is no such file; a file in the place of one of its folders says so too.
fn is_not_there(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
        || matches!(kind_of(error), Some(ErrorKind::NotFound | ErrorKind::NotADirectory))
}

/// Whether a folder stands in the place of a file, or a file in that of a folder.
fn is_in_the_way(error: &object_store::Error) -> bool {
    let kinds = [ErrorKind::IsADirectory, ErrorKind::NotADirectory, ErrorKind::AlreadyExists];
    kind_of(error).is_some_and(|kind| kinds.contains(&kind))
}

/// What the file system said.
fn kind_of(error: &object_store::Error) -> Option<ErrorKind> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

fn unusable(key: &str, error: &dyn std::fmt::Display) -> Failure {
    tracing::error!(key, "a blob cannot be used: {error}");
    Failure::unavailable(format!(
        "blob `{key}` cannot be used now: the disk is full or fails; the log says more"
    ))
}

/// A key is words of harmless letters, joined by `/`.
fn check(key: &str) -> Result<(), Failure> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word != "."
            && word != ".."
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    if key.len() <= 200 && key.split('/').all(is_word) {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "`{}` is no key of a blob: write words of letters, digits, `.`, `_` and `-`, joined by `/`, at most 200 bytes",
        key.chars().take(60).collect::<String>().escape_debug()
    )))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_key_cannot_leave_its_folder() {
        for good in ["media/7", "a", "a.b/c-d_e"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in
            ["", "/a", "a/", "a//b", "..", "a/../b", "a\\b", "a b", "a\0", "ä", "a#1", &"x".repeat(201)]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
