//! The secrets of second factors, sealed by the vault.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use switchboard_accounts::Sealer;
use switchboard_api::AccountId;
use switchboard_vault::{Place, Vault};
use zeroize::Zeroizing;

/// Seals the secrets of second factors with the keys of a vault.
pub(crate) struct Sealing(Arc<Vault>);

impl Sealing {
    /// With the keys in that file, which is made if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made.
    pub(crate) fn with(keys: &Path) -> anyhow::Result<Self> {
        let vault = Vault::with_key_file(keys).context("secrets cannot be sealed")?;
        Ok(Self(Arc::new(vault)))
    }
}

impl Sealer for Sealing {
    fn seal(&self, account: AccountId, secret: &[u8]) -> Result<String, String> {
        self.0.seal(&place(account), secret).map_err(|error| error.to_string())
    }

    fn open(&self, account: AccountId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let secret = self.0.open(&place(account), sealed).map_err(|error| error.to_string())?;
        Ok(Zeroizing::new(secret.expose().to_vec()))
    }
}

fn place(account: AccountId) -> Place {
    Place::new("second_factor", &[&account.to_string()])
}
