//! `switchboard plugin build`: a folder of source becomes one that a server loads.

use std::{path::Path, process::ExitCode};

use serde_json::json;
use switchboard_authoring::{Built, Effort, Source, build, output_of};

use crate::output::{Output, Tone};

/// Builds the plugin. No server is needed.
///
/// # Errors
/// What is wrong with the source, or lacks on this machine.
pub(crate) fn run(folder: &Path, into: Option<&Path>, output: &Output) -> anyhow::Result<ExitCode> {
    let source = Source::open(folder)?;
    let manifest = source.manifest();
    output.note(&format!("building {} {} …", manifest.id, manifest.version));
    let target = into.map(Path::to_owned).unwrap_or_else(|| output_of(&source));
    let Built { folder, component, size, language } = build(&source, &target, Effort::Full)?;
    let answer = json!({
        "id": manifest.id,
        "version": manifest.version,
        "language": language,
        "folder": folder,
        "component": component,
        "size": size,
    });
    output.result(&answer, || {
        let built = output.paint(Tone::Good, "built");
        let kilobytes = size.div_ceil(1024);
        let (id, folder) = (&manifest.id, folder.display());
        format!("{built} {id} {}: {folder}, a component of {kilobytes} KiB\n\nTo install it, copy that folder to plugins/{id} in a server's data.", manifest.version)
    });
    Ok(ExitCode::SUCCESS)
}
