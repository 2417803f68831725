//! A statement's text as SQLite reads it: where each word, name and sign begins and ends.
//!
//! What SQLite takes for a name must never be taken for anything else here, as names are what a tenant's statement is
//! confined by. So the rules are those of SQLite's own tokenizer, letter for letter; what it would refuse may come out
//! as anything.

use std::borrow::Cow;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a bare name.
    Word,
    /// A name in quotes or brackets.
    Quoted,
    /// A text in single quotes, which SQLite takes for a name where it needs one.
    Text,
    Parameter,
    Open,
    Close,
    Comma,
    Dot,
    Semicolon,
    /// A number, a blob or an operator.
    Other,
}

/// A piece of a statement's text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Where it begins, in bytes.
    pub(crate) start: usize,
}

impl Token<'_> {
    /// Where it ends, in bytes.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is that keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// The name that it may stand for, in small letters: SQLite tells none apart by the case of ASCII letters.
    pub(crate) fn name(&self) -> Option<Cow<'_, str>> {
        let inside = || self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or_default();
        let name = match (self.kind, self.text.as_bytes().first()) {
            (Kind::Word, _) => Cow::Borrowed(self.text),
            (Kind::Quoted, Some(b'[')) => Cow::Borrowed(inside()),
            (Kind::Quoted, Some(b'`')) => Cow::Owned(inside().replace("``", "`")),
            (Kind::Quoted, _) => Cow::Owned(inside().replace("\"\"", "\"")),
            (Kind::Text, _) => Cow::Owned(inside().replace("''", "'")),
            _ => return None,
        };
        Some(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            name
        })
    }
}

/// The tokens of the text, without blanks and comments.
///
/// # Errors
/// With what to write instead, when SQLite would not take the text, or has a parameter without a number.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let mut start = 0;
    while let Some(&first) = bytes.get(start) {
        let rest = bytes.get(start..).unwrap_or_default();
        let (kind, length) = match first {
            b' ' | b'\t'..=b'\r' => (None, 1),
            0xEF if rest.starts_with(b"\xEF\xBB\xBF") => (None, 3),
            b'-' if rest.starts_with(b"--") => (None, up_to(rest, b'\n')),
            b'/' if rest.starts_with(b"/*") && rest.len() > 2 => (None, block_comment(rest)),
            b'\'' => (Some(Kind::Text), quoted(rest, b'\'')?),
            b'"' | b'`' => (Some(Kind::Quoted), quoted(rest, first)?),
            b'[' => match rest.iter().position(|byte| *byte == b']') {
                Some(end) => (Some(Kind::Quoted), end + 1),
                None => return Err(unfinished('[')),
            },
            b'(' => (Some(Kind::Open), 1),
            b')' => (Some(Kind::Close), 1),
            b',' => (Some(Kind::Comma), 1),
            b';' => (Some(Kind::Semicolon), 1),
            b'.' if !rest.get(1).is_some_and(u8::is_ascii_digit) => (Some(Kind::Dot), 1),
            b'.' | b'0'..=b'9' => (Some(Kind::Other), number(rest)),
            b'?' | b'$' | b'@' | b':' | b'#' => (Some(Kind::Parameter), parameter(rest)?),
            b'x' | b'X' if rest.get(1) == Some(&b'\'') => (Some(Kind::Other), blob(rest)?),
            _ if is_of_name(first) => (Some(Kind::Word), run(rest, is_of_name)),
            _ => (Some(Kind::Other), 1),
        };
        if let Some(kind) = kind {
            let text = text.get(start..start + length).unwrap_or_default();
            tokens.push(Token { kind, text, start });
        }
        start += length;
    }
    Ok(tokens)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// How many bytes at the beginning are so.
fn run(bytes: &[u8], is_so: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is_so(*byte)).unwrap_or(bytes.len())
}

fn up_to(bytes: &[u8], end: u8) -> usize {
    run(bytes, |byte| byte != end)
}

/// One without its end goes to the end of the text.
fn block_comment(bytes: &[u8]) -> usize {
    memchr::memmem::find(bytes.get(2..).unwrap_or_default(), b"*/").map_or(bytes.len(), |end| end + 4)
}

/// Up to the quote that ends it; one that is doubled does not.
fn quoted(bytes: &[u8], quote: u8) -> Result<usize, String> {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        if *byte == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return Ok(at + 1);
            }
            at += 1;
        }
        at += 1;
    }
    Err(unfinished(char::from(quote)))
}

fn unfinished(quote: char) -> String {
    format!("its text begins a name or a text with {quote} and does not end it")
}

fn blob(bytes: &[u8]) -> Result<usize, String> {
    let digits = run(bytes.get(2..).unwrap_or_default(), |byte| byte.is_ascii_hexdigit());
    if bytes.get(digits + 2) == Some(&b'\'') {
        Ok(digits + 3)
    } else {
        Err("it has a blob that is none".to_owned())
    }
}

fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        from + run(bytes.get(from..).unwrap_or_default(), |byte| byte.is_ascii_digit() || byte == b'_')
    };
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = if bytes.starts_with(b"0x") || bytes.starts_with(b"0X") {
        2 + run(bytes.get(2..).unwrap_or_default(), |byte| byte.is_ascii_hexdigit() || byte == b'_')
    } else {
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E'))
            && (is_digit(end + 1) || (matches!(bytes.get(end + 1), Some(b'+' | b'-')) && is_digit(end + 2)))
        {
            end = digits(end + 2);
        }
        end
    };
    // SQLite refuses what follows here, as a whole.
    end += run(bytes.get(end..).unwrap_or_default(), is_of_name);
    end
}

/// SQLite reads more than digits behind these signs, parentheses among it; nothing here needs that.
fn parameter(bytes: &[u8]) -> Result<usize, String> {
    let digits = run(bytes.get(1..).unwrap_or_default(), |byte| byte.is_ascii_digit());
    let is_right = match (bytes.first(), bytes.get(digits + 1)) {
        (Some(b'?'), _) => true,
        (Some(b'$'), next) => {
            digits > 0 && !next.is_some_and(|byte| is_of_name(*byte) || matches!(byte, b'(' | b':'))
        }
        _ => false,
    };
    if is_right {
        Ok(digits + 1)
    } else {
        Err("it has a parameter without a number; write $1, $2, …".to_owned())
    }
}

/// How deep in parentheses each token stands: an opening and its closing one stand as deep as what is around them.
///
/// # Errors
/// When they do not pair.
pub(crate) fn depths(tokens: &[Token<'_>]) -> Result<Vec<usize>, String> {
    let mut depth = 0_usize;
    let mut depths = Vec::with_capacity(tokens.len());
    for token in tokens {
        if token.kind == Kind::Close {
            depth = depth.checked_sub(1).ok_or("its parentheses do not pair")?;
        }
        depths.push(depth);
        if token.kind == Kind::Open {
            depth += 1;
        }
    }
    if depth == 0 { Ok(depths) } else { Err("its parentheses do not pair".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    fn names(text: &str) -> Vec<String> {
        tokens(text).unwrap().iter().filter_map(|token| token.name().map(String::from)).collect()
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for text in [
            "select * from clip",
            "select * from CLIP",
            "select * from\"clip\"",
            "select*from[clip]",
            "select * from `clip`",
            "select * from 'clip'",
            "select * from/**/clip",
            "select * from--x\nclip",
            "select 1.from clip",
            "select 1e from clip",
            "select .5from, x from \u{feff}clip",
            "select x'00'from clip",
            "select ?from clip",
            "select $1 from clip",
            "select * from\u{b}clip",
            "select a/*b*/,c from clip /*",
            "select a -- /*\n from clip",
            "select '--' from clip",
            "select '''' from clip",
            "select \"\"\"\" from clip",
            "select a/clip",
            "select a-clip",
            "select 1..clip",
            "select 0x1F,clip",
        ] {
            assert!(names(text).contains(&"clip".to_owned()), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn what_stands_in_a_text_or_a_comment_is_no_name() {
        for text in [
            "select 'x clip' -- clip",
            "select /* clip */ 1",
            "select 1 /* clip",
            "select 'it''s clip'",
            "select \"a clip\"",
            "select [a clip]",
            "select /*/ clip */ 1",
            "select clips, eclip, clip_, éclip, clip$",
        ] {
            assert!(!names(text).contains(&"clip".to_owned()), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn what_does_not_end_or_has_no_number_is_refused() {
        for text in [
            "select 'a",
            "select \"a",
            "select `a",
            "select [a",
            "select $a(b)",
            "select :a",
            "select $1(",
            "select @x",
            "select $1::x",
            "select $",
            "select #1",
        ] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_put_together_are_the_text() {
        let text = "insert into t values ($1, 'a b', x'00', 1.5e-3, \"c\".d) -- end";
        let kinds: Vec<Kind> = tokens(text).unwrap().iter().map(|token| token.kind).collect();
        assert_eq!(kinds.len(), 17, "{kinds:?}");
        for token in tokens(text).unwrap() {
            assert_eq!(text.get(token.start..token.end()), Some(token.text));
        }
    }
}
