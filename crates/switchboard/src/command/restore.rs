//! `switchboard restore`: what a backup holds, unpacked and checked beside the data folder, then put in its place.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use serde_json::json;

use crate::{
    archive::{self, Index, sync_folder},
    client::is_served,
    command::backup,
    compose::own_version,
    data_folder::{DataFolder, Lock, create_private},
    operator_settings::OperatorSettings,
    output::{Advise, Output},
    scratch::Scratch,
};

/// Brings back what the file holds.
///
/// # Errors
/// When a server runs on the folder, it is not empty, or the file is no whole backup; then everything is as it was.
pub(crate) async fn run(
    folder: &DataFolder,
    file: &Path,
    replace: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    if is_served(folder).await {
        let holder = folder.holder().map_or_else(String::new, |pid| format!(", process {pid}"));
        return Err(anyhow!("a server runs on the data folder {}{holder}", folder.root().display()))
            .advise("stop it first, and start it again afterwards");
    }
    if let Ok(OperatorSettings { database: Some(_), .. }) = OperatorSettings::read(folder.root()) {
        return Err(anyhow!("the databases of {} are in PostgreSQL, and a backup holds those of SQLite", folder.root().display()))
            .advise(
                "bring back what pg_dump saved with pg_restore; to look at the backup, name another folder with --data, and \
                 leave SWITCHBOARD_DATABASE out",
            );
    }
    let root = whole_path(folder.root())?;
    let before = Before::look(&root)?;
    if before.holds_something && !replace {
        return Err(anyhow!("the data folder {} is not empty", root.display()))
            .advise("name another with --data, or say --replace: what is there now is kept beside it");
    }
    let parent = root.parent().ok_or_else(|| anyhow!("{} has nothing beside it", root.display()))?;
    create_private(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let fresh = Scratch::beside(&root, "restore");
    let index = unpack(file, fresh.path(), output).await?;
    keep_keys(&root, fresh.path())?;
    let kept = put_in_place(&root, fresh, &before)?;
    drop(before);

    let result = json!({
        "data": root,
        "made_at": index.made_at,
        "made_by": index.version,
        "files": index.files.len(),
        "kept": kept,
    });
    output.result(&result, || {
        let mut lines = vec![format!("{} is as it was at {}, checked.", root.display(), index.made_at)];
        lines.extend(kept.iter().map(|kept| format!("What was there before is in {}.", kept.display())));
        lines.push(format!("switchboard serve --data {} starts it.", root.display()));
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// The folder itself where the path is a link to it: what is renamed is the folder, and beside it is room for another.
fn whole_path(root: &Path) -> anyhow::Result<PathBuf> {
    let whole = if root.exists() { root.canonicalize() } else { std::path::absolute(root) };
    whole.with_context(|| format!("the data folder {} cannot be made out", root.display()))
}

/// What stands where the data folder goes. While this lives no server starts there.
struct Before {
    _lock: Option<Lock>,
    exists: bool,
    holds_something: bool,
}

impl Before {
    fn look(root: &Path) -> anyhow::Result<Self> {
        if !root.exists() {
            return Ok(Self { _lock: None, exists: false, holds_something: false });
        }
        let folder = DataFolder::new(root);
        let lock = folder.take()?;
        let holds_something = folder
            .holds_something()
            .with_context(|| format!("the data folder {} cannot be read", root.display()))?;
        Ok(Self { _lock: Some(lock), exists: true, holds_something })
    }
}

async fn unpack(file: &Path, into: &Path, output: &Output) -> anyhow::Result<Index> {
    create_private(into).with_context(|| format!("{} cannot be made", into.display()))?;
    let size = fs::metadata(file).with_context(|| format!("{} cannot be opened", file.display()))?.len();
    let bar = output.progress(size, true).with_message("unpacking");
    let index = archive::read(file, Some(into), &bar)?;
    bar.finish_and_clear();
    let (made_by, own) = (index.version.parse::<semver::Version>(), own_version()?);
    if made_by.is_ok_and(|made_by| made_by > own) {
        return Err(anyhow!(
            "{} was made by Switchboard {}, and this is {own}",
            file.display(),
            index.version
        ))
        .advise("restore it with that version, or a newer one");
    }
    let databases = DataFolder::new(into).databases();
    backup::check(&databases, output)
        .await
        .with_context(|| format!("{} is no whole backup", file.display()))?;
    sync_below(into).with_context(|| format!("{} cannot be written to the disk", into.display()))?;
    Ok(index)
}

/// The keys that are here stay: no backup holds keys, and what it holds is sealed with those of this server, or with none that
/// would be here otherwise.
fn keep_keys(root: &Path, fresh: &Path) -> anyhow::Result<()> {
    let (here, there) = (DataFolder::new(root).keys(), DataFolder::new(fresh).keys());
    if !here.is_file() {
        return Ok(());
    }
    let failed = || format!("the keys in {} cannot be copied", here.display());
    let mut file = archive::create_private_file(&there).with_context(failed)?;
    io::copy(&mut fs::File::open(&here).with_context(failed)?, &mut file).with_context(failed)?;
    file.sync_all().with_context(failed)
}

/// Makes every name in a folder and in those below it survive a power cut.
fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Puts the fresh folder in the place of the data folder; gives where that one is now, if it held something.
fn put_in_place(root: &Path, fresh: Scratch, before: &Before) -> anyhow::Result<Option<PathBuf>> {
    let failed = || format!("what was unpacked cannot be put in the place of {}", root.display());
    if !before.exists {
        fs::rename(fresh.path(), root).with_context(failed)?;
        fresh.keep();
        settle(root).with_context(failed)?;
        return Ok(None);
    }
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let when = jiff::Timestamp::now().strftime("%Y-%m-%d-%H%M%S");
    let kept = root.with_file_name(format!("{name}.before-restore-{when}"));
    let kept = swap(root, fresh.path(), kept).with_context(failed)?;
    fresh.keep();
    settle(root).with_context(failed)?;
    if before.holds_something {
        return Ok(Some(kept));
    }
    // It was empty; what could not be removed is in nobody's way.
    let _ = fs::remove_dir_all(&kept);
    Ok(None)
}

fn settle(root: &Path) -> io::Result<()> {
    root.parent().map_or(Ok(()), sync_folder)
}

/// The fresh folder becomes the root; gives where what was the root is now. Where the file system can do that, one of both is
/// the root at every moment.
///
/// An error leaves the fresh folder where it is: its path never holds what was the root then.
fn swap(root: &Path, fresh: &Path, kept: PathBuf) -> io::Result<PathBuf> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, fresh, CWD, root, RenameFlags::EXCHANGE).is_ok() {
            // Under the other name if it can have that; it is whole under this one, too.
            let named = fs::rename(fresh, &kept);
            return Ok(if named.is_ok() { kept } else { fresh.to_owned() });
        }
    }
    fs::rename(root, &kept)?;
    match fs::rename(fresh, root) {
        Ok(()) => Ok(kept),
        Err(error) => match fs::rename(&kept, root) {
            Ok(()) => Err(error),
            Err(_) => {
                let says = format!("{error}; what was there is in {} now, rename it back", kept.display());
                Err(io::Error::new(error.kind(), says))
            }
        },
    }
}
