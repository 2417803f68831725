//! The name of a file in a package.

use std::{
    borrow::Borrow,
    fmt,
    path::{Path, PathBuf},
};

use crate::Error;

/// The longest name of a file in a package, in bytes: what fits into the first field of a tar header.
pub const LONGEST_NAME: usize = 100;

/// Names that Windows gives to devices, whatever stands behind their first dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The name of a file in a package: steps of ASCII letters, digits and `. _ - + @`, joined by `/`.
///
/// It is a plain file below the package's folder on every system: no absolute path, no `..`, nothing hidden, no device.
///
/// ```
/// use switchboard_packages::EntryName;
/// assert!(EntryName::parse("migrations/001_initial.sql").is_ok());
/// assert!(EntryName::parse("../etc/passwd").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(String);

impl EntryName {
    /// Takes a text as a name.
    ///
    /// # Errors
    /// [`Error::BadName`], which says why it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(Error::BadName { name: text.escape_debug().to_string(), why }),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file of this name in a folder.
    pub fn below(&self, folder: &Path) -> PathBuf {
        self.0.split('/').fold(folder.to_owned(), |path, step| path.join(step))
    }

    /// What two names have in common that are one file where case does not count.
    pub(crate) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// Why a text is no name of a file in a package.
fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > LONGEST_NAME {
        return Some("it is longer than 100 bytes");
    }
    if text.starts_with('/') {
        return Some("it is an absolute path");
    }
    text.split('/').find_map(step_fault)
}

fn step_fault(step: &str) -> Option<&'static str> {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'@');
    let stem = step.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_numbered = |name: &str| {
        stem.strip_prefix(name)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|it| it.is_ascii_digit()))
    };
    if step == ".." {
        Some("it leads out of the package")
    } else if step.is_empty() {
        Some("it has an empty step")
    } else if !step.bytes().all(is_plain) {
        Some("it has a character other than ASCII letters, digits and `. _ - + @`")
    } else if step.starts_with('.') {
        Some("a step of it begins with a dot")
    } else if step.ends_with('.') {
        Some("a step of it ends with a dot")
    } else if DEVICES.contains(&stem.as_str()) || is_numbered("com") || is_numbered("lpt") {
        Some("it is the name of a device on Windows")
    } else {
        None
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for EntryName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::EntryName;

    #[test]
    fn a_name_is_a_plain_file_on_every_system() {
        for good in ["plugin.wasm", "assets/a-b_c+d@2x.png", "migrations/001_initial.down.sql", "console.log"]
        {
            assert!(EntryName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(101);
        for bad in [
            "",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "C:x",
            "a b",
            "a\0b",
            "ä",
            "a\u{301}",
            ".git",
            "a/.hidden",
            "trailing.",
            "nul",
            "CON.txt",
            "com1.sql",
            "\u{202e}gpj",
            &long,
        ] {
            assert!(EntryName::parse(bad).is_err(), "{bad}");
        }
    }
}
