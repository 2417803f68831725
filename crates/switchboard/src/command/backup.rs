//! `switchboard backup`: everything in one file, also while the server runs.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use serde_json::json;
use switchboard_kernel::KERNEL_ROOM;
use switchboard_store::{Options as StoreOptions, Store};

use crate::{
    archive::{self, Index, Writer, create_private_file, files_below, sync_folder},
    client::is_served,
    data_folder::{DataFolder, PLUGINS_LOCK, TRUSTED_KEYS, create_private},
    operator_settings,
    output::{Advise, Output},
    scratch::Scratch,
};

/// Writes the backup beside its place, reads it back, and puts it there in one step.
///
/// # Errors
/// When a database is damaged, or something cannot be read or written; then there is no backup, and an older one of the
/// name is as it was.
pub(crate) async fn run(
    folder: &DataFolder,
    file: Option<PathBuf>,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let shown = folder.root().display();
    if !folder.root().is_dir() {
        return Err(anyhow!("there is no data folder {shown}")).advise("name another with --data");
    }
    if operator_settings::OperatorSettings::read(folder.root())?.database.is_some() {
        return Err(anyhow!("the databases are in PostgreSQL, which makes copies by its own tools")).advise(
            "save the database with pg_dump, and the data folder beside it; docs/databases.md shows how",
        );
    }
    if !folder.databases().join(format!("{KERNEL_ROOM}.sqlite")).is_file() {
        return Err(anyhow!("there is no database in {shown}"))
            .advise("name the data folder of a server with --data");
    }
    // A server that runs stays; where none does, none starts before this is done.
    let lock = match is_served(folder).await {
        true => None,
        false => Some(folder.take()?),
    };
    let made_at = jiff::Timestamp::now();
    let target = target(file, made_at)?;
    let staging = Staging::open(folder)?;
    let partial = Scratch::beside(&target, "partial");
    let archive = create_private_file(partial.path());
    let archive = archive.with_context(|| format!("the backup {} cannot be written", target.display()))?;

    let databases = copy_everything(folder, &staging, lock.is_some(), output).await?;
    check(&staging.databases(), output).await.context("the copy of a database is not whole")?;
    let made_at = made_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let index = write(archive, folder, &staging, made_at, output)
        .with_context(|| format!("the backup {} cannot be written", target.display()))?;
    let size = verify(partial.path(), output).context("the backup that was written cannot be read back")?;
    put_in_place(partial, &target)?;

    let blobs = index.files.iter().filter(|file| file.path.starts_with("blobs/")).count();
    let result = json!({
        "file": target,
        "size": size,
        "made_at": index.made_at,
        "databases": databases,
        "blobs": blobs,
        "content_size": index.size(),
    });
    output.result(&result, || {
        format!(
            "{}: {} of {databases} databases and {blobs} blobs, checked.\nswitchboard restore {} brings it back.",
            target.display(),
            indicatif::HumanBytes(size),
            target.display()
        )
    });
    output.note(
        "The keys that secrets are sealed with are not in it: keep a copy of the key file apart from it.",
    );
    drop(staging);
    drop(lock);
    Ok(ExitCode::SUCCESS)
}

/// Where the backup goes: a file, a folder in which it gets a name, or here.
fn target(file: Option<PathBuf>, made_at: jiff::Timestamp) -> anyhow::Result<PathBuf> {
    let name = format!("switchboard-{}.tar.zst", made_at.strftime("%Y-%m-%d-%H%M%S"));
    let target = match file {
        None => PathBuf::from(name),
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file,
    };
    // Beside a path that ends in `..` there is nothing.
    if target.file_name().is_none() {
        return Err(anyhow!("{} names no file", target.display())).advise("name the file to write");
    }
    std::path::absolute(&target).with_context(|| format!("{} cannot be made out", target.display()))
}

/// The folder within the data folder, and so on its disk, where copies are gathered. One backup at a time has it.
struct Staging {
    folder: Scratch,
    _lock: File,
}

impl Staging {
    fn open(data: &DataFolder) -> anyhow::Result<Self> {
        let root = data.staging();
        let shown = root.display().to_string();
        create_private(&root).with_context(|| format!("the folder {shown} cannot be made"))?;
        let lock = File::create(root.join("lock"))
            .with_context(|| format!("the folder {shown} cannot be written to"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(anyhow!("another backup of this data folder is being made"))
                    .advise("wait until it is done");
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{shown} cannot be locked"));
            }
        }
        // What a backup left that was killed goes first.
        let folder = Scratch::at(root.join("copy"));
        create_private(folder.path()).with_context(|| format!("the folder {shown} cannot be written to"))?;
        Ok(Self { folder, _lock: lock })
    }

    fn databases(&self) -> PathBuf {
        self.folder.path().join("db")
    }

    fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }
}

/// Copies every database, and gathers the blobs before and after that: what a database names was there at the moment of its
/// copy, so that one of the two has seen it, whatever is added and removed meanwhile.
async fn copy_everything(
    data: &DataFolder,
    staging: &Staging,
    is_alone: bool,
    output: &Output,
) -> anyhow::Result<usize> {
    gather_blobs(&data.blobs(), &staging.blobs())?;
    let store = Store::open_sqlite(&data.databases(), StoreOptions::default())?;
    let rooms = store.rooms().await?;
    create_private(&staging.databases())
        .with_context(|| format!("{} cannot be made", staging.databases().display()))?;
    let bar = output.progress(rooms.len() as u64, false).with_message("copying databases");
    for name in &rooms {
        let room =
            store.room(name).await.with_context(|| format!("the database `{name}` cannot be opened"))?;
        let copy = staging.databases().join(format!("{name}.sqlite"));
        room.snapshot(&copy).await.with_context(|| format!("the database `{name}` cannot be copied"))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    if is_alone {
        store.close().await;
    }
    gather_blobs(&data.blobs(), &staging.blobs())?;
    Ok(rooms.len())
}

/// Gives every blob a second name below the other folder: that costs no space, and keeps what is removed meanwhile.
fn gather_blobs(from: &Path, to: &Path) -> anyhow::Result<()> {
    let files = files_below(from).with_context(|| format!("{} cannot be read", from.display()))?;
    // One that is still being stored has a name with `#`, which no blob's has.
    for file in files.iter().filter(|file| !file.to_string_lossy().contains('#')) {
        let (source, link) = (from.join(file), to.join(file));
        let failed = || format!("the blob {} cannot be copied", source.display());
        if let Some(folder) = link.parent() {
            create_private(folder).with_context(failed)?;
        }
        let linked = match fs::hard_link(&source, &link) {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
                // Not every file system has second names.
                fs::copy(&source, &link).map(drop)
            }
            linked => linked,
        };
        match linked {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
                return Err(error).with_context(failed);
            }
            // It was removed meanwhile, or gathered before.
            _ => {}
        }
    }
    Ok(())
}

/// Reads all of every database in a folder in which nobody else works.
///
/// # Errors
/// Names the first that is not whole.
pub(crate) async fn check(databases: &Path, output: &Output) -> anyhow::Result<()> {
    let store = Store::open_sqlite(databases, StoreOptions::default())?;
    let rooms = store.rooms().await?;
    let bar = output.progress(rooms.len() as u64, false).with_message("checking databases");
    for name in &rooms {
        store.room(name).await?.check().await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    // Leaves one file a database, without journals.
    store.close().await;
    Ok(())
}

fn write(
    archive: File,
    data: &DataFolder,
    staging: &Staging,
    made_at: String,
    output: &Output,
) -> anyhow::Result<Index> {
    let mut files = Vec::new();
    let folders = [
        (staging.databases(), "db"),
        (staging.blobs(), "blobs"),
        (data.plugins(), "plugins"),
        (data.trusted_keys(), TRUSTED_KEYS),
    ];
    for (folder, name) in folders {
        let below = files_below(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for path in below {
            let plain = path
                .to_str()
                .ok_or_else(|| anyhow!("the name of {} is no UTF-8", folder.join(&path).display()))?;
            files.push((format!("{name}/{plain}"), folder.join(&path)));
        }
    }
    for name in [operator_settings::FILE, PLUGINS_LOCK] {
        let path = data.root().join(name);
        if path.is_file() {
            files.push((name.to_owned(), path));
        }
    }
    let size =
        files.iter().filter_map(|(_, source)| fs::metadata(source).ok()).map(|about| about.len()).sum();
    let bar = output.progress(size, true).with_message("writing");
    let mut writer = Writer::new(archive, env!("CARGO_PKG_VERSION"), made_at)?;
    for (path, source) in &files {
        writer.append(path, source, &bar)?;
    }
    let index = writer.finish()?;
    bar.finish_and_clear();
    Ok(index)
}

/// Reads the archive back; gives its size.
fn verify(archive: &Path, output: &Output) -> anyhow::Result<u64> {
    let size = fs::metadata(archive)?.len();
    let bar = output.progress(size, true).with_message("checking");
    archive::read(archive, None, &bar)?;
    bar.finish_and_clear();
    Ok(size)
}

fn put_in_place(partial: Scratch, target: &Path) -> anyhow::Result<()> {
    let failed = || format!("the backup cannot be put in its place, {}", target.display());
    fs::rename(partial.path(), target).with_context(failed)?;
    partial.keep();
    target.parent().map_or(Ok(()), sync_folder).with_context(failed)
}
