//! What each command does, one file each.

mod account;
mod audit;
mod authz;
mod backup;
mod begin;
mod build;
mod captures;
mod commands;
mod config;
mod dev;
mod doctor;
mod events;
mod import;
mod manifest;
mod migrate_store;
mod org;
mod package;
mod plugin;
mod replay;
mod report;
mod restore;
mod rollout;
mod secrets;
mod serve;
mod tasks;
mod test;
mod token;
mod watched;

use std::{future::Future, process::ExitCode};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::{self, Cli, Command, LogFormat},
    data_folder::DataFolder,
    logging,
    output::Output,
};

/// Does what was asked for.
///
/// # Errors
/// What failed, why, and where it is known the way out.
pub(crate) fn run(cli: Cli, output: &Output) -> anyhow::Result<ExitCode> {
    let folder = DataFolder::new(&cli.global.data);
    match cli.command {
        Command::Serve(how) => {
            let format = if output.is_json() { LogFormat::Json } else { how.log_format };
            logging::start(format, "info");
            wait_for(runtime()?, serve::run(&folder, &how, output))
        }
        Command::CompileComponent { component, compiled } => {
            Ok(ExitCode::from(switchboard_sandbox::compile(&component, &compiled)))
        }
        // Nothing but the program is needed.
        Command::Manifest(what) => manifest::run(&what, output),
        Command::Plugin(cli::Plugin::Source(cli::Source::Replay(what))) => {
            in_silence(replay::run(&what, output))
        }
        Command::Plugin(cli::Plugin::Source(cli::Source::New(new))) => begin::run(&new, output),
        Command::Plugin(cli::Plugin::Source(cli::Source::Dev { folder: source, listen })) => {
            in_silence(dev::run(&folder, &source, &listen, output))
        }
        Command::Plugin(cli::Plugin::Source(cli::Source::Build { folder, output: into })) => {
            build::run(&folder, into.as_deref(), output)
        }
        Command::Plugin(cli::Plugin::Source(cli::Source::Test { folder, only })) => {
            test::run(&folder, only.as_deref(), output)
        }
        // What becomes of a package before it is installed is no server's affair.
        Command::Plugin(cli::Plugin::Package(what)) => in_silence(package::run(&folder, &what, output)),
        Command::Plugin(cli::Plugin::Served(what)) => in_silence(plugin::run(&folder, &what, output)),
        Command::Org(what) => in_silence(org::run(&folder, &what, output)),
        Command::Import(what) => in_silence(import::run(&folder, &what, output)),
        Command::Tasks(what) => in_silence(tasks::run(&folder, &what, output)),
        Command::Secrets(what) => in_silence(secrets::run(&folder, &what, output)),
        Command::Token(what) => in_silence(token::run(&folder, &what, output)),
        Command::Events(what) => in_silence(events::run(&folder, &what, output)),
        Command::Audit(what) => in_silence(audit::run(&folder, &what, output)),
        Command::Authz(what) => in_silence(authz::run(&folder, &what, output)),
        Command::Account(what) => in_silence(account::run(&folder, &what, output)),
        Command::Backup { file } => in_silence(backup::run(&folder, file, output)),
        Command::Restore { file, replace } => in_silence(restore::run(&folder, &file, replace, output)),
        Command::MigrateStore(how) => in_silence(migrate_store::run(&folder, &how, output)),
        Command::Doctor => in_silence(doctor::run(&folder, output)),
    }
}

/// Without a server's log: what a command has to say it says itself.
fn in_silence(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    logging::start(LogFormat::Text, "off");
    wait_for(runtime()?, work)
}

/// Does the work. What it left running, such as a read of a disk that does not answer, is not waited for.
fn wait_for(
    runtime: Runtime,
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("the threads that do the work cannot be started")
}
