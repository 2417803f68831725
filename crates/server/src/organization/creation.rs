//! Who may have an organization made.

use serde::{Deserialize, Serialize};

/// Who may have an organization made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Creation {
    /// Whoever has an account asks, and a global administrator decides.
    #[default]
    Request,
    /// Whoever has an account gets one at once.
    Anyone,
    /// Global administrators alone.
    Administrators,
}
