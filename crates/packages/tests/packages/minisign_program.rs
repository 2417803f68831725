//! Signatures are those of the program `minisign`, both ways.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use switchboard_packages::{KeyFiles, PublicKey, SecretKey, Signature};

const PASSWORD: &str = "open sesame";

/// Runs the program; none where it is not, which on the build machine is a fault.
fn minisign(folder: &Path, arguments: &[&str]) -> Option<bool> {
    let mut command = Command::new("minisign");
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.spawn() {
        Ok(mut program) => {
            // It asks for a password where one protects the key, and may have ended before.
            let _ = program.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes());
            Some(program.wait().unwrap().success())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "minisign cannot be run: {error}");
            eprintln!("SKIPPED: signatures against the program minisign, which cannot be run: {error}");
            None
        }
    }
}

#[test]
fn the_program_checks_what_we_sign() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFiles::generate(None).unwrap();
    let key = SecretKey::parse(&keys.secret, None).unwrap();
    let signature = Signature::sign(b"it", &key, "it.switchboard", jiff::Timestamp::UNIX_EPOCH).unwrap();
    fs::write(folder.path().join("it.switchboard"), b"it").unwrap();
    fs::write(folder.path().join("it.switchboard.minisig"), signature.text()).unwrap();
    fs::write(folder.path().join("key.pub"), &keys.public).unwrap();
    let check = ["-Vm", "it.switchboard", "-p", "key.pub"];
    let Some(right) = minisign(folder.path(), &check) else { return };
    assert!(right);
    fs::write(folder.path().join("it.switchboard"), b"at").unwrap();
    assert_eq!(minisign(folder.path(), &check), Some(false));
}

#[test]
fn we_check_what_the_program_signs_and_sign_with_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("it"), b"it").unwrap();
    let make = ["-G", "-W", "-p", "key.pub", "-s", "key.key"];
    let Some(made) = minisign(folder.path(), &make) else { return };
    assert!(made);
    assert_eq!(minisign(folder.path(), &["-Sm", "it", "-s", "key.key", "-t", "on my word"]), Some(true));
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let key = PublicKey::parse(&text("key.pub")).unwrap();
    let signed = Signature::parse(&text("it.minisig")).unwrap().verify(b"it", &key).unwrap();
    assert_eq!(signed.comment, "on my word");

    let secret = SecretKey::parse(&text("key.key"), None).unwrap();
    let ours = Signature::sign(b"it", &secret, "it", jiff::Timestamp::UNIX_EPOCH).unwrap();
    fs::write(folder.path().join("it.minisig"), ours.text()).unwrap();
    assert_eq!(minisign(folder.path(), &["-Vm", "it", "-p", "key.pub"]), Some(true));
}

#[test]
fn the_program_signs_with_keys_that_we_make() {
    for password in [None, Some(PASSWORD)] {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::generate(password).unwrap();
        fs::write(folder.path().join("key.key"), &keys.secret).unwrap();
        fs::write(folder.path().join("it"), b"it").unwrap();
        let Some(signed) = minisign(folder.path(), &["-Sm", "it", "-s", "key.key"]) else { return };
        assert!(signed, "{password:?}");
        let text = fs::read_to_string(folder.path().join("it.minisig")).unwrap();
        Signature::parse(&text).unwrap().verify(b"it", &PublicKey::parse(&keys.public).unwrap()).unwrap();
    }
}
