//! Whether what a client has is still what there is (RFC 9110, section 13).

use switchboard_sdk::{Timestamp, extract::Headers};

/// What tells one content from another.
pub(crate) struct Validators {
    /// With its quotes.
    pub(crate) etag: String,
    /// As HTTP writes moments; they are compared as text, for a client sends back what it got.
    pub(crate) last_modified: String,
}

impl Validators {
    pub(crate) fn new(etag: &str, modified: Timestamp) -> Self {
        let last_modified = modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Self { etag: format!("\"{etag}\""), last_modified }
    }

    /// Whether the client has it already.
    pub(crate) fn client_has(&self, headers: &Headers) -> bool {
        match headers.get("if-none-match") {
            Some("*") => true,
            Some(tags) => tags.split(',').any(|tag| {
                let tag = tag.trim();
                tag.strip_prefix("W/").unwrap_or(tag) == self.etag
            }),
            None => headers.get("if-modified-since") == Some(self.last_modified.as_str()),
        }
    }

    /// Whether a part may be sent: the client has the rest of the same content, or does not say.
    pub(crate) fn allow_part(&self, headers: &Headers) -> bool {
        headers.get("if-range").is_none_or(|known| known == self.etag || known == self.last_modified)
    }
}

#[cfg(test)]
mod tests {
    use switchboard_sdk::http::HeaderMap;

    use super::*;

    fn validators() -> Validators {
        Validators::new("e1", "2026-01-31T12:00:00.5Z".parse().unwrap())
    }

    fn headers(name: &'static str, value: &str) -> Headers {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Headers(headers)
    }

    #[test]
    fn a_client_that_has_it_need_not_get_it_again() {
        for tags in ["\"e1\"", "W/\"e1\"", "\"e0\", \"e1\"", "*"] {
            assert!(validators().client_has(&headers("if-none-match", tags)), "{tags}");
        }
        assert!(!validators().client_has(&headers("if-none-match", "\"e2\"")));
        assert!(validators().client_has(&headers("if-modified-since", "Sat, 31 Jan 2026 12:00:00 GMT")));
        assert!(!validators().client_has(&Headers(HeaderMap::new())));
    }

    #[test]
    fn a_part_of_other_content_is_of_no_use() {
        for known in ["\"e1\"", "Sat, 31 Jan 2026 12:00:00 GMT"] {
            assert!(validators().allow_part(&headers("if-range", known)), "{known}");
        }
        assert!(!validators().allow_part(&headers("if-range", "\"e2\"")));
        assert!(
            !validators().allow_part(&headers("if-range", "W/\"e1\"")),
            "a weak tag does not say byte for byte"
        );
        assert!(validators().allow_part(&Headers(HeaderMap::new())));
    }
}
