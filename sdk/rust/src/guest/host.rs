//! The way to the host.

use switchboard_api::Failure;

use super::calling::Calling;
use super::capability::{
    Audit, Authority, Blobs, Clock, Compute, Config, Db, Events, Filters, Http, Kv, Log, Mail, Metrics,
    Random, Schedule, Schemas, Secrets, Services,
};

/// What [`switchboard_api::Host`] is to a native plugin, without anything to hold: each capability names its own imports.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) audit: Audit,
    pub(crate) authority: Authority,
    pub(crate) log: Log,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) config: Config,
    pub(crate) schemas: Schemas,
    pub(crate) compute: Compute,
    pub(crate) filters: Filters,
    pub(crate) metrics: Metrics,
}

/// The host of this component.
pub(super) const HOST: Host = Host {
    audit: Audit,
    authority: Authority,
    log: Log,
    clock: Clock,
    random: Random,
    config: Config,
    schemas: Schemas,
    compute: Compute,
    filters: Filters,
    metrics: Metrics,
};

/// Whether it was granted, the host says at each use.
macro_rules! granted {
    ($($name:ident: $capability:ident),+ $(,)?) => {$(
        pub(crate) fn $name(self, _: &Calling) -> Result<$capability, Failure> {
            Ok($capability)
        }
    )+};
}

impl Host {
    granted! {
        db: Db,
        kv: Kv,
        blobs: Blobs,
        events: Events,
        services: Services,
        schedule: Schedule,
        secrets: Secrets,
        http: Http,
        mail: Mail,
    }
}
