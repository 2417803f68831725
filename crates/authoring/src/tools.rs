//! Other people's tools: installed once by their own package managers, at pinned versions, into a folder of the user's cache.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::BuildError;

/// What says that everything was installed.
const COMPLETE: &str = "complete";

/// The folder in which these packages are, each with its version; `install` is given it empty when they are not there yet.
pub(crate) fn installed(
    packages: &[&str],
    install: impl FnOnce(&Path) -> Result<(), BuildError>,
) -> Result<PathBuf, BuildError> {
    let cache = cache();
    fs::create_dir_all(&cache).map_err(|error| BuildError::file("made", &cache, error))?;
    let name: Vec<String> = packages.iter().map(|package| package.replace(['=', '@', '/'], "-")).collect();
    let folder = cache.join(name.join("+"));
    // Whoever builds another plugin meanwhile waits.
    let lock = cache.join("lock");
    let held = File::create(&lock).map_err(|error| BuildError::file("written", &lock, error))?;
    held.lock().map_err(|error| BuildError::file("locked", &lock, error))?;
    if folder.join(COMPLETE).is_file() {
        return Ok(folder);
    }
    eprintln!("installing {} into {} …", packages.join(", "), folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| BuildError::file("removed", &folder, error))?;
    }
    fs::create_dir_all(&folder).map_err(|error| BuildError::file("made", &folder, error))?;
    install(&folder)?;
    let complete = folder.join(COMPLETE);
    fs::write(&complete, "").map_err(|error| BuildError::file("written", &complete, error))?;
    Ok(folder)
}

/// `switchboard` in the user's folder for what can be had again.
fn cache() -> PathBuf {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let own = || env::home_dir().map(|home| home.join(".cache"));
    named.or_else(own).unwrap_or_else(env::temp_dir).join("switchboard")
}

/// Runs a tool to its end, and gives what it wrote. What a tool that fails has to say goes to standard error, as far as `relevant`
/// gives it back.
pub(crate) fn run(
    command: &mut Command,
    advice: &'static str,
    relevant: impl FnOnce(&str) -> &str,
) -> Result<Output, BuildError> {
    let tool =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ended = command.stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| BuildError::NoTool { tool: tool.clone(), error, advice })?;
    if !ended.status.success() {
        let said = [ended.stdout, ended.stderr].concat();
        eprintln!("{}", relevant(&String::from_utf8_lossy(&said)).trim_end());
        return Err(BuildError::ToolFailed { tool });
    }
    Ok(ended)
}

/// All that a tool has to say.
pub(crate) fn everything(said: &str) -> &str {
    said
}

/// A virtual environment of Python's with these packages, in a folder of its own.
pub(crate) fn with_python(folder: &Path, packages: &[&str]) -> Result<(), BuildError> {
    let advice = "Python 3.10 or later is needed, with its module `venv`: Debian has both as `python3-venv`";
    let mut command = Command::new(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
    run(command.args(["-m", "venv"]).arg(folder), advice, everything)?;
    pip(&python(folder), |command| command.args(packages))
}

/// The interpreter of a virtual environment.
pub(crate) fn python(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Has pip install something.
pub(crate) fn pip(python: &Path, what: impl FnOnce(&mut Command) -> &mut Command) -> Result<(), BuildError> {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    run(what(&mut command), "it is part of Python", everything).map(drop)
}
