//! `switchboard plugin key new`: a pair of keys to sign packages with.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, ensure};
use serde_json::json;
use switchboard_packages::KeyFiles;
use zeroize::Zeroizing;

use crate::{
    archive::create_private_file,
    hidden_line::hidden_line,
    output::{Advise, Output},
};

/// Makes the pair.
///
/// # Errors
/// When a file is there already or cannot be written, or no password is given.
pub(super) fn run(name: &Path, no_password: bool, output: &Output) -> anyhow::Result<ExitCode> {
    let (secret, public) = (with_ending(name, ".key"), with_ending(name, ".pub"));
    for path in [&secret, &public] {
        if fs::symlink_metadata(path).is_ok() {
            return Err(anyhow!("{} is there already", path.display()))
                .advise("give another name: a key that was lost cannot be made again");
        }
    }
    let password = if no_password { None } else { Some(new_password()?) };
    let keys = KeyFiles::generate(password.as_deref().map(String::as_str))?;
    let failed = |path: &Path| format!("{} cannot be written", path.display());
    let mut file = create_private_file(&secret).with_context(|| failed(&secret))?;
    let text = Zeroizing::new(keys.secret);
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(|| failed(&secret))?;
    fs::write(&public, &keys.public).with_context(|| failed(&public))?;
    let line = keys.public.lines().nth(1).unwrap_or_default();
    let result = json!({
        "id": keys.id,
        "secret": secret.display().to_string(),
        "public": public.display().to_string(),
        "key": line,
    });
    output.result(&result, || {
        format!(
            "{}: keep it to yourself\n{}: for those who check\n{line}",
            secret.display(),
            public.display()
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// The password, twice where somebody types it.
fn new_password() -> anyhow::Result<Zeroizing<String>> {
    let typed = std::io::stdin().is_terminal();
    let password = Zeroizing::new(hidden_line("Password for the key")?);
    if password.is_empty() {
        return Err(anyhow!("the password is empty, and so protects nothing"))
            .advise("give one, or say --no-password");
    }
    if typed {
        let again = Zeroizing::new(hidden_line("The same again")?);
        ensure!(again == password, "the two are not the same; nothing was made");
    }
    Ok(password)
}

fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
