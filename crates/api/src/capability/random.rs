//! `random`: random bytes, which a test can seed.

/// Random bytes, fit for secrets.
pub trait Random: Send + Sync {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}
