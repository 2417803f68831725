//! E-mail addresses.

use std::fmt;

use switchboard_api::Fault;

/// The most characters of an e-mail address.
pub const MOST_EMAIL: usize = 254;

/// An e-mail address in the one form by which it is known: in small letters, without spaces around it.
///
/// ```
/// use switchboard_accounts::Email;
/// assert_eq!(Email::parse(" Ada@Example.COM ").unwrap().as_str(), "ada@example.com");
/// assert!(Email::parse("ada@").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address of a text.
    ///
    /// # Errors
    /// The fault, of the field `email` of a body.
    pub fn parse(text: &str) -> Result<Self, Box<Fault>> {
        let known = Self::known_as(text);
        let fault = |kind, msg: &str| Box::new(Fault::new(kind, ["body", "email"], msg, text.trim().into()));
        if known.len() > MOST_EMAIL {
            return Err(fault(
                "string_too_long",
                &format!("an e-mail address has at most {MOST_EMAIL} characters"),
            ));
        }
        if !known.is_ascii() {
            let msg = "write the address in ASCII; a domain of other letters has such a form too, beginning with xn--";
            return Err(fault("email", msg));
        }
        match known.rsplit_once('@') {
            Some((local, domain)) if is_local(local) && is_domain(domain) => Ok(Self(known)),
            _ => Err(fault("email", "this is no e-mail address; write one like ada@example.com")),
        }
    }

    /// The form by which a text would be known, if it is an address.
    pub(crate) fn known_as(text: &str) -> String {
        text.trim().to_ascii_lowercase()
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A dot-atom of RFC 5322: quoted ones are left out, which nobody has and which mislead.
fn is_local(local: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(fits))
}

fn is_domain(domain: &str) -> bool {
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain == "localhost" || (domain.contains('.') && domain.split('.').all(fits))
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn addresses_that_people_have_are_taken() {
        for fits in ["ada@example.com", "a.b+c@sub.example.co.uk", "o'neil@x-y.org", "root@localhost"] {
            assert_eq!(Email::parse(fits).unwrap().as_str(), fits);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for does_not in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a b@example.com",
            "ada@example.com\r\nBcc: b@b.com",
            "ada@exa_mple.com",
            "ada@-x.com",
            "a..b@example.com",
            "\"ada\"@example.com",
            "ädä@example.com",
            &long,
        ] {
            assert!(Email::parse(does_not).is_err(), "{does_not}");
        }
    }
}
