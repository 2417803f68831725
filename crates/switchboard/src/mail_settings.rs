//! How mail is sent: `[mail]` of the operator's settings.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use switchboard_capabilities::{MailFolder, MailOptions, Sender, Smtp, SmtpServer};

use crate::secret_reference::{SecretReference, from_data_folder};

/// How mail is sent. Without a server, messages are written into a folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailSettings {
    /// The mail server, such as `smtps://user@smtp.example.com:465`.
    pub(crate) smtp: Option<String>,
    /// Whom messages are from, such as `Switchboard <switchboard@example.com>`.
    pub(crate) from: Option<String>,
    /// The file that holds the user's password.
    pub(crate) password_file: Option<PathBuf>,
    /// The environment variable that holds it.
    pub(crate) password_env: Option<String>,
    /// A file of certificates, in PEM form, one of which signed that of the server, beside those that all trust.
    pub(crate) certificates: Option<PathBuf>,
    /// How many messages a plugin may send in a minute for one organization.
    pub(crate) per_minute: Option<NonZeroU32>,
}

impl MailSettings {
    /// Paths are those from the data folder.
    pub(crate) fn in_data_folder(mut self, data: &Path) -> Self {
        from_data_folder(data, &mut self.password_file);
        from_data_folder(data, &mut self.certificates);
        self
    }

    /// What carries the mail: the server, or else the folder.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn options(&self, folder: &Path) -> anyhow::Result<MailOptions> {
        let wrong = || "`[mail]` in the settings is not right";
        let from = match &self.from {
            Some(from) => {
                Some(from.parse::<Sender>().map_err(|why| anyhow!("`from`: {why}")).with_context(wrong)?)
            }
            None => None,
        };
        let options = match self.server().with_context(wrong)? {
            Some(server) => {
                let from = from.context("`smtp` is set, and not `from`, whom messages are from");
                MailOptions::new(from.with_context(wrong)?, Arc::new(Smtp::new(server)))
            }
            None => MailOptions::new(from.unwrap_or_else(Sender::local), Arc::new(MailFolder::new(folder))),
        };
        let per_minute = self.per_minute.unwrap_or(options.per_minute);
        Ok(MailOptions { per_minute, ..options })
    }

    /// The mail server, if there is one.
    ///
    /// # Errors
    /// What is wrong with its address, its password or its certificates.
    pub(crate) fn server(&self) -> anyhow::Result<Option<SmtpServer>> {
        let password = SecretReference {
            name: "password",
            file: self.password_file.as_deref(),
            variable: self.password_env.as_deref(),
        };
        let password = password.read()?;
        let Some(address) = &self.smtp else {
            return match password {
                Some(_) => bail!("there is a password, and no `smtp` for whose user it is"),
                None => Ok(None),
            };
        };
        let mut server: SmtpServer = address.parse().map_err(|why| anyhow!("`smtp`: {why}"))?;
        if let Some(password) = password {
            server = server.password(&password).map_err(anyhow::Error::msg)?;
        }
        if let Some(path) = &self.certificates {
            let shown = path.display();
            let certificates =
                std::fs::read(path).with_context(|| format!("`certificates`, {shown}, cannot be read"))?;
            server = server.trust(&certificates).map_err(|why| anyhow!("`certificates`, {shown}: {why}"))?;
        }
        if server.lacks_password() {
            bail!("`smtp` names a user: name the file of the password by `password_file`");
        }
        Ok(Some(server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(settings: &str) -> String {
        let settings: MailSettings = toml::from_str(settings).unwrap();
        settings.options(Path::new("mail")).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_named_by_its_setting() {
        assert_eq!(fault(""), "");
        for (settings, part) in [
            ("smtp = 'smtps://smtp.example.com'", "`from`"),
            ("smtp = 'smtps://me@smtp.example.com'\nfrom = 'a@example.com'", "`password_file`"),
            ("smtp = 'https://smtp.example.com'\nfrom = 'a@example.com'", "`smtp`"),
            ("from = 'nobody'", "`from`"),
            ("password_file = '/no/such'", "/no/such"),
            ("smtp = 'smtps://smtp.example.com'\ncertificates = '/no/such'", "`certificates`"),
        ] {
            assert!(fault(settings).contains(part), "{settings}: {}", fault(settings));
        }
    }
}
