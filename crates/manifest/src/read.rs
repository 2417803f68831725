//! From text to a manifest, or to everything that is wrong with it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    check,
    faults::{Faults, Found},
    inspection::Inspection,
    model::Manifest,
    path::Path,
    schema::Shape,
    tree::{self, Node},
    wording::Wording,
};

/// What faults are said to be in.
const MANIFEST: &str = "the manifest";

impl Manifest {
    /// Reads a manifest from YAML or JSON and checks it.
    ///
    /// ```
    /// use switchboard_manifest::Manifest;
    ///
    /// let manifest = Manifest::read(
    ///     r#"
    /// id: clips
    /// name: Clips
    /// version: 1.0.0
    /// type: builtin
    /// category: media
    /// provides:
    ///   api_routes:
    ///     - { method: GET, path: "/{id}" }
    /// "#,
    /// )?;
    /// let route = &manifest.provides.api_routes[0];
    /// assert_eq!(manifest.address_of(route), "/api/org/{org}/clips/{id}");
    /// # Ok::<(), switchboard_manifest::Faults>(())
    /// ```
    ///
    /// Everything that is wrong is told at once, each with its place and what to write instead:
    ///
    /// ```
    /// use switchboard_manifest::Manifest;
    ///
    /// let text = "id: Clips\nname: Clips\nversion: 1.0.0\ntype: builtin\ncategory: meida\n";
    /// let faults = Manifest::read(text).unwrap_err();
    /// let told: Vec<_> =
    ///     faults.iter().map(|fault| (fault.line, fault.column, fault.instead.as_deref())).collect();
    /// assert_eq!(told, [(1, 5, Some("`clips`")), (5, 11, Some("`media`"))]);
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong with it, from what is no YAML to a permission that is not declared.
    pub fn read(text: &str) -> Result<Self, Faults> {
        let mut found = Found::default();
        match read(text, &mut found) {
            Some(manifest) => found.into_faults(text, MANIFEST).map_or(Ok(manifest), Err),
            None => Err(found.into_faults(text, MANIFEST).unwrap_or_else(Faults::unexplained)),
        }
    }
}

fn read(text: &str, found: &mut Found) -> Option<Manifest> {
    let tree = parse(text, found)?;
    let value = tree.to_value();
    let shape = Shape::get();
    let mut inspection = Inspection::new(&tree, &value, found);
    let wording = Wording { tree: &tree, base: &Path::default(), schema: &shape.schema };
    for error in shape.rules.iter_errors(&value) {
        wording.note(&error, &mut inspection);
    }
    if tree.is_mapping() {
        check::check(&mut inspection);
    }
    typed(&tree, &value, found)
}

/// Reads a document of another kind that stands beside a manifest, from YAML or JSON; `document` is what it is called when it has faults.
///
/// # Errors
/// What is wrong with it, each with its place.
pub fn read_document<T: DeserializeOwned>(text: &str, document: &'static str) -> Result<T, Faults> {
    let mut found = Found::default();
    let read = parse(text, &mut found).and_then(|tree| typed(&tree, &tree.to_value(), &mut found));
    match (read, found.into_faults(text, document)) {
        (Some(read), None) => Ok(read),
        (_, faults) => Err(faults.unwrap_or_else(Faults::unexplained)),
    }
}

fn parse(text: &str, found: &mut Found) -> Option<Node> {
    let (tree, malformed) = match tree::parse(text) {
        Ok((tree, repeated)) => (Some(tree), repeated),
        Err(malformed) => (None, malformed),
    };
    for fault in malformed {
        found.add(fault.place, fault.path, fault.message, fault.instead);
    }
    tree
}

/// The value as a type; what keeps it from that is noted unless something about its place is already.
fn typed<T: DeserializeOwned>(tree: &Node, value: &Value, found: &mut Found) -> Option<T> {
    match serde_path_to_error::deserialize(value) {
        Ok(typed) => Some(typed),
        Err(error) => {
            let path = Path::from(error.path());
            if !found.concerns(&path) {
                found.add(tree.place_of(&path), path, error.inner().to_string(), None);
            }
            None
        }
    }
}
