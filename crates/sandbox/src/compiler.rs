//! Compiling a component, in a process of its own.
//!
//! A few kilobytes of WebAssembly can take minutes and gigabytes to compile, or abort the process. So the server begins itself anew to
//! compile, bounded in memory and processor time, and with little claim on the processors.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use tokio::process::Command;

use crate::{Error, engine};

/// Memory of the process that compiles. Interpreters of Python and JavaScript take 370 MB.
const MEMORY: u64 = 1 << 30;

/// Processor time of the process that compiles, in seconds. Interpreters take 10 to 12.
const PROCESSOR_SECONDS: u64 = 60;

/// The process is ended after this time, whatever it waits for.
const LONGEST: Duration = Duration::from_secs(180);

/// How little claim on the processors it has: 0 is the usual, 19 the least.
const NICENESS: i32 = 15;

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This process: for components of one's own making, such as those of tests.
    Here,
    /// Another one: a program that is called with these arguments, the component's file and the file to write, and calls [`compile`].
    Apart {
        /// The program.
        program: PathBuf,
        /// Its arguments, before the two files.
        arguments: Vec<OsString>,
    },
}

impl Compiler {
    pub(crate) async fn compile(&self, component: &Path, compiled: &Path) -> Result<(), Error> {
        match self {
            Self::Here => {
                let (component, compiled) = (component.to_owned(), compiled.to_owned());
                let compiling = tokio::task::spawn_blocking(move || write_compiled(&component, &compiled));
                compiling
                    .await
                    .map_err(|error| Error::NotCompiled(error.to_string()))?
                    .map_err(Error::NotCompiled)
            }
            Self::Apart { program, arguments } => apart(program, arguments, component, compiled).await,
        }
    }
}

async fn apart(
    program: &Path,
    arguments: &[OsString],
    component: &Path,
    compiled: &Path,
) -> Result<(), Error> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(component)
        .arg(compiled)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = tokio::time::timeout(LONGEST, command.output())
        .await
        .map_err(|_| Error::NotCompiled(format!("it takes longer than {} seconds", LONGEST.as_secs())))?
        .map_err(|error| Error::NotCompiled(format!("`{}` cannot be begun: {error}", program.display())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or_default();
    Err(Error::NotCompiled(match output.status.code() {
        Some(REFUSED) => said.to_owned(),
        _ => format!(
            "it takes more than the {} MiB of memory or the {PROCESSOR_SECONDS} seconds of processor time that compiling may take \
             ({}{}{said})",
            MEMORY >> 20,
            output.status,
            if said.is_empty() { "" } else { ": " }
        ),
    }))
}

/// The status of a process that found the component wrong.
const REFUSED: i32 = 3;

/// What the process that compiles does: bounds itself, compiles the component in the one file into the other, and gives the status to
/// exit with. What is wrong with the component it says on its last line of standard error.
pub fn compile(component: &Path, compiled: &Path) -> u8 {
    if let Err(error) = bound_this_process() {
        say(&format!("the process that compiles cannot be bounded: {error}"));
        return 1;
    }
    match write_compiled(component, compiled) {
        Ok(()) => 0,
        Err(reason) => {
            say(&reason.replace('\n', "; "));
            u8::try_from(REFUSED).unwrap_or(1)
        }
    }
}

#[allow(clippy::print_stderr)]
fn say(line: &str) {
    eprintln!("{line}");
}

fn bound_this_process() -> std::io::Result<()> {
    let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Data, at_most(MEMORY))?;
    setrlimit(Resource::Cpu, at_most(PROCESSOR_SECONDS))?;
    setrlimit(Resource::Core, at_most(0))?;
    nice(NICENESS)?;
    Ok(())
}

fn write_compiled(component: &Path, compiled: &Path) -> Result<(), String> {
    let bytes = std::fs::read(component).map_err(|error| error.to_string())?;
    let engine = engine::for_compiling().map_err(|error| error.to_string())?;
    let form = engine.precompile_component(&bytes).map_err(|error| format!("{error:#}"))?;
    std::fs::write(compiled, form).map_err(|error| error.to_string())
}
