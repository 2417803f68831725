//! Starting, answering, and stopping without losing anything.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::Duration,
};

use reqwest::Method;

use crate::installation::{Installation, clip};

#[tokio::test]
async fn a_server_starts_answers_and_stops_when_it_is_told_to() {
    let installation = Installation::new();
    let server = installation.serve();
    assert_eq!(server.status("/healthz").await, 200);
    assert_eq!(server.get("/readyz").await["status"], "ready");
    let made = server.make_clip("Ace").await;
    let found = server.get(&format!("/api/v1/clips/{}", made["id"])).await;
    assert_eq!(found["title"], "Ace");
    assert_eq!(server.client().get(server.url("/api/v1/clips")).send().await.unwrap().status(), 401);
    server.stop();
    assert!(!installation.data("control.sock").exists(), "the administrator's door is closed");
}

#[tokio::test]
async fn ctrl_c_stops_it_as_well() {
    let server = Installation::new().serve();
    server.signal("INT");
    assert_eq!(server.ended().code(), Some(0));
}

#[tokio::test]
async fn a_request_that_runs_comes_to_its_end_before_the_server_stops() {
    let installation = Installation::new();
    let server = installation.serve();
    let token = server.token.clone();
    let body = clip("Slow").to_string();
    let mut running = TcpStream::connect(server.ready["listen"].as_str().unwrap()).unwrap();
    let head = format!(
        "POST /api/v1/clips HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        token.as_deref().unwrap(),
        body.len()
    );
    running.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    running.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "the body is waited for");
    server.signal("TERM");
    while TcpStream::connect(server.ready["listen"].as_str().unwrap()).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(server.ended().code(), Some(0));
    let mut again = installation.serve();
    again.token = token;
    assert_eq!(again.get("/api/v1/clips").await[0]["title"], "Slow");
}

#[tokio::test]
async fn only_the_first_start_makes_a_token() {
    let installation = Installation::new();
    let server = installation.serve();
    let token = server.token.clone().unwrap();
    assert!(token.starts_with("swb_") && token.len() > 40, "{token}");
    server.stop();
    let mut second = installation.serve();
    assert_eq!(second.token, None);
    second.token = Some(token);
    assert_eq!(second.status("/api/v1/clips").await, 200, "the token of the first start still opens");
    second.stop();
    let revoked = installation.json(&["token", "list"])[0]["id"].to_string();
    installation.json(&["token", "revoke", &revoked]);
    assert_eq!(installation.serve().token, None, "having revoked it does not make another");
}

#[test]
fn the_first_start_tells_a_person_what_to_do_next() {
    let installation = Installation::new();
    let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut told: Vec<String> = Vec::new();
    for line in lines {
        let is_last = line.starts_with("Ctrl-C");
        told.push(line);
        if is_last {
            break;
        }
    }
    let told = told.join("\n");
    let (token, port) = (between(&told, "Bearer ", "'"), between(&told, "http://127.0.0.1:", "\n"));
    let data = installation.beside("data").display().to_string();
    let text = told.replace(token, "swb_TOKEN").replace(port, "PORT").replace(&data, "DATA");
    let _ = child.kill();
    let _ = child.wait();
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let installation = Installation::new();
    let server = installation.serve();
    let second = installation.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 1);
    let holder = format!("already: process {}", server.id());
    assert!(second.err.contains(&holder) && second.err.contains("--data"), "{}", second.err);
    assert_eq!(server.status("/readyz").await, 200);
    assert!(!installation.json(&["plugin", "list"]).as_array().unwrap().is_empty(), "its door still opens");
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let installation = Installation::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = installation.run(&["serve", "--listen", &address]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains(&format!("{address} cannot be listened on")), "{}", said.err);
    assert!(said.err.contains("in use") && said.err.contains("--listen"), "{}", said.err);
}

#[test]
fn settings_that_are_not_right_are_named_with_their_line() {
    let installation = Installation::new();
    fs::create_dir_all(installation.data("")).unwrap();
    fs::write(installation.data("switchboard.toml"), "body_limit = 10\nlisen = '127.0.0.1:1'\n").unwrap();
    let said = installation.run(&["serve"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("switchboard.toml") && said.err.contains("line 2"), "{}", said.err);
    assert!(said.err.contains("lisen"), "{}", said.err);
}

#[tokio::test]
async fn a_body_over_the_limit_of_the_settings_is_refused_and_the_server_serves_on() {
    let installation = Installation::new();
    fs::create_dir_all(installation.data("")).unwrap();
    fs::write(installation.data("switchboard.toml"), "upload_limit = 1000\n").unwrap();
    let server = installation.serve();
    let clip = server.make_clip("Large").await;
    let address = format!("/api/v1/clips/{}/media", clip["id"]);
    let answer = server.ask(Method::PUT, &address).body(vec![0; 1001]).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(server.status("/api/v1/clips").await, 200);
}

#[test]
fn what_is_kept_is_open_to_its_owner_alone() {
    let installation = Installation::new();
    let server = installation.serve();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(installation.data("")), 0o700);
    assert_eq!(mode(installation.data("control.sock")), 0o600);
    server.stop();
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no `{after}` in {rest}")).0
}
