//! `switchboard plugin sign`: somebody stands for these bytes.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;
use serde_json::json;
use switchboard_packages::{Bounds, Package, SecretKey, Signature};
use zeroize::Zeroizing;

use super::key_file;
use crate::{hidden_line::hidden_line, output::Output};

/// Signs the file.
///
/// # Errors
/// When it is no package, or the key cannot be used.
pub(super) fn run(file: &Path, key: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let shown = file.display();
    let bytes = fs::read(file).with_context(|| format!("{shown} cannot be read"))?;
    // Nobody stands for what nobody can install.
    let package =
        Package::read(&bytes, &Bounds::default()).with_context(|| format!("{shown} is no right package"))?;
    let text = Zeroizing::new(key_file(key)?);
    let unusable = || format!("{} cannot be used", key.display());
    let password = match SecretKey::is_protected(&text).with_context(unusable)? {
        true => Some(Zeroizing::new(hidden_line(&format!("Password for {}", key.display()))?)),
        false => None,
    };
    let secret = SecretKey::parse(&text, password.as_deref().map(String::as_str)).with_context(unusable)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let signature = Signature::sign(&bytes, &secret, &name, jiff::Timestamp::now())?;
    let target = switchboard_packages::signature_file(file);
    fs::write(&target, signature.text())
        .with_context(|| format!("{} cannot be written", target.display()))?;
    let result = json!({
        "file": shown.to_string(),
        "signature": target.display().to_string(),
        "key": signature.key(),
        "digest": package.digest(),
    });
    output.result(&result, || format!("{}: signed by {}", target.display(), signature.key()));
    Ok(ExitCode::SUCCESS)
}
