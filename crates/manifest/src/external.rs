//! The manifest of a plugin that was built to be put into a folder of a server.

use crate::{
    faults::Faults,
    model::{Kind, Manifest},
    path::Path,
    tree,
};

impl Manifest {
    /// The manifest's text as that of an external plugin, which is started from a file beside it. A plugin whose source is built both
    /// ways says `type: builtin`; what is built of it is external. All else stays as it is written, comments included.
    ///
    /// ```
    /// use switchboard_manifest::Manifest;
    ///
    /// let text = "id: clips\nname: Clips\nversion: 1.0.0\ntype: builtin # for now\ncategory: media\n";
    /// let external = Manifest::as_external(text, "plugin.wasm")?;
    /// assert!(external.contains("\nentry_point: plugin.wasm\ntype: external # for now\n"));
    /// # Ok::<(), switchboard_manifest::Faults>(())
    /// ```
    ///
    /// # Errors
    /// The faults of the manifest, as it is or as it would be.
    pub fn as_external(text: &str, entry_point: &str) -> Result<String, Faults> {
        let manifest = Self::read(text)?;
        let mut external = text.to_owned();
        let Ok((tree, _)) = tree::parse(text) else { return Ok(external) };
        let (kind, entry) = (Path::of("type"), Path::of("entry_point"));
        let mut changes = Vec::new();
        // Without a type it is external, and has an entry point.
        let key = tree.place_of_key(if tree.has(&kind) { &kind } else { &entry });
        let is_block = key.column == 1;
        match manifest.entry_point {
            Some(_) => changes.push((tree.place_of(&entry), written(entry_point, is_block))),
            None if is_block => changes.push((key.start(), format!("entry_point: {entry_point}\n"))),
            None => changes.push((key.start(), format!("\"entry_point\": \"{entry_point}\", "))),
        }
        if manifest.kind != Kind::External {
            changes.push((tree.place_of(&kind), written("external", is_block)));
        }
        // From the end to the start, so that the places before hold.
        changes.sort_by_key(|(place, _)| std::cmp::Reverse((place.line, place.column)));
        for (place, instead) in changes {
            let (from, to) =
                (offset(text, place.line, place.column), offset(text, place.end_line, place.end_column));
            external.replace_range(from..to, &instead);
        }
        Self::read(&external)?;
        Ok(external)
    }
}

/// A word as a value: in a block bare, within braces in quotes, which may be JSON.
fn written(word: &str, is_block: bool) -> String {
    if is_block { word.to_owned() } else { format!("\"{word}\"") }
}

/// The byte at a line and column, both counted from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(line_start..).unwrap_or_default();
    let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    line_start + within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(text: &str) -> (String, Manifest) {
        let text = Manifest::as_external(text, "plugin.wasm").unwrap_or_else(|faults| panic!("{faults}"));
        let manifest = Manifest::read(&text).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!((manifest.kind, manifest.entry_point.as_deref()), (Kind::External, Some("plugin.wasm")));
        (text, manifest)
    }

    #[test]
    fn one_that_is_built_in_becomes_external_and_keeps_the_rest() {
        let text = "# Ours\nid: a\nname: Ä  # in two\nversion: 1.0.0\ntype: \"builtin\"\ncategory: media\n";
        let expected = "# Ours\nid: a\nname: Ä  # in two\nversion: 1.0.0\nentry_point: plugin.wasm\ntype: external\ncategory: media\n";
        assert_eq!(external(text).0, expected);
    }

    #[test]
    fn one_that_is_external_already_is_started_from_what_was_built() {
        let text =
            "id: a\nname: A\nversion: 1.0.0\ntype: external\nentry_point: target/a.wasm\ncategory: media\n";
        assert_eq!(external(text).0, text.replace("target/a.wasm", "plugin.wasm"));
        let text = "id: a\nname: A\nversion: 1.0.0\ncategory: media\nentry_point: target/a.wasm\n";
        assert_eq!(external(text).0, text.replace("target/a.wasm", "plugin.wasm"));
    }

    #[test]
    fn one_in_json_stays_json() {
        let text = r#"{"id": "a", "name": "A", "type": "builtin", "version": "1.0.0", "category": "media"}"#;
        assert!(serde_json::from_str::<serde_json::Value>(&external(text).0).is_ok());
    }
}
