//! The sessions that were used of late, so that a request needs no database.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use switchboard_api::AccountId;

use crate::{secret::Hash, session::Session};

/// How many sessions are remembered; beyond it all are forgotten, and read again when they are used.
const REMEMBERED: usize = 100_000;

/// The sessions that were used of late.
#[derive(Default)]
pub(crate) struct SessionCache {
    known: RwLock<HashMap<Hash, Arc<Session>>>,
    /// Whether somebody may act at all, by whoever asked of late.
    usable: RwLock<HashMap<AccountId, bool>>,
    /// Counts how often something was forgotten: what was read before is not remembered after.
    generation: AtomicU64,
}

impl SessionCache {
    pub(crate) fn get(&self, hash: &Hash) -> Option<Arc<Session>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Remembers what was read, unless something was forgotten since the generation.
    pub(crate) fn remember(&self, hash: Hash, session: Arc<Session>, generation: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::Acquire) != generation {
            return;
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(hash, session);
    }

    pub(crate) fn is_usable(&self, account: AccountId) -> Option<bool> {
        self.usable.read().unwrap_or_else(PoisonError::into_inner).get(&account).copied()
    }

    /// Remembers whether somebody may act, unless something was forgotten since the generation.
    pub(crate) fn remember_usable(&self, account: AccountId, is_usable: bool, generation: u64) {
        let mut usable = self.usable.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::Acquire) != generation {
            return;
        }
        if usable.len() >= REMEMBERED {
            usable.clear();
        }
        usable.insert(account, is_usable);
    }

    /// Forgets the sessions that are somebody's, or in which somebody else acts as them.
    pub(crate) fn forget(&self, account: AccountId) {
        self.usable.write().unwrap_or_else(PoisonError::into_inner).remove(&account);
        let is_theirs = |session: &Session| session.account.id == account || session.actor().id == account;
        self.forget_where(|_, session| is_theirs(session));
    }

    pub(crate) fn forget_session(&self, hash: &Hash) {
        self.forget_where(|known, _| known == hash);
    }

    pub(crate) fn forget_all(&self) {
        self.usable.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.forget_where(|_, _| true);
    }

    /// The numbers of sessions of which it is not written down when they were last used, and when that was.
    pub(crate) fn unwritten(&self) -> Vec<(i64, i64)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().filter_map(|session| Some((session.id, session.unwritten()?))).collect()
    }

    fn forget_where(&self, is_gone: impl Fn(&Hash, &Session) -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::Release);
        known.retain(|hash, session| !is_gone(hash, session));
    }
}
