//! The door out.

use std::sync::Arc;

use switchboard_manifest::{Capability, PluginId};

use crate::{
    Context, Failure, Faults,
    capability::{
        Audit, Authority, Blobs, Clock, Compute, Config, Db, Events, Filters, Http, Kv, Log, Mail, Metrics,
        Random, Schedule, Schemas, Secrets, Services,
    },
};

/// The capabilities of one plugin: what it asked for and was granted.
///
/// Made once when the plugin is loaded. What differs from call to call is in the [`Context`](crate::Context) that
/// each capability takes.
pub struct Host {
    /// The plugin it belongs to.
    pub plugin: PluginId,
    /// Writing to the audit log.
    pub audit: Arc<dyn Audit>,
    /// What the actor of a call may do.
    pub authority: Arc<dyn Authority>,
    /// Writing to the log.
    pub log: Arc<dyn Log>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// The configuration.
    pub config: Arc<dyn Config>,
    /// Checking values against a JSON Schema.
    pub schemas: Arc<dyn Schemas>,
    /// Work that keeps a processor busy.
    pub compute: Arc<dyn Compute>,
    /// Asking others at the plugin's own filter points.
    pub filters: Arc<dyn Filters>,
    /// Numbers of the plugin's own.
    pub metrics: Arc<dyn Metrics>,
    /// The plugin's tables, if granted.
    pub db: Option<Arc<dyn Db>>,
    /// Small values with expiry, if granted.
    pub kv: Option<Arc<dyn Kv>>,
    /// Large values, if granted.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Saying what happened, if granted.
    pub events: Option<Arc<dyn Events>>,
    /// Calling other plugins, if granted.
    pub services: Option<Arc<dyn Services>>,
    /// Work to be done later, if granted.
    pub schedule: Option<Arc<dyn Schedule>>,
    /// Secrets by name, if granted.
    pub secrets: Option<Arc<dyn Secrets>>,
    /// Requests to other servers, if granted.
    pub http: Option<Arc<dyn Http>>,
    /// Messages to people, if granted.
    pub mail: Option<Arc<dyn Mail>>,
    /// Those that a test makes fail; none on a server.
    pub faults: Option<Arc<Faults>>,
}

macro_rules! granted {
    ($($(#[$doc:meta])* $name:ident: $trait:ident = $capability:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// The call is counted as one that asked for it.
        ///
        /// # Errors
        /// [`Failure::Forbidden`] when it was not asked for, or not granted.
        pub fn $name(&self, context: &Context) -> Result<&Arc<dyn $trait>, Failure> {
            context.usage.ask(Capability::$capability);
            let granted = self.$name.as_ref().ok_or_else(|| self.refusal(Capability::$capability))?;
            match self.faults.as_ref().and_then(|faults| faults.of(Capability::$capability)) {
                Some(failure) => Err(failure),
                None => Ok(granted),
            }
        }
    )+};
}

impl Host {
    granted! {
        /// The plugin's tables.
        db: Db = Db,
        /// Small values with expiry.
        kv: Kv = Kv,
        /// Large values.
        blobs: Blobs = Blobs,
        /// Saying what happened.
        events: Events = Events,
        /// Calling other plugins.
        services: Services = Services,
        /// Work to be done later.
        schedule: Schedule = Schedule,
        /// Secrets by name.
        secrets: Secrets = Secrets,
        /// Requests to other servers.
        http: Http = Http,
        /// Messages to people.
        mail: Mail = Mail,
    }

    fn refusal(&self, capability: Capability) -> Failure {
        Failure::forbidden(format!(
            "plugin `{}` may not use `{capability}`: its manifest must ask for it under `capabilities`",
            self.plugin
        ))
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Host of {}", self.plugin)
    }
}
