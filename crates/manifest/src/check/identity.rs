//! Version, website, entry point.

use semver::{Version, VersionReq};

use crate::{
    inspection::{Inspection, Text},
    path::Path,
    quote::quoted,
};

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    if let Some(version) = top.text("version")
        && Version::parse(version.text).is_err()
    {
        let message =
            format!("{} is not a semantic version: three numbers joined by dots", quoted(version.text));
        let instead = completed(version.text).map_or("`1.0.0`".to_owned(), |version| format!("`{version}`"));
        manifest.better_fault(&version.path, message, instead);
    }
    if let Some(host) = top.text("host") {
        range(manifest, &host);
    }
    for dependencies in ["requires", "optional", "conflicts"] {
        for dependency in top.items(dependencies) {
            if let Some(version) = dependency.text("version") {
                range(manifest, &version);
            }
        }
    }
    if let Some(website) = top.text("website")
        && !is_address(website.text)
    {
        let message = format!("{} is not the address of a website", quoted(website.text));
        let guess = format!("https://{}", website.text.trim_start_matches('/'));
        let instead = if is_address(&guess) { quoted(&guess) } else { "`https://example.com/`".to_owned() };
        manifest.better_fault(&website.path, message, instead);
    }
    entry_point(manifest);
}

/// `1.2` and `v1.2` completed to `1.2.0`.
pub(crate) fn completed(version: &str) -> Option<Version> {
    let numbers = version.trim().trim_start_matches(['v', 'V', '=']);
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    Version::parse(&format!("{numbers}{missing}")).ok()
}

fn range(manifest: &mut Inspection<'_>, range: &Text<'_>) {
    if let Err(error) = VersionReq::parse(range.text) {
        let message = format!("{} is not a range of versions: {error}", quoted(range.text));
        manifest.better_fault(&range.path, message, "a range such as `1.2`, `>=1.2, <2` or `*`".to_owned());
    }
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let unfit = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`' | '\\');
    host.contains('.') && !host.starts_with('.') && !text.contains(unfit)
}

fn entry_point(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    let kind = top.field("type");
    let external = kind.as_ref().is_none_or(|kind| kind.value == "external");
    match top.field("entry_point").filter(|entry| !entry.value.is_null()) {
        None if external => {
            let path = Path::of(if kind.is_some() { "type" } else { "entry_point" });
            let place = manifest.tree.place_of(&path);
            let instead = "a field `entry_point`, such as `plugin.wasm`; or `type: builtin` for one that is \
                           compiled into the server";
            let message = "an external plugin needs an `entry_point`, the file that it is started from";
            manifest.fault_from(place, &Path::of("entry_point"), message, instead.to_owned());
        }
        Some(entry) => {
            if let Some(entry) = entry.as_text()
                && let Some(why) = outside(entry.text)
            {
                let message = format!("the entry point {} {why}", quoted(entry.text));
                let instead = "the file's place below the manifest's folder, such as `plugin.wasm`";
                manifest.fault(&entry.path, message, instead.to_owned());
            }
        }
        None => {}
    }
}

/// Why a file's name leads out of the manifest's folder, on any system.
fn outside(file: &str) -> Option<&'static str> {
    if file.trim().is_empty() || file.ends_with('/') {
        Some("names no file")
    } else if file.contains('\\') {
        Some("has a `\\`; folders are divided by `/` on every system")
    } else if file.starts_with('/') || file.get(1..2) == Some(":") {
        Some("is an absolute path")
    } else if file.split('/').any(|step| step == "..") {
        Some("leads out of the plugin's folder")
    } else if file.contains(|c: char| c.is_control()) {
        Some("has a control character in it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_inside_the_folder_is_one_on_every_system() {
        for inside in ["plugin.wasm", "build/plugin.wasm", "a..b", "./plugin.wasm"] {
            assert_eq!(outside(inside), None, "{inside}");
        }
        for out in [
            "",
            " ",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "C:/x",
            "C:\\x",
            "a\\b",
            "\\\\server\\x",
            "a/",
            "a\0b",
        ] {
            assert!(outside(out).is_some(), "{out}");
        }
    }

    #[test]
    fn part_of_a_version_is_completed() {
        assert_eq!(completed("v1.2"), Some(Version::new(1, 2, 0)));
        assert_eq!(completed("1"), Some(Version::new(1, 0, 0)));
        assert_eq!(completed("latest"), None);
    }

    #[test]
    fn a_website_has_a_host() {
        assert!(is_address("https://example.com") && is_address("http://example.com/a?b#c"));
        for bad in [
            "example.com",
            "https://",
            "https:///x",
            "ftp://example.com",
            "https://exa mple.com",
            "javascript:x",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
