//! `switchboard plugin pack`: a folder becomes a file.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde_json::json;
use switchboard_packages::{Agreement, Bounds, EXTENSION, Package, Packed};

use super::{in_bytes, inspect};
use crate::{
    archive::sync_folder,
    output::{self, Output},
    scratch::Scratch,
};

/// Packs the folder.
///
/// # Errors
/// What is wrong with it, or when the file cannot be written.
pub(super) fn run(folder: &Path, out: Option<&Path>, output: &Output) -> anyhow::Result<ExitCode> {
    let (file, package) = packed(folder, out)?;
    let wanting = inspect::wanting(&Agreement::of(package.manifest(), package.component()));
    let result = json!({
        "file": file.display().to_string(),
        "id": package.manifest().id,
        "version": package.manifest().version,
        "size": package.size(),
        "digest": package.digest(),
        "files": package.files().len(),
        "wanting": wanting,
    });
    output.result(&result, || {
        let mut lines = vec![format!(
            "{}: {} {}, {} files, {}\n{}",
            file.display(),
            package.manifest().id,
            package.manifest().version,
            package.files().len(),
            in_bytes(package.size()),
            package.digest(),
        )];
        lines.extend(inspect::told(&wanting, output));
        lines.join("\n")
    });
    Ok(if wanting.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(output::FOUND_WANTING) })
}

/// Packs the folder into a file; gives which, and the package.
///
/// # Errors
/// What is wrong with it, or when the file cannot be written.
pub(super) fn packed(folder: &Path, out: Option<&Path>) -> anyhow::Result<(PathBuf, Package)> {
    let packed = switchboard_packages::pack(folder, &Bounds::default())
        .with_context(|| format!("{} cannot be packed", folder.display()))?;
    let file = target(out, &packed.package.file_name());
    write(&packed, &file).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok((file, packed.package))
}

/// Where the package goes. A name that ends as those of packages do is a file, whatever else is no folder as well.
fn target(out: Option<&Path>, name: &str) -> PathBuf {
    match out {
        None => PathBuf::from(name),
        Some(out) => {
            let is_file = out.extension().is_some_and(|it| it == EXTENSION) && !out.is_dir();
            if is_file { out.to_owned() } else { out.join(name) }
        }
    }
}

/// Writes the file beside its place, and puts it there in one step.
fn write(packed: &Packed, file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let partial = Scratch::beside(file, "partial");
    fs::write(partial.path(), &packed.bytes)?;
    fs::File::open(partial.path())?.sync_all()?;
    fs::rename(partial.path(), file)?;
    partial.keep();
    sync_folder(folder)?;
    Ok(())
}
