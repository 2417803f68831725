//! From text to a manifest, or to everything that is wrong with it.

use crate::{
    check,
    faults::{Faults, Found},
    inspection::Inspection,
    model::Manifest,
    path::Path,
    schema::Shape,
    tree,
    wording::Wording,
};

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
            Some(manifest) => found.into_faults(text).map_or(Ok(manifest), Err),
            None => Err(found.into_faults(text).unwrap_or_else(Faults::unexplained)),
        }
    }
}

fn read(text: &str, found: &mut Found) -> Option<Manifest> {
    let (tree, malformed) = match tree::parse(text) {
        Ok((tree, repeated)) => (Some(tree), repeated),
        Err(malformed) => (None, malformed),
    };
    for fault in malformed {
        found.add(fault.place, fault.path, fault.message, fault.instead);
    }
    let tree = tree?;
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
    match serde_path_to_error::deserialize(&value) {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            let path = Path::from(error.path());
            if !found.concerns(&path) {
                found.add(tree.place_of(&path), path, error.inner().to_string(), None);
            }
            None
        }
    }
}
