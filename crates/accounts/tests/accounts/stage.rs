//! Accounts in a temporary folder, and the people that tests speak of.

use std::{net::IpAddr, sync::Arc, time::Duration};

use switchboard_accounts::{Account, Accounts, Client, Error, NewAccount, Parts, Sealer, SignedIn, Strength};
use switchboard_api::{AccountId, Failure};
use switchboard_capabilities::SystemRandom;
use switchboard_store::{Store, Value};
use switchboard_testkit::Home;
use switchboard_testkit::SetClock;
use zeroize::Zeroizing;

/// A password that is taken.
pub(crate) const PASSWORD: &str = "the engine weaves";
/// Another one.
pub(crate) const OTHER: &str = "algebraic patterns";

/// What hashes cost in tests that are not about that.
const CHEAP: Strength = Strength { memory: 64, rounds: 1, lanes: 1 };

pub(crate) struct Stage {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) clock: Arc<SetClock>,
    store: Store,
    _home: Home,
}

/// Seals by writing down whose it is, so that a test sees whether the right one is asked for.
struct Envelope;

impl Sealer for Envelope {
    fn seal(&self, account: AccountId, secret: &[u8]) -> Result<String, String> {
        let turned: Vec<String> = secret.iter().map(|byte| (255 - byte).to_string()).collect();
        Ok(format!("{account}|{}", turned.join(",")))
    }

    fn open(&self, account: AccountId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let (whose, bytes) = sealed.split_once('|').ok_or("it is not sealed")?;
        if whose != account.to_string() {
            return Err("it is somebody else's".to_owned());
        }
        Ok(Zeroizing::new(bytes.split(',').map(|byte| 255 - byte.parse::<u8>().unwrap()).collect()))
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let home = Home::new().await;
        let store = home.store().await;
        let clock = Arc::new(SetClock::default());
        let accounts = open(&store, &clock, CHEAP).await;
        Self { accounts, clock, store, _home: home }
    }

    /// The same after a restart of the server, whose hashes cost this much.
    pub(crate) async fn restart(&mut self, strength: Option<Strength>) {
        self.store.close().await;
        self.accounts = open(&self.store, &self.clock, strength.unwrap_or(CHEAP)).await;
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Makes a verified account with [`PASSWORD`].
    pub(crate) async fn account(&self, email: &str) -> Account {
        let new = NewAccount { email, password: Some(PASSWORD), is_verified: true, ..NewAccount::default() };
        self.accounts.create(new).await.unwrap()
    }

    pub(crate) async fn administrator(&self, email: &str) -> Account {
        let account = self.account(email).await;
        self.accounts.set_administrator(account.id, true).await.unwrap()
    }

    /// Signs in with [`PASSWORD`].
    pub(crate) async fn sign_in(&self, email: &str) -> SignedIn {
        self.accounts.sign_in(email, PASSWORD, &Client::default()).await.unwrap()
    }

    /// Whether the secret of a session opens it.
    pub(crate) async fn opens(&self, secret: &str) -> bool {
        self.accounts.session(secret).await.unwrap().is_some()
    }

    /// One text of the database.
    pub(crate) async fn stored(&self, sql: &str) -> String {
        let room = self.store.room("accounts").await.unwrap();
        let rows = room.query(sql, vec![]).await.unwrap();
        match rows.into_iter().next().unwrap().values() {
            [Value::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        }
    }
}

async fn open(store: &Store, clock: &Arc<SetClock>, strength: Strength) -> Arc<Accounts> {
    let parts = Parts {
        store: store.clone(),
        clock: Arc::clone(clock) as _,
        random: Arc::new(SystemRandom),
        sealer: Arc::new(Envelope),
        strength,
        issuer: "Switchboard".to_owned(),
    };
    Accounts::open(parts).await.unwrap()
}

pub(crate) fn from(address: &str) -> Client {
    Client { address: Some(address.parse::<IpAddr>().unwrap()), user_agent: Some("a browser".to_owned()) }
}

/// The faults of what was refused, as field and word.
#[track_caller]
pub(crate) fn faults<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Invalid(Failure::Invalid { faults, .. })) => {
            faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.kind)).collect()
        }
        other => panic!("{other:?}"),
    }
}
