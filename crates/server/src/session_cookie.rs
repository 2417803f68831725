//! The cookie by which a browser shows its session.

use http::{HeaderMap, HeaderValue, header};

use crate::client_address;

/// The cookie's name.
pub(crate) const NAME: &str = "swb_session";

/// How long a browser keeps it: as long as a session lasts.
const SECONDS: u32 = 30 * 86400;

/// The session's secret that a request carries.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// A header that has a browser keep the secret, for this site alone and out of reach of scripts.
pub(crate) fn keeping(secret: &str, request: &HeaderMap) -> HeaderMap {
    header_of(&format!("{NAME}={secret}; Max-Age={SECONDS}"), request)
}

/// A header that has a browser forget it.
pub(crate) fn forgetting(request: &HeaderMap) -> HeaderMap {
    header_of(&format!("{NAME}=; Max-Age=0"), request)
}

fn header_of(pair: &str, request: &HeaderMap) -> HeaderMap {
    let secure = if is_encrypted(request) { "; Secure" } else { "" };
    let text = format!("{pair}; Path=/; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map(|value| (header::SET_COOKIE, value)).into_iter().collect()
}

/// Whether the browser came by https: by all that is known of the request, or as the browser itself says of the page.
fn is_encrypted(request: &HeaderMap) -> bool {
    let is_of_encrypted_page =
        request.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    client_address::is_encrypted(request) || is_of_encrypted_page
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, header};

    use super::{keeping, of};

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_secret_is_found_among_other_cookies() {
        assert_eq!(of(&with(header::COOKIE, "a=b; swb_session=secret;c=d")), Some("secret"));
        assert_eq!(of(&with(header::COOKIE, "xswb_session=secret; a=swb_session")), None);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_other_sites_and_behind_https_from_plain_connections() {
        let plain = keeping("secret", &HeaderMap::new());
        let text = plain[header::SET_COOKIE].to_str().unwrap();
        assert_eq!(text, "swb_session=secret; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax");
        let encrypted = keeping("secret", &with("x-forwarded-proto".parse().unwrap(), "https"));
        assert!(encrypted[header::SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
    }
}
