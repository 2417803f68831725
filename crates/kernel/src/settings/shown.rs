//! A configuration as people may see it: with where each value comes from, and without secrets.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
use switchboard_manifest::Manifest;

use super::{
    Config, Layer, Settings,
    marks::{self, Reference},
    opening::Defaults,
    place::Place,
    secrets,
};
use crate::{error::Error, kernel::Kernel};

/// A plugin's configuration. Secrets are in none of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Shown {
    /// The organization; none for the whole installation.
    pub organization: Option<String>,
    /// What was set there.
    pub set: Config,
    /// What holds there: with the installation's below an organization's, and the plugin's defaults below both.
    /// References to the environment and to files are shown as such.
    pub effective: Config,
    /// The JSON Schema that it keeps to; none for a plugin that is not configured.
    pub schema: Option<Config>,
    /// Each property: those that the schema names in its order, then others.
    pub properties: Vec<Property>,
}

/// A property of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where its value comes from; none when it has none.
    pub layer: Option<Source>,
    /// The value that holds; none when there is none, when it is secret, and when it stands elsewhere.
    pub value: Option<Json>,
    /// Where the value stands that holds, if that is outside of the database: `{"$env": "NAME"}` or `{"$file": "path"}`.
    pub reference: Option<Json>,
    /// What holds when nothing is set.
    pub default: Option<Json>,
    /// Whether it is secret.
    pub secret: bool,
    /// Whether it has a value.
    pub set: bool,
    /// Whether it must have one.
    pub required: bool,
}

impl Shown {
    /// The same without where values stand that are outside of the database: the server's environment and files are no
    /// matter of an organization's. In their place stands `null`, and that they are set.
    #[must_use]
    pub fn without_references(mut self) -> Self {
        without_marks(&mut self.effective);
        for property in &mut self.properties {
            property.reference = None;
            if let Some(value) = property.value.take() {
                let mut one = Config::from_iter([(String::new(), value)]);
                without_marks(&mut one);
                property.value = one.remove("");
            }
        }
        self
    }
}

/// The layers, highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Set for the organization.
    Organization,
    /// Set for the installation.
    Installation,
    /// A default in the manifest.
    Manifest,
    /// A default in the code, or in the schema.
    Code,
}

impl Kernel {
    /// A plugin's configuration for an organization or for the installation, as people may see it.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`], [`Error::NoSuchOrganization`].
    pub fn shown_config(&self, plugin: &str, organization: Option<&str>) -> Result<Shown, Error> {
        let manifest = self.known(plugin)?;
        let organization = organization.map(|slug| self.named(slug)).transpose()?;
        let layer = Layer::of(organization.as_ref().map(|organization| organization.id));
        let settings = self.settings();
        let schema = manifest.config_schema.as_ref();
        let layers = self.layers(&settings, &manifest, layer);
        let mut effective = Config::new();
        for (_, config) in layers.iter().rev() {
            effective.extend(config.clone());
        }
        Ok(Shown {
            organization: organization.map(|organization| organization.slug.clone()),
            set: secrets::removed(schema, (*settings.layer(&manifest.id, layer)).clone()),
            properties: properties(schema, &layers, &effective),
            effective: secrets::removed(schema, effective),
            schema: schema.cloned(),
        })
    }

    /// The layers that hold there, highest first, as they are stored.
    fn layers(&self, settings: &Settings, manifest: &Manifest, layer: Layer) -> Vec<(Source, Config)> {
        let Defaults { manifest: said, code } = self.defaults(manifest);
        let set = |layer| (*settings.layer(&manifest.id, layer)).clone();
        let mut layers = vec![
            (Source::Installation, set(Layer::Installation)),
            (Source::Manifest, said.clone()),
            (Source::Code, code),
        ];
        if layer != Layer::Installation {
            layers.insert(0, (Source::Organization, set(layer)));
        }
        layers
    }
}

fn without_marks(config: &mut Config) {
    let Ok(()) = marks::for_each(config, &mut |_, value| {
        *value = Json::Null;
        Ok::<_, std::convert::Infallible>(())
    });
}

fn properties(schema: Option<&Config>, layers: &[(Source, Config)], effective: &Config) -> Vec<Property> {
    let nothing = Config::new();
    let place = Place::top(schema.unwrap_or(&nothing));
    let mut names: Vec<&String> = place.names();
    names.extend(effective.keys().filter(|name| !place.names().contains(name)));
    names
        .into_iter()
        .map(|name| {
            let within = place.property(name);
            let found = layers.iter().find_map(|(source, config)| Some((*source, config.get(name)?)));
            let default = layers
                .iter()
                .filter(|(source, _)| *source >= Source::Manifest)
                .find_map(|(_, config)| config.get(name));
            let text = |word| within.says(word).and_then(Json::as_str).map(str::to_owned);
            // Without what is secret in it; none when that is all.
            let shown = |value: &Json| {
                let one = Config::from_iter([(name.clone(), value.clone())]);
                secrets::removed(schema, one).remove(name)
            };
            let value = found.map(|(_, value)| value);
            let is_reference = value.is_some_and(|value| Reference::of(value).is_some());
            Property {
                name: name.clone(),
                title: text("title"),
                description: text("description"),
                layer: found.map(|(source, _)| source),
                value: value.filter(|_| !is_reference).and_then(shown),
                reference: value.filter(|_| is_reference).cloned(),
                default: default.and_then(shown),
                secret: within.is_secret() || value.is_some_and(marks::is_sealed),
                set: value.is_some(),
                required: place.requires(name),
            }
        })
        .collect()
}
