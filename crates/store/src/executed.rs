//! What came of a statement that writes.

/// What a writing statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// How many rows it inserted, updated or deleted itself; those that triggers touched are not counted.
    pub rows_affected: u64,
}
