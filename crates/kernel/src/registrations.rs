//! Plugins as the clients of the older administration API see them: numbered records, each with loose settings.
//!
//! Every plugin that stands in a folder has one, and so has whatever was registered by hand. What is part of the server
//! has none. For a plugin that is installed the catalog is the truth: whether it is on, and why not, is read from there.

use std::{path::Path, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json, json};
use switchboard_api::{Failure, Value};
use switchboard_manifest::Manifest;

use crate::{audit::Entry, by::By, discover::Origin, error::Error, kernel::Kernel, state::State};

/// A plugin that was registered or installed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    /// Its number.
    pub id: i64,
    /// Its name, unique; the plugin's id when it is installed.
    pub name: String,
    /// The name people read.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// Its version.
    pub version: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it is written for: `python`, `rust`, `cpp`, `javascript`, `wasm`, ….
    pub plugin_type: String,
    /// The file or module that it is started from.
    pub entry_point: String,
    /// Whether it shall run.
    pub enabled: bool,
    /// Whatever its clients keep with it.
    #[serde(deserialize_with = "object_in_text")]
    pub metadata: Option<Map<String, Json>>,
    /// The folder it stands in.
    pub install_path: Option<String>,
    /// Why it does not run though it shall.
    pub status: Option<String>,
    /// When it was registered, in UTC.
    pub created_at: String,
    /// When the record was last changed, in UTC.
    pub updated_at: String,
}

/// A plugin to be registered.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct NewRegistration {
    /// Its name; no other may have it.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The name people read.
    #[schemars(length(min = 1, max = 255))]
    pub display_name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// Its version.
    #[schemars(length(min = 1, max = 50))]
    pub version: String,
    /// Who wrote it.
    #[serde(default)]
    #[schemars(length(max = 255))]
    pub author: Option<String>,
    /// What it is written for: `python`, `rust`, `cpp`, `javascript`, `wasm`, ….
    #[serde(default = "python")]
    #[schemars(length(min = 1, max = 50))]
    pub plugin_type: String,
    /// The file or module that it is started from.
    #[schemars(length(min = 1, max = 500))]
    pub entry_point: String,
    /// Whether it shall run.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whatever is to be kept with it.
    #[serde(default)]
    pub plugin_metadata: Option<Map<String, Json>>,
}

/// What is to be changed of a registration; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationChange {
    /// The name people read.
    #[schemars(length(min = 1, max = 255))]
    pub display_name: Option<String>,
    /// What it does; `null` removes it.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub description: Option<Option<String>>,
    /// Its version.
    #[schemars(length(min = 1, max = 50))]
    pub version: Option<String>,
    /// Who wrote it; `null` removes it.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(max = 255))]
    pub author: Option<Option<String>>,
    /// Whether it shall run.
    pub enabled: Option<bool>,
    /// Whatever is to be kept with it; `null` removes it.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<Map<String, Json>>")]
    pub plugin_metadata: Option<Option<Map<String, Json>>>,
}

/// A loose setting of a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationSetting {
    /// Its number.
    pub id: i64,
    /// The registration's number.
    pub plugin_id: i64,
    /// Its name, unique within the registration.
    pub key: String,
    /// Its value.
    #[serde(deserialize_with = "json_in_text")]
    pub value: Json,
    /// When it was set first, in UTC.
    pub created_at: String,
    /// When it was last changed, in UTC.
    pub updated_at: String,
}

/// What came of switching a registered plugin on.
#[derive(Debug, Clone, PartialEq)]
pub enum Switched {
    /// It is as was asked.
    Done(Box<Registration>),
    /// It does not load, for this reason, and everything is as it was.
    DoesNotLoad(String),
}

const REGISTRATION: &str = "select id, name, display_name, description, version, author, plugin_type, entry_point, \
                            enabled, plugin_metadata as metadata, install_path, status, created_at, updated_at \
                            from registration";

const SETTING: &str = "select id, registration_id as plugin_id, key, value, created_at, updated_at \
                       from registration_config";

impl NewRegistration {
    /// The record of a plugin that is installed.
    fn of(manifest: &Manifest) -> Self {
        let entry_point = manifest.entry_point.clone().unwrap_or_default();
        let ending = Path::new(&entry_point).extension().and_then(|ending| ending.to_str());
        Self {
            name: manifest.id.to_string(),
            display_name: manifest.name.clone(),
            description: Some(manifest.description.clone()).filter(|text| !text.is_empty()),
            version: manifest.version.to_string(),
            author: manifest.author.clone(),
            plugin_type: language_of(ending).to_owned(),
            entry_point,
            enabled: true,
            plugin_metadata: None,
        }
    }
}

impl Kernel {
    /// Every registration, by number.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the database fails.
    pub async fn registrations(&self) -> Result<Vec<Registration>, Failure> {
        self.register_installed().await?;
        let records: Vec<Registration> = self.rows(&format!("{REGISTRATION} order by id"), vec![]).await?;
        Ok(records.into_iter().map(|record| self.as_it_stands(record)).collect())
    }

    /// The registration of that number.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn registration(&self, id: i64) -> Result<Registration, Failure> {
        self.register_installed().await?;
        Ok(self.as_it_stands(self.record_of(id).await?))
    }

    /// Registers a plugin, and loads it if it shall run. When it does not load, the record is kept with the reason as its
    /// status.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when another has the name.
    pub async fn register(&self, by: &By, new: NewRegistration) -> Result<Registration, Failure> {
        let id = {
            let _changing = self.changing().await?;
            let taken: Vec<i64> = self
                .rows("select id from registration where name = $1", vec![new.name.as_str().into()])
                .await?;
            if !taken.is_empty() || self.catalog().entry(&new.name).is_some() {
                return Err(Failure::conflict(format!("Plugin with name '{}' already exists", new.name)));
            }
            self.insert_registration(by, new, None).await?
        };
        let record = self.registration(id).await?;
        if record.enabled
            && let Err(reason) = self.start_registered(by, &record).await
        {
            let sql = "update registration set status = $2 where id = $1";
            let entry = entry("registration.failed", id).after(&reason);
            self.write(by, entry, sql, vec![id.into(), reason.into()]).await?;
        }
        self.registration(id).await
    }

    /// Changes a registration, switching the plugin on or off if that is asked for.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Conflict`] when others that serve require it.
    pub async fn change_registration(
        &self,
        by: &By,
        id: i64,
        change: RegistrationChange,
    ) -> Result<Switched, Failure> {
        let before = self.registration(id).await?;
        // Whoever sends the whole record back asks for no switching.
        if let Some(enabled) = change.enabled.filter(|enabled| *enabled != before.enabled)
            && let Switched::DoesNotLoad(reason) = self.switch_registered(by, id, enabled).await?
        {
            return Ok(Switched::DoesNotLoad(reason));
        }
        let changing = self.changing().await?;
        let record = self.record_of(id).await?;
        let sql = "update registration set display_name = $2, description = $3, version = $4, author = $5, \
                   plugin_metadata = $6, updated_at = $7 where id = $1";
        let shown = |display_name: &str,
                     description: &Option<String>,
                     version: &str,
                     author: &Option<String>| {
            json!({
                "display_name": display_name, "description": description, "version": version, "author": author,
            })
        };
        let entry = entry("registration.changed", id).before(shown(
            &record.display_name,
            &record.description,
            &record.version,
            &record.author,
        ));
        let display_name = change.display_name.unwrap_or(record.display_name);
        let description = change.description.unwrap_or(record.description);
        let version = change.version.unwrap_or(record.version);
        let author = change.author.unwrap_or(record.author);
        let entry = entry.after(shown(&display_name, &description, &version, &author));
        let params = vec![
            id.into(),
            display_name.into(),
            description.into(),
            version.into(),
            author.into(),
            text_of(change.plugin_metadata.unwrap_or(record.metadata)),
            self.now().to_string().into(),
        ];
        self.write(by, entry, sql, params).await?;
        drop(changing);
        Ok(Switched::Done(Box::new(self.registration(id).await?)))
    }

    /// Switches a registered plugin on or off for the whole installation. It is no error when it is so already.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Conflict`] when others that serve require it.
    pub async fn switch_registered(&self, by: &By, id: i64, enabled: bool) -> Result<Switched, Failure> {
        let record = self.registration(id).await?;
        if enabled {
            if let Err(reason) = self.start_registered(by, &record).await {
                return Ok(Switched::DoesNotLoad(reason));
            }
        } else if self.is_installed(&record.name) {
            self.switch_off(by, &record.name).await?;
        }
        let sql = "update registration set enabled = $2, status = null, updated_at = $3 where id = $1";
        let entry = entry("registration.switched", id).after(enabled);
        self.write(by, entry, sql, vec![id.into(), enabled.into(), self.now().to_string().into()]).await?;
        Ok(Switched::Done(Box::new(self.registration(id).await?)))
    }

    /// Removes a registration with its settings.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Conflict`] for a plugin that is installed, whose record would only come again.
    pub async fn unregister(&self, by: &By, id: i64) -> Result<(), Failure> {
        let record = self.registration(id).await?;
        if self.is_installed(&record.name) {
            let folder = record.install_path.unwrap_or_default();
            return Err(Failure::conflict(format!(
                "Plugin '{}' is installed in `{folder}`: disable it, or remove that folder and start again",
                record.name
            )));
        }
        let entry = entry("registration.removed", id).before(&record.name);
        self.write(by, entry, "delete from registration where id = $1", vec![id.into()]).await?;
        Ok(())
    }

    /// The settings of a registration, by number.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such registration.
    pub async fn registration_settings(&self, id: i64) -> Result<Vec<RegistrationSetting>, Failure> {
        self.registration(id).await?;
        self.rows(&format!("{SETTING} where registration_id = $1 order by id"), vec![id.into()]).await
    }

    /// Adds a setting.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such registration; [`Failure::Conflict`] when it has that key already.
    pub async fn add_registration_setting(
        &self,
        by: &By,
        id: i64,
        key: &str,
        value: &Json,
    ) -> Result<RegistrationSetting, Failure> {
        self.registration(id).await?;
        let _changing = self.changing().await?;
        let same = format!("{SETTING} where registration_id = $1 and key = $2");
        let taken: Vec<RegistrationSetting> = self.rows(&same, vec![id.into(), key.into()]).await?;
        if !taken.is_empty() {
            return Err(Failure::conflict(format!("Config with key '{key}' already exists for plugin {id}")));
        }
        let sql = "insert into registration_config (registration_id, key, value, created_at, updated_at) \
                   values ($1, $2, $3, $4, $4)";
        let params = vec![id.into(), key.into(), value.to_string().into(), self.now().to_string().into()];
        self.write(by, entry("registration.setting_added", id).after(key), sql, params).await?;
        let added = self.rows(&same, vec![id.into(), key.into()]).await?.pop();
        added.ok_or_else(|| Failure::broken("a setting was stored and is not there"))
    }

    /// Changes a setting's value.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the registration, or its setting, is not there.
    pub async fn change_registration_setting(
        &self,
        by: &By,
        id: i64,
        setting: i64,
        value: &Json,
    ) -> Result<RegistrationSetting, Failure> {
        self.registration(id).await?;
        let sql = "update registration_config set value = $3, updated_at = $4 where registration_id = $1 and id = $2";
        let params = vec![id.into(), setting.into(), value.to_string().into(), self.now().to_string().into()];
        self.write(by, entry("registration.setting_changed", id).after(setting), sql, params).await?;
        let same = format!("{SETTING} where registration_id = $1 and id = $2");
        self.rows(&same, vec![id.into(), setting.into()]).await?.pop().ok_or_else(|| no_such_setting(setting))
    }

    /// Removes a setting.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the registration, or its setting, is not there.
    pub async fn remove_registration_setting(&self, by: &By, id: i64, setting: i64) -> Result<(), Failure> {
        self.registration(id).await?;
        let sql = "delete from registration_config where registration_id = $1 and id = $2";
        let entry = entry("registration.setting_removed", id).before(setting);
        match self.write(by, entry, sql, vec![id.into(), setting.into()]).await? {
            0 => Err(no_such_setting(setting)),
            _ => Ok(()),
        }
    }

    /// Gives every plugin that stands in a folder a record, if it has none yet.
    async fn register_installed(&self) -> Result<(), Failure> {
        // Whoever only reads does not wait for a change that is under way.
        if self.without_record().await?.is_empty() {
            return Ok(());
        }
        let _changing = self.changing().await?;
        for (manifest, folder) in self.without_record().await? {
            self.insert_registration(&By::system("installed"), NewRegistration::of(&manifest), Some(folder))
                .await?;
        }
        Ok(())
    }

    /// The plugins that stand in a folder and have no record.
    async fn without_record(&self) -> Result<Vec<(Arc<Manifest>, String)>, Failure> {
        let catalog = self.catalog();
        let installed = catalog.entries().filter_map(|(_, entry)| match &entry.origin {
            Origin::Folder(folder) => Some((Arc::clone(&entry.manifest), folder.display().to_string())),
            Origin::Builtin => None,
        });
        let mut installed: Vec<_> = installed.collect();
        if !installed.is_empty() {
            let known: Vec<String> = self.rows("select name from registration", vec![]).await?;
            installed.retain(|(manifest, _)| known.iter().all(|name| manifest.id != **name));
        }
        Ok(installed)
    }

    /// The record as it was stored.
    async fn record_of(&self, id: i64) -> Result<Registration, Failure> {
        let record = self.rows(&format!("{REGISTRATION} where id = $1"), vec![id.into()]).await?.pop();
        record.ok_or_else(|| Failure::not_found(format!("Plugin with id {id} not found")))
    }

    async fn insert_registration(
        &self,
        by: &By,
        new: NewRegistration,
        install_path: Option<String>,
    ) -> Result<i64, Failure> {
        let sql = "insert into registration (name, display_name, description, version, author, plugin_type, \
                   entry_point, enabled, plugin_metadata, install_path, created_at, updated_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) returning id";
        let name = new.name.clone();
        let params = vec![
            new.name.into(),
            new.display_name.into(),
            new.description.into(),
            new.version.into(),
            new.author.into(),
            new.plugin_type.into(),
            new.entry_point.into(),
            new.enabled.into(),
            text_of(new.plugin_metadata),
            install_path.into(),
            self.now().to_string().into(),
        ];
        let mut change = self.change(by).await?;
        let rows = change.query(sql, params).await?;
        let id: Option<i64> = rows.to().map_err(Error::from)?.pop();
        let id = id.ok_or_else(|| Failure::broken("a record was stored without a number"))?;
        change.commit(entry("registration.added", id).after(&name)).await?;
        Ok(id)
    }

    /// Loads what was registered, or says in one sentence why it does not load.
    async fn start_registered(&self, by: &By, record: &Registration) -> Result<(), String> {
        if self.is_installed(&record.name) {
            return self.switch_on(by, &record.name).await.map_err(|error| error.to_string());
        }
        let Registration { name, plugin_type, entry_point, .. } = record;
        Err(format!(
            "entry point `{entry_point}` of {plugin_type} plugin '{name}' cannot be found: put the plugin with its \
             manifest, of the id `{name}`, into the server's folder of plugins, and start the server again"
        ))
    }

    fn is_installed(&self, name: &str) -> bool {
        self.catalog().entry(name).is_some_and(|entry| matches!(entry.origin, Origin::Folder(_)))
    }

    fn as_it_stands(&self, record: Registration) -> Registration {
        let catalog = self.catalog();
        if let Some(entry) = catalog.entry(&record.name)
            && matches!(entry.origin, Origin::Folder(_))
        {
            let enabled = !matches!(entry.state, State::Disabled { .. });
            return Registration { enabled, status: entry.state.reason().map(str::to_owned), ..record };
        }
        let Some(folder) = record.install_path.as_deref().filter(|_| record.enabled) else { return record };
        let unreadable = catalog.unreadable().iter().find(|it| it.folder == Path::new(folder));
        let status = match unreadable {
            Some(unreadable) => unreadable.reason.clone(),
            None => format!("there is no plugin '{}' in `{folder}` any more", record.name),
        };
        Registration { status: Some(status), ..record }
    }

    async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        sql: &str,
        params: Vec<Value>,
    ) -> Result<Vec<T>, Failure> {
        let rows = self.room.query(sql, params).await.map_err(Error::from)?;
        Ok(rows.to().map_err(Error::from)?)
    }

    /// Runs a statement, and notes it if it changed something.
    async fn write(&self, by: &By, entry: Entry, sql: &str, params: Vec<Value>) -> Result<u64, Failure> {
        let mut change = self.change(by).await?;
        let changed = change.execute(sql, params).await?;
        if changed > 0 {
            change.commit(entry).await?;
        }
        Ok(changed)
    }
}

fn entry(action: &'static str, id: i64) -> Entry {
    Entry::new(action, format!("registration:{id}"))
}

fn no_such_setting(id: i64) -> Failure {
    Failure::not_found(format!("Config with id {id} not found"))
}

fn language_of(ending: Option<&str>) -> &'static str {
    match ending {
        Some("py") => "python",
        Some("js" | "mjs" | "ts") => "javascript",
        _ => "wasm",
    }
}

fn text_of(metadata: Option<Map<String, Json>>) -> Value {
    metadata.map(|metadata| Json::Object(metadata).to_string()).into()
}

fn python() -> String {
    "python".to_owned()
}

fn yes() -> bool {
    true
}

/// Tells `null` from what was not given.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn json_in_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
    serde_json::from_str(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn object_in_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Json>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(serde::de::Error::custom)
}
