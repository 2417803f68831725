//! Hosts as a manifest names them, and which of two names reaches farther.

/// Whether every host of `new` is one of `old`'s: `api.example.com` is one of `*.example.com`'s, and both of `*`'s.
///
/// As the capability `http` reads them: a name without a port means the port of the scheme, and `*` means every port too.
pub(crate) fn covers(old: &str, new: &str) -> bool {
    if old == new || old == "*" {
        return true;
    }
    if new == "*" {
        return false;
    }
    let (old_name, old_port) = parts(old);
    let (new_name, new_port) = parts(new);
    if old_port != new_port {
        return false;
    }
    match old_name.strip_prefix('*') {
        Some(below) => new_name.len() > below.len() && new_name.ends_with(below),
        None => old_name == new_name,
    }
}

fn parts(host: &str) -> (&str, Option<&str>) {
    host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_pattern_covers_what_it_reaches() {
        for (old, new) in [
            ("api.example.com", "api.example.com"),
            ("*", "api.example.com"),
            ("*", "*.example.com"),
            ("*", "localhost:1"),
            ("*.example.com", "api.example.com"),
            ("*.example.com", "*.eu.example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*.example.com:8443", "api.example.com:8443"),
        ] {
            assert!(covers(old, new), "{old} {new}");
        }
        for (old, new) in [
            ("api.example.com", "*.example.com"),
            ("api.example.com", "*"),
            ("*.example.com", "*"),
            ("*.example.com", "example.com"),
            ("*.example.com", "badexample.com"),
            ("*.eu.example.com", "*.example.com"),
            ("api.example.com", "api.example.com:8443"),
            ("api.example.com:8443", "api.example.com"),
            ("*.example.com", "api.example.com:8443"),
        ] {
            assert!(!covers(old, new), "{old} {new}");
        }
    }
}
