//! Sealing, opening, and the file with the keys.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Barrier,
};

use proptest::prelude::*;
use switchboard_vault::{Error, PREFIX, Place, Secret, Vault, key_of};

fn place() -> Place {
    Place::new("configuration", &["clips", "7"])
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    (folder, file)
}

fn vault(file: &Path) -> Vault {
    Vault::with_key_file(file).unwrap()
}

proptest! {
    #[test]
    fn what_was_sealed_opens(secret: Vec<u8>) {
        let vault = Vault::in_memory().unwrap();
        let sealed = vault.seal(&place(), &secret).unwrap();
        let opened = vault.open(&place(), &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &secret[..]);
    }

    #[test]
    fn one_changed_character_anywhere_keeps_it_shut(position: prop::sample::Index, other in "[A-Za-z0-9+/:]") {
        let vault = Vault::in_memory().unwrap();
        let sealed = vault.seal(&place(), b"a secret of some length").unwrap();
        let mut changed = sealed.clone().into_bytes();
        changed[position.index(sealed.len())] = other.as_bytes()[0];
        let changed = String::from_utf8(changed).unwrap();
        prop_assert!(changed == sealed || vault.open(&place(), &changed).is_err(), "{}", changed);
    }

    #[test]
    fn any_text_is_opened_or_refused_with_a_sentence(text: String) {
        let vault = Vault::in_memory().unwrap();
        prop_assert!(vault.open(&place(), &text).is_err());
        let with_a_key = format!("{PREFIX}{}:{text}", vault.keys()[0]);
        prop_assert!(vault.open(&place(), &with_a_key).is_err());
    }
}

#[test]
fn a_secret_opens_only_where_it_was_sealed_for() {
    let vault = Vault::in_memory().unwrap();
    let sealed = vault.seal(&place(), b"hush").unwrap();
    let others = [
        Place::new("configuration", &["clips", "8"]),
        Place::new("configuration", &["other", "7"]),
        Place::new("second factor", &["clips", "7"]),
        Place::new("configuration", &["clips7"]),
        Place::new("configuration", &["clip", "s7"]),
        Place::new("configurationclips", &["7"]),
        Place::new("configuration", &["clips", "7", ""]),
    ];
    for other in others {
        let refusal = vault.open(&other, &sealed).unwrap_err();
        assert!(matches!(refusal, Error::DoesNotOpen { .. }), "{refusal}");
    }
}

#[test]
fn the_same_secret_never_looks_the_same_twice() {
    let vault = Vault::in_memory().unwrap();
    let sealed: BTreeSet<_> = (0..100).map(|_| vault.seal(&place(), b"hush").unwrap()).collect();
    assert_eq!(sealed.len(), 100);
}

#[test]
fn a_secret_sealed_elsewhere_names_the_key_that_is_missing_and_the_way_out() {
    let (_folder, file) = folder();
    let elsewhere = Vault::in_memory().unwrap();
    let sealed = elsewhere.seal(&place(), b"hush").unwrap();
    let refusal = vault(&file).open(&place(), &sealed).unwrap_err().to_string();
    let expected = format!(
        "it is sealed with the key `{}`, which is not in {}: restore the key file that was in use when it was sealed, or \
         set the secret anew",
        elsewhere.keys()[0],
        file.display()
    );
    assert_eq!(refusal, expected);
}

#[test]
fn what_is_no_sealed_text_is_told_apart_from_one_that_does_not_open() {
    let vault = Vault::in_memory().unwrap();
    let key = vault.keys()[0].clone();
    for text in ["", "hush", "swb1:", "swb1:KEY:AAAA", "swb2:key:AAAA", "swb1::AAAA"] {
        assert_eq!(vault.open(&place(), text).unwrap_err(), Error::NotSealed, "{text}");
    }
    for text in [format!("swb1:{key}:"), format!("swb1:{key}:!"), format!("swb1:{key}:AAAA")] {
        let refusal = vault.open(&place(), &text).unwrap_err();
        assert_eq!(refusal, Error::DoesNotOpen { key: key.clone() }, "{text}");
    }
}

#[test]
fn the_key_survives_a_restart() {
    let (_folder, file) = folder();
    let sealed = vault(&file).seal(&place(), b"hush").unwrap();
    assert_eq!(vault(&file).open(&place(), &sealed).unwrap().expose_text(), Some("hush"));
}

#[test]
fn of_many_first_starts_at_once_all_end_up_with_the_same_key() {
    let (_folder, file) = folder();
    let barrier = Barrier::new(16);
    let start = || {
        barrier.wait();
        vault(&file).keys()
    };
    let keys: BTreeSet<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), [vault(&file).keys()]);
}

#[test]
fn after_a_rotation_all_secrets_open_and_the_old_key_goes_when_nothing_uses_it() {
    let (_folder, file) = folder();
    let vault = vault(&file);
    let old = vault.keys()[0].clone();
    let sealed = vault.seal(&place(), b"hush").unwrap();
    let new = vault.add_key().unwrap();
    assert_eq!(vault.keys(), [new.clone(), old.clone()]);
    assert_eq!(vault.open(&place(), &sealed).unwrap().expose(), b"hush");
    let used = |sealed: &str| BTreeSet::from([key_of(sealed).unwrap()]);
    assert_eq!(vault.drop_unused(&used(&sealed)).unwrap(), []);
    let resealed = vault.reseal(&place(), &sealed).unwrap().unwrap();
    assert_eq!(vault.reseal(&place(), &resealed).unwrap(), None);
    assert_eq!(key_of(&resealed).unwrap(), new);
    assert_eq!(vault.drop_unused(&used(&resealed)).unwrap(), [old]);
    let vault = Vault::with_key_file(&file).unwrap();
    assert_eq!(vault.open(&place(), &resealed).unwrap().expose(), b"hush");
    assert!(matches!(vault.open(&place(), &sealed).unwrap_err(), Error::NoSuchKey { .. }));
}

#[test]
fn a_secret_cannot_be_moved_by_resealing_it() {
    let vault = Vault::in_memory().unwrap();
    let sealed = vault.seal(&place(), b"hush").unwrap();
    vault.add_key().unwrap();
    assert!(vault.reseal(&Place::new("configuration", &["clips", "8"]), &sealed).is_err());
}

#[test]
fn a_server_that_runs_sees_the_keys_that_another_adds_and_drops() {
    let (_folder, file) = folder();
    let (one, other) = (vault(&file), vault(&file));
    let new = one.add_key().unwrap();
    let sealed = one.seal(&place(), b"hush").unwrap();
    assert_eq!(other.open(&place(), &sealed).unwrap().expose(), b"hush");
    one.drop_unused(&BTreeSet::new()).unwrap();
    assert_eq!(key_of(&other.seal(&place(), b"hush").unwrap()).unwrap(), new);
}

#[test]
fn rotations_at_once_lose_no_key() {
    let (_folder, file) = folder();
    let vault = vault(&file);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Vault::with_key_file(&file).unwrap().add_key().unwrap());
        }
    });
    vault.add_key().unwrap();
    assert_eq!(vault.keys().len(), 10);
}

#[test]
fn a_key_file_that_goes_missing_while_the_server_runs_loses_no_key() {
    let (_folder, file) = folder();
    let vault = vault(&file);
    let sealed = vault.seal(&place(), b"hush").unwrap();
    fs::remove_file(&file).unwrap();
    vault.seal(&place(), b"hush").unwrap();
    vault.add_key().unwrap();
    assert_eq!(Vault::with_key_file(&file).unwrap().open(&place(), &sealed).unwrap().expose(), b"hush");
}

#[cfg(unix)]
mod permissions {
    use std::{fs, os::unix::fs::PermissionsExt};

    use switchboard_vault::{Error, Vault};

    use super::{folder, vault};

    #[test]
    fn only_its_owner_may_read_a_key_file() {
        let (_folder, file) = folder();
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        let vault = vault(&file);
        assert_eq!(mode(), 0o600);
        vault.add_key().unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_key_file_that_others_can_use_is_refused() {
        let (_folder, file) = folder();
        vault(&file);
        for mode in [0o640, 0o604, 0o620, 0o660, 0o644, 0o777] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let refusal = Vault::with_key_file(&file).unwrap_err();
            assert_eq!(refusal, Error::Exposed { file: file.clone(), mode });
            assert!(refusal.to_string().contains(&format!("{mode:o}")), "{refusal}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(Vault::with_key_file(&file).is_ok());
    }

    #[test]
    fn a_key_file_behind_a_link_stays_behind_it() {
        let (folder, file) = folder();
        let link = folder.path().join("link");
        vault(&file);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let new = vault(&link).add_key().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(vault(&file).keys()[0], new);
    }
}

#[test]
fn a_key_file_that_is_none_is_refused_with_the_line_and_without_its_content() {
    let key = "A".repeat(43) + "=";
    let faults = [
        ("hush", "line 1: a line is a key's id, a space, and the key in base64"),
        ("# a remark\n\none HUSH!", "line 3: the key is no base64"),
        ("one aHVzaA==", "line 1: a key has 32 bytes"),
        (&format!("ONE {key}"), "line 1: a key's id has 1 to 32 lower-case letters, digits, `-` and `_`"),
        (&format!("one {key}\none {key}"), "line 2: another key has the same id"),
        ("", "holds no key"),
    ];
    for (text, expected) in faults {
        let (_folder, file) = folder();
        fs::write(&file, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let refusal = Vault::with_key_file(&file).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
        assert!(!refusal.to_lowercase().contains("hush"), "{refusal}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "it is left as it was");
    }
}

#[test]
fn a_secret_is_shown_by_no_way_of_printing_it() {
    let vault = Vault::in_memory().unwrap();
    let secret = vault.open(&place(), &vault.seal(&place(), b"hush").unwrap()).unwrap();
    let given: Secret = serde_json::from_str("\"hush\"").unwrap();
    assert_eq!((secret.expose_text(), given.expose()), (Some("hush"), &b"hush"[..]));
    for secret in [secret, given, Secret::new("hush")] {
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "••• ••• Some(•••)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"•••\"");
    }
    let shown = format!("{vault:?}");
    assert_eq!(shown, format!("Vault {{ file: None, keys: {:?} }}", vault.keys()));
}
