//! Who changed what: written in the transaction of the change, and never again.

use std::{borrow::Cow, sync::atomic::Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use switchboard_api::{OrganizationId, Rows, Timestamp, Value};
use switchboard_manifest::PluginId;
use switchboard_store::Transaction;

use crate::{audit_line::AuditLine, by::By, changing::CHANGED, error::Error, kernel::Kernel};

/// What a change was, for the audit log. Secrets are never in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What was done: `plugin.enabled`.
    pub action: Cow<'static, str>,
    /// To what, as kind and name: `plugin:clips`.
    pub subject: String,
    /// In which organization; none where it concerns the installation.
    pub organization: Option<OrganizationId>,
    /// The plugin whose line it is; none for the server's own.
    pub plugin: Option<PluginId>,
    /// What was there before.
    pub before: Option<Json>,
    /// What is there now.
    pub after: Option<Json>,
}

impl Entry {
    /// Something done to something, in the installation as a whole.
    pub fn new(action: impl Into<Cow<'static, str>>, subject: impl Into<String>) -> Self {
        let (action, subject) = (action.into(), subject.into());
        Self { action, subject, organization: None, plugin: None, before: None, after: None }
    }

    /// In this organization.
    #[must_use]
    pub fn within(self, organization: Option<OrganizationId>) -> Self {
        Self { organization, ..self }
    }

    /// As a line of this plugin's.
    #[must_use]
    pub fn from_plugin(self, plugin: PluginId) -> Self {
        Self { plugin: Some(plugin), ..self }
    }

    /// With what was there before. A value that has no JSON form is left out, and so is `null`.
    #[must_use]
    pub fn before(self, value: impl Serialize) -> Self {
        Self { before: said(value), ..self }
    }

    /// With what is there now. A value that has no JSON form is left out, and so is `null`.
    #[must_use]
    pub fn after(self, value: impl Serialize) -> Self {
        Self { after: said(value), ..self }
    }
}

fn said(value: impl Serialize) -> Option<Json> {
    serde_json::to_value(value).ok().filter(|value| !value.is_null())
}

/// A change of the kernel's tables that is under way. Dropping it undoes it; committing it takes an [`Entry`].
pub(crate) struct Change<'a> {
    kernel: &'a Kernel,
    by: &'a By,
    transaction: Transaction,
}

/// Where the chain of lines ends.
#[derive(Deserialize)]
struct End {
    last_id: i64,
    last_hash: String,
}

impl Kernel {
    /// Begins a change on somebody's behalf.
    pub(crate) async fn change<'a>(&'a self, by: &'a By) -> Result<Change<'a>, Error> {
        Ok(Change { kernel: self, by, transaction: self.room.begin().await? })
    }

    /// Notes what was changed elsewhere than in the kernel's tables, such as an account.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be written.
    pub async fn note(&self, by: &By, entry: Entry) -> Result<(), Error> {
        self.change(by).await?.write(entry).await
    }
}

impl Change<'_> {
    /// The rows of a statement, which may also write.
    pub(crate) async fn query(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        Ok(self.transaction.query(sql, params).await?)
    }

    /// Runs a statement, and gives how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &str, params: Vec<Value>) -> Result<u64, Error> {
        Ok(self.transaction.execute(sql, params).await?.rows_affected)
    }

    /// Makes it last, with its line in the audit log, and tells other processes on the same database.
    pub(crate) async fn commit(mut self, entry: Entry) -> Result<(), Error> {
        self.transaction.announce(CHANGED, "").await?;
        self.write(entry).await
    }

    async fn write(mut self, entry: Entry) -> Result<(), Error> {
        // Who has changed the end of the chain keeps others from it until this is committed: also other processes.
        let next = "update audit_chain set last_id = last_id + 1 returning last_id, last_hash";
        let end = self.query(next, vec![]).await?.into_iter().next();
        let end = end.ok_or_else(|| Error::Data("the audit log has no end".to_owned()))?;
        let End { last_id, last_hash } = end.to()?;
        let line = self.line(last_id, entry, &last_hash);
        let hash = line.hash.clone();
        let insert = "insert into audit (id, at, actor_kind, actor, account_id, impersonator, plugin, organization_id, \
                      action, subject, address, request, before, after, hash) \
                      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        let last =
            [(insert, line.into_values()), ("update audit_chain set last_hash = $1", vec![hash.into()])];
        self.transaction.commit_with(last).await?;
        // Unless somebody else has changed something meanwhile, nothing more is to be known.
        let _ = self.kernel.seen.compare_exchange(last_id - 1, last_id, Ordering::AcqRel, Ordering::Acquire);
        Ok(())
    }

    fn line(&self, id: i64, entry: Entry, previous: &str) -> AuditLine {
        let actor = &self.by.actor;
        let json = |value: Option<Json>| value.map(|value| value.to_string());
        AuditLine {
            id,
            at: moment(self.kernel.now()),
            actor_kind: actor.kind.as_str().to_owned(),
            actor: actor.name.to_string(),
            account_id: actor.account.map(|account| account.0),
            impersonator: actor.impersonator.as_deref().map(str::to_owned),
            plugin: entry.plugin.map(|plugin| plugin.to_string()),
            organization_id: entry.organization.map(|organization| organization.0),
            action: entry.action.into_owned(),
            subject: entry.subject,
            address: self.by.from.map(|address| address.to_string()),
            request: self.by.request.to_string(),
            before: json(entry.before),
            after: json(entry.after),
            hash: String::new(),
        }
        .linked_to(previous)
    }
}

/// A time as the audit log writes it: always of one length, so that texts compare as times do.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.6}")
}
