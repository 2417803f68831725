//! A plugin that is swapped for another version while requests come.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Plan, calls::put};
use crate::{
    load::{Connection, Request},
    process::{Server, free_address},
};

/// Requests in a second.
const RATE: u64 = 2_000;

/// On so many connections.
const CONNECTIONS: u64 = 16;

const SWAPS: u32 = 10;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let installed = folder.path().join("plugins/greeter");
    put(&plan.greeter, &installed, true)?;
    // Limits that are counted and never met.
    std::fs::write(folder.path().join("switchboard.toml"), "[rate_limits]\naddress = 1000000\n")?;
    let address = free_address()?;
    let mut command = Command::new(&plan.switchboard);
    command.arg("serve").arg("--data").arg(folder.path()).arg("--listen").arg(address.to_string());
    let server = Server::start(command, address)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let line = "GET /api/plugins/greeter/greeting";
    let request = Request::new(line, line, 200, "", None);
    let (answered, late) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let pause = Duration::from_micros(1_000_000 * CONNECTIONS / RATE);
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (request, is_over) = (request.clone(), Arc::clone(&is_over));
            let (answered, late) = (Arc::clone(&answered), Arc::clone(&late));
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut turns = tokio::time::interval(pause);
                while !is_over.load(Ordering::Relaxed) {
                    turns.tick().await;
                    let sent = Instant::now();
                    // Anything but 200 ends it.
                    connection.exchange(&request).await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                    late.fetch_max(u64::try_from(sent.elapsed().as_micros())?, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    let begun = Instant::now();
    let mut swapped = Vec::new();
    for number in 0..SWAPS {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let manifest = std::fs::read_to_string(installed.join("manifest.yaml"))?;
        let version = format!("version: 1.0.{number}\n");
        let next = format!("version: 1.0.{}\n", number + 1);
        std::fs::write(installed.join("manifest.yaml"), manifest.replace(&version, &next))?;
        let mut reload = Command::new(&plan.switchboard);
        reload.args(["plugin", "reload", "greeter", "--data"]).arg(folder.path());
        let asked = Instant::now();
        let told = tokio::task::spawn_blocking(move || reload.output()).await??;
        anyhow::ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        swapped.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    is_over.store(true, Ordering::Relaxed);
    let mut dropped = 0;
    for sender in senders {
        if let Err(error) = sender.await? {
            eprintln!("{error}");
            dropped += 1;
        }
    }
    let (answered, seconds) = (answered.load(Ordering::Relaxed), begun.elapsed().as_secs_f64());
    server.stop()?;
    Ok(format!(
        "| swapping a plugin under load | measured | bound |\n|---|---:|---:|\n\
         | swaps | {SWAPS} | |\n\
         | requests in a second meanwhile | {:.0} | {RATE} |\n\
         | requests that were not answered with 200 | {dropped} of {answered} | 0 |\n\
         | the slowest answer | {:.1} ms | |\n\
         | `switchboard plugin reload`, the command's own start included: median | {:.0} ms | |\n",
        answered as f64 / seconds,
        late.load(Ordering::Relaxed) as f64 / 1e3,
        super::median(swapped),
    ))
}
