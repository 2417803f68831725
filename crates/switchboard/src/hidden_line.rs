//! A line that nobody looks over a shoulder at: a password, or another secret.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The next line of standard input, without its end. At a terminal it is asked for, and what is typed is not shown.
///
/// # Errors
/// When standard input cannot be read, or the terminal cannot be kept from showing it.
pub(crate) fn hidden_line(asked: &str) -> anyhow::Result<String> {
    let input = std::io::stdin();
    let hidden = input.is_terminal().then(Hidden::begin).transpose()?;
    if hidden.is_some() {
        // Without a terminal to write on, nothing is lost.
        let _ = write!(std::io::stderr(), "{asked}: ");
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if hidden.is_some() {
        let _ = writeln!(std::io::stderr());
    }
    drop(hidden);
    read.context("standard input cannot be read")?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(std::io::stdin()).context("the terminal cannot be asked")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)
            .context("the terminal cannot be kept from showing what is typed")?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}
