//! What the sandbox costs: a call, a request, a start with many plugins, and a swap while requests come.

mod calls;
mod components;
mod engine;
mod many;
mod requests;
mod swap;

pub(crate) use self::requests::{Kind, serve};

use std::path::PathBuf;

use clap::Args;

/// What is measured, and for how long.
#[derive(Args)]
pub(crate) struct Plan {
    /// The release binary of Switchboard.
    #[arg(long, default_value = "target/release/switchboard")]
    switchboard: PathBuf,
    /// `benches/echo`, built by `switchboard plugin build`.
    #[arg(long)]
    rust: PathBuf,
    /// `benches/greeter`, built likewise.
    #[arg(long)]
    greeter: PathBuf,
    /// `benches/echo-javascript`, built likewise; without it JavaScript is not measured.
    #[arg(long)]
    javascript: Option<PathBuf>,
    /// `benches/echo-python`, built likewise; without it Python is not measured.
    #[arg(long)]
    python: Option<PathBuf>,
    /// `benches/extism`, built.
    #[arg(long, default_value = "benches/extism/target/release/extism-rival")]
    extism: PathBuf,
    /// `benches/extism/guest`, built; without it extism is not measured.
    #[arg(long)]
    extism_echo: Option<PathBuf>,
    /// Rounds, each of everything in turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each load.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Calls in each round.
    #[arg(long, default_value_t = 50_000)]
    calls: usize,
    /// Plugins that are installed for the start with many.
    #[arg(long, default_value_t = 1000)]
    plugins: usize,
    /// Components that they are made of: each is one of its own, which is compiled for itself.
    #[arg(long, default_value_t = 50)]
    components: usize,
}

/// Measures, and prints the tables for docs/benchmarks.md.
pub(crate) async fn run(plan: Plan) -> anyhow::Result<()> {
    println!("{}", calls::measure(&plan).await?);
    println!("{}", requests::measure(&plan).await?);
    println!("{}", many::measure(&plan).await?);
    println!("{}", swap::measure(&plan).await?);
    Ok(())
}

/// The value in the middle; not a number where there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
