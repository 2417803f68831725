//! An attempt to sign in, sealed in a cookie of the browser that makes it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use switchboard_api::Failure;
use switchboard_vault::{Place, Vault};

/// How long somebody may take at the provider.
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What an attempt is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Signing in.
    SignIn,
    /// Signing in, by the invitation of this code for who has no account yet.
    Register(String),
    /// Linking to the account of whoever has the session of this number.
    Link(i64),
}

/// An attempt to sign in at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: Option<String>,
    pub(super) verifier: String,
    pub(super) purpose: Purpose,
    pub(super) return_to: String,
    pub(super) begun: Timestamp,
}

/// Closes attempts into cookies, and opens what comes back. Nobody else can make one, or read the PKCE verifier in it.
pub(super) struct Seal {
    vault: Arc<Vault>,
    place: Place,
    is_secure: bool,
}

impl Seal {
    pub(super) fn new(vault: Arc<Vault>, is_secure: bool) -> Self {
        Self { vault, place: Place::new("attempt to sign in", &[]), is_secure }
    }

    /// `__Host-`: no neighbour of this server's under the same domain can put one of its own in a browser. Browsers take
    /// such a name by `https` alone.
    fn name(&self) -> &'static str {
        if self.is_secure { "__Host-swb_sign_in" } else { "swb_sign_in" }
    }

    /// `Set-Cookie`. `Lax`, as the browser comes back from another site.
    pub(super) fn close(&self, attempt: &Attempt) -> Result<String, Failure> {
        let text = serde_json::to_vec(attempt)
            .map_err(|error| Failure::broken(format!("an attempt to sign in cannot be written: {error}")))?;
        let sealed = self.vault.seal(&self.place, &text);
        let sealed = sealed.map_err(|error| {
            Failure::unavailable(format!("an attempt to sign in cannot be sealed: {error}"))
        })?;
        Ok(self.cookie(&sealed, LIFE.as_secs()))
    }

    /// `Set-Cookie` that takes it away.
    pub(super) fn forget(&self) -> String {
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, age: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}", self.name())
    }

    /// The attempt that a browser with these cookies has begun, if it still may be finished.
    pub(super) fn open(&self, cookies: &str, now: Timestamp) -> Option<Attempt> {
        let mut own = cookies.split(';').filter_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == self.name()).then_some(value)
        });
        let opened = self.vault.open(&self.place, own.next()?).ok()?;
        let attempt: Attempt = serde_json::from_slice(opened.expose()).ok()?;
        let age = now.duration_since(attempt.begun);
        // One from the future is of a clock that was put back, or of another server's.
        (SignedDuration::from_secs(-5)..=LIFE).contains(&age).then_some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

    fn attempt() -> Attempt {
        Attempt {
            provider: "example".to_owned(),
            state: "state".to_owned(),
            nonce: None,
            verifier: "verifier".to_owned(),
            purpose: Purpose::SignIn,
            return_to: "/".to_owned(),
            begun: NOW,
        }
    }

    fn value(cookie: &str) -> String {
        cookie.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_server_for_ten_minutes() {
        let seal = Seal::new(Arc::new(Vault::in_memory().unwrap()), true);
        let cookie = seal.close(&attempt()).unwrap();
        assert!(
            cookie.starts_with("__Host-swb_sign_in=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure")
        );
        assert!(!cookie.contains("verifier"));
        let cookies = format!("theme=dark; {}", value(&cookie));
        assert_eq!(seal.open(&cookies, NOW), Some(attempt()));
        assert_eq!(seal.open(&cookies, NOW + LIFE), Some(attempt()));
        assert_eq!(seal.open(&cookies, NOW + LIFE + SignedDuration::from_secs(1)), None);
        assert_eq!(seal.open(&cookies, NOW - SignedDuration::from_secs(60)), None);
        let other = Seal::new(Arc::new(Vault::in_memory().unwrap()), true);
        assert_eq!(other.open(&cookies, NOW), None);
        assert_eq!(seal.open(&value(&seal.forget()), NOW), None);
        assert_eq!(seal.open("swb_sign_in=x; __Host-swb_sign_in", NOW), None);
    }

    #[test]
    fn a_changed_byte_opens_nothing() {
        let seal = Seal::new(Arc::new(Vault::in_memory().unwrap()), false);
        let cookie = value(&seal.close(&attempt()).unwrap());
        for place in "swb_sign_in=".len()..cookie.len() {
            let mut bytes = cookie.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            if let Some(opened) = seal.open(&changed, NOW) {
                // The last letter of base 64 may hold bits that say nothing.
                assert_eq!(opened, attempt(), "{place}");
                assert!(place + 3 >= cookie.len(), "{place}");
            }
        }
    }
}
