//! The file that a backup is: a zstd-compressed tar archive that says of itself what it must hold.
//!
//! It begins with [`MARK`], and ends with an index of every file before it, with size and SHA-256; an archive that was cut
//! off has no index, and one that was damaged does not match it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, anyhow, bail, ensure};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    data_folder::{PLUGINS_LOCK, TRUSTED_KEYS, create_private},
    operator_settings,
    output::Advise,
};

/// The first entry's name. Its content is [`FORMAT`].
const MARK: &str = "switchboard-backup";
/// The last entry's name.
const INDEX: &str = "index.json";
/// What this program writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// An index is at most this large, in bytes.
const LARGEST_INDEX: u64 = 256 << 20;
/// Folders whose files an archive may hold.
const FOLDERS: [&str; 4] = ["db", "blobs", "plugins", TRUSTED_KEYS];
/// Files beside them that it may hold.
const FILES: [&str; 2] = [operator_settings::FILE, PLUGINS_LOCK];
/// zstd's own default: it keeps up with a disk, and databases shrink to a fifth.
const LEVEL: i32 = 3;

/// What an archive holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Index {
    /// The version of the program that wrote it.
    pub(crate) version: String,
    /// When it was begun.
    pub(crate) made_at: String,
    /// Every file.
    pub(crate) files: Vec<Indexed>,
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Indexed {
    /// Its path in the data folder.
    pub(crate) path: String,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

impl Index {
    /// How many bytes the files have together.
    pub(crate) fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// An archive that is being written.
pub(crate) struct Writer {
    tar: tar::Builder<zstd::Encoder<'static, File>>,
    index: Index,
}

impl Writer {
    /// Begins an archive in an empty file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn new(file: File, version: &str, made_at: String) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(file, LEVEL)?;
        encoder.include_checksum(true)?;
        let index = Index { version: version.to_owned(), made_at, files: Vec::new() };
        let mut writer = Self { tar: tar::Builder::new(encoder), index };
        writer.append_text(MARK, format!("{FORMAT}\n").as_bytes())?;
        Ok(writer)
    }

    /// Adds a file under a path of the data folder.
    ///
    /// # Errors
    /// When it cannot be read or written, or changes meanwhile.
    pub(crate) fn append(&mut self, path: &str, source: &Path, bar: &ProgressBar) -> anyhow::Result<()> {
        let shown = source.display();
        let file = File::open(source).with_context(|| format!("{shown} cannot be read"))?;
        let about = file.metadata().with_context(|| format!("{shown} cannot be looked at"))?;
        let size = about.len();
        let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let mut header = header(size);
        header.set_mtime(modified.unwrap_or_default().as_secs());
        let mut counted = Counted::new(file.take(size), bar);
        self.tar
            .append_data(&mut header, path, &mut counted)
            .with_context(|| format!("{shown} cannot be copied"))?;
        let (read, sha256) = counted.finish();
        ensure!(read == size, "{shown} became shorter while it was copied");
        self.index.files.push(Indexed { path: path.to_owned(), size, sha256 });
        Ok(())
    }

    /// Ends the archive, and waits until it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<Index> {
        let index = serde_json::to_vec_pretty(&self.index)?;
        self.append_text(INDEX, &index)?;
        let file = self.tar.into_inner()?.finish()?;
        file.sync_all()?;
        Ok(self.index)
    }

    fn append_text(&mut self, path: &str, text: &[u8]) -> io::Result<()> {
        self.tar.append_data(&mut header(text.len() as u64), path, text)
    }
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    header
}

/// Reads an archive from end to end, and holds it against its index; with a folder that is empty, unpacks it there. The bar
/// moves with what was read of the archive itself.
///
/// # Errors
/// When it is none, is not whole, holds what it must not, or cannot be unpacked. What was unpacked then is of no use.
pub(crate) fn read(archive: &Path, into: Option<&Path>, bar: &ProgressBar) -> anyhow::Result<Index> {
    let shown = archive.display();
    let file = File::open(archive).with_context(|| format!("{shown} cannot be opened"))?;
    let decoder =
        zstd::Decoder::new(bar.wrap_read(file)).with_context(|| format!("{shown} cannot be read"))?;
    let mut tar = tar::Archive::new(BufReader::new(decoder));
    let index = read_entries(&mut tar, into).with_context(|| format!("{shown} is no whole backup"))?;
    // The checksum of all that was compressed stands at the very end.
    io::copy(&mut tar.into_inner(), &mut io::sink())
        .with_context(|| format!("{shown} is damaged at its end"))?;
    Ok(index)
}

fn read_entries(tar: &mut tar::Archive<impl Read>, into: Option<&Path>) -> anyhow::Result<Index> {
    let mut entries = tar.entries()?;
    let first = entries.next().transpose().ok().flatten();
    match first {
        Some(mut first) if first.path_bytes().as_ref() == MARK.as_bytes() => check_format(&mut first)?,
        _ => {
            return Err(anyhow!("it does not begin as one"))
                .advise("name a file that `switchboard backup` wrote, and that was not cut off");
        }
    }
    let mut found: HashMap<String, (u64, String)> = HashMap::new();
    let mut index: Option<Index> = None;
    for entry in entries {
        let mut entry = entry?;
        ensure!(index.is_none(), "something follows its index");
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .context("it holds a file whose name is no UTF-8")?;
        if path == INDEX {
            ensure!(entry.size() <= LARGEST_INDEX, "its index is too large");
            index = Some(serde_json::from_reader(&mut entry).context("its index cannot be read")?);
            continue;
        }
        ensure!(entry.header().entry_type().is_file(), "`{path}` in it is no plain file");
        let place = inside(&path)?;
        let modified = entry.header().mtime().unwrap_or_default();
        let (size, sha256) = match into {
            Some(folder) => unpack(&mut entry, &folder.join(place), modified)?,
            None => {
                let bar = ProgressBar::hidden();
                let mut counted = Counted::new(&mut entry, &bar);
                io::copy(&mut counted, &mut io::sink())?;
                counted.finish()
            }
        };
        let is_new = found.insert(path.clone(), (size, sha256)).is_none();
        ensure!(is_new, "it holds `{path}` twice");
    }
    let index = index.context("it ends before its index")?;
    compare(&index, found)?;
    Ok(index)
}

fn check_format(mark: &mut impl Read) -> anyhow::Result<()> {
    let mut text = String::new();
    mark.take(64).read_to_string(&mut text)?;
    let format: u32 = text.trim().parse().context("the number of its format cannot be read")?;
    if format > FORMAT {
        return Err(anyhow!("it is of format {format}, and this program reads up to {FORMAT}"))
            .advise("restore it with a newer Switchboard");
    }
    Ok(())
}

fn compare(index: &Index, mut found: HashMap<String, (u64, String)>) -> anyhow::Result<()> {
    for file in &index.files {
        let Some((size, sha256)) = found.remove(&file.path) else {
            bail!("`{}` is missing in it", file.path)
        };
        ensure!(size == file.size && sha256 == file.sha256, "`{}` in it is damaged", file.path);
    }
    match found.keys().next() {
        Some(path) => bail!("`{path}` in it is not in its index"),
        None => Ok(()),
    }
}

/// The place in the data folder that a path in an archive stands for. One that leads out of it, or to where no backup puts
/// anything, is refused.
fn inside(path: &str) -> anyhow::Result<PathBuf> {
    let place = PathBuf::from(path);
    let is_plain = place.components().all(|part| matches!(part, Component::Normal(_)));
    let first = place.components().next().and_then(|part| part.as_os_str().to_str());
    let is_known = first.is_some_and(|first| FOLDERS.contains(&first)) && place.components().count() > 1;
    ensure!(is_plain && (is_known || FILES.contains(&path)), "`{path}` has no place in a data folder");
    Ok(place)
}

fn unpack(entry: &mut impl Read, place: &Path, modified: u64) -> anyhow::Result<(u64, String)> {
    let shown = place.display();
    let failed = || format!("{shown} cannot be written");
    if let Some(folder) = place.parent() {
        create_private(folder).with_context(failed)?;
    }
    let mut file = File::create_new(place).with_context(failed)?;
    let bar = ProgressBar::hidden();
    let mut counted = Counted::new(entry, &bar);
    io::copy(&mut counted, &mut file).with_context(failed)?;
    // The time is a courtesy to caches.
    let _ = file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified));
    file.sync_all().with_context(failed)?;
    Ok(counted.finish())
}

/// Counts and hashes what passes.
struct Counted<'a, R> {
    inner: R,
    read: u64,
    hash: Sha256,
    bar: &'a ProgressBar,
}

impl<'a, R: Read> Counted<'a, R> {
    fn new(inner: R, bar: &'a ProgressBar) -> Self {
        Self { inner, read: 0, hash: Sha256::new(), bar }
    }

    fn finish(self) -> (u64, String) {
        let hash: [u8; 32] = self.hash.finalize().into();
        let hexadecimal = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        (self.read, hexadecimal)
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.read += count as u64;
        self.bar.inc(count as u64);
        Ok(count)
    }
}

/// Every plain file below a folder, by its path from there, in order. Links are not followed. None where there is no folder.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let entries = match fs::read_dir(folder.join(&relative)) {
            Ok(entries) => entries,
            // It may be removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = relative.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Makes the names in a folder survive a power cut.
///
/// # Errors
/// When the folder cannot be opened or written.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a file that only its owner may read.
///
/// # Errors
/// When it is there already, or cannot be made.
pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use indicatif::ProgressBar;

    use super::{Writer, create_private_file, inside, read};

    fn archive(folder: &std::path::Path) -> std::path::PathBuf {
        let (file, source) = (folder.join("a.tar.zst"), folder.join("source"));
        // Long enough, and varied enough, that a cut or a changed byte falls into its middle.
        let content: Vec<u8> =
            (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        fs::write(&source, content).unwrap();
        let mut writer = Writer::new(create_private_file(&file).unwrap(), "1.0.0", "now".to_owned()).unwrap();
        writer.append("blobs/clips/1/media/7", &source, &ProgressBar::hidden()).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = archive(folder.path());
        let into = folder.path().join("into");
        let index = read(&file, Some(&into), &ProgressBar::hidden()).unwrap();
        assert_eq!(index.files.len(), 1);
        let (before, after) = (folder.path().join("source"), into.join("blobs/clips/1/media/7"));
        assert!(fs::read(before).unwrap() == fs::read(after).unwrap());
    }

    #[test]
    fn one_that_was_cut_off_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let whole = fs::read(archive(folder.path())).unwrap();
        let other = folder.path().join("other");
        for length in [0, 1, 10, whole.len() / 2, whole.len() - 1] {
            fs::write(&other, &whole[..length]).unwrap();
            assert!(read(&other, None, &ProgressBar::hidden()).is_err(), "{length} of {} bytes", whole.len());
        }
        for place in [20, whole.len() / 3, whole.len() - 2] {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x40;
            fs::write(&other, damaged).unwrap();
            assert!(read(&other, None, &ProgressBar::hidden()).is_err(), "byte {place} changed");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_data_folder() {
        for good in [
            "db/kernel.sqlite",
            "blobs/clips/1/media/7",
            "plugins/a/manifest.yaml",
            "switchboard.toml",
            "trusted_keys/ada.pub",
            "plugins.lock",
        ] {
            assert!(inside(good).is_ok(), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "db", "db/../../x", "../x", "lock", "control.sock", "other/x", "./db/x"]
        {
            assert!(inside(bad).is_err(), "{bad}");
        }
    }
}
