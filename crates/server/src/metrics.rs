//! What was counted, as Prometheus reads it.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use switchboard_kernel::{BUCKETS, Counted, Loaded, Measured, PluginMetrics, STEPS, Series};
use switchboard_manifest::ErrorShape;

use crate::{
    identity::{Request, require_for_all},
    request_id::RequestId,
    server::Server,
};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The action that opens `/metrics`.
const READ: &str = "metrics:read";

/// Requests by the first digit of their status.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; 5]);

impl Counts {
    pub(crate) fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        self.0.get(class).map(|count| count.fetch_add(1, Ordering::Relaxed));
    }
}

/// `GET /metrics`, for whoever may `metrics:read`.
pub(crate) async fn metrics(
    State(server): State<Server>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
) -> Response {
    let request = Request { method: &Method::GET, headers: &headers };
    let principal = server.door.identify(request, &server, &server.kernel.directory()).await;
    if let Err(problem) = principal.and_then(|principal| require_for_all(&principal, READ)) {
        return problem.into_response(ErrorShape::Problem, &id);
    }
    let mut text = String::with_capacity(16 << 10);
    // Writing to a String does not fail.
    let _ = write(&server, &mut text);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

fn write(server: &Server, out: &mut String) -> fmt::Result {
    family(out, "switchboard_build_info", "gauge", "The version that runs")?;
    writeln!(out, "switchboard_build_info{{version=\"{}\"}} 1", server.kernel.version())?;
    family(out, "switchboard_uptime_seconds", "gauge", "How long the server has been up")?;
    writeln!(out, "switchboard_uptime_seconds {}", server.started.elapsed().as_secs_f64())?;
    if let Some(bytes) = resident_bytes() {
        family(out, "process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM")?;
        writeln!(out, "process_resident_memory_bytes {bytes}")?;
    }
    family(out, "switchboard_http_requests_total", "counter", "Requests answered, by class of status")?;
    for (digit, count) in (1..).zip(&server.counts.0) {
        let count = count.load(Ordering::Relaxed);
        writeln!(out, "switchboard_http_requests_total{{status=\"{digit}xx\"}} {count}")?;
    }
    plugins(server, out)?;
    of_their_own(server, out)
}

fn plugins(server: &Server, out: &mut String) -> fmt::Result {
    let (catalog, snapshot) = (server.kernel.catalog(), server.kernel.snapshot());
    family(out, "switchboard_plugin_state", "gauge", "1 for the state that a plugin is in")?;
    for (id, entry) in catalog.entries() {
        let (version, state) = (&entry.manifest.version, entry.state.as_str());
        writeln!(
            out,
            "switchboard_plugin_state{{plugin=\"{id}\",version=\"{version}\",state=\"{state}\"}} 1"
        )?;
    }
    let counted: Vec<_> =
        snapshot.plugins().iter().map(|plugin| (plugin, plugin.measures().counted())).collect();
    let each = || counted.iter().flat_map(|(plugin, kinds)| kinds.iter().map(move |of| (*plugin, of)));

    let name = "switchboard_plugin_failures_total";
    family(
        out,
        name,
        "counter",
        "Calls of plugins that failed: by the plugin's fault, by taking too long, otherwise",
    )?;
    for (plugin, of) in each() {
        let refused = of.failed.saturating_sub(of.broken + of.timed_out);
        for (failure, count) in [("broken", of.broken), ("timed_out", of.timed_out), ("refused", refused)] {
            writeln!(out, "{name}{{{},failure=\"{failure}\"}} {count}", Labels(plugin, of))?;
        }
    }
    let name = "switchboard_plugin_call_seconds";
    family(out, name, "histogram", "How long calls of plugins took")?;
    for (plugin, of) in each() {
        let labels = Labels(plugin, of);
        histogram(out, name, &labels, BUCKETS.iter().zip(of.buckets), of.calls, of.total.as_secs_f64())?;
    }
    Ok(())
}

/// What plugins measure of their own. The family says what kind it is, so that plugins which know nothing of each other agree.
fn of_their_own(server: &Server, out: &mut String) -> fmt::Result {
    let snapshot = server.kernel.snapshot();
    let all: Vec<(&str, PluginMetrics)> = snapshot
        .plugins()
        .iter()
        .map(|plugin| (plugin.id().as_str(), server.kernel.plugin_metrics(plugin.id().as_str())))
        .collect();
    let name = "switchboard_plugin_metrics_left_out_total";
    family(out, name, "counter", "Readings of plugins that broke a rule, or for which there was no room")?;
    for (plugin, metrics) in all.iter().filter(|(_, metrics)| metrics.left_out > 0) {
        writeln!(out, "{name}{{plugin=\"{plugin}\"}} {}", metrics.left_out)?;
    }
    let mut families: BTreeMap<(&str, &str), Vec<(OwnLabels<'_>, &Measured)>> = BTreeMap::new();
    for (plugin, metrics) in &all {
        for (series, measured) in &metrics.series {
            let of_family = families.entry((series.kind, &*series.name)).or_default();
            of_family.push((OwnLabels { plugin, series }, measured));
        }
    }
    for ((kind, name), series) in families {
        let ending = if kind == "counter" { "_total" } else { "" };
        let name = format!("plugin_{kind}_{name}{ending}");
        family(out, &name, kind, "Measured by plugins")?;
        for (labels, measured) in series {
            match measured {
                Measured::Counter(count) => writeln!(out, "{name}{{{labels}}} {count}")?,
                Measured::Gauge(now) => writeln!(out, "{name}{{{labels}}} {now}")?,
                Measured::Histogram { count, sum, buckets } => {
                    histogram(out, &name, &labels, STEPS.iter().zip(*buckets), *count, *sum)?;
                }
            }
        }
    }
    Ok(())
}

fn histogram<'a>(
    out: &mut String,
    name: &str,
    labels: &impl fmt::Display,
    buckets: impl Iterator<Item = (&'a f64, u64)>,
    count: u64,
    sum: f64,
) -> fmt::Result {
    for (bound, below) in buckets {
        writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}")?;
    }
    writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}")?;
    writeln!(out, "{name}_sum{{{labels}}} {sum}")?;
    writeln!(out, "{name}_count{{{labels}}} {count}")
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// Plugin ids and kinds have no character that would have to be quoted.
struct Labels<'a>(&'a Loaded, &'a Counted);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin=\"{}\",kind=\"{}\"", self.0.id(), self.1.kind.as_str())
    }
}

/// The plugin, and what it says itself, which may be any text.
struct OwnLabels<'a> {
    plugin: &'a str,
    series: &'a Series,
}

impl fmt::Display for OwnLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin=\"{}\"", self.plugin)?;
        for (name, says) in &self.series.labels {
            let says = says.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            write!(f, ",{name}=\"{says}\"")?;
        }
        Ok(())
    }
}

/// Memory of this process that is in RAM, in bytes, where the system says so.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
