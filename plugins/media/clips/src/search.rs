//! What people type into the search field, as an expression of the engine's full-text index.

use switchboard_sdk::Engine;

/// The condition that an expression is the parameter of: what stands before it, and what behind.
pub(crate) fn condition(engine: Engine) -> (&'static str, &'static str) {
    match engine {
        Engine::Sqlite => ("id in (select rowid from clip_text where clip_text match", ")"),
        Engine::Postgres => (
            "words @@ to_tsquery('simple', regexp_replace(normalize(",
            r", nfd), '[\u0300-\u036f]', '', 'g'))",
        ),
    }
}

/// The expression that finds rows with every word, the last as the beginning of one; `None` without a word.
///
/// Each word is quoted, so that nothing in it is read as the index's own syntax.
pub(crate) fn expression(engine: Engine, typed: &str) -> Option<String> {
    let words = typed.split(|c: char| c.is_whitespace() || c.is_control());
    // A sign over a letter, which the index leaves out, is no word without its letter.
    let is_of_word = |c: char| c.is_alphanumeric() && !('\u{300}'..='\u{36f}').contains(&c);
    let words = words.filter(|word| word.chars().any(is_of_word));
    let quoted: Vec<String> = match engine {
        Engine::Sqlite => words.map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect(),
        Engine::Postgres => {
            words.map(|word| format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))).collect()
        }
    };
    let (between, end) = match engine {
        Engine::Sqlite => (" ", " *"),
        Engine::Postgres => (" & ", ":*"),
    };
    (!quoted.is_empty()).then(|| quoted.join(between) + end)
}

#[cfg(test)]
mod tests {
    use switchboard_sdk::Engine;

    use super::expression;

    #[test]
    fn every_word_is_looked_for_and_the_last_may_go_on() {
        assert_eq!(expression(Engine::Sqlite, "  ace  clutch ").as_deref(), Some(r#""ace" "clutch" *"#));
    }

    #[test]
    fn nothing_typed_is_read_as_syntax() {
        assert_eq!(
            expression(Engine::Sqlite, r#"title:"x" OR (NEAR*"#).as_deref(),
            Some(r#""title:""x""" "OR" "(NEAR*" *"#)
        );
        assert_eq!(expression(Engine::Sqlite, "a\0b").as_deref(), Some(r#""a" "b" *"#));
    }

    #[test]
    fn nothing_typed_is_read_as_syntax_on_postgresql_either() {
        let said = expression(Engine::Postgres, r"o'clock \ a\b !x|(y:*").unwrap();
        assert_eq!(said, r"'o''clock' & 'a\\b' & '!x|(y:*':*");
    }

    #[test]
    fn signs_alone_are_no_words() {
        assert_eq!(expression(Engine::Sqlite, r#" * "" - ^ "#), None);
        assert_eq!(expression(Engine::Postgres, "\u{345}"), None);
        assert_eq!(expression(Engine::Sqlite, ""), None);
    }
}
