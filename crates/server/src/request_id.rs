//! A name for each request, which joins its answer, its log lines and what plugins do for it.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the name in both directions.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// The name of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// The name that the client gave, if it is one; otherwise a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
        Self(given.filter(|text| is_name(text)).map_or_else(new, Arc::from))
    }

    pub(crate) fn as_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed)
}

/// Unique among processes by its beginning, and within this one by its end.
fn new() -> Arc<str> {
    static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:012x}-", rand::random::<u64>() >> 16));
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let mut left = COUNT.fetch_add(1, Ordering::Relaxed);
    // By hand, last digit first: every request pays for this.
    let mut digits = [b'0'; 16];
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = HEXADECIMAL.get((left & 15) as usize).copied().unwrap_or(b'0');
        (left, length) = (left >> 4, length + 1);
        if left == 0 {
            break;
        }
    }
    let digits =
        digits.get(16 - length..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
    let mut name = String::with_capacity(PROCESS.len() + digits.len());
    name.push_str(&PROCESS);
    name.push_str(digits);
    name.into()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{HEADER, RequestId};

    fn named(text: &str) -> String {
        let headers = HeaderMap::from_iter([(HEADER, text.parse().unwrap())]);
        RequestId::of(&headers).0.to_string()
    }

    #[test]
    fn a_name_that_the_client_gave_is_kept_if_it_is_one() {
        assert_eq!(named("shop.order_7-a"), "shop.order_7-a");
        for no_name in ["", "two words", "a/b", "naïve", &"x".repeat(65)] {
            assert_ne!(named(no_name), no_name);
        }
    }

    #[test]
    fn no_two_requests_have_one_name() {
        assert_ne!(*RequestId::of(&HeaderMap::new()).0, *RequestId::of(&HeaderMap::new()).0);
    }
}
