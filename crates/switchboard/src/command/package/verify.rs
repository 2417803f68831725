//! `switchboard plugin verify`: whether the signature beside a package is right.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;
use serde_json::json;
use switchboard_packages::{Error, Signature, Signed, TrustedKeys, signature_file};

use super::{plain, public_key};
use crate::{
    data_folder::DataFolder,
    output::{self, Output, Tone},
};

/// Checks the signature of the file: by the key that is given, else by those that are trusted.
///
/// # Errors
/// When a file cannot be read, or a key is none.
pub(super) fn run(
    folder: &DataFolder,
    file: &Path,
    key: Option<&str>,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let shown = file.display();
    let bytes = fs::read(file).with_context(|| format!("{shown} cannot be read"))?;
    let found = match key {
        Some(key) => {
            let key = public_key(key)?;
            signature(file)?.and_then(|signature| signature.verify(&bytes, &key))
        }
        None => {
            let trusted = TrustedKeys::open(&folder.trusted_keys())?;
            signature(file)?.and_then(|signature| match trusted.who_signed(&bytes, &signature)? {
                Some((_, signed)) => Ok(signed),
                None => Err(Error::NotTrusted { key: signature.key() }),
            })
        }
    };
    Ok(tell(&shown.to_string(), found, output))
}

/// The signature beside a file, or why it is none.
fn signature(file: &Path) -> anyhow::Result<Result<Signature, Error>> {
    let path = signature_file(file);
    match fs::read(&path) {
        Ok(bytes) => Ok(Signature::parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Err(Error::NotSigned)),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn tell(file: &str, found: Result<Signed, Error>, output: &Output) -> ExitCode {
    match found {
        Ok(Signed { key, comment }) => {
            let result = json!({ "file": file, "ok": true, "key": key, "comment": comment });
            output.result(&result, || {
                let comment = plain(&comment);
                format!("{} {file}: signed by {key}: {comment}", output.paint(Tone::Good, "ok"))
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            let result = json!({ "file": file, "ok": false, "why": error.to_string() });
            output.result(&result, || format!("{} {file}: {error}", output.paint(Tone::Bad, "not right")));
            ExitCode::from(output::FOUND_WANTING)
        }
    }
}
