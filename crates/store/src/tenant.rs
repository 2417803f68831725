//! Whose rows a guest sees.

/// Whose rows a guest sees, in tables that have a column `organization_id`; those without one are everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tenant {
    /// Every row.
    All,
    /// Rows whose column `organization_id` has this number.
    Only(i64),
}
