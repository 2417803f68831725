//! `switchboard plugin replay`: a captured call, made again.

use std::{fs, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use serde_json::json;
use switchboard_api::{Plugin, Reply, capability::Level};
use switchboard_capture::{Again, Captured};
use switchboard_kernel::{Loader, Vault};
use switchboard_manifest::Manifest;

use crate::{
    cli,
    output::{Advise, FAILED, Output, Tone},
    sandboxing::Components,
    scratch::Scratch,
};

/// Makes the call again. No server is needed.
///
/// The exit code is 0 when the plugin answers now, and 1 when it fails, as it did or otherwise.
///
/// # Errors
/// When the file is no captured call, or the plugin does not load.
pub(crate) async fn run(what: &cli::Replay, output: &Output) -> anyhow::Result<ExitCode> {
    let shown = what.file.display();
    let text = fs::read_to_string(&what.file).with_context(|| format!("{shown} cannot be read"))?;
    let captured = Captured::read(&text).with_context(|| format!("{shown} cannot be made again"))?;
    let compiled =
        Scratch::at(std::env::temp_dir().join(format!("switchboard-replay-{}", std::process::id())));
    let plugin = match &what.folder {
        Some(folder) => loaded(folder, compiled.path()).await?,
        None => builtin(&captured.plugin)?,
    };
    let again = captured.again(&*plugin);
    // A native plugin is ended by nobody else.
    let longest = Duration::from_millis(plugin.manifest().limits.call_ms) + Duration::from_secs(1);
    let again = tokio::time::timeout(longest, again).await;
    let again = again.map_err(|_| anyhow!("the call took longer than it may, and was given up"))??;
    let failed = again.reply.is_err();
    output.result(&answer(&captured, &again), || told(&captured, &again, &plugin, output));
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn builtin(id: &str) -> anyhow::Result<Arc<dyn Plugin>> {
    let builtins = switchboard_builtins::all().map_err(|faults| anyhow!("{faults}"))?;
    let found = builtins.into_iter().find(|plugin| plugin.manifest().id.as_str() == id);
    found
        .ok_or_else(|| anyhow!("plugin `{id}` is not part of this program"))
        .advise("name the folder of the built plugin after the file")
}

async fn loaded(folder: &Path, compiled: &Path) -> anyhow::Result<Arc<dyn Plugin>> {
    let file = folder.join("manifest.yaml");
    let shown = file.display();
    let text = fs::read_to_string(&file)
        .with_context(|| format!("{shown} cannot be read"))
        .advise("name the folder that `switchboard plugin build` has made")?;
    let manifest =
        Manifest::read(&text).map_err(|faults| anyhow!("{}", faults.report(&shown.to_string())))?;
    let loader = Components::new(compiled, Arc::new(Vault::in_memory()?));
    loader.load(folder, &manifest).await.map_err(|reason| anyhow!("{}: {reason}", folder.display()))
}

fn ended(again: &Again) -> String {
    match &again.reply {
        Ok(Reply::Done) => "done".to_owned(),
        Ok(Reply::Response(response)) => format!("answered {}", response.status),
        Ok(Reply::Payload(payload)) => format!("gave {}", payload.as_str()),
        Ok(Reply::Said(said)) => format!("said {}", said.text),
        Err(failure) => failure.to_string(),
    }
}

fn answer(captured: &Captured, again: &Again) -> serde_json::Value {
    json!({
        "plugin": captured.plugin,
        "call": captured.input.what(),
        "captured": { "version": captured.version, "failure": captured.failure.to_string() },
        "again": {
            "failed": again.reply.is_err(),
            "ended": ended(again),
            "milliseconds": again.took.as_secs_f64() * 1e3,
            "strayed": again.strayed,
            "log": again.log.iter().map(|(level, line)| json!({ "level": level, "message": line })).collect::<Vec<_>>(),
        },
    })
}

fn told(captured: &Captured, again: &Again, plugin: &Arc<dyn Plugin>, output: &Output) -> String {
    let (id, version, what) = (&captured.plugin, &captured.version, captured.input.what());
    let questions = match captured.questions() {
        1 => "one answer".to_owned(),
        many => format!("{many} answers"),
    };
    let mut lines = vec![
        format!("{id} {version}, {what}, at {} ({questions} of the host)", captured.at),
        format!("{}  {}", output.paint(Tone::Muted, "then"), captured.failure),
    ];
    let tone = if again.reply.is_ok() { Tone::Good } else { Tone::Bad };
    let now = output.paint(tone, "now ");
    lines.push(format!("{now}  {} (version {})", ended(again), plugin.manifest().version));
    if let Some(strayed) = &again.strayed {
        let hint = output.paint(Tone::Warning, "strayed");
        lines.push(format!("{hint}: from here on it is another call than the captured one: {strayed}"));
    }
    let said = again.log.iter().map(|(level, line)| {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        format!("{}  {line}", output.paint(Tone::Muted, level))
    });
    lines.extend(said);
    lines.join("\n")
}
