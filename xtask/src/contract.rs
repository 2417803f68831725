//! The contract in `wit/`: every item is documented, and a published version is frozen.

use std::{collections::BTreeSet, path::Path};

use wit_component::WitPrinter;
use wit_parser::{Docs, PackageId, Resolve, TypeDefKind};

/// A contract: a package of WIT in a folder or a file.
pub struct Contract {
    resolve: Resolve,
    package: PackageId,
}

impl Contract {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, with file and line.
    pub fn read(place: &Path) -> Result<Self, String> {
        let mut resolve = Resolve::default();
        let read = if place.is_dir() {
            resolve.push_dir(place).map(|(package, _)| package)
        } else {
            resolve.push_path(place).map(|(package, _)| package)
        };
        let package = read.map_err(|error| format!("{error:#}"))?;
        Ok(Self { resolve, package })
    }

    /// Items that nobody has described.
    pub fn undocumented(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut look = |docs: &Docs, what: String| {
            if docs.contents.as_deref().unwrap_or_default().trim().is_empty() {
                faults.push(format!("{what} has no documentation: write `///` above it"));
            }
        };
        let Some(package) = self.resolve.packages.get(self.package) else { return faults };
        look(&package.docs, "the package".to_owned());
        for (name, id) in &package.worlds {
            if let Some(world) = self.resolve.worlds.get(*id) {
                look(&world.docs, format!("world `{name}`"));
            }
        }
        for (name, id) in &package.interfaces {
            let Some(interface) = self.resolve.interfaces.get(*id) else { continue };
            look(&interface.docs, format!("interface `{name}`"));
            for (function, item) in &interface.functions {
                // A constructor's text stands at the function too.
                look(&item.docs, format!("`{name}.{function}`"));
            }
            for (item, id) in &interface.types {
                let Some(definition) = self.resolve.types.get(*id) else { continue };
                let is_used = matches!(&definition.kind, TypeDefKind::Type(wit_parser::Type::Id(_)));
                if is_used {
                    continue;
                }
                look(&definition.docs, format!("`{name}.{item}`"));
                match &definition.kind {
                    TypeDefKind::Record(record) => {
                        for field in &record.fields {
                            look(&field.docs, format!("`{name}.{item}.{}`", field.name));
                        }
                    }
                    TypeDefKind::Variant(variant) => {
                        for case in &variant.cases {
                            look(&case.docs, format!("`{name}.{item}.{}`", case.name));
                        }
                    }
                    TypeDefKind::Enum(words) => {
                        for case in &words.cases {
                            look(&case.docs, format!("`{name}.{item}.{}`", case.name));
                        }
                    }
                    _ => {}
                }
            }
        }
        faults
    }

    /// How this one breaks what a published one of the same version promises: something is gone or different, or an interface that plugins
    /// export has grown.
    ///
    /// # Errors
    /// When one of them cannot be written out.
    pub fn breaks(&self, published: &Self) -> Result<Vec<String>, String> {
        let (now, then) = (self.items()?, published.items()?);
        let mut faults: Vec<String> = then
            .difference(&now)
            .map(|(place, item)| {
                format!("{place} no longer has `{item}`: a published version does not change")
            })
            .collect();
        let exported = published.exported();
        faults.extend(now.difference(&then).filter(|(place, _)| exported.contains(place.as_str())).map(
            |(place, item)| {
                format!("{place} has got `{item}`: plugins that were built before do not export it")
            },
        ));
        Ok(faults)
    }

    /// The interfaces that a world exports, as [`items`](Self::items) names them.
    fn exported(&self) -> BTreeSet<String> {
        let worlds =
            self.resolve.packages.get(self.package).into_iter().flat_map(|package| package.worlds.values());
        let exports =
            worlds.filter_map(|id| self.resolve.worlds.get(*id)).flat_map(|world| world.exports.values());
        let names = exports.filter_map(|item| match item {
            wit_parser::WorldItem::Interface { id, .. } => self.resolve.interfaces.get(*id)?.name.clone(),
            _ => None,
        });
        names.map(|name| format!("interface {name}")).collect()
    }

    /// Everything in it: the interface or world, and each item of it on one line.
    fn items(&self) -> Result<BTreeSet<(String, String)>, String> {
        let mut printer = WitPrinter::default();
        printer.emit_docs(false);
        printer.print(&self.resolve, self.package, &[]).map_err(|error| format!("{error:#}"))?;
        let text = String::from(printer.output);
        let mut items = BTreeSet::new();
        let (mut place, mut item, mut depth) = (String::new(), String::new(), 0_usize);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match depth {
                0 => place = line.trim_end_matches('{').trim().to_owned(),
                _ => {
                    item.push_str(line);
                    item.push(' ');
                }
            }
            depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
            if depth == 1 && !item.is_empty() {
                items.insert((place.clone(), item.trim().to_owned()));
                item.clear();
            }
            if depth == 0 {
                item.clear();
            }
        }
        Ok(items)
    }
}
