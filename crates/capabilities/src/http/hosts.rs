//! The hosts that a manifest names.

use std::fmt;

use url::Url;

/// The hosts that a manifest names, each a pattern.
pub(super) struct Hosts(Vec<Pattern>);

/// `api.example.com`, `*.example.com` for every name below, `*` for every host; each with a port, or without for the
/// port that the scheme has by itself. `*` is every port too.
struct Pattern {
    name: String,
    port: Option<u16>,
}

impl Hosts {
    pub(super) fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let pattern = |host: &str| match host.split_once(':') {
            Some((name, port)) => Pattern { name: name.to_owned(), port: port.parse().ok() },
            None => Pattern { name: host.to_owned(), port: None },
        };
        Self(hosts.into_iter().map(pattern).collect())
    }

    /// Whether one of them is the address's.
    pub(super) fn name(&self, url: &Url) -> bool {
        // A name with a dot at its end is the same name.
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        // `port` is none where it is the scheme's own.
        self.0.iter().any(|pattern| pattern.names(host, url.port(), url.port_or_known_default()))
    }
}

impl Pattern {
    fn names(&self, host: &str, said: Option<u16>, port: Option<u16>) -> bool {
        if self.name == "*" {
            return true;
        }
        let has_name = match self.name.strip_prefix('*') {
            // With the dot before it: `*.example.com` is not `badexample.com`.
            Some(below) => host.len() > below.len() && host.ends_with(below),
            None => host == self.name,
        };
        has_name && if self.port.is_some() { self.port == port } else { said.is_none() }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, Pattern { name, port }) in self.0.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            match port {
                Some(port) => write!(f, "{comma}`{name}:{port}`")?,
                None => write!(f, "{comma}`{name}`")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn a_host_is_called_by_its_name_and_its_port() {
        let named =
            |patterns: &[&str], url: &str| Hosts::new(patterns.iter().copied()).name(&url.parse().unwrap());
        for (patterns, url) in [
            (&["api.example.com"][..], "https://api.example.com/x"),
            (&["api.example.com"], "https://API.example.com:443/"),
            (&["api.example.com"], "https://api.example.com./"),
            (&["api.example.com:8443"], "https://api.example.com:8443/"),
            (&["*.example.com"], "http://a.b.example.com/"),
            (&["other.example.org", "127.0.0.1:9"], "http://127.0.0.1:9/"),
            (&["*"], "https://anything.example:8443/"),
        ] {
            assert!(named(patterns, url), "{patterns:?} {url}");
        }
        for (patterns, url) in [
            (&["api.example.com"][..], "https://example.com/"),
            (&["api.example.com"], "https://api.example.com:8443/"),
            (&["api.example.com:8443"], "https://api.example.com/"),
            (&["*.example.com"], "https://example.com/"),
            (&["*.example.com"], "https://badexample.com/"),
            (&["*.example.com"], "https://example.com.evil.example/"),
            (&["api.example.com"], "https://api.example.com@evil.example/"),
            (&[], "https://api.example.com/"),
        ] {
            assert!(!named(patterns, url), "{patterns:?} {url}");
        }
    }
}
