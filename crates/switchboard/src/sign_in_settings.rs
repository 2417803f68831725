//! Where else people may sign in: `[[sign_in]]` of the operator's settings.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use serde::Deserialize;
use switchboard_capabilities::SystemClock;
use switchboard_server::external_sign_in::{
    ExternalParts, ExternalSignIn, PATIENCE, ProviderKind, ProviderSettings,
};
use switchboard_vault::Vault;

use crate::{
    operator_settings::OperatorSettings,
    secret_reference::{SecretReference, from_data_folder},
};

/// A provider of sign-ins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInSettings {
    /// What it is called in addresses.
    pub(crate) id: String,
    /// What people call it; the id when absent.
    pub(crate) name: Option<String>,
    /// How it is spoken to.
    pub(crate) kind: Kind,
    /// The issuer, exactly as it calls itself; for `oidc`.
    pub(crate) issuer: Option<String>,
    /// Where Discord is, if elsewhere; for `discord`.
    pub(crate) base_url: Option<String>,
    /// What this server is called there.
    pub(crate) client_id: String,
    /// The file that holds the secret by which it knows this server.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// The environment variable that holds it.
    pub(crate) client_secret_env: Option<String>,
    /// What is asked for; what is needed at the least when absent.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// OpenID Connect.
    Oidc,
    /// Discord.
    Discord,
}

impl SignInSettings {
    /// Paths are those from the data folder.
    pub(crate) fn in_data_folder(mut self, data: &Path) -> Self {
        from_data_folder(data, &mut self.client_secret_file);
        self
    }

    /// The provider, with its secret.
    ///
    /// # Errors
    /// What is wrong with it, by its id.
    pub(crate) fn provider(&self) -> anyhow::Result<ProviderSettings> {
        self.read().with_context(|| format!("`[[sign_in]]` of `{}` in the settings is not right", self.id))
    }

    fn read(&self) -> anyhow::Result<ProviderSettings> {
        let kind = match (self.kind, &self.issuer, &self.base_url) {
            (Kind::Oidc, Some(issuer), None) => ProviderKind::OpenIdConnect { issuer: issuer.clone() },
            (Kind::Oidc, None, _) => {
                bail!("`kind = \"oidc\"` needs `issuer`, such as `https://id.example.com`")
            }
            (Kind::Oidc, Some(_), Some(_)) => bail!("`base_url` belongs to `kind = \"discord\"`"),
            (Kind::Discord, Some(_), _) => bail!("`issuer` belongs to `kind = \"oidc\"`"),
            (Kind::Discord, None, base_url) => ProviderKind::Discord {
                base_url: base_url.clone().unwrap_or_else(|| "https://discord.com".to_owned()),
            },
        };
        let secret = SecretReference {
            name: "client_secret",
            file: self.client_secret_file.as_deref(),
            variable: self.client_secret_env.as_deref(),
        };
        Ok(ProviderSettings {
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.id.clone()),
            kind,
            client_id: self.client_id.clone(),
            client_secret: secret.read()?,
            scopes: self.scopes.clone(),
        })
    }
}

impl OperatorSettings {
    /// Where else people may sign in. What of it is in a browser is sealed by the vault.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(crate) fn elsewhere(&self, vault: &Arc<Vault>) -> anyhow::Result<ExternalSignIn> {
        let providers: anyhow::Result<Vec<_>> = self.sign_in.iter().map(SignInSettings::provider).collect();
        let parts = ExternalParts {
            providers: providers?,
            url: self.public_url()?,
            vault: Arc::clone(vault),
            clock: Arc::new(SystemClock),
            patience: PATIENCE,
        };
        ExternalSignIn::new(parts).map_err(anyhow::Error::msg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(settings: &str) -> Result<ProviderSettings, String> {
        let settings: SignInSettings =
            toml::from_str(&format!("id = 'x'\nclient_id = 'switchboard'\n{settings}")).unwrap();
        settings.provider().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_provider_has_what_its_kind_needs() {
        let discord = provider("kind = 'discord'").unwrap();
        assert_eq!(discord.kind, ProviderKind::Discord { base_url: "https://discord.com".to_owned() });
        assert_eq!((discord.name.as_str(), discord.client_secret), ("x", None));
        assert!(provider("kind = 'oidc'\nissuer = 'https://id.example.com'\nname = 'Example'").is_ok());
        for (settings, part) in [
            ("kind = 'oidc'", "needs `issuer`"),
            ("kind = 'oidc'\nissuer = 'https://a'\nbase_url = 'https://b'", "`base_url`"),
            ("kind = 'discord'\nissuer = 'https://a'", "`issuer`"),
            ("kind = 'discord'\nclient_secret_file = '/no/such'", "/no/such"),
        ] {
            let why = provider(settings).err().unwrap();
            assert!(why.contains(part) && why.contains("`x`"), "{settings}: {why}");
        }
    }
}
