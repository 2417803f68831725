//! What people type into the search field, as an expression of the full-text index.

/// The expression that finds rows with every word, the last as the beginning of one; `None` without a word.
///
/// Each word is quoted, so that nothing in it is read as the index's own syntax.
pub(crate) fn expression(typed: &str) -> Option<String> {
    let words = typed.split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.filter(|word| word.chars().any(char::is_alphanumeric));
    let quoted: Vec<String> = words.map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" ") + " *")
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn every_word_is_looked_for_and_the_last_may_go_on() {
        assert_eq!(expression("  ace  clutch ").as_deref(), Some(r#""ace" "clutch" *"#));
    }

    #[test]
    fn nothing_typed_is_read_as_syntax() {
        assert_eq!(expression(r#"title:"x" OR (NEAR*"#).as_deref(), Some(r#""title:""x""" "OR" "(NEAR*" *"#));
        assert_eq!(expression("a\0b").as_deref(), Some(r#""a" "b" *"#));
    }

    #[test]
    fn signs_alone_are_no_words() {
        assert_eq!(expression(r#" * "" - ^ "#), None);
        assert_eq!(expression(""), None);
    }
}
