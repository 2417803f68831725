//! What a plugin reads: all layers merged, with secrets opened and references followed.

use std::sync::{Arc, PoisonError};

use serde_json::{Value as Json, json};
use switchboard_api::{Failure, OrganizationId, Payload};
use switchboard_manifest::{Manifest, PluginId};

use super::{
    Config, Layer, Opened, Settings, faults_of,
    marks::{self, Reference},
    place::{Place, steps},
    sealing::Sealer,
    secrets::Words,
};
use crate::{error::Error, kernel::Kernel};

/// What holds where nothing was set.
pub(crate) struct Defaults<'a> {
    /// What the manifest says.
    pub(crate) manifest: &'a Config,
    /// What the code says, and below that the schema.
    pub(crate) code: Config,
}

impl Kernel {
    /// The configuration of a plugin for an organization or for none, all layers merged. Opened once, and remembered until
    /// something changes.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the plugin is not known; [`Failure::Unavailable`] when a secret does not open, or a
    /// reference leads nowhere.
    pub fn config(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
    ) -> Result<Payload, Failure> {
        let settings = self.settings.load();
        if let Some(opened) = settings.remembered(plugin, organization) {
            return Ok(opened.payload.clone());
        }
        let catalog = self.catalog.load();
        let entry = catalog.entry(plugin.as_str()).ok_or_else(|| Error::NoSuchPlugin(plugin.to_string()))?;
        let config = self.merged(&settings, &entry.manifest, organization)?;
        let words = Words::of(entry.manifest.config_schema.as_ref(), &config);
        let payload = Payload::of(&config)?;
        settings.remember(plugin, organization, Arc::new(Opened { payload: payload.clone(), words }));
        Ok(payload)
    }

    /// A text of a plugin's without the secrets of its configuration, as far as it has read it.
    pub fn without_secrets(
        &self,
        plugin: &PluginId,
        organization: Option<OrganizationId>,
        text: &str,
    ) -> Option<String> {
        let opened = self.settings.load().remembered(plugin, organization)?;
        (!opened.words.is_empty()).then(|| opened.words.redact(text))
    }

    /// Reads what is configured anew, and follows references anew: something outside has changed.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Data`] when it cannot be read; then everything is as it was.
    pub async fn read_settings(&self) -> Result<(), Error> {
        let _changing = self.changing().await?;
        self.settings.store(Arc::new(Settings::read(&self.room).await?));
        Ok(())
    }

    /// Takes note of what a plugin's code says holds where nothing was set.
    pub(crate) fn note_code_defaults(&self, plugin: &PluginId, defaults: Option<&Json>) {
        let defaults = defaults.and_then(Json::as_object).cloned().unwrap_or_default();
        let mut all = self.code_defaults.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(plugin.clone(), Arc::new(defaults));
        drop(all);
        self.settings.load().forget(plugin);
    }

    /// What holds where nothing was set.
    pub(crate) fn defaults<'a>(&self, manifest: &'a Manifest) -> Defaults<'a> {
        let mut code = Config::new();
        if let Some(schema) = &manifest.config_schema {
            let place = Place::top(schema);
            for name in place.names() {
                if let Some(default) = place.property(name).says("default") {
                    code.insert(name.clone(), default.clone());
                }
            }
        }
        let all = self.code_defaults.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = all.get(&manifest.id) {
            code.extend((**said).clone());
        }
        Defaults { manifest: &manifest.config_defaults, code }
    }

    /// All layers merged, opened: a property of a higher layer takes the place of the whole property below it.
    pub(crate) fn merged(
        &self,
        settings: &Settings,
        manifest: &Manifest,
        organization: Option<OrganizationId>,
    ) -> Result<Config, Failure> {
        let (merged, refers) = self.merged_unchecked(settings, manifest, organization)?;
        if refers {
            // What they lead to may have changed since it was checked.
            let faults = faults_of(&self.checker, manifest, &merged);
            if !faults.is_empty() {
                let said: Vec<String> =
                    faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.msg)).collect();
                return Err(Failure::unavailable(format!(
                    "the configuration of plugin `{}` breaks its schema where it refers to the environment or to files: {}",
                    manifest.id,
                    said.join("; ")
                )));
            }
        }
        Ok(merged)
    }

    /// The same for who checks it against the schema themselves; with whether anything of it stands elsewhere.
    pub(crate) fn merged_unchecked(
        &self,
        settings: &Settings,
        manifest: &Manifest,
        organization: Option<OrganizationId>,
    ) -> Result<(Config, bool), Failure> {
        let Defaults { manifest: said, code: mut merged } = self.defaults(manifest);
        merged.extend(said.clone());
        let mut refers = false;
        let own = organization.map(Layer::Organization);
        let overridden = own.and_then(|layer| settings.set(&manifest.id, layer));
        for layer in [Some(Layer::Installation), own].into_iter().flatten() {
            let Some(config) = settings.set(&manifest.id, layer) else { continue };
            let mut config = (**config).clone();
            if layer == Layer::Installation {
                // What the organization has set itself is no matter here, be it that it cannot be found.
                config.retain(|name, _| !overridden.is_some_and(|own| own.contains_key(name)));
                refers |= self.follow(manifest, &mut config)?;
            }
            self.open_layer(manifest, layer, &mut config)?;
            merged.extend(config);
        }
        Ok((merged, refers))
    }

    /// Puts what references lead to in their place; says whether there were any.
    fn follow(&self, manifest: &Manifest, config: &mut Config) -> Result<bool, Failure> {
        let schema = manifest.config_schema.as_ref();
        let mut refers = false;
        marks::for_each(config, &mut |pointer, value| {
            let Some(reference) = Reference::of(value) else { return Ok::<_, Failure>(()) };
            refers = true;
            let text = self.configuring.references.resolve(&reference).map_err(|why| {
                Failure::unavailable(format!(
                    "the configuration of plugin `{}` cannot be read: `{}` is {reference}, and {why}",
                    manifest.id,
                    dotted(pointer)
                ))
            })?;
            *value = typed(schema, pointer, text);
            Ok(())
        })?;
        Ok(refers)
    }

    fn open_layer(&self, manifest: &Manifest, layer: Layer, config: &mut Config) -> Result<(), Failure> {
        let sealer = Sealer { vault: &self.configuring.vault, plugin: &manifest.id, layer };
        sealer.open(config).map_err(|shut| {
            let whose = self.whose(layer);
            Failure::unavailable(format!(
                "the configuration of plugin `{}` for {whose} cannot be read: the secret `{}` does not open: {}",
                manifest.id,
                dotted(&shut.pointer),
                shut.error
            ))
        })
    }

    /// How a sentence names a layer.
    pub(crate) fn whose(&self, layer: Layer) -> String {
        match layer {
            Layer::Installation => "the installation".to_owned(),
            Layer::Organization(id) => match self.organization(id) {
                Some(organization) => format!("organization `{}`", organization.slug),
                None => format!("organization {id}"),
            },
        }
    }
}

/// What a text from outside means where it stands: where no text may stand, it is read as JSON.
pub(crate) fn typed(schema: Option<&Config>, pointer: &str, text: String) -> Json {
    let Some(root) = schema else { return text.into() };
    let mut place = Place::top(root);
    for word in steps(pointer) {
        place = if word.bytes().all(|byte| byte.is_ascii_digit()) && !place.names().contains(&&word) {
            place.item()
        } else {
            place.property(&word)
        };
    }
    if place.takes_text() { text.into() } else { serde_json::from_str(&text).unwrap_or_else(|_| json!(text)) }
}

/// A JSON Pointer as people write the way to a property: `mail.password`.
pub(crate) fn dotted(pointer: &str) -> String {
    steps(pointer).collect::<Vec<_>>().join(".")
}
