//! Packages of those who mean harm: each is refused by name, and nothing is written.

use switchboard_packages::{Bounds, Error, Package};

use crate::stage::{Built, Files, append, compressed, header, read_with_sums, right_files, tape};

fn refused(tape: &[u8]) -> Error {
    Package::read(&compressed(tape), &Bounds::default()).unwrap_err()
}

/// A right package, with one more entry before all others.
fn with_entry(header: &tar::Header, content: &[u8]) -> Error {
    let mut tape = Vec::new();
    append(&mut tape, header, content);
    tape.extend(self::tape(&right_files()));
    refused(&tape)
}

#[test]
fn what_the_tests_write_themselves_is_read() {
    assert!(Package::read(&compressed(&tape(&right_files())), &Bounds::default()).is_ok());
    assert!(read_with_sums(&right_files()).is_ok());
}

#[test]
fn a_name_that_leads_out_is_refused() {
    let names: [&[u8]; 9] = [
        b"/etc/cron.d/x",
        b"../x",
        b"assets/../../x",
        b"assets/./x",
        b"assets\\..\\x",
        b"C:x",
        b"assets/nul.txt",
        b"assets/\xc3\xa9",
        b"assets/a\x1b[2J",
    ];
    for name in names {
        let error = with_entry(&header(name, 1), b"x");
        assert!(matches!(error, Error::BadName { .. }), "{error}");
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }
}

#[test]
fn what_is_no_plain_file_is_refused() {
    use tar::EntryType as Type;
    let kinds = [
        Type::Symlink,
        Type::Link,
        Type::Directory,
        Type::Char,
        Type::Block,
        Type::Fifo,
        Type::GNULongName,
        Type::GNULongLink,
        Type::GNUSparse,
        Type::XHeader,
        Type::XGlobalHeader,
    ];
    for kind in kinds {
        let mut header = header(b"assets/x", 0);
        header.set_entry_type(kind);
        header.as_ustar_mut().unwrap().linkname[..11].copy_from_slice(b"/etc/passwd");
        header.set_cksum();
        let error = with_entry(&header, b"");
        assert!(matches!(error, Error::NotAFile { .. }), "{kind:?}: {error}");
    }
}

#[test]
fn a_name_twice_is_refused_also_where_case_does_not_count() {
    for name in ["assets/style.css", "assets/STYLE.css"] {
        let mut files = right_files();
        let place = files.iter().position(|(name, _)| name == "assets/style.css").unwrap();
        files.insert(place + usize::from(name == "assets/style.css"), (name.to_owned(), b"other".to_vec()));
        let error = refused(&tape(&files));
        assert!(matches!(error, Error::Twice { .. }), "{error}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    // 3 GiB of zeros in one file, as 300 KB.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    std::io::Write::write_all(&mut encoder, header(b"assets/zeros", 3 << 30).as_bytes()).unwrap();
    for _ in 0..64 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let error = Package::read(&bomb, &Bounds::default()).unwrap_err();
    assert!(matches!(error, Error::FileTooLarge { .. }), "{error}");

    let small = Bounds { package: 1 << 20, files: 20, file: 1 << 20, content: 3 << 20 };
    let many: Vec<_> = (0..21).map(|n| (format!("assets/{n:02}"), vec![])).collect();
    let large: Vec<_> = (0..4).map(|n| (format!("assets/{n:02}"), vec![0; 1 << 20])).collect();
    let read = |files: &[_]| Package::read(&compressed(&tape(files)), &small).unwrap_err();
    assert!(matches!(read(&many), Error::TooManyFiles { most: 20 }));
    assert!(matches!(read(&large), Error::ContentTooLarge { .. }));
    let package = Built::new().pack().bytes;
    let tiny = Bounds { package: 100, ..small };
    assert!(matches!(Package::read(&package, &tiny), Err(Error::TooLarge { most: 100 })));
}

#[test]
fn a_size_that_is_not_there_takes_no_memory() {
    let mut tape = Vec::new();
    tape.extend_from_slice(header(b"assets/x", 60 << 20).as_bytes());
    assert!(matches!(refused(&tape), Error::CutOff));
}

#[test]
fn whatever_no_packer_writes_is_refused() {
    let files = right_files();
    let malformed = |tape: &[u8]| {
        let error = refused(tape);
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    };
    let mut reversed = files.clone();
    reversed.swap(0, 1);
    malformed(&tape(&reversed));

    for change in [
        (|it: &mut tar::Header| it.set_mtime(1)) as fn(&mut tar::Header),
        |it| it.set_mode(0o4755),
        |it| it.set_uid(1),
        |it| it.as_ustar_mut().unwrap().uname[0] = b'r',
        |it| it.as_ustar_mut().unwrap().set_device_major(1),
    ] {
        let mut other = header(b"AUTHORS", 1);
        change(&mut other);
        other.set_cksum();
        let error = with_entry(&other, b"x");
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
    let mut wrong_sum = header(b"AUTHORS", 1);
    wrong_sum.as_old_mut().cksum = *b"000000\0 ";
    assert!(matches!(with_entry(&wrong_sum, b"x"), Error::Malformed { .. }));

    let mut longer = tape(&files);
    longer.extend([0; 512]);
    malformed(&longer);
    let mut hidden = tape(&files);
    let first = files[0].1.len();
    assert!(!first.is_multiple_of(512));
    hidden[512 + first] = b'x';
    malformed(&hidden);

    let mut twice = compressed(&tape(&files));
    let again = twice.clone();
    twice.extend(again);
    assert!(matches!(Package::read(&twice, &Bounds::default()), Err(Error::Malformed { .. })));
}

#[test]
fn checksums_name_what_is_missing_too_many_or_changed() {
    let change = |change: &dyn Fn(&mut Files)| {
        let mut files = right_files();
        change(&mut files);
        refused(&tape(&files))
    };
    let place = |files: &Files, name: &str| files.iter().position(|(it, _)| it == name).unwrap();
    let error = change(&|files| {
        let place = place(files, "migrations/001_initial.sql");
        files[place].1.push(b'\n');
    });
    assert!(matches!(&error, Error::Changed { name } if name == "migrations/001_initial.sql"), "{error}");
    let error = change(&|files| {
        files.remove(place(files, "README.md"));
    });
    assert!(matches!(&error, Error::Missing { name } if name == "README.md"), "{error}");
    let error = change(&|files| files.insert(0, ("AUTHORS".to_owned(), vec![])));
    assert!(matches!(&error, Error::Unexpected { name } if name == "AUTHORS"), "{error}");
    let error = change(&|files| {
        files.remove(place(files, "SHA256SUMS"));
    });
    assert!(matches!(&error, Error::Missing { name } if name == "SHA256SUMS"), "{error}");
    let error = change(&|files| {
        let place = place(files, "SHA256SUMS");
        files[place].1.extend(b"# a remark\n");
    });
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[test]
fn right_checksums_do_not_make_a_wrong_package_right() {
    let with = |name: &str, content: Option<&[u8]>| {
        let mut files = right_files();
        files.retain(|(it, _)| it != name);
        files.extend(content.map(|content| (name.to_owned(), content.to_vec())));
        read_with_sums(&files).unwrap_err()
    };
    assert!(matches!(with("manifest.yaml", None), Error::Missing { .. }));
    assert!(matches!(with("manifest.yaml", Some(b"id: [")), Error::Manifest(_)));
    let builtin = b"id: it\nname: It\nversion: 1.0.0\ncategory: utility\ntype: builtin\n";
    assert!(matches!(with("manifest.yaml", Some(builtin)), Error::NotExternal { .. }));
    assert!(matches!(with("plugin.wasm", None), Error::Missing { .. }));
    assert!(matches!(with("plugin.wasm", Some(b"")), Error::NotAComponent { .. }));
    assert!(matches!(with("plugin.wasm", Some(b"\0asm\x01\0\0\0")), Error::NotAComponent { .. }));
    assert!(matches!(with("sbom.cdx.json", None), Error::Missing { .. }));
    assert!(matches!(with("sbom.cdx.json", Some(b"{}")), Error::Bill { .. }));
    for name in ["src/lib.rs", "other.wasm", "migrations/deep/001.sql", "install.sh"] {
        let error = with(name, Some(b"x"));
        assert!(matches!(&error, Error::Unexpected { name: it } if it == name), "{error}");
    }
    let other = crate::stage::MANIFEST.replace("1.0.0", "1.0.1");
    assert!(matches!(with("manifest.yaml", Some(other.as_bytes())), Error::Bill { .. }));
}

#[test]
fn what_is_no_archive_at_all_is_refused() {
    for bytes in [&b""[..], b"PK\x03\x04", b"\x28\xb5\x2f\xfd", &[0; 4096], &tape(&right_files())] {
        let error = Package::read(bytes, &Bounds::default()).unwrap_err();
        assert!(matches!(error, Error::NotCompressed { .. } | Error::CutOff), "{error}");
    }
}
