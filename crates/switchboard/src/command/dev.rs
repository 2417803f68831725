//! `switchboard plugin dev`: a server with the plugin on it, which is built anew whenever its source changes.

use std::{
    fs,
    path::Path,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use serde_json::{Value as Json, json};
use switchboard_authoring::{Effort, Source, build, output_of};
use tokio::process::{Child, Command};

use super::plugin::address_of;
use crate::{
    client::{Client, is_served},
    data_folder::DataFolder,
    output::{Output, Tone},
};

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_millis(150);

/// How long a server may take until it serves.
const STARTING: Duration = Duration::from_secs(30);

/// Builds, installs, and looks for changes until it is stopped. Where no server runs on the data folder, one is started.
///
/// # Errors
/// When the folder is no plugin's, or no server can be started. What is wrong with the source is told, and waited for.
pub(super) async fn run(
    data: &DataFolder,
    folder: &Path,
    listen: &str,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let source = Source::open(folder)?;
    let id = source.manifest().id.to_string();
    address_of(&id)?;
    let mut server = if is_served(data).await { None } else { Some(start(data, listen)?) };
    served(data, server.as_mut()).await?;
    output.note(&format!("looking for changes in {}; Ctrl-C stops", source.folder().display()));
    let mut seen = None;
    loop {
        let now = source.newest(&data.root().file_name().into_iter().collect::<Vec<_>>());
        if seen != Some(now) {
            seen = Some(now);
            match renew(data, folder, &id).await {
                Ok(renewed) => told(&id, &renewed, output),
                Err(error) => output.note(&format!("{} {error:#}", output.paint(Tone::Bad, "not built:"))),
            }
        }
        let stopped = async {
            match server.as_mut() {
                Some(server) => server.wait().await.map(Some),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::time::sleep(LOOK) => {}
            status = stopped => return Err(anyhow!("the server has ended: {status:?}")),
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    if let Some(mut server) = server {
        // Ctrl-C reached it as well.
        server.wait().await.context("the server cannot be waited for")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn start(data: &DataFolder, listen: &str) -> anyhow::Result<Child> {
    fs::create_dir_all(data.root()).with_context(|| format!("{} cannot be made", data.root().display()))?;
    let program = std::env::current_exe().context("this program cannot be found")?;
    let mut server = Command::new(program);
    server.arg("serve").arg("--data").arg(data.root()).args(["--listen", listen]).stdin(Stdio::null());
    server.kill_on_drop(true).spawn().context("a server cannot be started")
}

async fn served(data: &DataFolder, mut server: Option<&mut Child>) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_served(data).await {
        if let Some(server) = &mut server
            && let Some(status) = server.try_wait()?
        {
            return Err(anyhow!("the server has ended: {status}"));
        }
        ensure!(begun.elapsed() < STARTING, "no server serves {} within {STARTING:?}", data.root().display());
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// What came of a change.
struct Renewed {
    outcome: Json,
    building: Duration,
    swapping: Duration,
}

/// Builds the plugin and has the server look at it.
async fn renew(data: &DataFolder, folder: &Path, id: &str) -> anyhow::Result<Renewed> {
    let begun = Instant::now();
    let folder = folder.to_owned();
    let built = tokio::task::spawn_blocking(move || {
        let source = Source::open(&folder)?;
        build(&source, &output_of(&source), Effort::Quick)
    });
    let built = built.await.context("the build has ended without a result")??;
    let building = begun.elapsed();
    put_in_place(&built.folder, &data.plugins(), id)?;
    let client = Client::reach(data).await?;
    let renewed = client.post(&format!("{}/reload", address_of(id)?), &json!({})).await;
    client.close().await;
    Ok(Renewed { outcome: renewed?, building, swapping: begun.elapsed().saturating_sub(building) })
}

/// Copies what was built to where the server looks, in one step.
pub(super) fn put_in_place(built: &Path, plugins: &Path, id: &str) -> anyhow::Result<()> {
    let (here, incoming, before) =
        (plugins.join(id), plugins.join(format!(".incoming-{id}")), plugins.join(format!(".outgoing-{id}")));
    let failed = || format!("{} cannot be put in place", here.display());
    for left in [&incoming, &before] {
        if left.exists() {
            fs::remove_dir_all(left).with_context(failed)?;
        }
    }
    copy(built, &incoming).with_context(failed)?;
    if here.exists() {
        fs::rename(&here, &before).with_context(failed)?;
    }
    fs::rename(&incoming, &here).with_context(failed)?;
    if before.exists() {
        fs::remove_dir_all(&before).with_context(failed)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn told(id: &str, Renewed { outcome, building, swapping }: &Renewed, output: &Output) {
    let outcome = outcome.get("outcome").and_then(Json::as_str).unwrap_or("loaded");
    let (building, swapping) = (building.as_secs_f64(), swapping.as_secs_f64());
    let ready = output.paint(Tone::Good, "ready:");
    output.note(&format!("{ready} {id} {outcome}, built in {building:.1} s and swapped in {swapping:.2} s"));
}
