//! The files that belong to the repository.

use std::io;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// Every file of the repository that git would keep, hidden ones included.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
    files: Vec<File>,
}

/// One file of a [`Tree`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Where it is, from the root of the repository, with `/` between folders.
    pub path: String,
    /// Where it is on this machine.
    pub location: PathBuf,
}

impl Tree {
    /// The repository that this crate is part of.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn of_this_repository() -> io::Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::read(own.parent().unwrap_or(own))
    }

    /// The repository whose top folder is `root`; what `.gitignore` names is left out.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .git_global(false)
            .parents(false)
            .require_git(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build();
        for entry in walk {
            let entry = entry.map_err(io::Error::other)?;
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let path = inside.to_string_lossy().replace('\\', "/");
            files.push(File { path, location: entry.into_path() });
        }
        files.sort();
        Ok(Self { root: root.to_path_buf(), files })
    }

    /// The repository's top folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All files, by path.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The files whose name ends in `.extension`, and which people of this repository wrote.
    pub fn written(&self, extension: &str) -> impl Iterator<Item = &File> {
        let ending = format!(".{extension}");
        self.files.iter().filter(move |file| file.path.ends_with(&ending) && !file.is_vendored())
    }

    /// Whether there is such a file, or a folder with files in it, at a path from the root.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

impl File {
    /// The text of the file; bytes that are no text are shown as `\u{fffd}`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn text(&self) -> io::Result<String> {
        std::fs::read(&self.location).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether the file was taken from elsewhere and is kept as it came.
    #[must_use]
    pub fn is_vendored(&self) -> bool {
        self.path.split('/').any(|folder| folder == "vendor")
    }

    /// The file's name without its folder.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// The folder that the file is in, from the root; empty at the top.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}
