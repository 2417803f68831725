//! `switchboard serve`: everything put together, listening, and stopped again without losing anything.

use std::{net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use serde_json::json;
use switchboard_api::Actions;
use switchboard_kernel::{By, TokenTerms};
use switchboard_server::{Times, local_router, router, serve, serve_unix};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{
    cli,
    compose::{Absent, Places, Running, compose},
    control::Control,
    data_folder::DataFolder,
    housekeeping::keep,
    operator_settings::{OperatorSettings, reachable},
    output::{Advise, Output, Tone},
};

/// The name of the token that the first start makes.
const FIRST_TOKEN: &str = "first start";
/// How long what is being delivered may take when the server stops.
const DELIVERY_GRACE: Duration = Duration::from_secs(10);
/// How long plugins and databases may take to close. What does not make it is put right by the next start.
const CLOSING: Duration = Duration::from_secs(20);

/// Serves until it is told to stop.
///
/// # Errors
/// When the folder, the settings, the address or the databases cannot be used.
pub(crate) async fn run(folder: &DataFolder, how: &cli::Serve, output: &Output) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let lock = folder.take()?;
    let mut settings = OperatorSettings::read(folder.root())?;
    settings.database = how.database.clone().or(settings.database);
    let switched_off = settings.switched_off_here()?;
    let listener = listen(how.listen.unwrap_or(settings.listen)).await?;
    let address = listener.local_addr().context("the address that is listened on cannot be told")?;
    settings.listen = address;

    let places = Places::of(folder, &settings);
    let running = tokio::select! {
        running = compose(places, &settings, switched_off) => running?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    let control = Control::open(folder)?;
    running.delivery.start().await.context("what was to be delivered cannot be read")?;
    let token = first_token(&running).await?;
    announce(&Started { folder, address, running: &running, token: token.as_deref() }, output);

    let (stop, _) = watch::channel(false);
    let stopped = || {
        let mut stop = stop.subscribe();
        async move {
            // The sender lives as long as what is served.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    };
    let times = Times::default();
    let public = serve(listener, router(running.kernel.clone(), running.http.clone()), times, stopped());
    let (socket, door) = control.into_parts();
    let local = local_router(running.kernel.clone(), running.http.clone());
    let administrators = serve_unix(socket, local, times, stopped());
    let served = async { tokio::try_join!(public, administrators) };
    let house = keep(running.kernel.clone(), settings.audit_days);
    let others = running.kernel.clone();
    let told = async {
        signals.next().await;
        tracing::info!(
            "stopping: requests that run may end within {:?}; a second signal stops at once",
            times.grace
        );
        running.http.readiness.stop();
        running.delivery.dismiss_onlookers();
        // Nobody listens when serving ended by itself.
        let _ = stop.send(true);
        signals.next().await;
    };
    let (ended, grace) = tokio::select! {
        ended = served => (ended.map(drop), DELIVERY_GRACE),
        () = told => (Ok(()), Duration::ZERO),
        never = house => match never {},
        never = others.follow_others() => match never {},
    };
    drop(door);
    if tokio::time::timeout(grace + CLOSING, running.stop(grace)).await.is_err() {
        tracing::warn!(
            "plugins and databases did not close within {CLOSING:?}; the next start puts that right"
        );
    }
    drop(lock);
    ended.context("connections cannot be taken any more")?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What tells the server to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let advice = match address.port() {
        port @ 1..1024 => format!(
            "port {port} takes rights that this process may lack: choose one above 1023 with --listen"
        ),
        _ => "stop what listens there, or choose another address with --listen; port 0 picks a free one"
            .to_owned(),
    };
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("{address} cannot be listened on")).advise(advice)
}

/// A token for everything, when this installation has never had one. Its text is nowhere but in what this returns.
async fn first_token(running: &Running) -> anyhow::Result<Option<String>> {
    if running.has_had_tokens().await? {
        return Ok(None);
    }
    let made = running
        .kernel
        .create_token(
            &By::system("first start"),
            TokenTerms { name: FIRST_TOKEN, actions: Actions::all(), ..TokenTerms::default() },
        )
        .await;
    Ok(Some(made.context("the first token cannot be made")?.token))
}

/// What somebody wants to know who has just started the server.
struct Started<'a> {
    folder: &'a DataFolder,
    address: SocketAddr,
    running: &'a Running,
    token: Option<&'a str>,
}

fn announce(started: &Started<'_>, output: &Output) {
    let url = format!("http://{}", reachable(started.address));
    let data =
        std::path::absolute(started.folder.root()).unwrap_or_else(|_| started.folder.root().to_owned());
    let (serving, absent) = (started.running.serving(), started.running.absent());
    let plugins: Vec<_> =
        serving.iter().map(|(id, version)| json!({ "id": id, "version": version })).collect();
    let not_serving: Vec<_> = absent
        .iter()
        .map(|absent| json!({ "id": absent.id, "state": absent.state, "reason": absent.reason }))
        .collect();
    let line = json!({
        "event": "ready",
        "address": url,
        "listen": started.address.to_string(),
        "data": data,
        "database": started.running.database(),
        "version": env!("CARGO_PKG_VERSION"),
        "process": std::process::id(),
        "token": started.token,
        "plugins": plugins,
        "not_serving": not_serving,
    });
    output.line(&line, || in_words(&url, &data, started, &serving, &absent, output));
}

fn in_words(
    url: &str,
    data: &Path,
    started: &Started<'_>,
    serving: &[(String, String)],
    absent: &[Absent],
    output: &Output,
) -> String {
    let strong = |text: &str| output.paint(Tone::Strong, text);
    let names: Vec<String> = serving.iter().map(|(id, version)| format!("{id} {version}")).collect();
    let mut lines = vec![
        format!("Switchboard {} is ready at {}", env!("CARGO_PKG_VERSION"), strong(url)),
        String::new(),
        format!("  data      {}", data.display()),
    ];
    lines.extend(started.running.database().map(|address| format!("  database  {address}")));
    lines.push(format!("  plugins   {}", names.join(", ")));
    lines.extend(absent.iter().map(|absent| {
        let tone = if absent.state == "disabled" { Tone::Muted } else { Tone::Bad };
        format!("  {}   {} ({}): {}", output.paint(tone, "without"), absent.id, absent.state, absent.reason)
    }));
    if let Some(token) = started.token {
        lines.extend([
            String::new(),
            format!("  token     {}", strong(token)),
            "            It may do everything, and is shown this once: keep it.".to_owned(),
            String::new(),
            "Try next:".to_owned(),
            String::new(),
            format!("  curl -H 'Authorization: Bearer {token}' {url}/api/admin/plugins"),
        ]);
    } else {
        lines.extend([String::new(), "Try next:".to_owned(), String::new()]);
    }
    lines.push(format!("  {url}/api/docs in a browser: the reference of everything that is loaded"));
    lines.push(format!("  switchboard plugin list --data {} in another terminal", data.display()));
    lines.push(String::new());
    lines.push("Ctrl-C stops it.".to_owned());
    lines.join("\n")
}
