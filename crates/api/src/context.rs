//! For whom a call is made, and how long it may take.

use std::{
    fmt,
    net::IpAddr,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use switchboard_manifest::PluginId;

use crate::{Actor, Failure, Usage};

/// For whom a call is made, and how long it may take. Made by the dispatcher, once for each call; a clone is the same one.
#[derive(Debug, Clone)]
pub struct Context(Arc<About>);

/// What a [`Context`] says of its call.
#[derive(Debug)]
pub struct About {
    /// The plugin that is called.
    pub plugin: PluginId,
    /// The organization it is called for; none in global scope.
    pub organization: Option<Arc<Organization>>,
    /// Who is behind the call.
    pub actor: Arc<Actor>,
    /// The address from which the request came; none where no request did.
    pub from: Option<IpAddr>,
    /// Joins what belongs together in logs and traces: the request's id.
    pub trace: Arc<str>,
    /// When the call's time is up.
    pub deadline: Deadline,
    /// How many calls of plugins stand above this one.
    pub depth: u8,
    /// Set when nobody waits for the call any more.
    pub stop: Stop,
    /// What the call uses.
    pub usage: Usage,
}

impl Deref for Context {
    type Target = About;

    fn deref(&self) -> &About {
        &self.0
    }
}

/// An organization as a plugin sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its number, for a column `organization_id`.
    pub id: OrganizationId,
    /// Its name in addresses.
    pub slug: String,
    /// The name people read.
    pub name: String,
}

/// The number of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrganizationId(pub i64);

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<OrganizationId> for switchboard_sql::Value {
    fn from(id: OrganizationId) -> Self {
        Self::Integer(id.0)
    }
}

/// When a call's time is up. It stands still while the call waits for others.
#[derive(Debug)]
pub struct Deadline(Keeper);

/// Who keeps the time.
#[derive(Debug)]
enum Keeper {
    Here(Mutex<Clockwork>),
    /// Somebody who says how much is left.
    Elsewhere(fn() -> Duration),
}

#[derive(Debug)]
struct Clockwork {
    at: Instant,
    standing_since: Option<Instant>,
    waits: u32,
}

impl Deadline {
    /// A deadline this far from when the call began.
    pub fn after(begun: Instant, time: Duration) -> Self {
        let at = begun.checked_add(time).unwrap_or(begun + Duration::from_secs(365 * 24 * 3600));
        Self(Keeper::Here(Mutex::new(Clockwork { at, standing_since: None, waits: 0 })))
    }

    /// A deadline that somebody else keeps, who says how much time is left and lets it stand still: the host of a sandboxed
    /// plugin, which has no clock to count by.
    pub fn kept_elsewhere(time_left: fn() -> Duration) -> Self {
        Self(Keeper::Elsewhere(time_left))
    }

    /// When it is, if the call waits for nobody from now on.
    ///
    /// # Panics
    /// In a WebAssembly component, where there are no such instants: ask for [`time_left`](Self::time_left).
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Keeper::Here(clockwork) => {
                let clockwork = held(clockwork);
                clockwork.at + clockwork.standing_since.map_or(Duration::ZERO, |since| since.elapsed())
            }
            Keeper::Elsewhere(time_left) => Instant::now() + time_left(),
        }
    }

    /// The time left until then; zero when it is past.
    pub fn time_left(&self) -> Duration {
        match &self.0 {
            Keeper::Here(_) => self.instant().saturating_duration_since(Instant::now()),
            Keeper::Elsewhere(time_left) => time_left(),
        }
    }

    /// Stands still until the result is dropped: the call waits for another plugin, or for bytes from a client.
    pub fn stand_still(&self) -> StandingStill<'_> {
        if let Keeper::Here(clockwork) = &self.0 {
            let mut clockwork = held(clockwork);
            clockwork.waits += 1;
            clockwork.standing_since.get_or_insert_with(Instant::now);
        }
        StandingStill(self)
    }
}

fn held(clockwork: &Mutex<Clockwork>) -> MutexGuard<'_, Clockwork> {
    // Nothing panics while it is held.
    clockwork.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A deadline stands still as long as this lives.
#[derive(Debug)]
pub struct StandingStill<'a>(&'a Deadline);

impl Drop for StandingStill<'_> {
    fn drop(&mut self) {
        let Keeper::Here(clockwork) = &self.0.0 else { return };
        let mut clockwork = held(clockwork);
        clockwork.waits -= 1;
        if clockwork.waits == 0
            && let Some(since) = clockwork.standing_since.take()
        {
            clockwork.at += since.elapsed();
        }
    }
}

/// A flag that says that nobody waits any more; long work looks at it now and then.
///
/// Clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    is_set: AtomicBool,
    above: Option<Stop>,
    /// Somebody who knows, where the flag is kept elsewhere.
    elsewhere: Option<fn() -> bool>,
}

impl Stop {
    /// One for work within work: set when this one is, while setting it leaves this one as it is.
    ///
    /// ```
    /// use switchboard_api::Stop;
    /// let call = Stop::default();
    /// let (one, other) = (call.within(), call.within());
    /// one.set();
    /// assert!(one.is_set() && !other.is_set() && !call.is_set());
    /// call.set();
    /// assert!(other.is_set());
    /// ```
    #[must_use]
    pub fn within(&self) -> Self {
        Self(Arc::new(Flag { above: Some(self.clone()), ..Flag::default() }))
    }

    /// One that somebody else keeps, who says whether it is set: the host of a sandboxed plugin.
    pub fn kept_elsewhere(is_set: fn() -> bool) -> Self {
        Self(Arc::new(Flag { elsewhere: Some(is_set), ..Flag::default() }))
    }

    /// Whether nobody waits any more.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Relaxed)
            || self.0.above.as_ref().is_some_and(Self::is_set)
            || self.0.elsewhere.is_some_and(|is_set| is_set())
    }

    /// Says so, for good.
    pub fn set(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
    }
}

impl Context {
    /// The context of a call.
    pub fn new(about: About) -> Self {
        Self(Arc::new(about))
    }

    /// The organization that the call is for.
    ///
    /// # Errors
    /// [`Failure::Invalid`] in a call that is for none.
    pub fn organization(&self) -> Result<&Organization, Failure> {
        self.organization.as_deref().ok_or_else(|| {
            Failure::invalid("this is done for one organization: name it, for example by `X-Organization`")
        })
    }

    /// The number of the organization that the call is for; none in global scope.
    pub fn organization_id(&self) -> Option<OrganizationId> {
        self.organization.as_deref().map(|organization| organization.id)
    }

    /// The time left until the deadline; zero when it is past.
    pub fn time_left(&self) -> Duration {
        self.deadline.time_left()
    }

    /// Whether the work should be given up: nobody waits any more, or the time is up.
    pub fn should_stop(&self) -> bool {
        self.stop.is_set() || self.time_left().is_zero()
    }
}
