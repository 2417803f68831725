//! Who changed what: written in the transaction of the change, and never again.

use serde::Serialize;
use serde_json::Value as Json;
use switchboard_api::{OrganizationId, Rows, Value};
use switchboard_store::Transaction;

use crate::{by::By, error::Error, kernel::Kernel};

/// What a change was, for the audit log. Secrets are never in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What was done: `plugin.enabled`.
    pub action: &'static str,
    /// To what, as kind and name: `plugin:clips`.
    pub subject: String,
    /// In which organization; none where it concerns the installation.
    pub organization: Option<OrganizationId>,
    /// What was there before.
    pub before: Option<Json>,
    /// What is there now.
    pub after: Option<Json>,
}

impl Entry {
    /// Something done to something, in the installation as a whole.
    pub fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self { action, subject: subject.into(), organization: None, before: None, after: None }
    }

    /// In this organization.
    #[must_use]
    pub fn within(self, organization: Option<OrganizationId>) -> Self {
        Self { organization, ..self }
    }

    /// With what was there before. A value that has no JSON form is left out.
    #[must_use]
    pub fn before(self, value: impl Serialize) -> Self {
        Self { before: serde_json::to_value(value).ok(), ..self }
    }

    /// With what is there now. A value that has no JSON form is left out.
    #[must_use]
    pub fn after(self, value: impl Serialize) -> Self {
        Self { after: serde_json::to_value(value).ok(), ..self }
    }
}

/// A change of the kernel's tables that is under way. Dropping it undoes it; committing it takes an [`Entry`].
pub(crate) struct Change<'a> {
    kernel: &'a Kernel,
    by: &'a By,
    transaction: Transaction,
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
        self.change(by).await?.commit(entry).await
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

    /// Makes it last, with its line in the audit log.
    pub(crate) async fn commit(self, entry: Entry) -> Result<(), Error> {
        let Self { kernel, by, transaction } = self;
        let actor = &by.actor;
        let json = |value: Option<Json>| value.map(|value| value.to_string());
        let sql = "insert into audit (at, actor_kind, actor, account_id, impersonator, organization_id, action, subject, \
                   address, request, before, after) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let params = vec![
            kernel.now().to_string().into(),
            actor.kind.as_str().into(),
            (*actor.name).into(),
            actor.account.into(),
            actor.impersonator.as_deref().into(),
            entry.organization.into(),
            entry.action.into(),
            entry.subject.into(),
            by.from.map(|address| address.to_string()).into(),
            (*by.request).into(),
            json(entry.before).into(),
            json(entry.after).into(),
        ];
        Ok(transaction.commit_with([(sql, params)]).await?)
    }
}
