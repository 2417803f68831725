//! What the plugin's handlers share.

use std::sync::Arc;

use switchboard_accounts::{Account, Accounts, Mailing};
use switchboard_api::{Actions, Actor, ActorKind, Standing};
use switchboard_kernel::{AuditEntry, By};
use switchboard_sdk::{Context, Result};

use super::post::{Letter, Post};
use crate::{administration::KernelHandle, external_sign_in::ExternalSignIn};

/// Who may make an account for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever has an invitation into an organization, of which they become a member with it.
    Invitation,
    /// Nobody: administrators make accounts.
    #[default]
    Off,
}

/// The people of this server, and what happens when they change.
#[derive(Clone)]
pub struct People {
    /// Their accounts.
    pub accounts: Arc<Accounts>,
    /// The kernel, whose audit log is written.
    pub kernel: KernelHandle,
    /// Who may make an account for themselves.
    pub registration: Registration,
    /// Where else they may sign in; nowhere when absent.
    pub elsewhere: Option<Arc<ExternalSignIn>>,
    /// Takes letters to them.
    pub post: Arc<dyn Post>,
}

impl People {
    /// Notes what changed, on behalf of whoever is behind the call.
    pub(super) async fn note(&self, ctx: &Context, entry: AuditEntry) -> Result<()> {
        self.write(&By::of(ctx.call()), entry).await
    }

    /// Notes what somebody did of whom it has just become known who they are.
    pub(super) async fn note_of(&self, ctx: &Context, account: &Account, entry: AuditEntry) -> Result<()> {
        self.write(&Self::by(ctx, account), entry).await
    }

    /// On behalf of somebody of whom it has just become known who they are.
    pub(super) fn by(ctx: &Context, account: &Account) -> By {
        let actor = Actor {
            kind: ActorKind::User,
            name: account.email.as_str().into(),
            account: Some(account.id),
            actions: Actions::all(),
            standing: Standing::Stranger,
            impersonator: None,
        };
        By { actor: Arc::new(actor), ..By::of(ctx.call()) }
    }

    async fn write(&self, by: &By, entry: AuditEntry) -> Result<()> {
        Ok(self.kernel.kernel()?.note(by, entry).await?)
    }

    /// Sends the letter with a code.
    pub(super) async fn mail(&self, ctx: &Context, mailing: &Mailing) -> Result<()> {
        self.post.send(ctx, Letter::with(mailing)).await
    }
}

/// A line of the audit log about an account.
pub(super) fn entry(action: &'static str, account: &Account) -> AuditEntry {
    AuditEntry::new(action, format!("account:{}", account.id))
}
