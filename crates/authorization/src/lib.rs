//! Who may do what: roles made of statements, decided by [Cedar](https://www.cedarpolicy.com).
//!
//! A [`Role`] bundles [`Statement`]s that allow or deny actions such as `tournament:*`. What no statement allows is
//! refused, and a denial wins over every allowance. This crate knows no database, no plugins and no HTTP: it is given roles
//! and asked questions. Read [`Policies`] first, then [`Rules`], which decides.

mod policies;
mod role;
mod rules;
mod statement;

pub use policies::Policies;
pub use role::{ADMIN, BUILT_IN, MEMBER, OWNER, OWNERS_ALONE, Role, RoleName, VIEWER, built_in_roles};
pub use rules::{Explanation, Reason, Rules, Uncompiled};
pub use statement::{ActionPattern, Effect, NotAPattern, ResourcePattern, Statement};
