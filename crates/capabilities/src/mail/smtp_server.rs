//! Where a mail server is, and how it is spoken to.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use lettre::transport::smtp::{
    SUBMISSION_PORT, SUBMISSIONS_PORT,
    authentication::Credentials,
    client::{Certificate, TlsParameters},
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// How long a mail server may take for one message, from the connection to its last word.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a certificate in PEM form begins with.
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A mail server, from an address such as `smtps://user@smtp.example.com:465` or `smtp://user@smtp.example.com:587`.
///
/// `smtps` is TLS from the first byte; `smtp` is STARTTLS, and nothing is sent to a server that does not offer it. With
/// `smtp://…?tls=none` there is no TLS, and a user only where the server is this machine.
#[derive(Clone)]
pub struct SmtpServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
    pub(super) patience: Duration,
    user: Option<String>,
    trusted: Option<Certificate>,
}

/// How what is sent is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    Tls,
    StartTls,
    None,
}

impl SmtpServer {
    /// The server with the password of the user whom the address names.
    ///
    /// # Errors
    /// When the address names none.
    pub fn password(self, password: &str) -> Result<Self, String> {
        let Some(user) = &self.user else {
            return Err(format!("a password is given for {self}, and no user: write `smtps://user@…`"));
        };
        let credentials = Some(Credentials::new(user.clone(), password.to_owned()));
        Ok(Self { credentials, ..self })
    }

    /// The server, trusted also when its certificate is signed by one of these, in PEM form.
    ///
    /// # Errors
    /// When they are no certificates.
    pub fn trust(self, certificates: &[u8]) -> Result<Self, String> {
        // Where there is no certificate at all, the library takes none for an answer.
        let begun = certificates.windows(PEM.len()).any(|window| window == PEM);
        let trusted = Certificate::from_pem(certificates).ok().filter(|_| begun);
        let trusted = trusted.ok_or("these are no certificates in PEM form")?;
        Ok(Self { trusted: Some(trusted), ..self })
    }

    /// The server, given this long for one message; without it, 30 seconds.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether the address names a user, and no password was given.
    pub fn lacks_password(&self) -> bool {
        self.user.is_some() && self.credentials.is_none()
    }

    pub(super) fn tls(&self) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        let begun = TlsParameters::builder(self.host.clone());
        match &self.trusted {
            Some(trusted) => begun.add_root_certificate(trusted.clone()).build(),
            None => begun.build(),
        }
    }
}

impl FromStr for SmtpServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: Url = text.parse().map_err(|error| format!("it is no address of a mail server: {error}"))?;
        if url.password().is_some() {
            return Err(
                "a password does not belong in the address: name its file by `password_file`".to_owned()
            );
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err("an address of a mail server has no path: write `smtps://user@host:465`".to_owned());
        }
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Tls, SUBMISSIONS_PORT),
            ("smtp", None) => (Security::StartTls, SUBMISSION_PORT),
            ("smtp", Some("tls=none")) => (Security::None, SUBMISSION_PORT),
            _ => {
                return Err(
                    "it begins with `smtps://` (TLS) or `smtp://` (STARTTLS; without TLS: `?tls=none`)"
                        .to_owned(),
                );
            }
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        // For schemes that it does not know, `url` leaves the host as it stands.
        let host = Host::parse(host).map_err(|error| format!("its host `{host}` is none: {error}"))?;
        let is_here = match &host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let host = match host {
            Host::Domain(name) => name,
            Host::Ipv4(ip) => IpAddr::V4(ip).to_string(),
            Host::Ipv6(ip) => IpAddr::V6(ip).to_string(),
        };
        let user = percent_decode_str(url.username()).decode_utf8();
        let user = user.map_err(|_| "its user is no UTF-8")?.into_owned();
        let user = Some(user).filter(|user| !user.is_empty());
        if user.is_some() && security == Security::None && !is_here {
            return Err(format!(
                "a password would travel to `{host}` for all to read: leave out `?tls=none`"
            ));
        }
        let port = url.port().unwrap_or(port);
        Ok(Self { host, port, security, credentials: None, patience: PATIENCE, user, trusted: None })
    }
}

impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpServer {self}, {:?}", self.security)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<SmtpServer>().unwrap_err()
    }

    #[test]
    fn an_address_says_how_a_server_is_spoken_to() {
        for (text, shown, security) in [
            ("smtps://smtp.example.com", "smtp.example.com:465", Security::Tls),
            ("smtp://smtp.example.com", "smtp.example.com:587", Security::StartTls),
            ("smtp://me%40example.com@smtp.example.com:25/", "smtp.example.com:25", Security::StartTls),
            ("smtp://me@127.0.0.1:2525?tls=none", "127.0.0.1:2525", Security::None),
        ] {
            let server: SmtpServer = text.parse().unwrap();
            assert_eq!((server.to_string().as_str(), server.security), (shown, security));
        }
        let server: SmtpServer = "smtp://me%40example.com@smtp.example.com".parse().unwrap();
        assert_eq!(server.user.as_deref(), Some("me@example.com"));
    }

    #[test]
    fn a_password_is_neither_in_the_address_nor_in_what_is_shown() {
        assert!(refused("smtps://me:hunter2@smtp.example.com").contains("password_file"));
        assert!(!refused("smtps://me:hunter2@smtp.example.com").contains("hunter2"));
        let server: SmtpServer = "smtps://me@smtp.example.com".parse().unwrap();
        assert!(server.lacks_password());
        let server = server.password("hunter2").unwrap();
        assert!(!server.lacks_password() && !format!("{server:?} {server}").contains("hunter2"));
        let nobody: SmtpServer = "smtps://smtp.example.com".parse().unwrap();
        assert!(nobody.password("hunter2").is_err_and(|why| !why.contains("hunter2")));
    }

    #[test]
    fn what_is_no_address_of_a_mail_server_says_what_to_write() {
        assert!(refused("http://smtp.example.com").contains("smtps://"));
        assert!(refused("smtps://smtp.example.com?tls=none").contains("smtps://"));
        assert!(refused("smtp.example.com").contains("no address"));
        assert!(refused("smtps://smtp.example.com/in/box").contains("no path"));
        assert!(refused("smtp://me@smtp.example.com?tls=none").contains("tls=none"));
        let server: SmtpServer = "smtps://smtp.example.com".parse().unwrap();
        assert!(server.clone().trust(b"").is_err() && server.trust(PEM).is_err());
    }
}
