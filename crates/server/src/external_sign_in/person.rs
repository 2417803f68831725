//! Somebody, as a provider knows them.

use switchboard_api::Failure;

/// OpenID Connect Core, 2: a subject has at most 255 ASCII characters.
const LONGEST_SUBJECT: usize = 255;
/// The longest e-mail address, and what is kept of a name.
const LONGEST: usize = 254;

/// Somebody, as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What they are called there, once and for all.
    pub subject: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Whether the provider has made sure that the address is theirs.
    pub is_email_verified: bool,
    /// What people call them.
    pub name: Option<String>,
}

impl Person {
    /// What a provider says, without what no one can be called.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] when it does not say who it is.
    pub(super) fn said(
        provider: &str,
        subject: &str,
        email: Option<(&str, bool)>,
        name: Option<&str>,
    ) -> Result<Self, Failure> {
        let is_one = !subject.is_empty()
            && subject.len() <= LONGEST_SUBJECT
            && subject.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_one {
            return Err(Failure::forbidden(format!("{provider} does not say who you are there")));
        }
        let email = email.filter(|(email, _)| !email.is_empty() && email.len() <= LONGEST);
        let name = name.map(|name| {
            let plain = name.chars().filter(|letter| !letter.is_control());
            plain.take(LONGEST).collect::<String>().trim().to_owned()
        });
        Ok(Self {
            subject: subject.to_owned(),
            email: email.map(|(email, _)| email.to_owned()),
            is_email_verified: email.is_some_and(|(_, is_verified)| is_verified),
            name: name.filter(|name| !name.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Person;

    #[test]
    fn somebody_has_a_subject_and_what_else_fits() {
        let ada =
            Person::said("Example", "7", Some(("ada@example.com", true)), Some(" Ada\u{7}\n ")).unwrap();
        assert_eq!((ada.name.as_deref(), ada.is_email_verified), (Some("Ada"), true));
        let nameless = Person::said("Example", "7", Some(("", true)), Some("\n")).unwrap();
        assert_eq!((nameless.name, nameless.email, nameless.is_email_verified), (None, None, false));
        for nobody in ["", "a b", "ä", &"a".repeat(256)] {
            assert!(Person::said("Example", nobody, None, None).is_err(), "{nobody:?}");
        }
    }
}
