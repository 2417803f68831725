//! Whether what a component imports is what its manifest asks for.

use std::collections::BTreeSet;

use switchboard_manifest::{Capability, Manifest};

use crate::{Component, Interface};

/// The package of the contract, whose versions are in `wit/`.
const CONTRACT: &str = "switchboard:plugin";
/// What of WASI every component may import, as the standard libraries of its languages do: clocks, random numbers, and
/// streams that lead into the plugin's log or nowhere.
const OF_EVERY_LANGUAGE: [&str; 4] = ["wasi:cli", "wasi:io", "wasi:clocks", "wasi:random"];

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

/// What it takes that an import is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: every plugin is given it.
    Nothing,
    /// A capability that the manifest asks for.
    Asked(Capability),
    /// A capability that the manifest does not ask for: a server refuses the component.
    NotAsked(Capability),
    /// A part of WASI that the contract has in another form: whether it is there, and does anything, is the server's choice.
    Wasi,
    /// Something that no server gives.
    Unknown,
}

impl Agreement {
    /// Of a manifest with its component.
    pub fn of(manifest: &Manifest, component: &Component) -> Self {
        let asked: BTreeSet<Capability> = manifest.capabilities.iter().map(|request| request.name).collect();
        let import =
            |interface: &Interface| Import { interface: interface.clone(), need: need(interface, &asked) };
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

fn need(interface: &Interface, asked: &BTreeSet<Capability>) -> Need {
    let of_manifest = |capability: Capability| {
        if asked.contains(&capability) { Need::Asked(capability) } else { Need::NotAsked(capability) }
    };
    let (package, name) = (interface.package().unwrap_or_default(), interface.name());
    if package == CONTRACT {
        if Capability::UNASKED.contains(&name) {
            return Need::Nothing;
        }
        return Capability::named(name).map_or(Need::Unknown, of_manifest);
    }
    match (package, name) {
        ("wasi:http", "outgoing-handler") => of_manifest(Capability::Http),
        _ if OF_EVERY_LANGUAGE.contains(&package) || (package, name) == ("wasi:http", "types") => {
            Need::Nothing
        }
        _ if package.starts_with("wasi:") => Need::Wasi,
        _ => Need::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Agreement, Need};
    use crate::{Component, Interface};
    use switchboard_manifest::{Capability, Manifest};

    #[test]
    fn an_import_needs_what_the_manifest_must_ask_for() {
        let manifest = "id: it\nname: It\nversion: 1.0.0\ncategory: utility\nentry_point: plugin.wasm\ncapabilities:\n  \
                        - { name: db, reason: tables }\n  - { name: mail, reason: letters }\n";
        let manifest = Manifest::read(manifest).unwrap();
        let names = [
            "switchboard:plugin/log@0.1.0",
            "switchboard:plugin/db@0.1.0",
            "switchboard:plugin/kv@0.1.0",
            "switchboard:plugin/telepathy@0.1.0",
            "wasi:cli/stdout@0.2.6",
            "wasi:filesystem/types@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "somebody:else/it@1.0.0",
            "bare-function",
        ];
        let component = Component { imports: names.map(Interface::from).into(), ..Component::default() };
        let agreement = Agreement::of(&manifest, &component);
        let needs: Vec<Need> = agreement.imports.iter().map(|import| import.need).collect();
        assert_eq!(
            needs,
            [
                Need::Nothing,
                Need::Asked(Capability::Db),
                Need::NotAsked(Capability::Kv),
                Need::Unknown,
                Need::Nothing,
                Need::Wasi,
                Need::NotAsked(Capability::Http),
                Need::Unknown,
                Need::Unknown,
            ]
        );
        assert_eq!(agreement.unused, [Capability::Mail]);
        assert_eq!(agreement.refused().count(), 5);
    }
}
