//! Addresses with parameters in braces: `/matches/{id}`.

use std::collections::HashSet;

use crate::name::is_name;

/// What an address looks like.
pub(crate) const EXAMPLE: &str = "/matches/{id}";

/// Why a text is no address.
pub(crate) fn fault(path: &str) -> Option<String> {
    let Some(rest) = path.strip_prefix('/') else {
        return Some("an address begins with `/`".to_owned());
    };
    if rest.is_empty() {
        return None;
    }
    if rest.ends_with('/') {
        return Some("an address does not end with `/`".to_owned());
    }
    let mut parameters = HashSet::new();
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let why = match parameter(segment) {
            Ok(None) => literal_fault(segment),
            Ok(Some(Parameter { rest: true, .. })) if segments.peek().is_some() => {
                Some(format!("`{segment}` takes the rest of an address and so can only come last"))
            }
            Ok(Some(Parameter { name, .. })) => {
                (!parameters.insert(name)).then(|| format!("the parameter `{name}` comes twice"))
            }
            Err(why) => Some(why),
        };
        if why.is_some() {
            return why;
        }
    }
    None
}

/// The address with every parameter's name left out: two that are equal answer the same requests.
pub(crate) fn shape(path: &str) -> String {
    let segment = |segment| match parameter(segment) {
        Ok(Some(Parameter { rest: true, .. })) => "{*}",
        Ok(Some(_)) => "{}",
        _ => segment,
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// What a segment would be if it were written as one of other habits: `:id`, `<id>` and `<int:id>` to `{id}`.
pub(crate) fn repaired(path: &str) -> String {
    let segment = |segment: &str| {
        let name = segment
            .strip_prefix(':')
            .or_else(|| segment.strip_prefix('<')?.strip_suffix('>'))
            .or_else(|| segment.strip_prefix("{{")?.strip_suffix("}}"))
            .or_else(|| segment.strip_prefix('{')?.strip_suffix('}'));
        match name.map(|name| name.rsplit(':').next().unwrap_or(name).trim()) {
            Some(name) if is_name(name) => format!("{{{name}}}"),
            _ => segment.to_owned(),
        }
    };
    let segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(segment).collect();
    format!("/{}", segments.join("/"))
}

struct Parameter<'a> {
    name: &'a str,
    /// `{*name}`: all segments from here.
    rest: bool,
}

fn parameter(segment: &str) -> Result<Option<Parameter<'_>>, String> {
    if !segment.contains(['{', '}']) {
        return Ok(None);
    }
    let within = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let Some(within) = within.filter(|within| !within.contains(['{', '}'])) else {
        let whole = "a parameter is a whole segment between braces";
        return Err(format!("the braces of `{segment}` do not match: {whole}"));
    };
    let (name, rest) = within.strip_prefix('*').map_or((within, false), |name| (name, true));
    if name.is_empty() {
        return Err("a parameter has no name".to_owned());
    }
    if !is_name(name) {
        let rule = "names are lower-case letters, digits and `_`, a letter first";
        return Err(format!("`{name}` cannot name a parameter: {rule}"));
    }
    Ok(Some(Parameter { name, rest }))
}

fn literal_fault(segment: &str) -> Option<String> {
    // The characters of a path segment by RFC 3986, percent-encoding left out: addresses are written plainly.
    const MARKS: &str = "-._~!$&'()*+,;=@";
    if segment.is_empty() {
        return Some("a segment is missing between two `/`".to_owned());
    }
    if segment == "." || segment == ".." {
        return Some(format!("`{segment}` is resolved by clients and never arrives"));
    }
    if segment.starts_with(':') || segment.starts_with('<') {
        return Some(format!("`{segment}` is not a parameter: they are written in braces"));
    }
    let stranger =
        segment.chars().find(|c| !c.is_ascii_alphanumeric() && !MARKS.contains(*c) && *c != ':')?;
    Some(format!("{} cannot stand in an address", crate::quote::quoted(&stranger.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_addresses_say_why() {
        for good in
            ["/", "/clips", "/clips/{id}", "/a/{b}/c/{d}", "/files/{*path}", "/v1.2/x-y_z~", "/{id}/a:b"]
        {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "",
            "clips",
            "/clips/",
            "//",
            "/a//b",
            "/{}",
            "/{*}",
            "/{id",
            "/id}",
            "/x{id}",
            "/{a}{b}",
            "/{{id}}",
            "/{a}/{a}",
            "/{*rest}/x",
            "/{Id}",
            "/a b",
            "/a?b",
            "/a#b",
            "/ä",
            "/..",
            "/:id",
            "/<id>",
            "/a\\b",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn addresses_that_answer_the_same_requests_have_one_shape() {
        assert_eq!(shape("/x/{a}"), shape("/x/{b}"));
        assert_ne!(shape("/x/{a}"), shape("/x/a"));
        assert_ne!(shape("/x/{a}"), shape("/x/{*a}"));
    }

    #[test]
    fn other_habits_are_rewritten() {
        assert_eq!(repaired("clips/:id/"), "/clips/{id}");
        assert_eq!(repaired("/clips/<int:id>"), "/clips/{id}");
        assert_eq!(repaired("/clips/{{id}}"), "/clips/{id}");
    }
}
