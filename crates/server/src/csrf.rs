//! Requests that a page elsewhere has a browser send, with a cookie that it has for this site.

use http::{HeaderMap, Method, header};
use switchboard_accounts::is_csrf_token;

use crate::problem::Problem;

/// Where a page of this site shows that it may read what the site told it.
pub(crate) const HEADER: &str = "x-csrf-token";

/// Refuses what changes something unless it comes from a page of this site, which knows the session's token.
pub(crate) fn check(method: &Method, headers: &HeaderMap, secret: &str) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    if !is_of_this_site(headers) {
        return Err(Problem::forbidden("a page of another site may change nothing here with a cookie"));
    }
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    match given.is_some_and(|given| is_csrf_token(secret, given)) {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "with a cookie, what changes something needs the session's `csrf_token` of `GET /api/me` in the header \
             `X-CSRF-Token`",
        )),
    }
}

/// Whether a request comes from a page of this site, or from no page, as far as the browser says.
pub(crate) fn is_of_this_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_of_site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let is_of_origin = text(header::ORIGIN.as_str())
        .is_none_or(|origin| origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host)));
    is_of_site && is_of_origin
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};

    use super::is_of_this_site;

    fn with(headers: &[(&'static str, &str)]) -> HeaderMap {
        let header =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        headers.iter().map(header).collect()
    }

    #[test]
    fn what_a_page_elsewhere_sends_is_told_apart() {
        let host = ("host", "example.org");
        assert!(is_of_this_site(&with(&[host])));
        assert!(is_of_this_site(&with(&[host, ("origin", "https://example.org")])));
        assert!(is_of_this_site(&with(&[host, ("sec-fetch-site", "same-origin")])));
        for other in [
            ("origin", "https://evil.org"),
            ("origin", "null"),
            ("origin", "https://example.org.evil.org"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!is_of_this_site(&with(&[host, other])), "{other:?}");
        }
    }
}
