//! `switchboard manifest`: check what plugins declare, without running any.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde_json::{Value as Json, json};
use switchboard_kernel::MANIFEST_NAMES;
use switchboard_manifest::Manifest;

use crate::{
    cli,
    output::{self, Advise, Output, Tone},
};

/// A folder below the one that was named is looked into down to this depth.
const DEEPEST: usize = 8;

pub(crate) fn run(what: &cli::Manifest, output: &Output) -> anyhow::Result<ExitCode> {
    match what {
        cli::Manifest::Check { paths } => check(paths, output),
        cli::Manifest::Schema => {
            let schema = switchboard_manifest::schema();
            output.result(&schema, || format!("{schema:#}"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What is known of one manifest.
struct Checked {
    file: PathBuf,
    /// The plugin and its version, or the report of every fault with the same as JSON.
    found: Result<(String, String), (String, Json)>,
}

fn check(paths: &[PathBuf], output: &Output) -> anyhow::Result<ExitCode> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files)?;
    }
    files.sort();
    files.dedup();
    let checked = files.into_iter().map(check_one).collect::<anyhow::Result<Vec<_>>>()?;
    let faulty = checked.iter().filter(|checked| checked.found.is_err()).count();
    let json = Json::Array(checked.iter().map(Checked::as_json).collect());
    output.result(&json, || {
        let mut lines: Vec<String> = checked.iter().map(|checked| checked.as_text(output)).collect();
        if checked.len() > 1 {
            lines.push(match faulty {
                0 => format!("\nAll {} manifests are right.", checked.len()),
                1 => format!("\n1 of {} manifests is not right.", checked.len()),
                _ => format!("\n{faulty} of {} manifests are not right.", checked.len()),
            });
        }
        lines.join("\n")
    });
    Ok(if faulty == 0 { ExitCode::SUCCESS } else { ExitCode::from(output::FOUND_WANTING) })
}

impl Checked {
    fn as_json(&self) -> Json {
        let file = self.file.display().to_string();
        match &self.found {
            Ok((id, version)) => json!({ "file": file, "ok": true, "id": id, "version": version }),
            Err((_, faults)) => json!({ "file": file, "ok": false, "faults": faults }),
        }
    }

    fn as_text(&self, output: &Output) -> String {
        match &self.found {
            Ok((id, version)) => {
                format!("{} {}: {id} {version}", output.paint(Tone::Good, "ok"), self.file.display())
            }
            Err((report, _)) => report.clone(),
        }
    }
}

/// The manifests at a path, which stands for a manifest, a plugin's folder, or a folder of those.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let shown = path.display();
    let about = fs::metadata(path).with_context(|| format!("{shown} cannot be looked at"))?;
    if about.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let before = files.len();
    find_below(path, files, DEEPEST)
        .with_context(|| format!("the folder {shown} cannot be looked through"))?;
    if files.len() == before {
        let names = MANIFEST_NAMES.join("`, `");
        let error = anyhow::anyhow!("there is no manifest in {shown}");
        return Err(error).advise(format!("name a folder that holds one of `{names}`, at any depth"));
    }
    Ok(())
}

fn find_below(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> std::io::Result<()> {
    let own = MANIFEST_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    if let Some(manifest) = own {
        // What stands below a plugin's manifest is the plugin's affair.
        files.push(manifest);
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links are not followed: one that leads upwards would be followed for ever.
        if !is_hidden && entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    folders.iter().try_for_each(|folder| find_below(folder, files, depth - 1))
}

fn check_one(file: PathBuf) -> anyhow::Result<Checked> {
    let shown = file.display().to_string();
    let bytes = fs::read(&file).with_context(|| format!("{shown} cannot be read"))?;
    let found = match String::from_utf8(bytes) {
        Err(error) => {
            let message = format!("byte {} is no UTF-8", error.utf8_error().valid_up_to() + 1);
            Err((format!("error: {message}\n --> {shown}\n"), json!([{ "message": message }])))
        }
        Ok(text) => match Manifest::read(&text) {
            Ok(manifest) => Ok((manifest.id.to_string(), manifest.version.to_string())),
            Err(faults) => Err((faults.report(&shown), json!(faults))),
        },
    };
    Ok(Checked { file, found })
}
