//! A plugin to begin with.

use std::{fs, path::Path};

use include_dir::{Dir, DirEntry, include_dir};
use switchboard_manifest::PluginId;

use crate::BuildError;

static STARTERS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/starters");

/// What a starter's `Cargo.toml` is called here, where it is no crate's.
const CARGO: &str = "Cargo.toml.starter";

/// What a plugin begins with.
#[derive(Debug, Clone)]
pub struct Starter<'a> {
    /// The plugin's id.
    pub id: PluginId,
    /// One of [`languages`].
    pub language: &'a str,
    /// Where the SDK for Rust is, for a plugin in Rust.
    pub sdk: Option<&'a Path>,
}

/// The languages in which a plugin can be begun.
pub fn languages() -> impl Iterator<Item = &'static str> {
    STARTERS.dirs().filter_map(|folder| folder.path().to_str())
}

/// Writes a plugin with one route into a new folder.
///
/// # Errors
/// When the language is none of [`languages`], the folder is there already, or it cannot be written.
pub fn begin(starter: &Starter<'_>, folder: &Path) -> Result<(), BuildError> {
    let source = STARTERS.get_dir(starter.language).ok_or_else(|| BuildError::NoStarter {
        language: starter.language.to_owned(),
        known: languages().collect::<Vec<_>>().join(", "),
    })?;
    let files = text_files(source);
    if starter.sdk.is_none() && files.iter().any(|(_, text)| text.contains("{{sdk}}")) {
        return Err(BuildError::NoSdk);
    }
    if folder.exists() {
        let error = std::io::Error::other("it is there already; name another folder");
        return Err(BuildError::file("made", folder, error));
    }
    let id = starter.id.as_str();
    let sdk = starter.sdk.map(|sdk| sdk.display().to_string()).unwrap_or_default();
    for (name, text) in files {
        let name = if name.ends_with(CARGO) { name.with_file_name("Cargo.toml") } else { name };
        let file = folder.join(name);
        let text = text.replace("{{id}}", id).replace("{{name}}", &title(id)).replace("{{sdk}}", &sdk);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| BuildError::file("made", parent, error))?;
        fs::write(&file, text).map_err(|error| BuildError::file("written", &file, error))?;
    }
    Ok(())
}

/// Every file of a starter, by its path within it.
fn text_files(source: &Dir<'_>) -> Vec<(std::path::PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in folder.entries() {
            match entry {
                DirEntry::Dir(inner) => folders.push(inner.clone()),
                DirEntry::File(file) => {
                    if let (Ok(name), Some(text)) =
                        (file.path().strip_prefix(source.path()), file.contents_utf8())
                    {
                        files.push((name.to_owned(), text.to_owned()));
                    }
                }
            }
        }
    }
    files
}

/// `my_plugin` as people read it: `My plugin`.
fn title(id: &str) -> String {
    let words = id.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Starter, begin, languages};
    use crate::Source;

    #[test]
    fn every_starter_has_a_right_manifest() {
        let folder = tempfile::tempdir().unwrap();
        for language in languages() {
            let place = folder.path().join(language);
            let starter =
                Starter { id: "my_plugin".parse().unwrap(), language, sdk: Some("sdk/rust".as_ref()) };
            begin(&starter, &place).unwrap();
            let source = Source::open(&place).unwrap_or_else(|error| panic!("{language}: {error}"));
            assert_eq!(source.manifest().id.as_str(), "my_plugin");
            assert_eq!(source.manifest().name, "My plugin");
            begin(&starter, &place).unwrap_err();
        }
    }

    #[test]
    fn nothing_is_begun_in_a_language_that_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("it");
        let starter = Starter { id: "it".parse().unwrap(), language: "cobol", sdk: None };
        assert!(begin(&starter, &place).unwrap_err().to_string().contains("python"));
        let starter = Starter { language: "rust", ..starter };
        assert!(begin(&starter, &place).unwrap_err().to_string().contains("--sdk"));
        assert!(!place.exists());
    }
}
