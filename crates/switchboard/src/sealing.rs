//! The secrets of second factors, sealed by the vault.

use std::sync::Arc;

use switchboard_accounts::{Accounts, Sealer};
use switchboard_api::{AccountId, BoxFuture};
use switchboard_kernel::Sealed;
use switchboard_vault::{KeyId, Place, Vault, key_of};
use zeroize::Zeroizing;

/// Seals the secrets of second factors with the keys of a vault.
pub(crate) struct Sealing(pub(crate) Arc<Vault>);

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

/// What the accounts keep sealed, so that no key is dropped with which some of it is.
pub(crate) struct SecondFactors(pub(crate) Arc<Accounts>);

impl Sealed for SecondFactors {
    fn what(&self) -> &'static str {
        "second factors"
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<KeyId>, String>> {
        Box::pin(async move {
            let secrets = self.0.sealed_secrets().await.map_err(|error| error.to_string())?;
            secrets.iter().map(|(_, sealed)| key_of(sealed).map_err(|error| error.to_string())).collect()
        })
    }

    fn reseal<'a>(&'a self, vault: &'a Vault) -> BoxFuture<'a, Result<usize, String>> {
        Box::pin(async move {
            let mut resealed = 0;
            for (account, before) in self.0.sealed_secrets().await.map_err(|error| error.to_string())? {
                // One that does not open, or has the first key already, stays as it is.
                let Ok(Some(after)) = vault.reseal(&place(account), &before) else { continue };
                let changed = self.0.replace_sealed_secret(account, &before, &after).await;
                resealed += usize::from(changed.map_err(|error| error.to_string())?);
            }
            Ok(resealed)
        })
    }
}
