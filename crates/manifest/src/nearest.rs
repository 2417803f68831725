//! The word that was meant.

/// The known word nearest to a written one, if one is near enough to have been meant.
///
/// Near is a third of the written word's letters, at least one: typed wrong, swapped, missing or too many.
pub(crate) fn nearest<'a, T: AsRef<str> + ?Sized + 'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a T>,
) -> Option<&'a str> {
    const LONGEST: usize = 100;
    // A file can hold more names than there is time to compare.
    const MOST: usize = 200;
    if written.len() > LONGEST {
        return None;
    }
    let folded = fold(written);
    let bound = (folded.chars().count() / 3).max(1);
    known
        .into_iter()
        .take(MOST)
        .map(AsRef::as_ref)
        .filter(|word| word.len() <= LONGEST)
        .map(|word| (strsim::osa_distance(&folded, &fold(word)), word))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Case and the choice of `-` or `_` are no spelling.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_and_another_word_does_not() {
        let known = ["media", "core", "api_routes"];
        assert_eq!(nearest("meida", known), Some("media"));
        assert_eq!(nearest("Api-Routes", known), Some("api_routes"));
        assert_eq!(nearest("ap_routs", known), Some("api_routes"));
        assert_eq!(nearest("database", known), None);
        assert_eq!(nearest("x", ["y"]), Some("y"));
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
    }
}
