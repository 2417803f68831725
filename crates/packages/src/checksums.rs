//! `SHA256SUMS`: what each file of a package must be, as `sha256sum --check` reads it.

use std::collections::BTreeMap;

use crate::{CHECKSUMS, Digest, Error, archive::Files};

/// The checksums of all files but themselves.
pub(crate) fn write(files: &Files) -> String {
    let sums = files.iter().filter(|(name, _)| name.as_str() != CHECKSUMS);
    sums.map(|(name, content)| format!("{}  {name}\n", Digest::of(content).hexadecimal())).collect()
}

/// Holds the checksums in a package against its files.
///
/// # Errors
/// The first file that is missing, too many, or not what it should be.
pub(crate) fn check(files: &Files) -> Result<(), Error> {
    let Some(own) = files.get(CHECKSUMS) else { return Err(Error::Missing { name: CHECKSUMS.to_owned() }) };
    let right = write(files);
    if own[..] == *right.as_bytes() {
        return Ok(());
    }
    let faulty = Error::Malformed { why: "its SHA256SUMS is not written as `sha256sum` writes it" };
    let Ok(own) = std::str::from_utf8(own) else { return Err(faulty) };
    let sums = |text| -> BTreeMap<String, String> {
        let lines = str::lines(text).filter_map(|line| line.split_once("  "));
        lines.map(|(sum, name)| (name.escape_debug().to_string(), sum.to_owned())).collect()
    };
    let (said, found) = (sums(own), sums(&right));
    for (name, sum) in &said {
        match found.get(name) {
            None => return Err(Error::Missing { name: name.clone() }),
            Some(other) if other != sum => return Err(Error::Changed { name: name.clone() }),
            Some(_) => {}
        }
    }
    match found.into_keys().find(|name| !said.contains_key(name)) {
        Some(name) => Err(Error::Unexpected { name }),
        None => Err(faulty),
    }
}
