//! Switchboard measured beside a bare axum + rusqlite server of the same endpoints, in one run, on one machine.
//!
//! `bench` starts both servers as processes of their own, loads them in turns and writes a table of ratios; what it knows
//! of Switchboard is its binary and its HTTP. Read [`compare`] first, then [`bare`] (the rival) and [`load`] (the client).
//! [`tenancy`] and [`sandbox`] look from inside.
#![allow(clippy::print_stdout)]

mod bare;
mod compare;
mod detect;
mod inside;
mod load;
mod process;
mod report;
mod sandbox;
mod tenancy;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Switchboard beside a bare axum + rusqlite server.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything, and prints the table for docs/benchmarks.md.
    Compare(compare::Plan),
    /// Runs the bare server, until it is killed.
    Bare {
        /// Where its database stands.
        database: PathBuf,
        /// How writes become durable.
        #[arg(long, value_enum, default_value_t = bare::Writes::Each)]
        writes: bare::Writes,
    },
    /// Measures what many organizations cost, and prints the tables for docs/benchmarks.md.
    Tenancy(tenancy::Plan),
    /// Starts once on a folder of databases; `tenancy` runs this as a process of its own.
    #[command(hide = true)]
    TenancyStart(tenancy::Start),
    /// Measures what the sandbox costs, and prints the tables for docs/benchmarks.md.
    Sandbox(sandbox::Plan),
    /// Runs a server with the one route that `sandbox` measures, until it is killed.
    #[command(hide = true)]
    Greet {
        /// What answers it.
        #[arg(value_enum)]
        kind: sandbox::Kind,
        /// The plugin as a component.
        built: PathBuf,
    },
    /// Finds the highlights of one file, and prints how long that took and how much memory.
    Detect {
        /// A file with sound.
        file: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Cli::parse().command {
        Command::Compare(plan) => runtime.block_on(compare::run(plan)),
        Command::Bare { database, writes } => runtime.block_on(bare::serve(&database, writes)),
        Command::Tenancy(plan) => runtime.block_on(tenancy::run(plan)),
        Command::TenancyStart(start) => runtime.block_on(tenancy::start(start)),
        Command::Sandbox(plan) => runtime.block_on(sandbox::run(plan)),
        Command::Greet { kind, built } => runtime.block_on(sandbox::serve(kind, &built)),
        Command::Detect { file } => detect::run(&file),
    }
}
