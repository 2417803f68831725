//! `switchboard plugin push`: a package goes into a registry.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, anyhow};
use serde_json::json;
use switchboard_packages::{Bounds, FetchBounds, Package, Source, fetch, push};

use super::credentials;
use crate::output::{Advise, Output};

/// Pushes the file, with its signature.
///
/// # Errors
/// When it is no package, or the registry does not take it.
pub(super) async fn run(file: &Path, to: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let Source::Oci(reference) = to.parse()? else {
        return Err(anyhow!("`{to}` is no place in a registry"))
            .advise("write oci://registry/name:tag; other places are written to by their own means");
    };
    let bounds = FetchBounds::default();
    let shown = file.display();
    let fetched = fetch(&Source::Path(file.to_owned()), None, &bounds).await?;
    let package = Package::read(&fetched.bytes, &Bounds::default())
        .with_context(|| format!("{shown} is no right package"))?;
    if fetched.signature.is_none() {
        output.note("It is not signed: `switchboard plugin sign` says who stands for it.");
    }
    let now = jiff::Timestamp::now();
    let asks = credentials();
    let signature = fetched.signature.as_ref();
    let pushed = push(&reference, &package, fetched.bytes, signature, asks.as_ref(), now, &bounds).await;
    let pushed = pushed.with_context(|| format!("{shown} was not pushed"))?;
    let result = json!({
        "source": pushed.source,
        "manifest": pushed.manifest,
        "package": pushed.package,
        "signed": fetched.signature.is_some(),
    });
    output.result(&result, || {
        format!("{}\nartifact {}\npackage  {}", pushed.source, pushed.manifest, pushed.package)
    });
    Ok(ExitCode::SUCCESS)
}
