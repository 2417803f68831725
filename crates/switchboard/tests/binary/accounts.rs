//! Accounts made at the terminal, and signed in to.

use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    time::Duration,
};

use reqwest::Method;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use crate::installation::Installation;

#[tokio::test]
async fn the_first_administrator_is_made_at_the_terminal_and_signs_in() {
    let installation = Installation::new();
    let made = installation.run(&["account", "create", "Ada@example.com", "--administrator"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let password = made.out.trim();
    assert_eq!(password.len(), 20, "the password alone goes to standard output: {password}");
    let server = installation.serve();
    let body = json!({ "email": "ada@example.com", "password": password });
    let sign_in = || server.client().post(server.url("/api/auth/sign-in")).json(&body).send();
    let begun = sign_in().await.unwrap();
    assert_eq!(begun.status(), 200);
    let cookie = begun.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let listing = server.client().request(Method::GET, server.url("/api/admin/accounts"));
    assert_eq!(listing.header("cookie", cookie).send().await.unwrap().status(), 200);
    let listed = installation.run(&["account", "list"]);
    assert!(listed.out.contains("administrator"), "{}", listed.out);
    assert_eq!(installation.run(&["account", "disable", "ada@example.com"]).code, 0);
    assert_eq!(sign_in().await.unwrap().status(), 403);
    assert_eq!(installation.run(&["account", "disable", "bob@example.com"]).code, 1);
}

/// Runs a command at a terminal, where each question is answered with the line that belongs to it; gives whether it ended
/// well, and what the terminal, standard output and standard error have.
fn at_a_terminal(
    installation: &Installation,
    args: &[&str],
    answers: &[(&str, &str)],
) -> (bool, [String; 3]) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let keyboard = File::options().read(true).write(true).open(&name).unwrap();
    let shown = std::thread::spawn({
        let mut terminal = File::from(terminal.try_clone().unwrap());
        move || {
            let (mut shown, mut some) = (Vec::new(), [0; 256]);
            // Linux reports the end of a terminal as an error.
            while let Ok(length @ 1..) = terminal.read(&mut some) {
                shown.extend_from_slice(&some[..length]);
            }
            String::from_utf8(shown).unwrap()
        }
    });
    let mut command = installation.command(args);
    command.stdin(keyboard).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The command holds the terminal's other end.
    drop(command);
    let (mut err, mut stderr) = (String::new(), child.stderr.take().unwrap());
    let mut terminal = File::from(terminal);
    for (question, answer) in answers {
        let mut byte = [0];
        while !err.ends_with(question) && stderr.read(&mut byte).unwrap() == 1 {
            err.push(char::from(byte[0]));
        }
        writeln!(terminal, "{answer}").unwrap();
    }
    stderr.read_to_string(&mut err).unwrap();
    let output = child.wait_with_output().unwrap();
    std::thread::sleep(Duration::from_millis(10));
    drop(terminal);
    let out = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), [shown.join().unwrap(), out, err])
}

#[tokio::test]
async fn at_a_terminal_the_password_is_asked_for_and_not_shown() {
    const PASSWORD: &str = "the engine weaves";
    let installation = Installation::new();
    let create = ["account", "create", "ada@example.com"];
    let typed = |first, second| [("one is made): ", first), ("again: ", second)];
    let (well, [shown, out, err]) =
        at_a_terminal(&installation, &create, &typed(PASSWORD, "the engine leaves"));
    assert!(!well && err.contains("not the same"), "{out}{err}");
    assert!(!shown.contains("engine"), "{shown}");
    let (well, [shown, out, err]) = at_a_terminal(&installation, &create, &typed(PASSWORD, PASSWORD));
    assert!(well && out.contains("signs in with the password given"), "{out}{err}");
    assert!(![&shown, &out, &err].iter().any(|text| text.contains(PASSWORD)), "{shown}{out}{err}");
    let made = ["account", "create", "ben@example.com"];
    let (well, [_, out, _]) = at_a_terminal(&installation, &made, &[("one is made): ", "")]);
    assert!(well && out.trim().len() == 20, "{out}");
    let server = installation.serve();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let begun = server.client().post(server.url("/api/auth/sign-in")).json(&body).send().await.unwrap();
    assert_eq!(begun.status(), 200);
    let reset = ["account", "reset-password", "ada@example.com", "--password-stdin"];
    let (well, [shown, ..]) = at_a_terminal(&installation, &reset, &[("Password: ", "algebraic patterns")]);
    assert!(well && !shown.contains("patterns"), "{shown}");
}
