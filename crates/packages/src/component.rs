//! What a plugin's code is made of: a WebAssembly component, its imports and exports, and who made it.

use std::{collections::BTreeSet, fmt};

use semver::Version;
use wasmparser::{Encoding, KnownCustom, Parser, Payload, Validator};

/// A component as its own bytes describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Component {
    /// What it needs from whoever runs it, in its order.
    pub imports: Vec<Interface>,
    /// What it gives, in its order.
    pub exports: Vec<Interface>,
    /// What it says it was made with, by itself and by the modules in it, in order.
    pub producers: Vec<Producer>,
}

/// What is imported or exported: mostly an interface, such as `switchboard:plugin/db@0.1.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface(String);

/// Something that a component was made with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Producer {
    /// `language`, `sdk` or `processed-by`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
}

impl Component {
    /// Reads what stands at the outside of a component. Its code is not looked at.
    ///
    /// # Errors
    /// Why it is no component.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut component = Self::default();
        let mut producers = BTreeSet::new();
        let mut depth = 0_u32;
        let mut begun = false;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| error.to_string())? {
                Payload::Version { encoding: Encoding::Module, .. } if !begun => {
                    return Err("it is a core module, not yet made into a component".to_owned());
                }
                Payload::Version { .. } => begun = true,
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let name = import.map_err(|error| error.to_string())?.name.full_name();
                        component.imports.push(Interface(name.into()));
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let name = export.map_err(|error| error.to_string())?.name.full_name();
                        component.exports.push(Interface(name.into()));
                    }
                }
                Payload::CustomSection(section) => {
                    // What is said of the makers is a courtesy, and no reason to refuse when it cannot be read.
                    if let KnownCustom::Producers(fields) = section.as_known() {
                        producers.extend(fields.into_iter().flatten().flat_map(made_with));
                    }
                }
                _ => {}
            }
        }
        if !begun {
            return Err("it is empty".to_owned());
        }
        component.producers = producers.into_iter().collect();
        Ok(component)
    }

    /// Looks at all of its code, as an engine does before it compiles it. Slow for large ones.
    ///
    /// # Errors
    /// The first thing in it that no engine takes.
    pub fn validate(bytes: &[u8]) -> Result<(), String> {
        Validator::new().validate_all(bytes).map(|_| ()).map_err(|error| error.to_string())
    }
}

fn made_with(field: wasmparser::ProducersField<'_>) -> Vec<Producer> {
    let role = field.name;
    let values = field.values.into_iter().flatten();
    let producer = |name: &str, version: &str| Producer {
        role: role.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
    };
    values.map(|value| producer(value.name, value.version)).collect()
}

impl Interface {
    /// The whole name, such as `switchboard:plugin/db@0.1.0`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The package that it is of, such as `switchboard:plugin`; none for a bare function.
    pub fn package(&self) -> Option<&str> {
        self.0.split_once('/').map(|(package, _)| package)
    }

    /// Its name within the package, such as `db`.
    pub fn name(&self) -> &str {
        let rest = self.0.split_once('/').map_or(self.as_str(), |(_, rest)| rest);
        rest.split_once('@').map_or(rest, |(name, _)| name)
    }

    /// The version of the package.
    pub fn version(&self) -> Option<Version> {
        self.0.split_once('@').and_then(|(_, version)| version.parse().ok())
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Interface {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}
