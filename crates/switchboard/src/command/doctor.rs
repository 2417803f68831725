//! `switchboard doctor`: what is wrong with the data folder and what lies round it, and what to do about it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::ExitCode, time::Duration};

use indicatif::HumanBytes;
use rustix::fs::{Access, access, statvfs};
use serde::Serialize;
use serde_json::{Value as Json, json};
use switchboard_capabilities::Smtp;
use switchboard_kernel::KERNEL_ROOM;
use switchboard_store::{Options as StoreOptions, Store};

use crate::{
    archive::files_below,
    client::{Client, is_served},
    command::plugin,
    compose::{Absent, Places, compose},
    data_folder::{DataFolder, create_private},
    mail_settings::MailSettings,
    operator_settings::{Database, OperatorSettings},
    output::{self, Output, Tone},
    scratch::Scratch,
};

/// With less than this left on the disk, a busy server is soon without.
const LITTLE_SPACE: u64 = 1 << 30;
/// With less than this, writes may fail at any moment.
const NO_SPACE: u64 = 100 << 20;
/// How long the mail server may take to answer.
const MAIL_PATIENCE: Duration = Duration::from_secs(10);

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// It works; somebody should look at it.
    Warning,
    /// It does not work, or will not for long.
    Wanting,
}

/// One thing that was examined.
#[derive(Debug, Serialize)]
struct Finding {
    subject: String,
    verdict: Verdict,
    says: String,
    #[serde(rename = "try")]
    advice: Option<String>,
}

/// What was examined so far.
struct Examination {
    findings: Vec<Finding>,
}

impl Examination {
    fn ok(&mut self, subject: &str, says: impl Into<String>) {
        self.add(subject, Verdict::Ok, says, None);
    }

    fn warning(&mut self, subject: &str, says: impl Into<String>, advice: &str) {
        self.add(subject, Verdict::Warning, says, Some(advice));
    }

    fn wanting(&mut self, subject: &str, says: impl Into<String>, advice: &str) {
        self.add(subject, Verdict::Wanting, says, Some(advice));
    }

    fn add(&mut self, subject: &str, verdict: Verdict, says: impl Into<String>, advice: Option<&str>) {
        let (subject, advice) = (subject.to_owned(), advice.map(str::to_owned));
        self.findings.push(Finding { subject, verdict, says: says.into(), advice });
    }

    fn is_wanting(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Wanting)
    }
}

/// Examines, and says what it found. The code is 3 when something is wanting.
///
/// # Errors
/// None: what cannot be examined is a finding.
pub(crate) async fn run(folder: &DataFolder, output: &Output) -> anyhow::Result<ExitCode> {
    let mut examination = Examination { findings: Vec::new() };
    examine(folder, &mut examination, output).await;
    let json = json!({ "ok": !examination.is_wanting(), "findings": examination.findings });
    output.result(&json, || in_words(&examination, output));
    Ok(if examination.is_wanting() { ExitCode::from(output::FOUND_WANTING) } else { ExitCode::SUCCESS })
}

async fn examine(folder: &DataFolder, examination: &mut Examination, output: &Output) {
    if !folder.root().is_dir() {
        let says = format!("there is no data folder {}", folder.root().display());
        examination.wanting("folder", says, "`switchboard serve` makes it; --data names another");
        return;
    }
    permissions(folder.root(), examination);
    space(folder.root(), examination);
    let settings = OperatorSettings::read(folder.root())
        .and_then(|settings| settings.switched_off_here().map(|_| settings));
    match settings {
        Ok(settings) => {
            examination.ok("settings", "right");
            mail(folder, &settings.mail, examination).await;
            sign_in(&settings, examination);
        }
        Err(error) => {
            examination.wanting("settings", format!("{error:#}"), "correct it, and start the server again")
        }
    }
    let is_served = is_served(folder).await;
    let is_free = server(folder, is_served, examination);
    if let Ok(OperatorSettings { database: Some(database), .. }) = OperatorSettings::read(folder.root()) {
        postgres(&database, examination).await;
        blobs(folder, examination);
        return;
    }
    databases(folder, is_free, examination, output).await;
    blobs(folder, examination);
    if examination.is_wanting() {
        examination.warning("plugins", "not looked at", "put right what is wanting, and run this again");
    } else if is_served || is_free {
        plugins(folder, is_served, examination).await;
    }
}

fn permissions(root: &Path, examination: &mut Examination) {
    let shown = root.display();
    match fs::metadata(root) {
        Err(error) => examination.wanting(
            "folder",
            format!("{shown} cannot be looked at: {error}"),
            "correct its permissions",
        ),
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            let mode = about.permissions().mode() & 0o777;
            let says =
                format!("{shown} is open to others than its owner (mode {mode:o}), and holds everything");
            examination.warning("folder", says, &format!("chmod 700 {shown}"));
        }
        Ok(_) => examination.ok("folder", format!("{shown}, for its owner alone")),
    }
    if let Err(error) = access(root, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        let says = format!("{shown} cannot be written to: {error}");
        examination.wanting("folder", says, "run as the user whom it belongs to, or correct its permissions");
    }
}

fn space(root: &Path, examination: &mut Examination) {
    let free = match statvfs(root) {
        Ok(about) => about.f_bavail.saturating_mul(about.f_frsize),
        Err(error) => {
            examination.warning(
                "space",
                format!("how much is left cannot be told: {error}"),
                "look at the disk",
            );
            return;
        }
    };
    let says = format!("{} left on its disk", HumanBytes(free));
    match free {
        0..NO_SPACE => examination.wanting("space", says, "free some: writes may fail at any moment"),
        NO_SPACE..LITTLE_SPACE => examination.warning("space", says, "free some before it runs out"),
        _ => examination.ok("space", says),
    }
}

/// Whether messages reach the mail server, without sending one.
async fn mail(folder: &DataFolder, settings: &MailSettings, examination: &mut Examination) {
    let advice = "correct `[mail]` in switchboard.toml, and start the server again";
    let server = match settings.options(&folder.mail()).and_then(|_| settings.server()) {
        Ok(Some(server)) => server,
        Ok(None) => {
            let messages = files_below(&folder.mail()).map_or(0, |files| files.len());
            let says =
                format!("no mail server is set: {messages} messages lie in {}", folder.mail().display());
            match messages {
                0 => examination.ok("mail", "no mail server is set: messages are written into mail/"),
                _ => examination.warning(
                    "mail",
                    says,
                    "set `smtp` and `from` under `[mail]` in switchboard.toml",
                ),
            }
            return;
        }
        Err(error) => return examination.wanting("mail", format!("{error:#}"), advice),
    };
    let shown = server.to_string();
    match Smtp::new(server.patience(MAIL_PATIENCE)).try_out().await {
        Ok(()) => examination.ok("mail", format!("{shown} answers")),
        Err(failure) => examination.wanting("mail", format!("{shown}: {failure}"), advice),
    }
}

/// Whether the providers of sign-ins are set as they must be. None of them is asked.
fn sign_in(settings: &OperatorSettings, examination: &mut Examination) {
    for provider in &settings.sign_in {
        let subject = format!("sign-in {}", provider.id);
        match provider.provider() {
            Ok(_) => examination.ok(&subject, "set"),
            Err(error) => {
                let advice = "correct `[[sign_in]]` in switchboard.toml, and start the server again";
                examination.wanting(&subject, format!("{error:#}"), advice);
            }
        }
    }
}

/// Whether nobody has the folder, so that this process may.
fn server(folder: &DataFolder, is_served: bool, examination: &mut Examination) -> bool {
    let process = folder.holder().map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
    if is_served {
        examination.ok("server", format!("runs: {process}"));
        return false;
    }
    match folder.take() {
        Ok(lock) => {
            drop(lock);
            let says = match folder.control_socket().exists() {
                true => "does not run; the last one was killed, and the next start puts right what it left",
                false => "does not run",
            };
            examination.ok("server", says);
            true
        }
        Err(error) if folder.root().join(crate::data_folder::LOCK).exists() => {
            let says =
                format!("{process} has the folder, and does not answer at its control.sock ({error:#})");
            examination.wanting(
                "server",
                says,
                "if it is not just starting or stopping, end it and start it again",
            );
            false
        }
        Err(error) => {
            examination.wanting("server", format!("{error:#}"), "correct the permissions of the folder");
            false
        }
    }
}

async fn postgres(database: &Database, examination: &mut Examination) {
    let looked = async {
        let store = Store::open_postgres(&database.0, StoreOptions::default()).await?;
        let rooms = store.rooms().await?;
        let mut bytes = 0;
        for name in &rooms {
            let room = store.room(name).await?;
            room.check().await?;
            bytes += room.size().await?;
        }
        store.close().await;
        Ok::<_, switchboard_store::Error>((store.address(), rooms.len(), bytes))
    };
    match looked.await {
        Ok((address, rooms, bytes)) => {
            let says = format!("{rooms} rooms in {address}, whole, {}", HumanBytes(bytes));
            examination.ok("databases", says);
        }
        Err(error) => {
            let advice = "look at the server, and at the address in SWITCHBOARD_DATABASE or switchboard.toml";
            examination.wanting("databases", error.to_string(), advice);
        }
    }
}

async fn databases(folder: &DataFolder, is_free: bool, examination: &mut Examination, output: &Output) {
    let path = folder.databases();
    if !path.join(format!("{KERNEL_ROOM}.sqlite")).is_file() {
        if path.is_dir() {
            let says = format!("there is no {KERNEL_ROOM}.sqlite in {}", path.display());
            examination.wanting("databases", says, "`switchboard restore` brings one back from a backup");
        } else {
            examination.ok("databases", "none yet");
        }
        return;
    }
    let opened = async {
        let store = Store::open_sqlite(&path, StoreOptions::default())?;
        Ok::<_, switchboard_store::Error>((store.rooms().await?, store))
    };
    let (rooms, store) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            examination.wanting("databases", error.to_string(), "correct the permissions of the folder");
            return;
        }
    };
    let bar = output.progress(rooms.len() as u64, false).with_message("checking databases");
    for name in &rooms {
        let subject = format!("db {name}");
        let checked = async {
            let room = store.room(name).await?;
            room.check().await?;
            room.size().await
        };
        match checked.await {
            Ok(size) => examination.ok(&subject, format!("whole, {}", HumanBytes(size))),
            Err(error) => {
                let advice =
                    "stop the server, and `switchboard restore FILE --replace` from the last good backup";
                examination.wanting(&subject, error.to_string(), advice);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if is_free {
        store.close().await;
    }
}

fn blobs(folder: &DataFolder, examination: &mut Examination) {
    match files_below(&folder.blobs()) {
        Ok(files) => {
            let sizes = files.iter().filter_map(|file| fs::metadata(folder.blobs().join(file)).ok());
            let size: u64 = sizes.map(|about| about.len()).sum();
            examination.ok("blobs", format!("{} files, {}", files.len(), HumanBytes(size)));
        }
        Err(error) => {
            let says = format!("{} cannot be read: {error}", folder.blobs().display());
            examination.wanting("blobs", says, "correct the permissions of the folder");
        }
    }
}

/// What the server that runs says of its plugins; without one, what becomes of them when they are loaded on a copy.
async fn plugins(folder: &DataFolder, is_served: bool, examination: &mut Examination) {
    let found = match is_served {
        true => served_plugins(folder).await,
        false => loaded_on_a_copy(folder).await,
    };
    let (loaded, absent) = match found {
        Ok(found) => found,
        Err(error) => {
            examination.wanting("plugins", format!("{error:#}"), "`switchboard serve` says more in its log");
            return;
        }
    };
    for Absent { id, state, reason } in absent.iter().filter(|absent| absent.state != "disabled") {
        let advice = "correct that, and start the server again; DISABLED_PLUGINS leaves a plugin out";
        examination.wanting(&format!("plugin {id}"), format!("{state}: {reason}"), advice);
    }
    let off = absent.iter().filter(|absent| absent.state == "disabled").count();
    examination.ok("plugins", format!("{loaded} run, {off} are switched off, {} fail", absent.len() - off));
}

/// How many serve, and those that do not.
type Found = (usize, Vec<Absent>);

async fn served_plugins(folder: &DataFolder) -> anyhow::Result<Found> {
    let client = Client::reach(folder).await?;
    let listed = plugin::all(&client).await;
    client.close().await;
    let (mut loaded, mut absent) = (0, Vec::new());
    for plugin in listed? {
        let text = |name: &str| plugin.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        match text("state").as_str() {
            "loaded" => loaded += 1,
            state => {
                absent.push(Absent { id: text("id"), state: state.to_owned(), reason: text("reason") });
            }
        }
    }
    Ok((loaded, absent))
}

/// Loading a plugin may change its tables, and to examine is not to change: it is done on copies of the databases.
async fn loaded_on_a_copy(folder: &DataFolder) -> anyhow::Result<Found> {
    let _lock = folder.take()?;
    // What a plugin says when it is loaded is not said here.
    let settings = OperatorSettings {
        mail: MailSettings::default(),
        sign_in: Vec::new(),
        ..OperatorSettings::read(folder.root())?
    };
    let switched_off = settings.switched_off_here()?;
    let scratch = Scratch::at(folder.root().join(".doctor"));
    let copies = DataFolder::new(scratch.path());
    create_private(&copies.databases())?;
    if folder.databases().is_dir() {
        let store = Store::open_sqlite(&folder.databases(), StoreOptions::default())?;
        for name in store.rooms().await? {
            let copy = copies.databases().join(format!("{name}.sqlite"));
            store.room(&name).await?.snapshot(&copy).await?;
        }
        store.close().await;
    }
    // Where there are no keys yet, none are made by looking.
    let keys = Some(settings.keys(folder)).filter(|keys| keys.exists()).unwrap_or_else(|| copies.keys());
    let places = Places {
        plugins: folder.plugins(),
        compiled: folder.compiled(),
        keys,
        ..Places::of(&copies, &settings)
    };
    let running = compose(places, &settings, switched_off).await?;
    let found = (running.serving().len(), running.absent());
    running.stop(Duration::ZERO).await;
    Ok(found)
}

fn in_words(examination: &Examination, output: &Output) -> String {
    let width = examination.findings.iter().map(|finding| finding.subject.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Finding { subject, verdict, says, advice } in &examination.findings {
        let (word, tone) = match verdict {
            Verdict::Ok => ("ok     ", Tone::Good),
            Verdict::Warning => ("look   ", Tone::Warning),
            Verdict::Wanting => ("wanting", Tone::Bad),
        };
        lines.push(format!("{}  {subject:<width$}  {says}", output.paint(tone, word)));
        lines.extend(advice.iter().map(|advice| format!("         {:<width$}  try: {advice}", "")));
    }
    lines.join("\n")
}
