//! What it takes that an import of a component is given.

use crate::{Capability, Manifest};

/// The package of the contract, whose versions are in `wit/`.
const CONTRACT: &str = "switchboard:plugin";

/// What of WASI every component may import, as the standard libraries of its languages do: clocks, random numbers, and streams
/// that lead into the plugin's log or nowhere.
const OF_EVERY_LANGUAGE: [&str; 4] = ["wasi:cli", "wasi:io", "wasi:clocks", "wasi:random"];

/// What of WASI they import as well, and find nothing behind.
const IN_NAME_ONLY: [&str; 2] = ["wasi:filesystem", "wasi:sockets"];

/// What it takes that an import is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: every plugin is given it.
    Nothing,
    /// A capability that the manifest asks for.
    Asked(Capability),
    /// A capability that the manifest does not ask for: a server refuses the component.
    NotAsked(Capability),
    /// Nothing, as there is nothing behind it: what of WASI the kits of some languages import whether it is used or not.
    Wasi,
    /// Something that no server gives.
    Unknown,
}

impl Manifest {
    /// What it takes that a component of this plugin is given an import, such as `switchboard:plugin/db@0.1.0`.
    pub fn need_of(&self, import: &str) -> Need {
        let of = |capability| match self.asks_for(capability) {
            true => Need::Asked(capability),
            false => Need::NotAsked(capability),
        };
        let Some((package, rest)) = import.split_once('/') else { return Need::Unknown };
        let (name, version) = rest.split_once('@').unwrap_or((rest, ""));
        match (package, name) {
            (CONTRACT, name) if Capability::UNASKED.contains(&name) => Need::Nothing,
            (CONTRACT, name) => Capability::named(name).map_or(Need::Unknown, of),
            _ if !version.starts_with("0.2.") => Need::Unknown,
            // Kits for `wasi:http` import it always. Where it is not asked for, it refuses every request.
            ("wasi:http", "outgoing-handler") if self.asks_for(Capability::Http) => {
                Need::Asked(Capability::Http)
            }
            ("wasi:http", "outgoing-handler") => Need::Wasi,
            ("wasi:http", "types") => Need::Nothing,
            _ if OF_EVERY_LANGUAGE.contains(&package) => Need::Nothing,
            _ if IN_NAME_ONLY.contains(&package) => Need::Wasi,
            _ => Need::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Need;
    use crate::{Capability, Manifest};

    #[test]
    fn an_import_needs_what_the_manifest_must_ask_for() {
        const TEXT: &str = "id: it\nname: It\nversion: 1.0.0\ncategory: utility\nentry_point: plugin.wasm\ncapabilities:\n  \
                        - { name: db, reason: tables }\n";
        let manifest = Manifest::read(TEXT).unwrap();
        for (import, need) in [
            ("switchboard:plugin/log@0.1.0", Need::Nothing),
            ("switchboard:plugin/db@0.1.0", Need::Asked(Capability::Db)),
            ("switchboard:plugin/kv@0.1.0", Need::NotAsked(Capability::Kv)),
            ("switchboard:plugin/telepathy@0.1.0", Need::Unknown),
            ("wasi:cli/stdout@0.2.6", Need::Nothing),
            ("wasi:cli/stdout@0.3.0", Need::Unknown),
            ("wasi:filesystem/types@0.2.6", Need::Wasi),
            ("wasi:http/types@0.2.6", Need::Nothing),
            ("wasi:http/outgoing-handler@0.2.6", Need::Wasi),
            ("wasi:keyvalue/store@0.2.0-draft", Need::Unknown),
            ("somebody:else/it@1.0.0", Need::Unknown),
            ("bare-function", Need::Unknown),
        ] {
            assert_eq!(manifest.need_of(import), need, "{import}");
        }
        let asking = "  - { name: http, reason: weather, hosts: [api.example.com] }\n";
        let asking = Manifest::read(&format!("{TEXT}{asking}")).unwrap();
        let need = asking.need_of("wasi:http/outgoing-handler@0.2.6");
        assert_eq!(need, Need::Asked(Capability::Http));
    }
}
