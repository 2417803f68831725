//! The same echo through extism: `extism-rival COMPONENT CALLS` prints the nanoseconds of a call into a plugin that is there, and of one into a
//! plugin that is made for the call.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PAYLOAD: &str = "\"hello\"";

/// Of calls that make a plugin each, so many fewer are made.
const FRESH: u32 = 20;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let module = arguments.next().context("the module's file is missing")?;
    let calls: u32 = arguments.next().context("the number of calls is missing")?.parse()?;
    // Bounded in time, as every plugin is that one does not know.
    let manifest = Manifest::new([Wasm::data(std::fs::read(module)?)]).with_timeout(Duration::from_secs(10));
    let compiled = CompiledPlugin::new(PluginBuilder::new(manifest))?;
    let mut plugin = Plugin::new_from_compiled(&compiled)?;
    let warm = timed(calls, || called(&mut plugin))?;
    let fresh = timed((calls / FRESH).max(1), || called(&mut Plugin::new_from_compiled(&compiled)?))?;
    println!("{warm} {fresh}");
    Ok(())
}

fn called(plugin: &mut Plugin) -> anyhow::Result<()> {
    let answer: &str = plugin.call("echo", PAYLOAD)?;
    ensure!(answer == PAYLOAD, "another answer: {answer}");
    Ok(())
}

/// Nanoseconds of each, after some to warm up.
fn timed(times: u32, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<u128> {
    for _ in 0..times / 4 {
        work()?;
    }
    let begun = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(begun.elapsed().as_nanos() / u128::from(times))
}
