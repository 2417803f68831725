//! Where the database is, and how it is reached.

use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, NoTlsStream};
use tokio_postgres::{Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::options::Options;

/// Where the database is, and how it is reached.
pub(crate) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// As it may be shown: without the password.
    pub(crate) shown: Arc<str>,
}

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// The side of a connection that has to be kept going.
pub(crate) enum Wire {
    Plain(Box<Connection<Socket, NoTlsStream>>),
    Tls(Box<Connection<Socket, Encrypted>>),
}

/// As whom a connection signs in, and what it is set to.
pub(crate) struct Login {
    /// Absent for whoever the address names.
    pub(crate) user: Option<(String, String)>,
    /// Settings that hold from its beginning on.
    pub(crate) settings: String,
}

impl Address {
    /// Reads an address such as `postgres://user:password@host/database`.
    pub(crate) fn parse(url: &str, options: &Options) -> Result<Self, Error> {
        let wrong = |why: String| Error::Unavailable { room: "database".into(), why };
        for half in ["prefer", "allow", "verify-ca"] {
            if url.contains(&format!("sslmode={half}")) {
                return Err(wrong(format!(
                    "`sslmode={half}` would take less than is safe without saying so. Write `sslmode=require`, which encrypts \
                     and checks the certificate, or `sslmode=disable`"
                )));
            }
        }
        // It is checked to the full in any case.
        let url = url.replace("sslmode=verify-full", "sslmode=require");
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            wrong(format!("its address is none: {why}. Write postgres://user:password@host/database"))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong(
                "its address names no host. Write postgres://user:password@host/database".to_owned(),
            ));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        config.application_name("switchboard");
        config.keepalives_idle(Duration::from_secs(15));
        config.tcp_user_timeout(options.statement_time.saturating_add(Duration::from_secs(25)));
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls().map_err(wrong)?),
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        let shown = shown(&config).into();
        Ok(Self { config, tls, shown })
    }

    /// What the passwords of rooms' roles are made of.
    pub(crate) fn password(&self) -> &[u8] {
        self.config.get_password().unwrap_or_default()
    }

    pub(crate) async fn connect(&self, login: &Login) -> Result<(Client, Wire), tokio_postgres::Error> {
        let mut config = self.config.clone();
        if let Some((user, password)) = &login.user {
            config.user(user).password(password);
        }
        config.options(&login.settings);
        match &self.tls {
            None => config.connect(NoTls).await.map(|(client, wire)| (client, Wire::Plain(Box::new(wire)))),
            Some(tls) => {
                config.connect(tls.clone()).await.map(|(client, wire)| (client, Wire::Tls(Box::new(wire))))
            }
        }
    }
}

impl Wire {
    /// Keeps the connection going until it ends.
    pub(crate) fn run(self) {
        tokio::spawn(async move {
            let ended = match self {
                Self::Plain(wire) => wire.await,
                Self::Tls(wire) => wire.await,
            };
            if let Err(error) = ended {
                tracing::debug!("a connection to PostgreSQL ended: {error}");
            }
        });
    }
}

/// Trusts whom this machine trusts; `SSL_CERT_FILE` adds an authority of one's own.
fn tls() -> Result<MakeRustlsConnect, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let why = "its address asks for TLS, but no certificate of an authority was found on this machine";
        return Err(format!("{why}. Install ca-certificates, or name a file of them in SSL_CERT_FILE"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn shown(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
    };
    let port = config.get_ports().first().filter(|port| **port != 5432);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{host}{port}/{database}")
}

#[cfg(test)]
mod tests {
    use super::Address;
    use crate::Options;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address =
            Address::parse("postgres://admin:s3cret@db.example:6000/house", &Options::default()).unwrap();
        assert_eq!(&*address.shown, "postgres://admin@db.example:6000/house");
    }

    #[test]
    fn what_others_call_verify_full_is_understood() {
        let address = Address::parse("postgres://db.example/house?sslmode=verify-full", &Options::default());
        assert!(address.unwrap().tls.is_some());
    }

    #[test]
    fn nobody_is_encrypted_by_halves() {
        for half in ["prefer", "allow", "verify-ca"] {
            let url = format!("postgres://admin:s3cret@db.example/house?sslmode={half}");
            let error = Address::parse(&url, &Options::default()).err().unwrap().to_string();
            assert!(error.contains("sslmode=require") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for url in
            ["postgres://admin:s3cret@:x/house", "mysql://admin:s3cret@host/house", "postgres:///house"]
        {
            let error = Address::parse(url, &Options::default()).err().unwrap().to_string();
            assert!(
                error.contains("postgres://user:password@host/database") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}
