//! The languages in which plugins are written.

use crate::{BuildError, Effort, Source, c::C, javascript::JavaScript, python::Python, rust::Rust};

/// A language in which plugins are written.
pub trait Language: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The file beside the manifest by which a plugin in it is known, such as `Cargo.toml`.
    fn mark(&self) -> &'static str;

    /// Whether its tools find out by themselves, and soon, that there is nothing to be done.
    fn is_quick_to_repeat(&self) -> bool {
        false
    }

    /// Makes a component of the source, with that much effort where it makes a difference. What its tools have to say goes to standard
    /// error.
    ///
    /// # Errors
    /// A tool that is missing or fails, and what to do.
    fn component(&self, source: &Source, effort: Effort) -> Result<Vec<u8>, BuildError>;
}

/// Every language. A further one is a file beside `rust.rs`, and its name here.
const LANGUAGES: [&dyn Language; 4] = [&Rust, &Python, &JavaScript, &C];

/// The language of a source.
pub(crate) fn of(source: &Source) -> Result<&'static dyn Language, BuildError> {
    let found = LANGUAGES.into_iter().find(|language| source.folder().join(language.mark()).is_file());
    found.ok_or_else(|| {
        let marks: Vec<_> =
            LANGUAGES.iter().map(|language| format!("`{}` ({})", language.mark(), language.name())).collect();
        BuildError::UnknownLanguage { folder: source.folder().to_owned(), marks: marks.join(", ") }
    })
}
