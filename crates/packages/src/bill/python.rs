//! Libraries of a Python plugin: those in `requirements.txt`.

use std::path::Path;

use super::{Library, cargo::read, in_purl};
use crate::Error;

/// The file's name.
pub(super) const REQUIREMENTS: &str = "requirements.txt";

/// What the project in this folder requires; a version is known where it is pinned by `==`. None where no such file is.
pub(super) fn libraries(folder: &Path) -> Result<Option<Vec<Library>>, Error> {
    let Some(text) = read(&folder.join(REQUIREMENTS))? else { return Ok(None) };
    // A line that ends with a backslash goes on.
    Ok(Some(text.replace("\\\r\n", " ").replace("\\\n", " ").lines().filter_map(library).collect()))
}

fn library(line: &str) -> Option<Library> {
    let requirement = line.split(['#', ';']).next()?.trim();
    let requirement = requirement.split(" --").next()?.trim();
    // Options, such as `-r other.txt`, are no requirements.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let end = requirement.find(|c| !is_name(c)).unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at_checked(end)?;
    if name.is_empty() || name.starts_with('-') {
        return None;
    }
    let rest = match rest.trim_start().strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1,
        None => rest,
    };
    let pinned = rest.trim_start().strip_prefix("==").map(str::trim);
    let version = pinned.filter(|version| !version.contains([',', '*'])).map(str::to_owned);
    // As the index of Python's packages writes names.
    let normal = name.to_ascii_lowercase().replace(['_', '.'], "-");
    let at = version.as_deref().map(|version| format!("@{}", in_purl(version))).unwrap_or_default();
    let purl = Some(format!("pkg:pypi/{}{at}", in_purl(&normal)));
    Some(Library { name: name.to_owned(), version, purl, hash: None })
}

#[cfg(test)]
mod tests {
    use super::library;

    #[test]
    fn a_requirement_has_a_version_where_it_is_pinned() {
        let read = |line| library(line).map(|it| (it.name, it.version, it.purl.unwrap()));
        let known = |name: &str, version: Option<&str>, purl: &str| {
            Some((name.to_owned(), version.map(str::to_owned), purl.to_owned()))
        };
        assert_eq!(
            read("Jinja2==3.1.6  # templates"),
            known("Jinja2", Some("3.1.6"), "pkg:pypi/jinja2@3.1.6")
        );
        assert_eq!(
            read("a_b[x,y] == 1.0 ; python_version > '3'"),
            known("a_b", Some("1.0"), "pkg:pypi/a-b@1.0")
        );
        assert_eq!(read("six>=1.0"), known("six", None, "pkg:pypi/six"));
        assert_eq!(read("six==1.*"), known("six", None, "pkg:pypi/six"));
        assert_eq!(
            read("six==1.17.0   --hash=sha256:00"),
            known("six", Some("1.17.0"), "pkg:pypi/six@1.17.0")
        );
        assert_eq!((read("-r other.txt"), read("  # nothing"), read("")), (None, None, None));
    }
}
