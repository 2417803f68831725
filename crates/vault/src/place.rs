//! Where a secret belongs.

/// Where a secret belongs: what it is for, and whose it is.
///
/// It is sealed into the text, so that a sealed secret which is moved to another place does not open there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Vec<u8>);

impl Place {
    /// The place of a secret for that purpose, of whom the words name.
    pub fn new(purpose: &str, whose: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for word in std::iter::once(&purpose).chain(whose) {
            // With its length before it, so that ("ab", "c") is another place than ("a", "bc").
            bytes.extend((word.len() as u64).to_le_bytes());
            bytes.extend(word.as_bytes());
        }
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
