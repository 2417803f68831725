//! Organizations that somebody would like to have, and what became of it.

use std::sync::Arc;

use serde::Deserialize;
use switchboard_api::{AccountId, Failure, Organization, Timestamp};

use crate::{
    audit::Entry,
    by::By,
    error::Error,
    kernel::Kernel,
    organizations::{NewOrganization, check_name, check_slug},
};

/// How many requests of one account may wait for a decision at a time.
const MOST_OPEN: usize = 5;

/// The most characters of a reason.
const MOST_REASON: usize = 1_000;

/// An organization that somebody would like to have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrganizationRequest {
    /// Its number.
    pub id: i64,
    /// Who would like to have it, and would own it.
    pub account_id: AccountId,
    /// Its name in addresses.
    pub slug: String,
    /// The name people would read.
    pub name: String,
    /// What for.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What became of it.
    pub state: Decision,
    /// When that was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided it.
    pub decided_by: Option<String>,
    /// Why it was refused.
    pub answer: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing yet.
    Open,
    /// The organization was made.
    Approved,
    /// It was not.
    Refused,
}

impl Decision {
    /// The word for it: `open`, `approved`, `refused`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}

const COLUMNS: &str =
    "id, account_id, slug, name, reason, requested_at, state, decided_at, decided_by, answer";

impl Kernel {
    /// Asks for an organization on an account's behalf.
    ///
    /// # Errors
    /// [`Error::Invalid`] for names that are none; [`Error::Refused`] when another organization has the name, or when this account
    /// waits for enough decisions already.
    pub async fn request_organization(
        &self,
        by: &By,
        account: AccountId,
        slug: &str,
        name: &str,
        reason: &str,
    ) -> Result<OrganizationRequest, Error> {
        check_slug(slug)?;
        let (name, reason) = (check_name(name)?, reason.trim());
        if reason.is_empty() || reason.chars().count() > MOST_REASON {
            let message = format!("say in 1 to {MOST_REASON} characters what the organization is for");
            return Err(Error::Invalid(Failure::invalid(message)));
        }
        let _changing = self.changing().await?;
        if self.named(slug).is_ok() {
            let message = format!("an organization `{slug}` exists already; choose another name");
            return Err(Error::Refused(message));
        }
        let own = self.requests_of(account).await?;
        let open: Vec<_> = own.iter().filter(|request| request.state == Decision::Open).collect();
        if open.iter().any(|request| request.slug == slug) {
            return Err(Error::Refused(format!("you asked for `{slug}` already, and it is not decided yet")));
        }
        if open.len() >= MOST_OPEN {
            let message =
                format!("{MOST_OPEN} of your requests wait for a decision: no more than that at a time");
            return Err(Error::Refused(message));
        }
        let sql = format!(
            "insert into organization_request (account_id, slug, name, reason, requested_at, state) \
             values ($1, $2, $3, $4, $5, 'open') returning {COLUMNS}"
        );
        let now = self.now().to_string();
        let params = vec![account.into(), slug.into(), name.into(), reason.into(), now.into()];
        let mut change = self.change(by).await?;
        let made = change.query(&sql, params).await?.to::<OrganizationRequest>()?.pop();
        let made = made.ok_or_else(|| Error::Data("a request was stored without a number".to_owned()))?;
        let entry = Entry::new("organization_request.created", format!("organization_request:{}", made.id));
        change
            .commit(entry.after(serde_json::json!({ "slug": slug, "name": name, "reason": reason })))
            .await?;
        Ok(made)
    }

    /// The requests of an account, the newest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn requests_of(&self, account: AccountId) -> Result<Vec<OrganizationRequest>, Error> {
        let sql =
            format!("select {COLUMNS} from organization_request where account_id = $1 order by id desc");
        Ok(self.room.query(&sql, vec![account.into()]).await?.to()?)
    }

    /// The requests of which this became, the newest first; all of them when absent.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn organization_requests(
        &self,
        state: Option<Decision>,
    ) -> Result<Vec<OrganizationRequest>, Error> {
        let sql = format!(
            "select {COLUMNS} from organization_request where cast($1 as text) is null or state = $1 order by id desc"
        );
        let state = state.map(|state| state.as_str().to_owned());
        Ok(self.room.query(&sql, vec![state.into()]).await?.to()?)
    }

    /// Makes the organization that was asked for, with who asked as its owner.
    ///
    /// # Errors
    /// [`Error::NoSuch`]; [`Error::Refused`] when it is decided already, or another organization has the name by now.
    pub async fn approve_request(&self, by: &By, id: i64) -> Result<Arc<Organization>, Error> {
        let _changing = self.changing().await?;
        let request = self.open_request(id).await?;
        let mut change = self.change(by).await?;
        self.decide(&mut change, by, id, Decision::Approved, None).await?;
        let (slug, name) = (request.slug.as_str(), request.name.as_str());
        let new = NewOrganization { slug, name, owner: Some(request.account_id) };
        self.found_organization(by, change, new).await
    }

    /// Refuses a request, with the reason that who asked will read.
    ///
    /// # Errors
    /// [`Error::NoSuch`]; [`Error::Invalid`] without a reason; [`Error::Refused`] when it is decided already.
    pub async fn refuse_request(&self, by: &By, id: i64, reason: &str) -> Result<OrganizationRequest, Error> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MOST_REASON {
            let message = format!("say in 1 to {MOST_REASON} characters why not: who asked will read it");
            return Err(Error::Invalid(Failure::invalid(message)));
        }
        let _changing = self.changing().await?;
        self.open_request(id).await?;
        let mut change = self.change(by).await?;
        self.decide(&mut change, by, id, Decision::Refused, Some(reason)).await?;
        let entry = Entry::new("organization_request.refused", format!("organization_request:{id}"));
        change.commit(entry.after(serde_json::json!({ "reason": reason }))).await?;
        self.request(id).await
    }

    async fn decide(
        &self,
        change: &mut crate::audit::Change<'_>,
        by: &By,
        id: i64,
        decision: Decision,
        answer: Option<&str>,
    ) -> Result<(), Error> {
        let sql = "update organization_request set state = $2, decided_at = $3, decided_by = $4, answer = $5 \
                   where id = $1 and state = 'open'";
        let params = vec![
            id.into(),
            decision.as_str().into(),
            self.now().to_string().into(),
            (*by.actor.name).into(),
            answer.map(str::to_owned).into(),
        ];
        match change.execute(sql, params).await? {
            0 => Err(Error::Refused(format!("request {id} is decided already"))),
            _ => Ok(()),
        }
    }

    async fn request(&self, id: i64) -> Result<OrganizationRequest, Error> {
        let sql = format!("select {COLUMNS} from organization_request where id = $1");
        let found = self.room.query(&sql, vec![id.into()]).await?.to::<OrganizationRequest>()?.pop();
        found.ok_or_else(|| Error::NoSuch(format!("there is no request {id}")))
    }

    async fn open_request(&self, id: i64) -> Result<OrganizationRequest, Error> {
        let request = self.request(id).await?;
        match request.state {
            Decision::Open => Ok(request),
            decided => Err(Error::Refused(format!("request {id} is decided already: {}", decided.as_str()))),
        }
    }
}
