//! The kernel: what is loaded, for whom, and who may call.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, RwLock, atomic::AtomicI64},
    time::Duration,
};

use arc_swap::ArcSwap;
use semver::Version;
use switchboard_api::{Failure, Organization, OrganizationId, Plugin, Timestamp, capability::Clock};
use switchboard_manifest::PluginId;
use switchboard_store::{Migration, Room, Store, parse_migration_files};
use tokio::sync::watch;

use crate::{
    access,
    audit::Entry,
    audit_guard,
    by::By,
    catalog::Catalog,
    changing::last_line,
    directory::{self, Directory, NewToken, TokenTerms},
    enablement,
    error::Error,
    housekeeping::LastUses,
    members::Members,
    pauses::Pauses,
    ports::{Hosts, Loader},
    roles::{self, OwnRoles},
    settings::{Config, Configuring, Sealed, Settings},
    shape::Checker,
    snapshot::Snapshot,
    watch::Watch,
};

/// What a kernel is put together from.
pub struct Parts {
    /// The databases.
    pub store: Store,
    /// Opens the door out for a plugin.
    pub hosts: Arc<dyn Hosts>,
    /// Makes plugins of what stands in folders, if this server can.
    pub loader: Option<Arc<dyn Loader>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The plugins that are part of the server.
    pub builtins: Vec<Arc<dyn Plugin>>,
    /// Where external plugins stand, one folder each.
    pub plugin_folder: Option<PathBuf>,
    /// Plugins that the operator switched off, with the sentence that says how.
    pub switched_off: BTreeMap<PluginId, String>,
    /// The version that plugins ask for as `host`.
    pub version: Version,
    /// How long a hook may take: [`HOOK_TIME`](crate::HOOK_TIME) unless there is a reason.
    pub hook_time: Duration,
    /// What seals secrets, and what configurations may refer to.
    pub configuring: Configuring,
}

/// The kernel: what is loaded, for whom, and who may call.
///
/// Reading never waits: each part is an immutable value behind an atomic pointer. Changes happen one at a time.
pub struct Kernel {
    pub(crate) store: Store,
    pub(crate) room: Room,
    pub(crate) hosts: Arc<dyn Hosts>,
    pub(crate) loader: Option<Arc<dyn Loader>>,
    /// Where external plugins are.
    pub(crate) plugin_folder: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) version: Version,
    pub(crate) hook_time: Duration,
    pub(crate) watch: Arc<Watch>,
    pub(crate) switched_off: BTreeMap<PluginId, String>,
    pub(crate) checker: Arc<Checker>,
    pub(crate) catalog: ArcSwap<Catalog>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// Told whenever another snapshot serves.
    pub(crate) served: watch::Sender<()>,
    /// Held while something is changed.
    pub(crate) one_change: tokio::sync::Mutex<()>,
    /// The number of the audit log's line up to which everything is known.
    pub(crate) seen: AtomicI64,
    pub(crate) directory: ArcSwap<Directory>,
    pub(crate) members: Members,
    pub(crate) own_roles: ArcSwap<OwnRoles>,
    pub(crate) pauses: watch::Sender<Arc<Pauses>>,
    pub(crate) last_uses: LastUses,
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) configuring: Configuring,
    /// What the code of each plugin says holds where nothing was set.
    pub(crate) code_defaults: RwLock<HashMap<PluginId, Arc<Config>>>,
    pub(crate) sealed_elsewhere: RwLock<Vec<Arc<dyn Sealed>>>,
}

/// The name of the kernel's own room; those of plugins begin with `plugin_`.
pub const KERNEL_ROOM: &str = "kernel";

/// The room of a plugin's tables.
pub fn room_of(plugin: &PluginId) -> String {
    format!("plugin_{plugin}")
}

/// The plugin whose tables are in a room; none for a room of the server's own.
pub fn plugin_of(room: &str) -> Option<PluginId> {
    room.strip_prefix("plugin_")?.parse().ok()
}

/// The kernel's own tables, one change after the other.
const MIGRATIONS: &[(&str, &str)] = &[
    ("001_initial.sql", include_str!("../migrations/001_initial.sql")),
    ("001_initial.postgres.sql", include_str!("../migrations/001_initial.postgres.sql")),
    ("001_initial.down.sql", include_str!("../migrations/001_initial.down.sql")),
    ("002_tenancy.sql", include_str!("../migrations/002_tenancy.sql")),
    ("002_tenancy.postgres.sql", include_str!("../migrations/002_tenancy.postgres.sql")),
    ("002_tenancy.down.sql", include_str!("../migrations/002_tenancy.down.sql")),
    ("003_audit_chain.sql", include_str!("../migrations/003_audit_chain.sql")),
    ("003_audit_chain.postgres.sql", include_str!("../migrations/003_audit_chain.postgres.sql")),
    ("003_audit_chain.down.sql", include_str!("../migrations/003_audit_chain.down.sql")),
    ("003_audit_chain.postgres.down.sql", include_str!("../migrations/003_audit_chain.postgres.down.sql")),
    ("004_organizations.sql", include_str!("../migrations/004_organizations.sql")),
    ("004_organizations.postgres.sql", include_str!("../migrations/004_organizations.postgres.sql")),
    ("004_organizations.down.sql", include_str!("../migrations/004_organizations.down.sql")),
    ("005_setting_history.sql", include_str!("../migrations/005_setting_history.sql")),
    ("005_setting_history.down.sql", include_str!("../migrations/005_setting_history.down.sql")),
    ("006_access_and_rollout.sql", include_str!("../migrations/006_access_and_rollout.sql")),
    ("006_access_and_rollout.down.sql", include_str!("../migrations/006_access_and_rollout.down.sql")),
    ("007_invocation.sql", include_str!("../migrations/007_invocation.sql")),
    ("007_invocation.postgres.sql", include_str!("../migrations/007_invocation.postgres.sql")),
    ("007_invocation.down.sql", include_str!("../migrations/007_invocation.down.sql")),
    ("008_plugin_versions.sql", include_str!("../migrations/008_plugin_versions.sql")),
    ("008_plugin_versions.down.sql", include_str!("../migrations/008_plugin_versions.down.sql")),
    ("009_listener_pauses.sql", include_str!("../migrations/009_listener_pauses.sql")),
    ("009_listener_pauses.down.sql", include_str!("../migrations/009_listener_pauses.down.sql")),
];

/// What makes the kernel's tables, in order.
///
/// # Errors
/// [`Error::Store`] when they are no sequence.
pub fn migrations() -> Result<Vec<Migration>, Error> {
    Ok(parse_migration_files(MIGRATIONS.iter().copied())?)
}

impl Kernel {
    /// Opens the kernel's database and reads what is in it. No plugin is loaded yet:
    /// [`load_plugins`](Self::load_plugins) does that.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Data`] when the database cannot be opened, migrated or read.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, Error> {
        let room = parts.store.room(KERNEL_ROOM).await?;
        room.migrate(&migrations()?).await?;
        audit_guard::set(&room).await?;
        let seen = last_line(&room).await?;
        let directory = Directory::read(&room, None).await?;
        let own_roles = roles::read(&room).await?;
        let pauses = Pauses::read(&room).await?;
        let settings = Settings::read(&room).await?;
        let enabled = enablement::read(&room).await?;
        let granted = access::read(&room).await?;
        let catalog = Catalog::discover(&parts.builtins, parts.plugin_folder.as_deref());
        let kernel = Arc::new(Self {
            store: parts.store,
            room,
            hosts: parts.hosts,
            loader: parts.loader,
            plugin_folder: parts.plugin_folder,
            watch: Arc::new(Watch::new(Arc::clone(&parts.clock))),
            clock: parts.clock,
            version: parts.version,
            hook_time: parts.hook_time,
            switched_off: parts.switched_off,
            checker: Arc::new(Checker::default()),
            catalog: ArcSwap::from_pointee(catalog),
            snapshot: ArcSwap::from_pointee(Snapshot::new(Vec::new(), enabled, granted, &own_roles)),
            served: watch::Sender::new(()),
            one_change: tokio::sync::Mutex::new(()),
            seen: AtomicI64::new(seen),
            directory: ArcSwap::from_pointee(directory),
            members: Members::default(),
            own_roles: ArcSwap::from_pointee(own_roles),
            pauses: watch::Sender::new(Arc::new(pauses)),
            last_uses: LastUses::default(),
            settings: ArcSwap::from_pointee(settings),
            configuring: parts.configuring,
            code_defaults: RwLock::default(),
            sealed_elsewhere: RwLock::default(),
        });
        if kernel.directory().organizations().is_empty() {
            kernel.create_organization(&By::system("first start"), "default", "Default").await?;
        }
        Ok(kernel)
    }

    /// What serves now. Whoever serves a request takes it once and keeps it to the end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Every plugin that was found, with where it stands.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Organizations and tokens.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// What was configured.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// The version that plugins ask for as `host`.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Checks values against JSON Schemas.
    pub fn checker(&self) -> &Arc<Checker> {
        &self.checker
    }

    /// The organization of that number.
    pub fn organization(&self, id: OrganizationId) -> Option<Arc<Organization>> {
        self.directory.load().organization(id).cloned()
    }

    /// Makes a token; its text is in the result and nowhere else.
    ///
    /// # Errors
    /// [`Error::Refused`] when another token has the name; [`Error::NoSuchOrganization`].
    pub async fn create_token(&self, by: &By, terms: TokenTerms<'_>) -> Result<NewToken, Error> {
        let _changing = self.changing().await?;
        let directory = self.directory.load();
        let terms = TokenTerms { name: terms.name.trim(), ..terms };
        let name = terms.name;
        if name.is_empty() || name.len() > 100 {
            return Err(Error::Invalid(Failure::invalid("a token's name has 1 to 100 characters")));
        }
        if directory.tokens().iter().any(|token| token.name == name) {
            let message =
                format!("a token named `{name}` exists already; choose another name, or revoke that one");
            return Err(Error::Refused(message));
        }
        let organization = terms.organization.map(|slug| self.named(slug)).transpose()?;
        let organization = organization.map(|organization| organization.id);
        let mut change = self.change(by).await?;
        let token = directory::create_token(&mut change, &terms, organization, self.now()).await?;
        let made = serde_json::json!({
            "name": name, "actions": terms.actions, "account": terms.account, "expires_at": terms.expires_at,
            "calls_per_second": terms.calls_per_second,
        });
        let entry = Entry::new("token.created", format!("token:{}", token.id)).within(organization);
        change.commit(entry.after(made)).await?;
        self.read_directory().await?;
        Ok(token)
    }

    /// Revokes a token at once; false when there is none of that number.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn revoke_token(&self, by: &By, id: i64) -> Result<bool, Error> {
        let _changing = self.changing().await?;
        let mut change = self.change(by).await?;
        let revoked = directory::revoke_token(&mut change, id, self.now()).await?;
        if revoked {
            let token = self.directory.load().tokens().into_iter().find(|token| token.id == id);
            let organization = token.as_ref().and_then(|token| token.organization);
            let entry = Entry::new("token.revoked", format!("token:{id}")).within(organization);
            change.commit(entry.before(token.map(|token| token.name.clone()))).await?;
            self.read_directory().await?;
        }
        Ok(revoked)
    }

    /// Reads organizations and tokens anew: they have changed.
    pub(crate) async fn read_directory(&self) -> Result<(), Error> {
        let before = self.directory.load_full();
        self.directory.store(Arc::new(Directory::read(&self.room, Some(&before)).await?));
        Ok(())
    }

    /// The organization of that name.
    ///
    /// # Errors
    /// [`Error::NoSuchOrganization`].
    pub fn named(&self, slug: &str) -> Result<Arc<Organization>, Error> {
        let directory = self.directory.load();
        directory.organization_named(slug).cloned().ok_or_else(|| Error::NoSuchOrganization(slug.to_owned()))
    }

    /// Has another snapshot serve.
    pub(crate) fn serve(&self, next: Arc<Snapshot>) {
        self.snapshot.store(next);
        self.served.send_replace(());
    }

    /// Changes whenever what serves does.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.served.subscribe()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
