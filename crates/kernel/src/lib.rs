//! Every decision of Switchboard: what is loaded, for whom, and whether a plugin may be called now.
//!
//! This crate knows no HTTP, no WebAssembly and no network. What it needs from above are the ports [`Loader`] and
//! [`Hosts`]. Read [`Kernel`] first, then [`Snapshot`] (what serves at a moment) and [`dispatch`] (the one place that
//! calls a plugin).

mod access;
mod agreement;
mod audit;
mod audit_guard;
mod audit_line;
mod audit_log;
mod belongings;
mod breaker;
mod bulk;
mod by;
mod calls;
mod capturing;
mod catalog;
mod changing;
mod commands;
mod directory;
mod discover;
mod dispatch;
mod enablement;
mod error;
mod explanation;
mod housekeeping;
mod installation;
mod invitations;
mod invocation;
mod kernel;
mod lifecycle;
mod loaded;
mod measure;
mod members;
mod organization_requests;
mod organization_set;
mod organizations;
mod pace;
mod pauses;
mod plugin_log;
mod plugin_metrics;
mod ports;
mod principal;
mod registrations;
mod resolve;
mod roles;
mod rollout;
mod routes;
mod settings;
mod shape;
mod snapshot;
mod state;
mod versions;
mod watch;

pub use access::Access;
pub use agreement::disagreements;
pub use audit::Entry as AuditEntry;
pub use audit_line::AuditLine;
pub use audit_log::{AuditFilter, AuditPage, AuditVerdict};
pub use belongings::{Belongings, Kept, TableSize};
pub use breaker::SetAside;
pub use bulk::{BulkLine, BulkOutcome, BulkSwitch, BulkTerms};
pub use by::By;
pub use calls::RunningCall;
pub use capturing::{KeptCapture, MOST_CAPTURED};
pub use catalog::{Catalog, Entry, Unreadable};
pub use commands::{Given, Offered, run_command, usage};
pub use directory::{Directory, NewToken, TOKEN_PREFIX, Token, TokenTerms};
pub use discover::{MANIFEST_NAMES, Origin};
pub use dispatch::{Caller, Terms, Unanswered, apply_filters, attempt, dispatch, permit};
pub use error::Error;
pub use explanation::Explained;
pub use installation::Seen;
pub use invitations::{Invitation, InvitationTerms, NewInvitation};
pub use invocation::{Invocation, InvocationFilter};
pub use kernel::{KERNEL_ROOM, Kernel, Parts, migrations, plugin_of, room_of};
pub use lifecycle::HOOK_TIME;
pub use loaded::Loaded;
pub use measure::{BUCKETS, Counted, Measures};
pub use members::Member;
pub use organization_requests::{Decision, OrganizationRequest};
pub use organization_set::OrganizationSet;
pub use organizations::{KEPT_DAYS, OrganizationInFull, OrganizationSettings};
pub use pace::{Allowance, Pace, Rate, Ticks};
pub use pauses::{Pause, Pauses};
pub use plugin_log::{LineFilter, PluginLine};
pub use plugin_metrics::{Measured, PluginMetrics, STEPS, Series};
pub use ports::{Hosts, Loader};
pub use principal::Principal;
pub use registrations::{NewRegistration, Registration, RegistrationChange, RegistrationSetting, Switched};
pub use resolve::{ACCOUNT, ADMINISTRATION};
pub use roles::OwnRole;
pub use rollout::{Reach, Rollout};
pub use routes::{Address, Found, NotFound, Routes};
pub use settings::{
    Config, Configuring, ENV_PREFIX, Edit, Exported, ExportedPlugin, HISTORY, History, HistoryEntry,
    ImportFault, Imported, ImportedPlugin, KeyUse, Layer, Property, PropertyChange, References, Rotated,
    Sealed, SecretsStatus, Settings, Shown, Source,
};
pub use shape::{BodyKind, Checker, RouteShape, Rules};
pub use snapshot::Snapshot;
pub use state::{NoSuchStep, State};
pub use switchboard_vault::{KeyId, Vault};
pub use versions::{ServedVersion, VERSIONS};
