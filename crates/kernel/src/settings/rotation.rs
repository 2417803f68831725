//! The keys that secrets are sealed with: which are in use, and how another takes their place.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchboard_api::BoxFuture;
use switchboard_manifest::PluginId;
use switchboard_vault::{KeyId, Vault};

use super::{
    Config, Layer, SettingRow, Settings,
    opening::dotted,
    parsed,
    sealing::{Sealer, keys_in},
    text_of,
};
use crate::{
    audit::{Change, Entry},
    by::By,
    error::Error,
    kernel::Kernel,
};

/// Secrets that others than the kernel keep, sealed by the same vault.
pub trait Sealed: Send + Sync {
    /// What they are, for people: `second factors`.
    fn what(&self) -> &'static str;

    /// The keys with which they are sealed, once for each secret.
    ///
    /// # Errors
    /// One sentence: why they cannot be read.
    fn keys(&self) -> BoxFuture<'_, Result<Vec<KeyId>, String>>;

    /// Seals each with the vault's first key, and says how many were not. One that does not open stays as it is.
    ///
    /// # Errors
    /// One sentence: why they cannot be written.
    fn reseal<'a>(&'a self, vault: &'a Vault) -> BoxFuture<'a, Result<usize, String>>;
}

/// The keys, and what is sealed with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SecretsStatus {
    /// The file with the keys; none where they are in memory alone.
    #[schemars(with = "Option<String>")]
    pub key_file: Option<PathBuf>,
    /// The keys of the file, the one that seals first; then those that something is sealed with and that are missing.
    pub keys: Vec<KeyUse>,
}

/// A key, and what it is used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyUse {
    /// The key.
    #[schemars(with = "String")]
    pub key: KeyId,
    /// Whether it is the one that seals.
    pub seals: bool,
    /// Whether it is missing: what is sealed with it cannot be opened.
    pub missing: bool,
    /// How many secrets are sealed with it, those in the history too.
    pub secrets: usize,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rotated {
    /// The key that seals from now on.
    #[schemars(with = "String")]
    pub key: KeyId,
    /// How many secrets were sealed with it that were sealed with another.
    pub resealed: usize,
    /// The keys that nothing is sealed with any more, and that are gone.
    #[schemars(with = "Vec<String>")]
    pub dropped: Vec<KeyId>,
    /// Secrets that do not open, each in a sentence. They stay as they are.
    pub left: Vec<String>,
}

/// A configuration in one of the tables.
struct Stored {
    plugin: PluginId,
    layer: Layer,
    place: StoredIn,
    /// As it was read: what another server has written meanwhile is not written over.
    text: String,
    config: Config,
}

#[derive(Clone, Copy)]
enum StoredIn {
    Setting,
    Before(i64),
    After(i64),
}

#[derive(Deserialize)]
struct HistoryRow {
    plugin_id: PluginId,
    organization_id: i64,
    number: i64,
    before: String,
    after: String,
}

impl Kernel {
    /// Takes note of secrets that others keep, so that their keys are rotated too.
    pub fn also_sealed(&self, sealed: Arc<dyn Sealed>) {
        self.sealed_elsewhere.write().unwrap_or_else(PoisonError::into_inner).push(sealed);
    }

    /// The keys, and how much is sealed with each.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Data`].
    pub async fn secrets_status(&self) -> Result<SecretsStatus, Error> {
        let vault = &self.configuring.vault;
        let mut counts = self.count_keys().await?;
        let here = vault.keys();
        let mut keys = Vec::new();
        for (position, key) in here.into_iter().enumerate() {
            let secrets = counts.remove(&key).unwrap_or_default();
            keys.push(KeyUse { key, seals: position == 0, missing: false, secrets });
        }
        keys.extend(counts.into_iter().map(|(key, secrets)| KeyUse {
            key,
            seals: false,
            missing: true,
            secrets,
        }));
        Ok(SecretsStatus { key_file: vault.key_file().map(Into::into), keys })
    }

    /// Adds a key, seals everything with it, and drops the keys that nothing is sealed with any more.
    ///
    /// Interrupted at any point, every secret opens still, and the next rotation ends what this one began.
    ///
    /// # Errors
    /// [`Error::Vault`] when the key file cannot be written; [`Error::Store`].
    pub async fn rotate_secrets(&self, by: &By) -> Result<Rotated, Error> {
        let _changing = self.changing().await?;
        let vault = &self.configuring.vault;
        let key = vault.add_key()?;
        let (mut resealed, mut left) = (0, Vec::new());
        let mut known = HashMap::new();
        let stored = self.stored().await?;
        let mut change = self.change(by).await?;
        for mut stored in stored {
            let sealer = Sealer { vault, plugin: &stored.plugin, layer: stored.layer };
            let whose = self.whose(stored.layer);
            let tell = |shut: super::sealing::Shut| {
                left.push(format!(
                    "`{}` of plugin `{}` for {whose} does not open: {}",
                    dotted(&shut.pointer),
                    stored.plugin,
                    shut.error
                ));
            };
            let count = sealer.reseal(&mut stored.config, tell, &mut known);
            if count > 0 {
                resealed += count;
                update(&mut change, &stored).await?;
            }
        }
        let entry = Entry::new("secrets.rotated", format!("key:{key}"));
        change.commit(entry.after(serde_json::json!({ "resealed": resealed }))).await?;
        self.settings.store(Arc::new(Settings::read(&self.room).await?));
        for other in self.others() {
            match other.reseal(vault).await {
                Ok(count) => resealed += count,
                Err(why) => left.push(format!("{}: {why}", other.what())),
            }
        }
        let used: BTreeSet<KeyId> = self.count_keys().await?.into_keys().collect();
        let dropped = vault.drop_unused(&used)?;
        left.sort();
        left.dedup();
        Ok(Rotated { key, resealed, dropped, left })
    }

    /// Seals what is secret by the schemas of the plugins that there are, and was stored without being sealed: before
    /// there was a vault, or before the schema called it secret.
    pub(crate) async fn seal_stored(&self) -> Result<(), Error> {
        let catalog = self.catalog();
        let vault = &self.configuring.vault;
        let mut latest: HashMap<(PluginId, Layer), Config> = HashMap::new();
        let mut sealed = Vec::new();
        let mut count = 0;
        for mut stored in self.stored().await? {
            let Some(entry) = catalog.entry(stored.plugin.as_str()) else { continue };
            let sealer = Sealer { vault, plugin: &stored.plugin, layer: stored.layer };
            // Of a secret that is the same everywhere, the sealed text is the same too.
            let same = latest.entry((stored.plugin.clone(), stored.layer)).or_default();
            let was = stored.config.clone();
            count += sealer.seal(entry.manifest.config_schema.as_ref(), same, &mut stored.config)?;
            same.clone_from(&stored.config);
            if stored.config != was {
                sealed.push(stored);
            }
        }
        if sealed.is_empty() {
            return Ok(());
        }
        let by = By::system("start");
        let mut change = self.change(&by).await?;
        for stored in &sealed {
            update(&mut change, stored).await?;
        }
        let entry = Entry::new("secrets.sealed", "configuration");
        change.commit(entry.after(serde_json::json!({ "secrets": count }))).await?;
        self.settings.store(Arc::new(Settings::read(&self.room).await?));
        tracing::info!(count, "secrets that were stored as they are were sealed");
        Ok(())
    }

    /// Everything that is configured, and was.
    async fn stored(&self) -> Result<Vec<Stored>, Error> {
        let mut all = Vec::new();
        let mut add = |plugin: PluginId, number, place, text: String| {
            let config = parsed(&plugin, &text)?;
            all.push(Stored { plugin, layer: Layer::numbered(number), place, text, config });
            Ok::<_, Error>(())
        };
        let sql = "select plugin_id, organization_id, config from setting";
        for row in self.room.query(sql, vec![]).await?.to::<SettingRow>()? {
            add(row.plugin_id, row.organization_id, StoredIn::Setting, row.config)?;
        }
        let sql = "select plugin_id, organization_id, number, before, after from setting_history \
                   order by plugin_id, organization_id, number desc";
        for row in self.room.query(sql, vec![]).await?.to::<HistoryRow>()? {
            let (organization, number) = (row.organization_id, row.number);
            add(row.plugin_id.clone(), organization, StoredIn::After(number), row.after)?;
            add(row.plugin_id, organization, StoredIn::Before(number), row.before)?;
        }
        Ok(all)
    }

    async fn count_keys(&self) -> Result<BTreeMap<KeyId, usize>, Error> {
        let mut counts = BTreeMap::new();
        let mut count =
            |keys: Vec<KeyId>| keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
        for stored in self.stored().await? {
            count(keys_in(&stored.config));
        }
        for other in self.others() {
            count(other.keys().await.map_err(|why| Error::Data(format!("{}: {why}", other.what())))?);
        }
        Ok(counts)
    }

    fn others(&self) -> Vec<Arc<dyn Sealed>> {
        self.sealed_elsewhere.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn update(change: &mut Change<'_>, stored: &Stored) -> Result<(), Error> {
    let (sql, number) = match stored.place {
        StoredIn::Setting => {
            let sql = "update setting set config = $3 where plugin_id = $1 and organization_id = $2 and config = $4";
            (sql, None)
        }
        StoredIn::Before(number) => (
            "update setting_history set before = $3 \
             where plugin_id = $1 and organization_id = $2 and before = $4 and number = $5",
            Some(number),
        ),
        StoredIn::After(number) => (
            "update setting_history set after = $3 \
             where plugin_id = $1 and organization_id = $2 and after = $4 and number = $5",
            Some(number),
        ),
    };
    let mut params = vec![
        stored.plugin.as_str().into(),
        stored.layer.number().into(),
        text_of(&stored.config)?.into(),
        stored.text.as_str().into(),
    ];
    params.extend(number.map(Into::into));
    change.execute(sql, params).await?;
    Ok(())
}
