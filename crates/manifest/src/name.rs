//! Names: lower-case letters, digits and `_`, a letter first.

/// Whether a text is a name.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The name nearest to a text: `My-Plugin` to `my_plugin`. `None` where nothing of it can stand in a name.
pub(crate) fn as_name(text: &str) -> Option<String> {
    let name: String = text
        .trim()
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let name = name.trim_matches('_');
    is_name(name).then(|| name.to_owned())
}

/// The names in a text that joins them some way, to be joined the right way: `Clip/created` to two.
pub(crate) fn as_names(text: &str) -> Option<Vec<String>> {
    text.split(['.', ':', '/', ' ']).filter(|word| !word.is_empty()).map(as_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_a_name_becomes_one() {
        assert_eq!(as_name("My-Plugin").as_deref(), Some("my_plugin"));
        assert_eq!(as_name("clips").as_deref(), Some("clips"));
        assert_eq!(as_name("9lives"), None);
        assert_eq!(as_name("äöü"), None);
        assert_eq!(as_names("Clip/created"), Some(vec!["clip".to_owned(), "created".to_owned()]));
    }
}
