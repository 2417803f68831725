//! Words for people out of a handler's name.

/// The last part of a function's path: `get_clip` of `clips::library::get_clip`; `None` for a closure.
pub(crate) fn of_function<F>() -> Option<&'static str> {
    std::any::type_name::<F>()
        .rsplit("::")
        .find(|part| !part.is_empty())
        .filter(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

/// `Get clip` of `get_clip`.
pub(crate) fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    fn find_highlights() {}

    fn of<F>(_: F) -> Option<&'static str> {
        super::of_function::<F>()
    }

    #[test]
    fn a_function_is_called_by_its_name_and_a_closure_by_none() {
        assert_eq!(of(find_highlights), Some("find_highlights"));
        assert_eq!(of(|| ()), None);
        assert_eq!(super::sentence("find_highlights"), "Find highlights");
    }
}
