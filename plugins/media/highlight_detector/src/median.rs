//! The median of what lately passed by.

use std::collections::VecDeque;

/// The median of the latest values, kept up to date as values come and go.
///
/// The values are kept sorted beside their order of arrival. A place is found by bisection, in O(log n); making room
/// moves at most the few hundred values of a window, which is faster than any tree of so few.
#[derive(Debug, Default)]
pub struct RunningMedian {
    arrived: VecDeque<f32>,
    sorted: Vec<f32>,
}

impl RunningMedian {
    /// Takes a value in. It is a number: infinity has a place in the order, NaN has one above it.
    pub fn push(&mut self, value: f32) {
        self.arrived.push_back(value);
        self.sorted.insert(self.place(value), value);
    }

    /// Lets the value go that came first, if there is one.
    pub fn pop(&mut self) {
        if let Some(value) = self.arrived.pop_front() {
            self.sorted.remove(self.place(value));
        }
    }

    /// The median: the upper one of the two in the middle of an even number of values; `None` of no values.
    pub fn median(&self) -> Option<f32> {
        self.sorted.get(self.sorted.len() / 2).copied()
    }

    /// Where the first of the values stands that are not below this one.
    fn place(&self, value: f32) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_median() {
        let mut median = RunningMedian::default();
        assert_eq!(median.median(), None);
        median.pop();
        median.push(3.0);
        median.pop();
        assert_eq!(median.median(), None);
    }

    #[test]
    fn it_is_the_one_in_the_middle_at_every_moment() {
        // Numbers without order, with repetitions, as a small generator gives them.
        let mut seed = 12_345_u32;
        let values: Vec<f32> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 26) as f32 - 32.0
        })
        .take(500)
        .collect();

        let mut running = RunningMedian::default();
        for end in 1..=values.len() {
            running.push(values[end - 1]);
            let start = end.saturating_sub(30);
            if start > 0 {
                running.pop();
            }
            let mut window = values[start..end].to_vec();
            window.sort_by(f32::total_cmp);
            assert_eq!(running.median(), Some(window[window.len() / 2]));
        }
    }
}
