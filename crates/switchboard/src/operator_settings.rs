//! The operator's settings: `switchboard.toml` in the data folder, and the environment.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::Context;
use ipnet::IpNet;
use serde::Deserialize;
use switchboard_kernel::{ENV_PREFIX, HISTORY};
use switchboard_manifest::PluginId;
use switchboard_server::{Proxies, external_sign_in::PublicUrl, organization::Creation};

use crate::{
    data_folder::DataFolder, mail_settings::MailSettings, rate_settings::RateSettings,
    sign_in_settings::SignInSettings,
};

/// The name of the file in the data folder.
pub(crate) const FILE: &str = "switchboard.toml";

/// What an operator may set. Nothing must be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OperatorSettings {
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// Plugins that are not loaded.
    pub(crate) disabled_plugins: Vec<PluginId>,
    /// Origins from which browsers may call; those of local development when absent.
    pub(crate) cors_origins: Option<Vec<String>>,
    /// The largest ordinary body, in bytes.
    pub(crate) body_limit: u64,
    /// The largest upload, in bytes.
    pub(crate) upload_limit: u64,
    /// For how many days lines of the audit log are kept; 0 for ever.
    pub(crate) audit_days: u32,
    /// For how many days events that everyone has heard are kept, and tasks that have ended.
    pub(crate) event_days: u32,
    /// The PostgreSQL database, such as `postgres://user:password@host/database`; SQLite in the data folder when absent.
    pub(crate) database: Option<Database>,
    /// How often callers may ask.
    pub(crate) rate_limits: RateSettings,
    /// The private networks that plugins may call.
    pub(crate) http_private_networks: Vec<IpNet>,
    /// Addresses and networks of proxies whose word counts on who called them.
    pub(crate) trusted_proxies: Vec<String>,
    /// The header in which they say it.
    pub(crate) proxy_header: Option<String>,
    /// Who may make an account for themselves: `open`, everybody; `invitation`, who has one into an organization; `off`,
    /// nobody.
    pub(crate) registration: Registration,
    /// `full`: what is acknowledged survives a power cut. `normal`: it survives a crash of the process.
    pub(crate) synchronous: Synchronous,
    /// Where browsers find this server; the address that is listened on when absent.
    pub(crate) public_url: Option<String>,
    /// Where else people may sign in.
    pub(crate) sign_in: Vec<SignInSettings>,
    /// How mail is sent.
    pub(crate) mail: MailSettings,
    /// Who may have an organization made: `request`, `anyone` or `administrators`.
    pub(crate) organization_creation: Creation,
    /// The file with the keys that secrets are sealed with; `keys` in the data folder when absent.
    pub(crate) key_file: Option<PathBuf>,
    /// What the names of environment variables begin with that configurations of plugins may refer to.
    pub(crate) config_env_prefix: String,
    /// The folder below which files stand that configurations of plugins may refer to; none may when absent.
    pub(crate) config_file_folder: Option<PathBuf>,
    /// How many changes of each configuration are kept in its history.
    pub(crate) config_history: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Registration {
    Open,
    Invitation,
    Off,
}

impl From<Registration> for switchboard_server::account::Registration {
    fn from(registration: Registration) -> Self {
        match registration {
            Registration::Open => Self::Open,
            Registration::Invitation => Self::Invitation,
            Registration::Off => Self::Off,
        }
    }
}

/// Where a PostgreSQL database is; never shown, as it holds a password.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Database(pub(crate) String);

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Synchronous {
    Full,
    Normal,
}

impl Default for OperatorSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            disabled_plugins: Vec::new(),
            cors_origins: None,
            body_limit: 1024 * 1024,
            upload_limit: 1024 * 1024 * 1024,
            audit_days: 400,
            event_days: 7,
            database: None,
            rate_limits: RateSettings::default(),
            http_private_networks: Vec::new(),
            trusted_proxies: Vec::new(),
            proxy_header: None,
            registration: Registration::Off,
            synchronous: Synchronous::Full,
            public_url: None,
            sign_in: Vec::new(),
            mail: MailSettings::default(),
            organization_creation: Creation::default(),
            key_file: None,
            config_env_prefix: ENV_PREFIX.to_owned(),
            config_file_folder: None,
            config_history: HISTORY,
        }
    }
}

impl OperatorSettings {
    /// Reads the file, if there is one; `SWITCHBOARD_DATABASE` is heard before it.
    ///
    /// # Errors
    /// When it cannot be read, or breaks a rule; the message has line and column.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Self> {
        let mut settings = Self::read_file(data)?;
        if let Ok(url) = std::env::var("SWITCHBOARD_DATABASE")
            && !url.is_empty()
        {
            settings.database = Some(Database(url));
        }
        Ok(settings)
    }

    fn read_file(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let read = || -> anyhow::Result<Self> {
            let settings: Self = toml::from_str(&text)?;
            settings.proxies()?;
            settings.public_url()?;
            let mail = settings.mail.in_data_folder(data);
            let sign_in =
                settings.sign_in.into_iter().map(|provider| provider.in_data_folder(data)).collect();
            Ok(Self { mail, sign_in, ..settings })
        };
        read().with_context(|| format!("{} is not right", path.display()))
    }

    /// Where browsers find this server, which listens there unless it is told another address.
    ///
    /// # Errors
    /// When `public_url` is none.
    pub(crate) fn public_url(&self) -> anyhow::Result<PublicUrl> {
        let text = self.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(self.listen)));
        text.parse().map_err(anyhow::Error::msg).context("public_url")
    }

    /// The proxies whose word counts on who called them.
    ///
    /// # Errors
    /// When one is neither an address nor a network, or the header is none of theirs.
    pub(crate) fn proxies(&self) -> anyhow::Result<Proxies> {
        let header = self.proxy_header.as_deref().map(str::parse).transpose().context("proxy_header")?;
        let trusted = self.trusted_proxies.iter().map(String::as_str);
        Proxies::new(trusted, header.unwrap_or_default()).context("trusted_proxies")
    }

    /// The file with the keys: the one that the environment variable `SWITCHBOARD_KEY_FILE` names, the one that the file
    /// names, from the data folder on, or `keys` in the data folder.
    pub(crate) fn keys(&self, folder: &DataFolder) -> PathBuf {
        let environment = std::env::var_os("SWITCHBOARD_KEY_FILE").filter(|path| !path.is_empty());
        let set = || self.key_file.as_ref().map(|path| folder.root().join(path));
        environment.map(PathBuf::from).or_else(set).unwrap_or_else(|| folder.keys())
    }

    /// The plugins that are switched off, by the file and by this process's environment.
    ///
    /// # Errors
    /// When the environment names what is no plugin id.
    pub(crate) fn switched_off_here(&self) -> anyhow::Result<BTreeMap<PluginId, String>> {
        let environment = std::env::var("DISABLED_PLUGINS").ok();
        self.switched_off(environment.as_deref())
    }

    /// The plugins that are switched off, each with the sentence that says how, by the file and by `DISABLED_PLUGINS`.
    ///
    /// # Errors
    /// When the environment names what is no plugin id.
    pub(crate) fn switched_off(
        &self,
        environment: Option<&str>,
    ) -> anyhow::Result<BTreeMap<PluginId, String>> {
        let by_file = self.disabled_plugins.iter().cloned().map(|id| {
            let reason = format!("it is switched off by `disabled_plugins` in {FILE}");
            (id, reason)
        });
        let mut all: BTreeMap<_, _> = by_file.collect();
        for name in environment.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
        {
            let id: PluginId =
                name.parse().context("the environment variable DISABLED_PLUGINS is not right")?;
            all.insert(id, "it is switched off by the environment variable DISABLED_PLUGINS".to_owned());
        }
        Ok(all)
    }
}

/// Where a person on this machine finds what listens there.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::{OperatorSettings, reachable};

    #[test]
    fn plugins_are_switched_off_by_file_and_by_environment() {
        let settings: OperatorSettings = toml::from_str("disabled_plugins = ['clips']").unwrap();
        let off = settings.switched_off(Some("slack, teams,")).unwrap();
        let ids: Vec<_> = off.keys().map(|id| id.as_str()).collect();
        assert_eq!(ids, ["clips", "slack", "teams"]);
        assert!(settings.switched_off(Some("No Plugin")).is_err());
    }

    #[test]
    fn what_is_no_proxy_is_refused_with_the_settings_name() {
        let settings = |text: &str| toml::from_str::<OperatorSettings>(text).unwrap().proxies();
        assert!(
            settings("trusted_proxies = ['127.0.0.1', '10.0.0.0/8']\nproxy_header = 'forwarded'").is_ok()
        );
        for (text, name) in
            [("trusted_proxies = ['nginx']", "trusted_proxies"), ("proxy_header = 'Via'", "proxy_header")]
        {
            let error = format!("{:#}", settings(text).unwrap_err());
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn an_unknown_setting_is_named_with_its_line() {
        let error = toml::from_str::<OperatorSettings>("\nlisen = '127.0.0.1:1'").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("lisen"), "{error}");
    }

    #[test]
    fn every_address_of_the_machine_is_told_as_one_that_opens() {
        for (listened, told) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:81", "[::1]:81"), ("10.0.0.7:82", "10.0.0.7:82")]
        {
            assert_eq!(reachable(listened.parse().unwrap()).to_string(), told);
        }
    }
}
