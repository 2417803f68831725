//! The `switchboard` binary: a command line, and the one place where everything is put together.
//!
//! It knows nothing of any domain. Read [`cli`] for what it can be asked, and [`compose`] for how a server is made.

mod archive;
mod cli;
mod client;
mod command;
mod compose;
mod control;
mod data_folder;
mod feature_flags;
mod hidden_line;
mod housekeeping;
mod logging;
mod mail_settings;
mod operator_settings;
mod output;
mod rate_settings;
mod rehearsal;
mod sandboxing;
mod scratch;
mod sealing;
mod secret_reference;
mod sign_in_settings;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, output::Output};

// Thirty threads that answer requests allocate at the same time; the system's allocator makes them wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json);
    match command::run(cli, &output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::from(output::FAILED)
        }
    }
}
