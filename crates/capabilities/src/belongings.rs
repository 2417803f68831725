//! All that plugins keep behind their capabilities, counted and removed.

use std::{io::ErrorKind, path::PathBuf};

use futures_util::StreamExt;
use object_store::{ObjectStore, path::Path as Key};
use switchboard_api::Failure;
use switchboard_kernel::{Kept, TableSize, room_of};
use switchboard_manifest::PluginId;
use switchboard_store::Room;

use crate::{
    blobs::{Folder, UNFINISHED},
    capabilities::Capabilities,
    db::failure,
    kv::KV_TABLE,
};

impl Capabilities {
    /// What a plugin keeps.
    pub(crate) async fn kept_by(&self, plugin: &PluginId) -> Result<Kept, Failure> {
        let name = room_of(plugin);
        let mut kept = Kept::default();
        if self.store.rooms().await.map_err(failure)?.contains(&name) {
            let room = self.store.room(&name).await.map_err(failure)?;
            let tables = room.tables().await.map_err(failure)?;
            kept.has_room = true;
            kept.tables = tables.into_iter().map(|(name, rows)| TableSize { name, rows }).collect();
            kept.keys = keys_in(&room).await?;
        }
        (kept.blobs, kept.blob_bytes) = self.blobs.size_of(plugin).await?;
        let waiting = self.delivery.waiting(plugin).await?;
        (kept.tasks, kept.events) = (waiting.tasks, waiting.events);
        Ok(kept)
    }

    /// Removes it, each part in one step, so that none is there by halves.
    pub(crate) async fn remove_all_of(&self, plugin: &PluginId) -> Result<(), Failure> {
        self.delivery.forget(plugin).await?;
        self.store.remove(&room_of(plugin)).await.map_err(failure)?;
        self.blobs.remove(plugin).await
    }
}

async fn keys_in(room: &Room) -> Result<u64, Failure> {
    let counted = room.query(&format!("select count(*) from {KV_TABLE}"), vec![]).await;
    match counted {
        Ok(rows) => Ok(rows.to::<u64>().ok().and_then(|mut rows| rows.pop()).unwrap_or_default()),
        // It has never kept a value, so that there is no such table.
        Err(switchboard_store::Error::Statement { .. }) => Ok(0),
        Err(error) => Err(failure(error)),
    }
}

impl Folder {
    /// How many blobs a plugin has, and their size together.
    async fn size_of(&self, plugin: &PluginId) -> Result<(u64, u64), Failure> {
        let mut listing = self.files.list(Some(&Key::from(plugin.as_str())));
        let (mut count, mut bytes) = (0, 0);
        while let Some(meta) = listing.next().await {
            let meta =
                meta.map_err(|error| Failure::unavailable(format!("blobs cannot be counted: {error}")))?;
            (count, bytes) = (count + 1, bytes + meta.size);
        }
        Ok((count, bytes))
    }

    /// Removes all blobs of a plugin.
    async fn remove(&self, plugin: &PluginId) -> Result<(), Failure> {
        let cannot = |why: &dyn std::fmt::Display| {
            Failure::unavailable(format!("the blobs of plugin `{plugin}` cannot be removed: {why}"))
        };
        let path = |key: &str| self.files.path_to_filesystem(&Key::from(key)).map_err(|error| cannot(&error));
        let (blobs, aside) = (path(plugin.as_str())?, path(UNFINISHED)?);
        let removed = tokio::task::spawn_blocking(move || remove_folder(blobs, aside)).await;
        removed.map_err(|error| cannot(&error))?.map_err(|error| cannot(&error))
    }
}

/// Removes a folder, having moved it to where the next start removes what is left.
fn remove_folder(folder: PathBuf, aside: PathBuf) -> std::io::Result<()> {
    std::fs::create_dir_all(&aside)?;
    let gone = aside.join(format!("removed-{:016x}", rand::random::<u64>()));
    match std::fs::rename(folder, &gone) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => std::fs::remove_dir_all(gone),
    }
}
