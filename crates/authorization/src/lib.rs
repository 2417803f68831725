//! Who may do what: roles and statements, decided by Cedar.
//!
//! This crate knows no database, no plugins and no HTTP: it is given roles and statements, and asked questions.
