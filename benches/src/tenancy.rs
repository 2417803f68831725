//! What many organizations cost: identity, authorization and enablement for each request, and a start with all of them.
//!
//! This looks from inside, at the kernel and the router without a socket: over HTTP the socket would hide what is measured.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use axum::body::Body;
use clap::Args;
use switchboard_accounts::{Accounts, Client, NewAccount, Sealer, Strength};
use switchboard_api::{AccountId, Actions, Plugin, Roles};
use switchboard_capabilities::{SystemClock, SystemRandom};
use switchboard_kernel::{By, Kernel, TokenTerms};
use switchboard_sdk::{Definition, answer::Json};
use switchboard_server::{Addresses, Options, router};
use switchboard_store::Store;
use tower::ServiceExt;
use zeroize::Zeroizing;

use crate::{
    inside::{self, countless},
    process::memory_of,
};

/// How many organizations and plugins, and how long to look.
#[derive(Args)]
pub(crate) struct Plan {
    /// How many organizations there are; every plugin is on in each.
    #[arg(long, default_value_t = 1000)]
    organizations: usize,
    /// How many plugins there are.
    #[arg(long, default_value_t = 50)]
    plugins: usize,
    /// How many requests of each kind are timed.
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// How many starts are timed.
    #[arg(long, default_value_t = 5)]
    starts: usize,
}

/// What one start is told.
#[derive(Args)]
pub(crate) struct Start {
    /// The folder of the databases.
    folder: PathBuf,
    /// How many plugins there are.
    plugins: usize,
}

/// Measures, and prints a table.
pub(crate) async fn run(plan: Plan) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let (kernel, store) = kernel(folder.path(), plan.plugins).await?;
    let by = By::system("bench");
    for number in 1..plan.organizations {
        let slug = format!("organization-{number}");
        kernel.create_organization(&by, &slug, &slug).await?;
    }
    eprintln!(
        "{} organizations with {} plugins made in {:.1?}",
        plan.organizations,
        plan.plugins,
        begun.elapsed()
    );
    let table = requests(&kernel, &store, plan.requests).await?;
    kernel.unload_plugins().await;
    drop(kernel);
    store.close().await;
    println!("| request | median, µs | above the open route, µs | to the open route |\n|---|---:|---:|---:|");
    let open = table.first().map_or(f64::NAN, |(_, median)| *median);
    for (name, median) in &table {
        println!("| {name} | {median:.2} | {:.2} | **{:.2}** |", median - open, median / open);
    }
    println!("\n| | measured | bound |\n|---|---:|---:|");
    starts(folder.path(), &plan)
}

/// Starts on what is there, and prints how long that took in milliseconds, and the memory in KiB.
pub(crate) async fn start(start: Start) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (kernel, store) = kernel(&start.folder, start.plugins).await?;
    let took = begun.elapsed();
    let memory = memory_of("self", "VmRSS")?;
    println!("{} {memory}", took.as_micros());
    kernel.unload_plugins().await;
    store.close().await;
    Ok(())
}

fn starts(folder: &Path, plan: &Plan) -> anyhow::Result<()> {
    let mut taken = Vec::new();
    let mut memory = 0;
    for _ in 0..plan.starts.max(1) {
        let told = Command::new(std::env::current_exe()?)
            .arg("tenancy-start")
            .args([folder.as_os_str(), plan.plugins.to_string().as_ref()])
            .output()?;
        let said = String::from_utf8_lossy(&told.stdout).into_owned();
        let mut words = said.split_whitespace();
        let (Some(took), Some(kib)) = (words.next(), words.next()) else {
            bail!("a start failed: {}", String::from_utf8_lossy(&told.stderr));
        };
        taken.push(Duration::from_micros(took.parse()?));
        memory = memory.max(kib.parse::<u64>()?);
    }
    taken.sort();
    let (middle, slowest) = (taken.get(taken.len() / 2), taken.last());
    let milliseconds = |time: Option<&Duration>| time.copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!(
        "| a start with {} organizations × {} plugins: median (slowest) of {} | {:.0} ms ({:.0} ms) | 1000 ms |",
        plan.organizations,
        plan.plugins,
        taken.len(),
        milliseconds(middle),
        milliseconds(slowest)
    );
    println!("| resident memory after it | {:.1} MiB | 150 MB |", memory as f64 / 1024.0);
    Ok(())
}

/// The median time of each kind of request in microseconds, the open route first. They are asked in turns.
async fn requests(
    kernel: &Arc<Kernel>,
    store: &Store,
    count: usize,
) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let by = By::system("bench");
    let organization = kernel.named("default")?;
    let accounts = accounts(store).await?;
    let (email, password) = ("ada@example.com", "correct horse battery staple");
    let new = NewAccount {
        email,
        name: "Ada",
        password: Some(password),
        is_administrator: false,
        is_verified: true,
    };
    let account = accounts.create(new).await?.id;
    let session = accounts.sign_in(email, password, &Client::default()).await?;
    kernel.set_member(&by, &organization, account, &Roles::new(["member"])).await?;
    let operators = TokenTerms { name: "operator's", actions: Actions::all(), ..TokenTerms::default() };
    let operators = kernel.create_token(&by, operators).await?.token;
    let persons = TokenTerms {
        name: "person's",
        organization: Some("default"),
        actions: Actions::new(["thing:read".to_owned()]),
        account: Some(account),
        ..TokenTerms::default()
    };
    let persons = kernel.create_token(&by, persons).await?.token;
    let options = Options { rate_limits: countless()?, accounts: Some(accounts), ..Options::default() };
    let router = router(Arc::clone(kernel), options);
    let kinds = [
        ("`GET /api/plugins/plugin_0/open`, for anyone", "/api/plugins/plugin_0/open", None),
        ("within an organization, by an operator's token", CLOSED, bearer(&operators)),
        (
            "within an organization, by a member's token, their roles decided by Cedar",
            CLOSED,
            bearer(&persons),
        ),
        (
            "within an organization, in a member's session, their roles decided by Cedar",
            CLOSED,
            Some(("cookie", format!("swb_session={}", session.secret))),
        ),
    ];
    let mut times: Vec<Vec<Duration>> = kinds.iter().map(|_| Vec::with_capacity(count)).collect();
    let warm = count / 10;
    for round in 0..count + warm {
        for ((_, path, proof), times) in kinds.iter().zip(&mut times) {
            let took = ask(&router, path, proof.as_ref()).await?;
            if round >= warm {
                times.push(took);
            }
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e6
    };
    Ok(kinds.into_iter().zip(times).map(|((name, ..), times)| (name, median(times))).collect())
}

const CLOSED: &str = "/api/org/default/plugin_0/closed";

/// The header that shows who asks.
type Proof = (&'static str, String);

fn bearer(token: &str) -> Option<Proof> {
    Some(("authorization", format!("Bearer {token}")))
}

async fn ask(router: &Addresses, path: &str, proof: Option<&Proof>) -> anyhow::Result<Duration> {
    let mut request = http::Request::builder().uri(path);
    if let Some((name, value)) = proof {
        request = request.header(*name, value);
    }
    let (router, request) = (router.clone(), request.body(Body::empty())?);
    let begun = Instant::now();
    let answer = router.oneshot(request).await?;
    let took = begun.elapsed();
    if answer.status() != 200 {
        bail!("{path} answered {}", answer.status());
    }
    Ok(took)
}

/// A kernel with so many plugins, all of them on in every organization.
async fn kernel(folder: &Path, plugins: usize) -> anyhow::Result<(Arc<Kernel>, Store)> {
    let builtins = (0..plugins).map(plugin).collect::<anyhow::Result<Vec<_>>>()?;
    inside::kernel(folder, builtins, None).await
}

/// People, none of whom has a second factor.
async fn accounts(store: &Store) -> anyhow::Result<Arc<Accounts>> {
    struct Nothing;
    impl Sealer for Nothing {
        fn seal(&self, _: AccountId, _: &[u8]) -> Result<String, String> {
            Err("nobody has a second factor here".to_owned())
        }

        fn open(&self, _: AccountId, _: &str) -> Result<Zeroizing<Vec<u8>>, String> {
            Err("nobody has a second factor here".to_owned())
        }
    }
    let parts = switchboard_accounts::Parts {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        sealer: Arc::new(Nothing),
        strength: Strength::default(),
        issuer: "Switchboard".to_owned(),
    };
    Ok(Accounts::open(parts).await?)
}

async fn answer() -> Json<&'static str> {
    Json("well")
}

/// A plugin as they are: routes of both kinds, permissions and roles, a configuration.
fn plugin(number: usize) -> anyhow::Result<Arc<dyn Plugin>> {
    let manifest = format!(
        "id: plugin_{number}
name: Plugin {number}
version: 1.0.0
type: builtin
category: utility
enabled_by_default: true
permissions:
  actions: [{{name: 'thing:read'}}, {{name: 'thing:write'}}]
  roles: {{viewer: ['thing:read'], member: ['thing:write'], editor: ['thing:*']}}
config_schema:
  type: object
  properties: {{greeting: {{type: string}}}}
config_defaults: {{greeting: hello}}
provides:
  api_routes:
    - {{method: GET, path: /open, scope: global, access: anyone}}
    - {{method: GET, path: /closed, permission: 'thing:read'}}
"
    );
    let definition = Definition::new(Box::leak(manifest.into_boxed_str()));
    definition
        .get("/open", answer)
        .get("/closed", answer)
        .build()
        .context("a plugin of the bench is not right")
}
