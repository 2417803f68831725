//! A route that answers JSON, over HTTP: native, as a component, and on bare axum.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{Json, Router, routing::get};
use greeter::Greeting;
use switchboard_server::{Options, Times, router};
use tokio::net::TcpListener;

use super::{Plan, components::Components, median};
use crate::{
    inside::{self, External, countless},
    load::{self, Request},
    process::Server,
};

const LINE: &str = "GET /api/plugins/greeter/greeting";

/// Connections that each send the next request when the last is answered.
const CONNECTIONS: usize = 32;

/// What answers the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// axum alone.
    Bare,
    /// The plugin, compiled into the server.
    Native,
    /// The plugin as a component.
    Component,
}

/// Serves the route until it is killed; prints the address once it listens.
pub(crate) async fn serve(kind: Kind, built: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    if kind == Kind::Bare {
        let greeting = get(|| async { Json(Greeting::THE_ONE) });
        let ready = get(|| async { "ready" });
        let app = Router::new().route("/api/plugins/greeter/greeting", greeting).route("/readyz", ready);
        return Ok(axum::serve(listener, app).await?);
    }
    let place = tempfile::tempdir()?;
    let folder = place.path().join("plugins");
    let (builtins, external) = if kind == Kind::Native {
        (vec![greeter::plugin().build()?], None)
    } else {
        super::calls::put(built, &folder.join("greeter"), true)?;
        let loader = Arc::new(Components::new(&place.path().join("compiled"))?);
        (Vec::new(), Some(External { folder, loader }))
    };
    let (kernel, _store) = inside::kernel(place.path(), builtins, external).await?;
    let router = router(kernel, Options { rate_limits: countless()?, ..Options::default() });
    switchboard_server::serve(listener, router, Times::default(), std::future::pending()).await?;
    Ok(())
}

fn start(kind: &str, built: &PathBuf) -> anyhow::Result<Server> {
    use std::io::{BufRead, BufReader};
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("greet").arg(kind).arg(built);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on ").context("no address")?.parse()?;
    Ok(Server::adopt(child, address))
}

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<String> {
    let kinds = ["bare", "native", "component"];
    let servers = kinds.map(|kind| start(kind, &plan.greeter));
    let servers = servers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    // A component is compiled first.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let request = Request::new(LINE, LINE, 200, "", None);
    let mut rates = kinds.map(|_| Vec::new());
    let mut slowest = kinds.map(|_| Vec::new());
    for round in 0..=plan.rounds {
        for ((server, rates), slowest) in servers.iter().zip(&mut rates).zip(&mut slowest) {
            let seconds = if round == 0 { plan.seconds / 3.0 } else { plan.seconds };
            let time = Duration::from_secs_f64(seconds);
            let outcome = load::run(server.address, &request, CONNECTIONS, time).await?;
            if round > 0 {
                rates.push(outcome.rate);
                slowest.push(outcome.within(0.99).as_secs_f64() * 1e3);
            }
        }
    }
    let [bare, native, component] = rates.map(median);
    let slowest = slowest.map(median);
    let mut text =
        "| the same route | requests/s | 99 of 100 within, ms | to bare axum | to native |\n|---|---:|---:|---:|---:|\n"
            .to_owned();
    for ((name, rate), slowest) in
        [("bare axum", bare), ("native", native), ("component", component)].into_iter().zip(slowest)
    {
        text += &format!(
            "| {name} | {rate:.0} | {slowest:.2} | **{:.2}** | **{:.2}** |\n",
            rate / bare,
            rate / native
        );
    }
    for server in servers {
        server.stop()?;
    }
    Ok(text)
}
