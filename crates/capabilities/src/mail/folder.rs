//! A folder in which messages are laid down, where there is no mail server.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use switchboard_api::{BoxFuture, Failure};

use super::{Letter, MailCarrier};

/// Writes each message into a file `….eml`, which mail programs open: for a first try, without a mail server.
#[derive(Debug)]
pub struct MailFolder {
    path: PathBuf,
}

impl MailFolder {
    /// The folder; it is made with the first message.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl MailCarrier for MailFolder {
    fn carry<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let name = format!("{}-{:.8}", letter.written().strftime("%Y%m%dT%H%M%SZ"), letter.id());
            let (folder, source) = (self.path.clone(), letter.source().to_vec());
            let path = folder.join(format!("{name}.eml"));
            let shown = path.display().to_string();
            let written = tokio::task::spawn_blocking(move || lay_down(&folder, &path, &name, &source)).await;
            let written = written.unwrap_or_else(|_| Err(io::Error::other("the server is stopping")));
            written.map_err(|error| {
                Failure::unavailable(format!("the message could not be written to a file: {error}"))
            })?;
            Ok(format!(
                "it stands in {shown}, because no mail server is set by `smtp` under `[mail]` in switchboard.toml"
            ))
        })
    }
}

/// Whoever reads the folder finds whole messages alone; nobody but the owner reads them.
fn lay_down(folder: &Path, path: &Path, name: &str, source: &[u8]) -> io::Result<()> {
    let (mut make, mut open) = (DirBuilder::new(), OpenOptions::new());
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    }
    make.recursive(true).create(folder)?;
    let unfinished = folder.join(format!(".{name}.part"));
    let written = open.write(true).create_new(true).open(&unfinished).and_then(|mut file| {
        file.write_all(source)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&unfinished, path));
    if done.is_err() {
        // What is left of it is in nobody's way.
        let _ = fs::remove_file(&unfinished);
    }
    done
}
