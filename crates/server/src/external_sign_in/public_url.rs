//! Where browsers find this server.

use std::{fmt, str::FromStr};

use openidconnect::url::{Host, Url};
use switchboard_api::Failure;

/// The longest path to go back to.
const LONGEST_PATH: usize = 512;

/// Where browsers find this server, such as `https://clips.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// The address of a path of this server.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Whether it is reached by `https`.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The path, if it is one of this server.
    ///
    /// A browser reads `//elsewhere`, `/\elsewhere` and more as addresses of other servers, so that it is resolved as a
    /// browser would.
    pub(super) fn own_path(&self, path: &str) -> Result<String, Failure> {
        let is_plain = path.starts_with('/')
            && path.len() <= LONGEST_PATH
            && !path.contains('\\')
            && !path.chars().any(char::is_control);
        let resolved = self.0.join(path).ok().filter(|url| is_plain && url.origin() == self.0.origin());
        match resolved.map(|url| String::from(&url[openidconnect::url::Position::BeforePath..])) {
            // What remains after `/.//elsewhere` is resolved would lead elsewhere.
            Some(own) if !own.starts_with("//") => Ok(own),
            _ => {
                let message = format!(
                    "`return_to` is a path of this server, such as `/clips`, of at most {LONGEST_PATH} bytes"
                );
                Err(Failure::invalid(message))
            }
        }
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = text.parse::<Url>().ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && matches!(&url[openidconnect::url::Position::BeforePath..], "" | "/")
        });
        url.map(Self).ok_or_else(|| {
            format!("{text:?} is no address of a server: write one such as `https://clips.example.com`, without a path")
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

/// Whether nobody on the way reads or changes what is sent there.
pub(super) fn is_private(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_gone_back_to() {
        let url: PublicUrl = "https://clips.example.com/".parse().unwrap();
        for (path, own) in [
            ("/", "/"),
            ("/clips?q=a%20b#top", "/clips?q=a%20b#top"),
            ("/a/../b", "/b"),
            ("/x?next=//evil.example", "/x?next=//evil.example"),
        ] {
            assert_eq!(url.own_path(path).unwrap(), own);
        }
        for elsewhere in [
            "",
            "clips",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            " //evil.example",
            "@evil.example",
            &format!("/{}", "a".repeat(600)),
        ] {
            assert!(url.own_path(elsewhere).is_err(), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin() {
        assert_eq!(
            "https://clips.example.com:8443".parse::<PublicUrl>().unwrap().at("/x"),
            "https://clips.example.com:8443/x"
        );
        for wrong in
            ["clips.example.com", "ftp://x", "https://x/path", "https://me@x", "https://x?a", "https://x#a"]
        {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_travels_by_https_or_within_this_machine() {
        for (text, expected) in [
            ("https://id.example.com", true),
            ("http://127.0.0.1:1", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("http://id.example.com", false),
            ("http://localhost.example.com", false),
            ("ftp://localhost", false),
        ] {
            assert_eq!(is_private(&text.parse().unwrap()), expected, "{text}");
        }
    }
}
