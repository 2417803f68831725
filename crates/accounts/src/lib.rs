//! Who people are: accounts, passwords, sessions, second factors.
//!
//! This crate knows no organizations, no plugins and no HTTP: what a person may do, and where, the kernel says.
