//! Which passwords are taken.

use serde_json::Value as Json;
use switchboard_api::Fault;

/// The fewest characters of a password.
pub const LEAST_PASSWORD: usize = 10;

/// The most characters of a password.
pub const MOST_PASSWORD: usize = 200;

/// The commonest of those that are long enough: what is tried first by whoever guesses.
const COMMONEST: [&str; 64] = [
    "0123456789",
    "0987654321",
    "1111111111",
    "1112223334",
    "1122334455",
    "1212121212",
    "123123123123",
    "1231231234",
    "1234512345",
    "12345678901",
    "123456789012",
    "1234567890123",
    "1234567890",
    "123456789a",
    "123456789q",
    "1234567891",
    "12345678910",
    "123456abcd",
    "123qweasdzxc",
    "147258369a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "3rjs1la7qe",
    "9876543210",
    "a123456789",
    "aaaaaaaaaa",
    "abc123456789",
    "abcd123456",
    "abcdefghij",
    "administrator",
    "asdfghjkl1",
    "asdfghjkl;",
    "baseball123",
    "basketball",
    "changeme123",
    "computer123",
    "football123",
    "google1234",
    "hello12345",
    "iloveyou12",
    "iloveyou123",
    "letmein123",
    "letmein1234",
    "liverpool1",
    "manchester",
    "password01",
    "password1!",
    "password10",
    "password11",
    "password12",
    "password123",
    "password1234",
    "passw0rd123",
    "princess123",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qwerty1234",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "qwertyuiop123",
    "welcome123",
    "zxcvbnm123",
];

/// What is wrong with a password for the account of that address; its text is in no fault.
pub(crate) fn faults(password: &str, email: &str, field: &str) -> Vec<Fault> {
    let fault = |kind, msg: String| vec![Fault::new(kind, ["body", field], msg, Json::Null)];
    let length = password.chars().count();
    let small = password.to_lowercase();
    if length < LEAST_PASSWORD {
        fault("string_too_short", format!("a password has at least {LEAST_PASSWORD} characters"))
    } else if length > MOST_PASSWORD {
        fault("string_too_long", format!("a password has at most {MOST_PASSWORD} characters"))
    } else if small.trim() == email || email.split('@').next() == Some(small.trim()) {
        fault("password_is_email", "a password is not the e-mail address".to_owned())
    } else if COMMONEST.contains(&small.trim()) || is_one_character(&small) {
        fault("password_too_common", "this password is among those tried first; choose another".to_owned())
    } else {
        Vec::new()
    }
}

fn is_one_character(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| chars.all(|c| c == first))
}

#[cfg(test)]
mod tests {
    use super::faults;

    fn kinds(password: &str) -> Vec<String> {
        faults(password, "ada.lovelace@example.com", "password").into_iter().map(|fault| fault.kind).collect()
    }

    #[test]
    fn a_long_sentence_is_a_password() {
        assert_eq!(kinds("the engine weaves patterns"), [""; 0]);
        assert_eq!(kinds("ünïcödé wörks"), [""; 0]);
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        assert_eq!(kinds("short"), ["string_too_short"]);
        assert_eq!(kinds(&"x1".repeat(101)), ["string_too_long"]);
        for email in ["ada.lovelace@example.com", "Ada.Lovelace@Example.com", "ada.lovelace"] {
            assert_eq!(kinds(email), ["password_is_email"]);
        }
        for common in ["Password123", "qwertyuiop", "zzzzzzzzzzzz"] {
            assert_eq!(kinds(common), ["password_too_common"]);
        }
    }
}
