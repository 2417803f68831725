//! Whether what a component imports is what its manifest asks for.

use std::collections::BTreeSet;

use switchboard_manifest::{Capability, Manifest, Need};

use crate::{Component, Interface};

/// What is imported, held against what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Every import, with what it needs.
    pub imports: Vec<Import>,
    /// Capabilities that the manifest asks for and the component does not import.
    pub unused: Vec<Capability>,
}

/// An import of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What is imported.
    pub interface: Interface,
    /// What it needs.
    pub need: Need,
}

impl Agreement {
    /// Of a manifest with its component.
    pub fn of(manifest: &Manifest, component: &Component) -> Self {
        let asked: BTreeSet<Capability> = manifest.capabilities.iter().map(|request| request.name).collect();
        let import = |interface: &Interface| Import {
            interface: interface.clone(),
            need: manifest.need_of(interface.as_str()),
        };
        let imports: Vec<Import> = component.imports.iter().map(import).collect();
        let is_used = |capability: &Capability| {
            imports.iter().any(|import| matches!(import.need, Need::Asked(it) if it == *capability))
        };
        let unused = asked.iter().copied().filter(|capability| !is_used(capability)).collect();
        Self { imports, unused }
    }

    /// The imports for which a server refuses the component.
    pub fn refused(&self) -> impl Iterator<Item = &Import> {
        self.imports.iter().filter(|import| matches!(import.need, Need::NotAsked(_) | Need::Unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::Agreement;
    use crate::{Component, Interface};
    use switchboard_manifest::{Capability, Manifest, Need};

    #[test]
    fn what_no_server_gives_and_what_is_not_used_are_told() {
        let manifest = "id: it\nname: It\nversion: 1.0.0\ncategory: utility\nentry_point: plugin.wasm\ncapabilities:\n  \
                        - { name: db, reason: tables }\n  - { name: mail, reason: letters }\n";
        let manifest = Manifest::read(manifest).unwrap();
        let names =
            ["switchboard:plugin/db@0.1.0", "switchboard:plugin/http@0.1.0", "somebody:else/it@1.0.0"];
        let component = Component { imports: names.map(Interface::from).into(), ..Component::default() };
        let agreement = Agreement::of(&manifest, &component);
        let refused: Vec<Need> = agreement.refused().map(|import| import.need).collect();
        assert_eq!(refused, [Need::NotAsked(Capability::Http), Need::Unknown]);
        assert_eq!(agreement.unused, [Capability::Mail]);
    }
}
