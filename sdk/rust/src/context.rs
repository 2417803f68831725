//! What every handler can ask for.

use std::{any::Any, net::IpAddr, sync::Arc, time::Duration};

use switchboard_api::{Actor, Failure, Organization, Payload, Timestamp, capability::AuditEntry};

use crate::{
    capability::{Blobs, Db, Events, Http, Kv, Log, Mail, Metrics, Schedule, Secrets, Services},
    door::{Calling, Host},
};

/// Everything from outside: for whom the call is, and the capabilities that the plugin was granted.
///
/// Cheap to clone. A capability that was not granted answers each use with [`Failure::Forbidden`].
#[derive(Clone)]
pub struct Context {
    pub(crate) host: Host,
    pub(crate) call: Calling,
    pub(crate) shared: Shares,
}

/// Values that the plugin shares between its handlers.
pub(crate) type Shares = Arc<[Arc<dyn Any + Send + Sync>]>;

impl Context {
    /// The organization that the call is for.
    ///
    /// # Errors
    /// [`Failure::Invalid`] in a call that is for none.
    pub fn organization(&self) -> Result<&Organization, Failure> {
        self.call.organization()
    }

    /// Who is behind the call.
    pub fn actor(&self) -> &Actor {
        &self.call.actor
    }

    /// Refuses unless the actor may do the action, such as `clip:delete`, in the organization of the call.
    ///
    /// A route whose manifest says `permission: clip:delete` asks this before its handler runs.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] naming the action.
    pub fn require(&self, action: &str) -> Result<(), Failure> {
        self.host.authority.require(&self.call, action, None)
    }

    /// Refuses unless the actor may do the action to this one thing, such as `clip:7`: a kind and a name.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] naming the action and the thing.
    pub fn require_for(&self, action: &str, resource: &str) -> Result<(), Failure> {
        self.host.authority.require(&self.call, action, Some(resource))
    }

    /// Whether the actor may do the action.
    pub fn may(&self, action: &str) -> bool {
        self.require(action).is_ok()
    }

    /// The address from which the request came; none where no request did.
    pub fn from(&self) -> Option<IpAddr> {
        self.call.from
    }

    /// For whom the call is, as the host says it.
    pub fn call(&self) -> &switchboard_api::Context {
        &self.call
    }

    /// The id that joins what belongs together in logs and traces.
    pub fn trace(&self) -> &str {
        &self.call.trace
    }

    /// The time left until the call is ended.
    pub fn time_left(&self) -> Duration {
        self.call.time_left()
    }

    /// Whether long work should be given up: nobody waits any more, or the time is up.
    pub fn should_stop(&self) -> bool {
        self.call.should_stop()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    /// Fills the slice with random bytes, fit for secrets.
    pub fn random(&self, bytes: &mut [u8]) {
        self.host.random.fill(bytes);
    }

    /// The configuration for the organization of the call, all layers merged, without what the manifest asks for under `secrets`.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it does not have that shape; [`Failure::Unavailable`] when it cannot be read.
    pub fn config<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        self.host.config.read(&self.call)?.to()
    }

    /// Checks a value against the schema of `T` and reads it as one; `root` begins each fault's place.
    ///
    /// Bodies and parameters that a route describes were checked before the handler was called; this is for values
    /// that came another way, such as a form's fields.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with every fault by field.
    pub fn checked<T>(&self, value: serde_json::Value, root: &[&str]) -> Result<T, Failure>
    where
        T: serde::de::DeserializeOwned + schemars::JsonSchema + 'static,
    {
        let faults = self.host.schemas.check(&crate::extract::schema_of::<T>(), &value, root);
        if !faults.is_empty() {
            return Err(Failure::faults(faults));
        }
        crate::extract::read(&value, root)
    }

    /// Does work that keeps a processor busy where it holds nobody up, and gives what it gives.
    ///
    /// The work looks at [`should_stop`](Self::should_stop) now and then.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the work panics; [`Failure::Unavailable`] when the server is stopping.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (give, given) = std::sync::mpsc::sync_channel(1);
        let work = Box::new(move || {
            // Nobody receives any more when the call was given up meanwhile.
            let _ = give.send(work());
        });
        self.host.compute.run(&self.call, work).await?;
        given.recv().map_err(|_| Failure::broken("work that was handed to `compute` ended without a result"))
    }

    /// Passes a value through every plugin that takes part in one of this plugin's filter points, and gives what
    /// comes out.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when one vetoes, and what the point's `on_failure` lets through.
    pub async fn filter<T>(&self, point: &str, value: &T) -> Result<T, Failure>
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        self.host.filters.apply(&self.call, point, Payload::of(value)?).await?.to()
    }

    /// Writes a line to the audit log of the installation: whoever is behind the call did this to that, such as `exported`
    /// to `clip:7`. What was there before and what is there now may be `&()`; secrets are never in it.
    ///
    /// The line is written apart from the plugin's tables: after this returns it stays, whatever becomes of a transaction.
    /// Write it when the change holds.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an action or a subject that is none; [`Failure::TooLarge`] beyond 16 KiB each;
    /// [`Failure::RateLimited`] for too many lines; [`Failure::Unavailable`] when it cannot be written.
    pub async fn audit(
        &self,
        action: &str,
        subject: &str,
        before: &(impl serde::Serialize + Sync),
        after: &(impl serde::Serialize + Sync),
    ) -> Result<(), Failure> {
        let (before, after) = (Payload::of(before)?, Payload::of(after)?);
        let (action, subject) = (action.to_owned(), subject.to_owned());
        self.host.audit.record(&self.call, AuditEntry { action, subject, before, after }).await
    }

    /// Writing to the log.
    pub fn log(&self) -> Log<'_> {
        Log { context: self }
    }

    /// Numbers of the plugin's own, for whoever watches the server.
    pub fn metrics(&self) -> Metrics<'_> {
        Metrics { context: self }
    }

    /// The plugin's tables.
    pub fn db(&self) -> Db<'_> {
        Db { context: self }
    }

    /// Large values.
    pub fn blobs(&self) -> Blobs<'_> {
        Blobs { context: self, owner: None }
    }

    /// Saying what happened.
    pub fn events(&self) -> Events<'_> {
        Events { context: self }
    }

    /// Calling plugins that the manifest requires.
    pub fn services(&self) -> Services<'_> {
        Services { context: self }
    }

    /// Work to be done apart from this call.
    pub fn schedule(&self) -> Schedule<'_> {
        Schedule { context: self }
    }

    /// Small values with expiry.
    pub fn kv(&self) -> Kv<'_> {
        Kv { context: self }
    }

    /// Secret settings by name.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets { context: self }
    }

    /// Requests to other servers.
    pub fn http(&self) -> Http<'_> {
        Http { context: self }
    }

    /// Messages to people.
    pub fn mail(&self) -> Mail<'_> {
        Mail { context: self }
    }

    /// A value that the plugin was given to share between its handlers.
    pub(crate) fn shared<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.iter().find_map(|value| Arc::clone(value).downcast().ok())
    }
}
