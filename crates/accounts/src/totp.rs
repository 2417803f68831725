//! Codes that change every 30 seconds (RFC 6238), and codes that serve once in their place.

use switchboard_api::capability::Random;
use totp_rs::{Builder, Totp};

use crate::{
    error::Error,
    secret::{self, Hash},
};

/// The letters of recovery codes: none that is taken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What an application for second factors needs to know.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The secret in base32, to be typed.
    pub secret: String,
    /// The same as `otpauth` address, to be shown as QR code.
    pub uri: String,
}

/// A secret as the codes that follow from it: six digits, 30 seconds, a step late or early.
pub(crate) fn totp(secret: &[u8], email: &str, issuer: &str) -> Result<Totp, Error> {
    let cannot = |error: totp_rs::TotpError| Error::Data(format!("a second factor cannot be used: {error}"));
    Builder::new()
        .with_secret(secret)
        .with_account_name(email)
        .with_issuer(Some(issuer))
        .build()
        .map_err(cannot)
}

/// What is to be told to the application.
pub(crate) fn enrolment(totp: &Totp) -> Result<Enrolment, Error> {
    let uri =
        totp.to_url().map_err(|error| Error::Data(format!("a second factor has no address: {error}")))?;
    Ok(Enrolment { secret: totp.secret().to_base32(), uri })
}

/// A recovery code: 80 random bits, in groups of four letters.
pub(crate) fn new_recovery_code(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let mut code = String::with_capacity(19);
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 && position % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'0')));
    }
    code
}

/// The hash of a recovery code, however it was typed.
pub(crate) fn recovery_hash(code: &str) -> Hash {
    let plain = code.chars().filter(|c| c.is_alphanumeric()).map(|c| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    });
    secret::hash(&plain.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::recovery_hash;

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed() {
        assert_eq!(recovery_hash("0a1b-cdef-0123-4567"), recovery_hash(" OAIB cdef0l23 4567"));
        assert_ne!(recovery_hash("0a1b-cdef-0123-4567"), recovery_hash("0a1b-cdef-0123-4568"));
    }
}
