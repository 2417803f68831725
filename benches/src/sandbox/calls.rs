//! Calls without HTTP: through registry, grant, pool and all that stands around a call, beside the engine's own.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use switchboard_api::{Call, Payload, Reply, ServiceCall};
use switchboard_kernel::{Caller, Kernel, Terms, dispatch};

use super::{
    Plan,
    components::Components,
    engine::{Bare, Instance},
    median,
};
use crate::inside::{self, External};

const SERVICE: &str = "echo.say";
const PAYLOAD: &str = "\"hello\"";

/// Of calls that begin an instance each, so many fewer are made.
const FRESH: usize = 20;

/// Who is called.
enum Subject {
    /// A plugin, as every caller calls one.
    Plugin(Arc<Kernel>),
    /// An instance that is there.
    Warm(Instance),
    /// An instance that is begun for the call.
    Fresh(Bare),
}

struct Row {
    name: String,
    subject: Subject,
    calls: usize,
    /// Nanoseconds a call, of each round.
    took: Vec<f64>,
}

impl Row {
    fn new(name: impl Into<String>, subject: Subject, calls: usize) -> Self {
        Self { name: name.into(), subject, calls: calls.max(1), took: Vec::new() }
    }
}

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    let (calls, fresh) = (plan.calls, plan.calls / FRESH);
    let native = inside::kernel(&place("native"), vec![echo::plugin().build()?], None).await?.0;
    let mut rows = vec![Row::new("native", Subject::Plugin(native), calls)];
    let languages = [
        ("Rust", Some(&plan.rust)),
        ("JavaScript", plan.javascript.as_ref()),
        ("Python", plan.python.as_ref()),
    ];
    for (language, built) in languages {
        let Some(built) = built else { continue };
        let own = bare(built)?.begin().await.map_err(plain)?;
        rows.push(Row::new(format!("{language}: the engine's own"), Subject::Warm(own), calls));
        let plugin = kernel(built, &place(language), true).await?;
        rows.push(Row::new(language, Subject::Plugin(plugin), calls));
    }
    rows.push(Row::new("Rust, fresh: the engine's own", Subject::Fresh(bare(&plan.rust)?), fresh));
    let begun_anew = kernel(&plan.rust, &place("fresh"), false).await?;
    rows.push(Row::new("Rust, fresh", Subject::Plugin(begun_anew), fresh));
    let mut rival: [Vec<f64>; 2] = Default::default();
    for round in 0..=plan.rounds {
        if let Some(module) = &plan.extism_echo {
            for (took, all) in extism(&plan.extism, module, calls)?.into_iter().zip(&mut rival) {
                all.push(took);
            }
        }
        for row in &mut rows {
            let took = row.subject.called(row.calls).await?;
            // The first round warms up.
            if round > 0 {
                row.took.push(took.as_nanos() as f64 / row.calls as f64);
            }
        }
    }
    let ours = ["Rust", "Rust, fresh"]
        .map(|name| rows.iter().find(|row| row.name == name).map(|row| median(row.took.clone())));
    let mut text = table(rows);
    if plan.extism_echo.is_some() {
        text += "\n| the same echo | extism, µs | Switchboard, µs | times the calls of extism |\n|---|---:|---:|---:|\n";
        for ((name, rival), ours) in ["warm", "fresh"].into_iter().zip(rival.map(median)).zip(ours) {
            let ours = ours.unwrap_or(f64::NAN);
            text +=
                &format!("| {name} | {:.2} | {:.2} | **{:.1}** |\n", rival / 1e3, ours / 1e3, rival / ours);
        }
    }
    Ok(text)
}

/// The nanoseconds of a call through extism, warm and fresh.
fn extism(program: &Path, module: &Path, calls: usize) -> anyhow::Result<[f64; 2]> {
    let told = Command::new(program).arg(module).arg(calls.to_string()).output()?;
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    let mut words = said.split_whitespace().map(str::parse::<f64>);
    let (Some(Ok(warm)), Some(Ok(fresh))) = (words.next(), words.next()) else {
        anyhow::bail!("extism: {}", String::from_utf8_lossy(&told.stderr));
    };
    Ok([warm, fresh])
}

/// Each plugin beside the engine's own, which stands in the row before it.
fn table(rows: Vec<Row>) -> String {
    let mut text =
        "| a call | median, µs | above the engine's own, µs | to the engine's own |\n|---|---:|---:|---:|\n"
            .to_owned();
    let mut own = None;
    for row in rows {
        let took = median(row.took) / 1e3;
        match (&row.subject, own.take()) {
            (Subject::Plugin(_), Some(own)) => {
                text +=
                    &format!("| {} | {took:.2} | {:.2} | **{:.2}** |\n", row.name, took - own, took / own);
            }
            (subject, _) => {
                text += &format!("| {} | {took:.2} | | |\n", row.name);
                own = (!matches!(subject, Subject::Plugin(_))).then_some(took);
            }
        }
    }
    text
}

fn bare(built: &Path) -> anyhow::Result<Bare> {
    Bare::new(&built.join("plugin.wasm")).map_err(plain)
}

/// A kernel with the plugin that was built.
async fn kernel(built: &Path, place: &Path, reuse: bool) -> anyhow::Result<Arc<Kernel>> {
    let folder = place.join("plugins");
    put(built, &folder.join("echo"), reuse)?;
    let loader = Arc::new(Components::new(&place.join("compiled"))?);
    Ok(inside::kernel(place, Vec::new(), Some(External { folder, loader })).await?.0)
}

/// Copies a built plugin, with instances that are used again or not.
pub(super) fn put(built: &Path, folder: &Path, reuse: bool) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::copy(built.join("plugin.wasm"), folder.join("plugin.wasm"))?;
    let manifest = std::fs::read_to_string(built.join("manifest.yaml"))?;
    let limits = format!("limits:\n  reuse_instances: {reuse}\n");
    std::fs::write(folder.join("manifest.yaml"), manifest.replacen("limits:\n", &limits, 1))?;
    Ok(())
}

impl Subject {
    /// How long so many calls take.
    async fn called(&mut self, times: usize) -> anyhow::Result<Duration> {
        let (service, payload) = (SERVICE.to_owned(), PAYLOAD.to_owned());
        let begun = Instant::now();
        match self {
            Self::Plugin(kernel) => {
                // As it is for a plugin that calls another: what it knows of the caller is there.
                let caller = Caller::system(Some(kernel.named("default")?), "bench");
                for _ in 0..times {
                    let snapshot = kernel.snapshot();
                    let plugin = snapshot.plugin("echo").context("the plugin does not serve")?;
                    let payload = Payload::from_checked_text(PAYLOAD);
                    let call = Call::Service(ServiceCall { name: SERVICE.to_owned(), payload });
                    let reply = dispatch(&snapshot, plugin, caller.clone(), Terms::default(), call).await?;
                    anyhow::ensure!(
                        matches!(&reply, Reply::Payload(payload) if payload.as_str() == PAYLOAD),
                        "another answer: {reply:?}"
                    );
                }
            }
            Self::Warm(instance) => {
                for _ in 0..times {
                    check(&instance.ask(&service, &payload).await.map_err(plain)?)?;
                }
            }
            Self::Fresh(bare) => {
                for _ in 0..times {
                    let mut instance = bare.begin().await.map_err(plain)?;
                    check(&instance.ask(&service, &payload).await.map_err(plain)?)?;
                }
            }
        }
        Ok(begun.elapsed())
    }
}

/// The engine's errors are none of the standard library's.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

fn check(answer: &str) -> anyhow::Result<()> {
    anyhow::ensure!(answer == PAYLOAD, "another answer: {answer}");
    Ok(())
}
