//! Passwords, hashed and verified with argon2id.

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use switchboard_api::capability::Random;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Error;

/// How many may wait for their turn; who comes then is sent away, instead of waiting longer than a browser does.
const MOST_WAITING: usize = 128;

/// What a hash costs: memory in KiB, rounds, lanes. The default is what OWASP recommends for argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strength {
    /// Memory, in KiB.
    pub memory: u32,
    /// Rounds.
    pub rounds: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Strength {
    fn default() -> Self {
        Self { memory: 19 * 1024, rounds: 2, lanes: 1 }
    }
}

/// Hashes passwords, on threads of their own and never on all cores at once: a flood of people who sign in leaves one
/// for everybody else.
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    strength: Strength,
    random: Arc<dyn Random>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    verified: AtomicU64,
    /// What is verified in place of the hash of an account that is not there. No password has it.
    nobody: String,
}

impl Hasher {
    pub(crate) fn new(strength: Strength, random: Arc<dyn Random>) -> Result<Self, Error> {
        let params = Params::new(strength.memory, strength.rounds, strength.lanes, None)
            .map_err(|error| Error::Data(format!("passwords cannot be hashed with {strength:?}: {error}")))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (mut salt, mut output) = ([0; 16], [0; 32]);
        random.fill(&mut salt);
        random.fill(&mut output);
        let Strength { memory, rounds, lanes } = strength;
        let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
        let nobody = format!("$argon2id$v=19$m={memory},t={rounds},p={lanes}${salt}${output}");
        Ok(Self {
            argon2,
            strength,
            random,
            turns: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            waiting: AtomicUsize::new(0),
            verified: AtomicU64::new(0),
            nobody,
        })
    }

    /// The hash of a password, in the PHC format.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Error> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        let hash =
            move || argon2.hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string());
        let hash = self.on_a_thread(hash).await?;
        hash.map_err(|error| Error::Data(format!("a password cannot be hashed: {error}")))
    }

    /// Whether the password has the hash; where there is none, the same work is done for a hash that no password has.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        let right = self.on_a_thread(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
            Ok::<_, String>(argon2.verify_password(password.as_bytes(), &hash).is_ok())
        });
        let right = right.await?;
        self.verified.fetch_add(1, Ordering::Relaxed);
        right.map_err(|error| Error::Data(format!("the hash of a password is none: {error}")))
    }

    /// Whether a hash cost less than one made now.
    pub(crate) fn is_weak(&self, hash: &str) -> bool {
        let Some(params) = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok()) else {
            return true;
        };
        let Strength { memory, rounds, .. } = self.strength;
        params.m_cost() < memory || params.t_cost() < rounds || !hash.starts_with("$argon2id$")
    }

    /// How many passwords were verified.
    pub(crate) fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = Waiting::begin(&self.waiting)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::Busy)?;
        drop(waiting);
        // The turn goes with the work, which runs to its end even when nobody waits for it any more.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Error::Busy)
    }
}

/// One who waits; dropping it ends that.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Result<Self, Error> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        if before >= MOST_WAITING { Err(Error::Busy) } else { Ok(waiting) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
