//! Which bytes a `Range` header asks for (RFC 9110, section 14).

use std::ops::Range;

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: nothing else is asked for, or in a way that a server may pass over.
    Whole,
    /// These bytes; never none.
    Part(Range<u64>),
    /// What is asked for lies outside.
    Unsatisfiable,
}

/// What a `Range` header asks for of `size` bytes. Several ranges at once are answered with the whole.
pub(crate) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let ranges = header.and_then(|header| header.split_once('=')).filter(|(unit, _)| is_bytes(unit));
    let Some((first, last)) = ranges.and_then(|(_, range)| range.split_once('-')) else {
        return Wanted::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Wanted::Whole,
    };
    if part.is_empty() { Wanted::Unsatisfiable } else { Wanted::Part(part) }
}

fn is_bytes(unit: &str) -> bool {
    unit.trim().eq_ignore_ascii_case("bytes")
}

/// A number of digits only; one too large to hold is the largest.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Wanted::*, wanted};

    proptest! {
        #[test]
        fn whatever_is_asked_for_a_part_lies_within(header in "(bytes *= *)?[0-9 ,=+-]{0,24}|.*", size: u64) {
            if let Part(part) = wanted(Some(&header), size) {
                prop_assert!(part.start < part.end && part.end <= size, "{header} of {size}: {part:?}");
            }
        }

        #[test]
        fn a_part_is_what_both_ends_say(first: u64, last: u64, size in 1..=u64::MAX) {
            let expected = match first.cmp(&last) {
                std::cmp::Ordering::Greater => Whole,
                _ if first >= size => Unsatisfiable,
                _ => Part(first..last.min(size - 1) + 1),
            };
            prop_assert_eq!(wanted(Some(&format!("bytes={first}-{last}")), size), expected);
        }

        #[test]
        fn the_end_is_as_long_as_it_is_asked_to_be(count in 1..=u64::MAX, size in 1..=u64::MAX) {
            let expected = Part(size - count.min(size)..size);
            prop_assert_eq!(wanted(Some(&format!("bytes=-{count}")), size), expected);
        }
    }

    #[test]
    fn a_part_is_given_by_its_ends_its_beginning_or_its_length_from_the_end() {
        assert_eq!(wanted(Some("bytes=0-499"), 1000), Part(0..500));
        assert_eq!(wanted(Some("bytes=500-"), 1000), Part(500..1000));
        assert_eq!(wanted(Some("bytes=-200"), 1000), Part(800..1000));
        assert_eq!(wanted(Some("Bytes = 999-999"), 1000), Part(999..1000));
    }

    #[test]
    fn what_reaches_beyond_the_end_is_cut_off_there() {
        assert_eq!(wanted(Some("bytes=900-99999999999999999999999"), 1000), Part(900..1000));
        assert_eq!(wanted(Some("bytes=-5000"), 1000), Part(0..1000));
    }

    #[test]
    fn what_lies_outside_cannot_be_satisfied() {
        for header in ["bytes=1000-", "bytes=1000-2000", "bytes=-0"] {
            assert_eq!(wanted(Some(header), 1000), Unsatisfiable, "{header}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Unsatisfiable);
    }

    #[test]
    fn what_is_not_understood_or_several_at_once_gives_the_whole() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(wanted(Some(header), 1000), Whole, "{header}");
        }
        assert_eq!(wanted(None, 1000), Whole);
    }
}
