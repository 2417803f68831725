//! How much memory an instance may take.

use wasmtime::ResourceLimiter;

/// Elements of all tables of an instance together: interpreters need some ten thousand.
const MOST_ELEMENTS: usize = 100_000;

/// How much memory an instance may take, and how much it has.
pub(crate) struct Bounds {
    most: usize,
    taken: usize,
    elements: usize,
    /// Whether it has asked for more than it may.
    refused: bool,
}

impl Bounds {
    /// At most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, taken: 0, elements: 0, refused: false }
    }

    /// The bytes that it may have, if it has asked for more.
    pub(crate) fn refused(&self) -> Option<usize> {
        self.refused.then_some(self.most)
    }

    /// The bytes that it has.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether it has grown so large that it is better begun anew.
    pub(crate) fn is_large(&self) -> bool {
        self.refused || self.taken > self.most / 4 * 3
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let taken = (self.taken - current.min(self.taken)).saturating_add(desired);
        if taken > self.most {
            self.refused = true;
            return Ok(false);
        }
        self.taken = taken;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let elements = (self.elements - current.min(self.elements)).saturating_add(desired);
        if elements > MOST_ELEMENTS {
            self.refused = true;
            return Ok(false);
        }
        self.elements = elements;
        Ok(true)
    }
}
