//! Signing in and out, and what people do with their own account, as a plugin like any other: a manifest, and a handler for
//! each of its routes.
//!
//! It does nothing itself: who people are is kept by `accounts`, and every change is noted in the kernel's audit log.

mod administration;
mod explanation;
mod external;
mod failed_sign_ins;
mod impersonation;
mod inviting;
mod me;
mod passwords;
mod people;
mod post;
mod registering;
mod second_factor;
mod sessions;
mod shapes;
mod signing_in;
mod tokens;
mod visitor;

pub use people::{People, Registration};
pub use post::{ByMail, Letter, Post};

use std::sync::Arc;

use switchboard_sdk::Definition;

use self::failed_sign_ins::FailedSignIns;

/// The plugin for the accounts of these people.
pub fn account(people: People) -> Definition {
    let definition = Definition::new(include_str!("manifest.yaml"))
        .share(people)
        .share(Arc::new(FailedSignIns::default()))
        .post("/api/auth/register", registering::register)
        .post("/api/auth/sign-in", signing_in::sign_in)
        .post("/api/auth/second-factor", signing_in::show_second_factor)
        .post("/api/auth/sign-out", signing_in::sign_out)
        .post("/api/auth/password/forgot", passwords::forgot_password)
        .post("/api/auth/password/reset", passwords::reset_password)
        .post("/api/auth/email/verify", registering::verify_email)
        .get("/api/auth/external", external::list_providers)
        .get("/api/auth/external/{provider}", external::begin)
        .get("/api/auth/external/{provider}/callback", external::finish)
        .get("/api/me", me::get_me)
        .patch("/api/me", me::change_me)
        .post("/api/me/password", passwords::change_password)
        .post("/api/me/email", registering::change_email)
        .post("/api/me/email/verification", registering::ask_for_verification)
        .post("/api/me/second-factor", second_factor::begin_second_factor)
        .post("/api/me/second-factor/confirm", second_factor::confirm_second_factor)
        .delete("/api/me/second-factor", second_factor::remove_second_factor)
        .post("/api/me/recovery-codes", second_factor::make_recovery_codes)
        .get("/api/me/sessions", sessions::list_sessions)
        .delete("/api/me/sessions", sessions::end_other_sessions)
        .delete("/api/me/sessions/{id}", sessions::end_session)
        .get("/api/me/tokens", tokens::list_own_tokens)
        .post("/api/me/tokens", tokens::create_own_token)
        .delete("/api/me/tokens/{id}", tokens::revoke_own_token)
        .delete("/api/me/impersonation", impersonation::end_impersonation)
        .get("/api/me/identities", me::list_identities)
        .post("/api/me/identities/{provider}", external::begin_linking)
        .delete("/api/me/identities/{provider}/{subject}", me::unlink_identity);
    administration::bind(definition)
}
