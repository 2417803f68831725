//! A start with many plugins installed, beside one with none.

use std::{fmt::Write, path::Path, process::Command, time::Duration};

use super::{Plan, calls::put, median};
use crate::process::{Server, free_address};

/// How many starts are timed.
const STARTS: usize = 5;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let (none, many) = (folder.path().join("none"), folder.path().join("many"));
    for number in 0..plan.plugins {
        install(&plan.greeter, &many, number, number % plan.components.max(1))?;
    }
    // The first start compiles them, and makes the databases.
    let compiled = start(&plan.switchboard, &many)?.0;
    start(&plan.switchboard, &none)?;
    let mut times = [Vec::new(), Vec::new()];
    let mut memory = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        for ((data, times), memory) in [&none, &many].into_iter().zip(&mut times).zip(&mut memory) {
            let (took, kib) = start(&plan.switchboard, data)?;
            times.push(took.as_secs_f64() * 1e3);
            memory.push(kib as f64 / 1024.0);
        }
    }
    let [none_ms, many_ms] = times.map(median);
    let [none_mib, many_mib] = memory.map(median);
    let mut text = format!(
        "| {} sandboxed plugins of {} components, over none | measured | bound |\n|---|---:|---:|\n",
        plan.plugins, plan.components
    );
    let start = many_ms - none_ms;
    writeln!(
        text,
        "| a start, median of {STARTS} | {start:.0} ms ({many_ms:.0} to {none_ms:.0}) | 1000 ms |"
    )?;
    let taken = many_mib - none_mib;
    writeln!(text, "| resident memory | {taken:.0} MiB ({many_mib:.0} to {none_mib:.0}) | 150 MB |")?;
    writeln!(text, "| the first start, which compiles them | {:.0} s | |", compiled.as_secs_f64())?;
    Ok(text)
}

/// The plugin under an id of its own. Its component is that of all plugins with this number of a component, and of other bytes than the
/// rest, with a compiled form of its own.
fn install(built: &Path, data: &Path, number: usize, component: usize) -> anyhow::Result<()> {
    let id = format!("greeter_{number}");
    let folder = data.join("plugins").join(&id);
    put(built, &folder, true)?;
    let manifest = std::fs::read_to_string(folder.join("manifest.yaml"))?;
    let manifest = manifest.replace("id: greeter\n", &format!("id: {id}\n"));
    std::fs::write(folder.join("manifest.yaml"), manifest)?;
    let mut bytes = std::fs::read(folder.join("plugin.wasm"))?;
    // A custom section: its kind, its length, and its name with the length of that.
    let name = component.to_string();
    bytes.extend([0, u8::try_from(name.len() + 1)?, u8::try_from(name.len())?]);
    bytes.extend(name.as_bytes());
    std::fs::write(folder.join("plugin.wasm"), bytes)?;
    Ok(())
}

/// Until it is ready, and the memory that it has then, in KiB.
fn start(binary: &Path, data: &Path) -> anyhow::Result<(Duration, u64)> {
    let address = free_address()?;
    let mut command = Command::new(binary);
    command.arg("serve").arg("--data").arg(data).arg("--listen").arg(address.to_string());
    let server = Server::start_within(command, address, Duration::from_secs(600))?;
    let found = (server.ready_after, server.memory("VmRSS")?);
    server.stop()?;
    Ok(found)
}
