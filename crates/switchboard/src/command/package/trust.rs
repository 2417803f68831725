//! `switchboard plugin trust`: whose signatures count.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use switchboard_packages::TrustedKeys;

use super::public_key;
use crate::{
    cli,
    data_folder::{DataFolder, create_private},
    output::Output,
};

/// Adds, lists or removes.
///
/// # Errors
/// When a name or a key is none, or the files cannot be read or written.
pub(super) fn run(folder: &DataFolder, what: &cli::Trust, output: &Output) -> anyhow::Result<ExitCode> {
    let place = folder.trusted_keys();
    let mut trusted = TrustedKeys::open(&place)?;
    match what {
        cli::Trust::Add { name, key } => {
            let key = public_key(key)?;
            create_private(&place).with_context(|| format!("{} cannot be made", place.display()))?;
            let id = key.id();
            trusted.add(name, key)?;
            output.result(&json!({ "name": name, "id": id }), || {
                format!("`{name}`, {id}, is trusted: packages that it signs count as signed")
            });
        }
        cli::Trust::List => {
            let keys: Vec<_> =
                trusted.all().iter().map(|it| (&it.name, it.key.id(), it.key.line())).collect();
            let json: Vec<_> =
                keys.iter().map(|(name, id, key)| json!({ "name": name, "id": id, "key": key })).collect();
            output.result(&json!(json), || {
                if keys.is_empty() {
                    return "No key is trusted: `switchboard plugin trust add NAME KEY` trusts one."
                        .to_owned();
                }
                let rows: Vec<Vec<String>> = keys
                    .iter()
                    .map(|(name, id, key)| vec![(*name).clone(), id.clone(), key.clone()])
                    .collect();
                output.table(&["NAME", "ID", "KEY"], &rows)
            });
        }
        cli::Trust::Remove { name } => {
            let removed = trusted.remove(name)?;
            let id = removed.key.id();
            output
                .result(&json!({ "name": name, "id": id }), || format!("`{name}`, {id}, is trusted no more"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
