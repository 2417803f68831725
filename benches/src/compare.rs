//! The comparison: both servers in turns, so that what else the machine does hits both alike.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    bare,
    detect::Detection,
    load::{self, Outcome, Request},
    process::{Server, free_address},
    report::{self, Row, Spread, Starts},
};

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// The release binary of Switchboard.
    #[arg(long, default_value = "target/release/switchboard")]
    switchboard: PathBuf,
    /// An hour of AAC in MP4, from `scripts/make-media hour FILE`; without it detection is not measured.
    #[arg(long)]
    hour: Option<PathBuf>,
    /// Rounds, each of all requests to all servers.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each load.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections at once.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Clips there are before the load begins.
    #[arg(long, default_value_t = 1000)]
    clips: usize,
}

const BODY: &str = r#"{"title":"A perfect run","file_path":"/clips/perfect-run.mp4","description":"The last two rooms without a hit","game_name":"A Link to the Past","game_id":"alttp","tags":["boss","no-hit"],"clip_metadata":{"seed":"A7B3","attempt":12},"file_size":10485760,"duration":42,"resolution":"1920x1080","fps":60.0,"codec":"h264"}"#;

struct Rival {
    name: &'static str,
    server: Server,
    token: String,
}

/// Measures, and prints the page.
pub(crate) async fn run(plan: Plan) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let starts = starts(&plan, &folder.path().join("starts"))?;
    let rivals = [
        switchboard(&plan.switchboard, &folder.path().join("switchboard"))?,
        bare(&folder.path().join("each.sqlite"), "each")?,
        bare(&folder.path().join("together.sqlite"), "together")?,
    ];
    // What somebody sees who has started it and left it alone: the registry of what serves is there, nothing is asked yet.
    std::thread::sleep(Duration::from_secs(2));
    let idle = rivals.iter().map(|rival| rival.server.memory("VmRSS")).collect::<Result<Vec<_>, _>>()?;
    for rival in &rivals {
        load::repeat(rival.server.address, &create(&rival.token), plan.clips).await?;
    }
    let mut rows = Vec::new();
    for kind in [one as fn(&str) -> Request, list, create] {
        let mut spreads: Vec<Vec<Outcome>> = rivals.iter().map(|_| Vec::new()).collect();
        for round in 0..=plan.rounds {
            for (rival, outcomes) in rivals.iter().zip(&mut spreads) {
                let time =
                    Duration::from_secs_f64(if round == 0 { plan.seconds / 3.0 } else { plan.seconds });
                let request = kind(&rival.token);
                let outcome = load::run(rival.server.address, &request, plan.connections, time).await?;
                // The first round warms up.
                if round > 0 {
                    eprintln!("{:<28} {:<12} {:>9.0} requests/s", request.name, rival.name, outcome.rate);
                    outcomes.push(outcome);
                }
            }
        }
        rows.push(Row { name: kind("").name, spreads: spreads.iter().map(|it| Spread::of(it)).collect() });
    }
    let loaded = rivals.iter().map(|rival| rival.server.memory("VmRSS")).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = rivals.iter().map(|rival| rival.name).collect();
    let detection = plan.hour.as_deref().map(detection).transpose()?;
    for rival in rivals {
        rival.server.stop()?;
    }
    let report = report::Report {
        names,
        rows,
        starts,
        idle,
        loaded,
        detection,
        connections: plan.connections,
        rounds: plan.rounds,
    };
    println!("{report}");
    Ok(())
}

fn one(token: &str) -> Request {
    Request::new("GET /api/v1/clips/{id}", "GET /api/v1/clips/500", 200, token, None)
}

fn list(token: &str) -> Request {
    Request::new("GET /api/v1/clips?limit=20", "GET /api/v1/clips?limit=20", 200, token, None)
}

fn create(token: &str) -> Request {
    Request::new("POST /api/v1/clips", "POST /api/v1/clips", 201, token, Some(BODY))
}

fn serve(binary: &Path, data: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--data").arg(data).arg("--listen").arg(address.to_string());
    command
}

/// Switchboard with a token, and without the detector: the rival has none, and the clips of the load have no sound.
fn switchboard(binary: &Path, data: &Path) -> anyhow::Result<Rival> {
    let made = Command::new(binary).args(["token", "create", "bench", "--json", "--data"]).arg(data).output();
    let made = made.with_context(|| format!("{} does not run: build it first", binary.display()))?;
    if !made.status.success() {
        bail!("no token: {}", String::from_utf8_lossy(&made.stderr));
    }
    let made: serde_json::Value = serde_json::from_slice(&made.stdout)?;
    let token =
        made.get("token").and_then(|token| token.as_str()).context("no token in the answer")?.to_owned();
    // Limits that are counted and never met.
    let limits = "[rate_limits]\ntoken = 1000000\norganization = 1000000\n";
    std::fs::write(data.join("switchboard.toml"), limits)?;
    let address = free_address()?;
    let mut command = serve(binary, data, address);
    command.env("DISABLED_PLUGINS", "highlight_detector");
    Ok(Rival { name: "Switchboard", server: Server::start(command, address)?, token })
}

fn bare(database: &Path, writes: &'static str) -> anyhow::Result<Rival> {
    use std::io::{BufRead, BufReader};
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bare").arg(database).args(["--writes", writes]);
    // It says where it listens.
    let mut probe = command.stdout(std::process::Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(probe.stdout.take().context("no output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on ").context("no address")?.parse()?;
    let name = if writes == "each" { "bare" } else { "bare, batching" };
    Ok(Rival { name, server: Server::adopt(probe, address), token: bare::TOKEN.to_owned() })
}

/// Starts with all plugins, from the start of the process until it is ready: in an empty folder, which makes the databases,
/// and again on what is there then.
fn starts(plan: &Plan, folder: &Path) -> anyhow::Result<Starts> {
    let mut starts = Starts::default();
    for round in 0..10 {
        let data = folder.join(round.to_string());
        for times in [&mut starts.first, &mut starts.again] {
            let address = free_address()?;
            let server = Server::start(serve(&plan.switchboard, &data, address), address)?;
            times.push(server.ready_after);
            server.stop()?;
        }
    }
    starts.first.sort_unstable();
    starts.again.sort_unstable();
    Ok(starts)
}

fn detection(hour: &Path) -> anyhow::Result<Detection> {
    let output = Command::new(std::env::current_exe()?).arg("detect").arg(hour).output()?;
    if !output.status.success() {
        bail!("detection failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
