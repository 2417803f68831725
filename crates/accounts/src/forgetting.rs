//! What one process forgets of an account or a session, all on the same database forget.

use std::sync::Weak;

use switchboard_api::AccountId;
use switchboard_store::{Changes, Notice};

use crate::{
    accounts::Accounts,
    secret::{self, Hash},
};

/// What processes tell each other about: something that was known of an account, or of a session, holds no more.
const ACCOUNT: &str = "account";
const SESSION: &str = "session";

impl Accounts {
    /// Forgets what is known of somebody and their sessions, so that it is read again: it has changed.
    pub(crate) async fn forget(&self, account: AccountId) {
        self.cache.forget(account);
        self.tell(ACCOUNT, &account.to_string()).await;
    }

    /// Forgets what is known of a session.
    pub(crate) async fn forget_session(&self, hash: &Hash) {
        self.cache.forget_session(hash);
        self.tell(SESSION, &secret::text(hash)).await;
    }

    async fn tell(&self, topic: &str, payload: &str) {
        // What was changed is stored. Whoever is not told has lost the database too, and forgets everything when it is back.
        if let Err(error) = self.store.announce(topic, payload).await {
            tracing::warn!("other servers were not told that something of an {topic} has changed: {error}");
        }
    }
}

/// Forgets what others say has changed, for as long as there are accounts.
pub(crate) async fn follow(accounts: Weak<Accounts>, mut changes: Changes) {
    loop {
        let notice = changes.next().await;
        let Some(accounts) = accounts.upgrade() else { return };
        let cache = &accounts.cache;
        match notice {
            Notice::Said { topic, payload } if topic == ACCOUNT => match payload.parse() {
                Ok(account) => cache.forget(AccountId(account)),
                Err(_) => cache.forget_all(),
            },
            Notice::Said { topic, payload } if topic == SESSION => match secret::hash_of(&payload) {
                Some(hash) => cache.forget_session(&hash),
                None => cache.forget_all(),
            },
            Notice::Said { .. } => {}
            Notice::Lost => cache.forget_all(),
        }
    }
}
