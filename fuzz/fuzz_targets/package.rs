//! The reader of packages, which may come from anybody: from the compressed form, and from the archive within.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_packages::{Agreement, Bounds, Component, Package};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    match first % 3 {
        0 => drop(Component::read(rest)),
        1 => read(rest),
        _ => read(&zstd::bulk::compress(rest, 1).unwrap_or_default()),
    }
});

fn read(package: &[u8]) {
    let bounds = Bounds::default();
    match Package::read(package, &bounds) {
        Ok(package) => drop(Agreement::of(package.manifest(), package.component())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
