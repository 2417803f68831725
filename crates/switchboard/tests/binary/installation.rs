//! A data folder of a test's own, with the binary that works on it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A wait that ends in a failed test. It is long: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder, and what else a test puts beside it.
pub(crate) struct Installation {
    folder: TempDir,
}

/// What a command said in the end.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One whose server answers whoever asks as often as they like: tests are quicker than people.
    pub(crate) fn unlimited() -> Self {
        let installation = Self::new();
        fs::create_dir_all(installation.data("")).unwrap();
        let limits = "[rate_limits]\ntoken = \"none\"\norganization = \"none\"\naddress = \"none\"\n";
        fs::write(installation.data("switchboard.toml"), limits).unwrap();
        installation
    }

    /// A path beside the data folder.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the data folder.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.beside("data").join(name)
    }

    /// Puts an external plugin's manifest where the server looks for it.
    pub(crate) fn install(&self, folder: &str, manifest: &str) {
        let folder = self.data("plugins").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("manifest.yaml"), manifest).unwrap();
    }

    /// The binary, working on the data folder, with nothing of this process's environment that could change it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(args).current_dir(self.folder.path()).env("SWITCHBOARD_DATA", self.beside("data"));
        for name in
            ["SWITCHBOARD_LISTEN", "SWITCHBOARD_LOG", "SWITCHBOARD_LOG_FORMAT", "DISABLED_PLUGINS", "COLUMNS"]
        {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed; gives what it said as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Json {
        let said = self.run(&[args, &["--json"]].concat());
        assert_eq!(said.code, 0, "{args:?}: {}", said.err);
        if said.out.is_empty() { Json::Null } else { serde_json::from_str(&said.out).unwrap() }
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// Starts a server, with these variables in its environment, and waits until it is ready.
    pub(crate) fn serve_with(&self, environment: &[(&str, &str)]) -> Server {
        let log = self.beside("server.log");
        let mut command = self.command(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied()).stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let ready: Json = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the server did not start: {}", fs::read_to_string(&log).unwrap()));
        let token = ready["token"].as_str().map(str::to_owned);
        Server { child, _out: out, ready, token, client: client() }
    }
}

/// A client, which is not made without something that could speak TLS.
fn client() -> reqwest::Client {
    // Each test of this process comes by here; the first one is enough.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A server that runs; killed when dropped.
pub(crate) struct Server {
    child: Child,
    // A server whose output nobody takes could not write any.
    _out: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub(crate) ready: Json,
    /// The token that it made, if it did.
    pub(crate) token: Option<String>,
    client: reqwest::Client,
}

impl Server {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["address"].as_str().unwrap())
    }

    /// A request with the token, if there is one.
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// What stands at an address; it must be there.
    pub(crate) async fn get(&self, path: &str) -> Json {
        let answer = self.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "GET {path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.ask(Method::GET, path).send().await.unwrap().status().as_u16()
    }

    /// Makes a clip; gives what the server says of it.
    pub(crate) async fn make_clip(&self, title: &str) -> Json {
        let request = self.ask(Method::POST, "/api/v1/clips").json(&clip(title));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as an administrator does; it must end well.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let status = self.ended();
        assert_eq!(status.code(), Some(0), "{status}");
    }

    /// Ends it in the midst of whatever it does.
    pub(crate) fn kill(self) {
        self.signal("KILL");
        self.ended();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a body; it must be taken.
pub(crate) async fn send(server: &Server, method: Method, path: &str, body: Json) -> Json {
    let answer = server.ask(method.clone(), path).json(&body).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Json::Null)
}

/// The body that makes a clip.
pub(crate) fn clip(title: &str) -> Json {
    json!({ "title": title, "file_path": "clips/ace.mp4", "game_name": "Chess" })
}

/// A real clip with sound.
pub(crate) fn media() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media/three-highlights.mp4");
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}
