//! `blobs`: large values.

use std::{
    io::{Seek, SeekFrom},
    sync::Arc,
};

use bytes::Bytes;
use switchboard_api::{
    Body, Failure,
    capability::{BlobFile, BlobInfo, BlobKey},
};
use switchboard_manifest::PluginId;
use tokio::sync::mpsc;
use wasmtime::component::Resource;

use super::bodies::{Held, MOST_AT_ONCE};
use crate::{
    bindings::imports::blobs,
    conversion::moment_out,
    interrupted::Answer,
    state::{Running, State},
    task::Task,
};

/// How many pieces of a blob that is being written may wait to be stored.
const WAITING: usize = 2;

/// A blob that a plugin reads here and there.
#[expect(unreachable_pub, reason = "the generated bindings give it out again")]
pub struct OpenFile {
    /// Absent while it is read.
    file: Option<Box<dyn BlobFile>>,
    size: u64,
}

/// A blob that a plugin writes in pieces.
#[expect(unreachable_pub, reason = "the generated bindings give it out again")]
pub struct Writing {
    pieces: mpsc::Sender<Piece>,
    put: Task<Result<BlobInfo, Failure>>,
}

/// What goes into a blob that is being written.
enum Piece {
    Bytes(Bytes),
    /// That was all of it.
    End,
}

/// The pieces as a body, which fails when they end before [`Piece::End`].
fn body_of(pieces: mpsc::Receiver<Piece>) -> Body {
    let chunks = futures_util::stream::unfold(Some(pieces), async |pieces| {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(pieces))),
            Some(Piece::End) => None,
            None => Some((Err(Failure::invalid("the plugin gave up writing the blob")), None)),
        }
    });
    Body::stream(chunks, None)
}

fn info_out(info: BlobInfo) -> blobs::BlobInfo {
    blobs::BlobInfo { size: info.size, etag: info.etag, modified: moment_out(info.modified) }
}

fn owner_in(owner: Option<String>) -> Result<Option<PluginId>, Failure> {
    owner
        .map(|owner| {
            owner.parse().map_err(|error| {
                Failure::invalid(format!("`{}` is no plugin: {error}", owner.escape_debug()))
            })
        })
        .transpose()
}

impl blobs::Host for State {
    async fn put(&mut self, key: String, body: Resource<Held>) -> Answer<blobs::BlobInfo> {
        let body = self.take(body)?.into_body();
        let call = self.call()?;
        Ok(info_out(call.host.blobs(&call.context)?.put(&call.context, &key, body).await?))
    }

    async fn write(&mut self, key: String) -> Answer<Resource<Writing>> {
        let Running { host, context } = self.call()?;
        let (blobs, context) = (Arc::clone(host.blobs(context)?), context.clone());
        let (pieces, receiver) = mpsc::channel(WAITING);
        let put = Task::spawn(async move { blobs.put(&context, &key, body_of(receiver)).await });
        self.keep(Writing { pieces, put })
    }

    async fn info(&mut self, owner: Option<String>, key: String) -> Answer<Option<blobs::BlobInfo>> {
        let owner = owner_in(owner)?;
        let call = self.call()?;
        let key = BlobKey { owner: owner.as_ref(), key: &key };
        Ok(call.host.blobs(&call.context)?.info(&call.context, key).await?.map(info_out))
    }

    async fn get(
        &mut self,
        owner: Option<String>,
        key: String,
        part: Option<(u64, u64)>,
    ) -> Answer<Option<blobs::Blob>> {
        let owner = owner_in(owner)?;
        let call = self.call()?;
        let key = BlobKey { owner: owner.as_ref(), key: &key };
        let part = part.map(|(start, end)| start..end);
        let Some(blob) = call.host.blobs(&call.context)?.get(&call.context, key, part).await? else {
            return Ok(None);
        };
        let body = self.keep(Held::lent(blob.body))?;
        Ok(Some(blobs::Blob {
            info: info_out(blob.info),
            start: blob.range.start,
            end: blob.range.end,
            body,
        }))
    }

    async fn open(&mut self, owner: Option<String>, key: String) -> Answer<Option<Resource<OpenFile>>> {
        let owner = owner_in(owner)?;
        let call = self.call()?;
        let key = BlobKey { owner: owner.as_ref(), key: &key };
        let blobs = call.host.blobs(&call.context)?;
        let Some(mut file) = blobs.open(&call.context, key).await? else { return Ok(None) };
        let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        Ok(Some(self.keep(OpenFile { file: Some(file), size })?))
    }

    async fn delete(&mut self, key: String) -> Answer<()> {
        let call = self.call()?;
        Ok(call.host.blobs(&call.context)?.delete(&call.context, &key).await?)
    }
}

impl blobs::HostFile for State {
    async fn read_at(&mut self, file: Resource<OpenFile>, offset: u64, most: u32) -> Answer<Vec<u8>> {
        let open = self.table.get_mut(&file)?;
        let taken =
            open.file.take().ok_or_else(|| Failure::unavailable("the blob could not be read before"))?;
        let reading = Task::blocking(move || {
            let mut file = taken;
            let read = read_at(&mut *file, offset, most.min(MOST_AT_ONCE));
            (file, read)
        });
        let (back, read) = reading.await?;
        open.file = Some(back);
        Ok(read?)
    }

    async fn size(&mut self, file: Resource<OpenFile>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&file)?.size)
    }

    async fn drop(&mut self, file: Resource<OpenFile>) -> wasmtime::Result<()> {
        self.let_go(file)
    }
}

impl blobs::HostWriter for State {
    async fn write(&mut self, writer: Resource<Writing>, bytes: Vec<u8>) -> Answer<()> {
        let writing = self.table.get_mut(&writer)?;
        if writing.pieces.send(Piece::Bytes(bytes.into())).await.is_err() {
            // Nobody takes pieces any more: it has failed.
            (&mut writing.put).await??;
        }
        Ok(())
    }

    async fn finish(&mut self, writer: Resource<Writing>) -> Answer<blobs::BlobInfo> {
        let Writing { pieces, put } = self.take(writer)?;
        // Whoever takes no more pieces has failed, and says so below.
        let _ = pieces.send(Piece::End).await;
        Ok(info_out(put.await??))
    }

    async fn drop(&mut self, writer: Resource<Writing>) -> wasmtime::Result<()> {
        self.let_go(writer)
    }
}

fn read_at(file: &mut dyn BlobFile, offset: u64, most: u32) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; most as usize];
    file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(filled..) {
        match file.read(rest).map_err(unreadable)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::unavailable(format!("the blob cannot be read: {error}"))
}
