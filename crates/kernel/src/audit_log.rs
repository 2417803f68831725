//! The audit log as it is read: by filter, newest first or oldest first, checked as a chain, and shortened by age.

use serde::{Deserialize, Serialize};
use switchboard_api::{OrganizationId, Timestamp};
use switchboard_sql::Conditions;

use crate::{
    audit::{Entry, moment},
    audit_line::AuditLine,
    by::By,
    error::Error,
    kernel::Kernel,
};

/// How many lines are read, or removed, at a time.
const BATCH: u32 = 1000;

/// How often checking begins anew when lines are removed meanwhile.
const ATTEMPTS: usize = 5;

/// Which lines of the audit log are wanted. Each part that is absent lets all through.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Those in this organization.
    pub organization: Option<OrganizationId>,
    /// Those by the actor of this name.
    pub actor: Option<String>,
    /// Those of this action; `plugin.*` stands for all that begin so.
    pub action: Option<String>,
    /// Those about this subject, such as `plugin:clips`; `plugin:*` stands for all that begin so.
    pub subject: Option<String>,
    /// Those from then on.
    pub since: Option<Timestamp>,
    /// Those before then.
    pub until: Option<Timestamp>,
    /// Those in which this text stands somewhere, in letters of whatever case.
    pub text: Option<String>,
}

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditPage {
    /// The newest ones, newest first.
    Newest,
    /// Those before the line of this number, newest first.
    Before(i64),
    /// Those after the line of this number, oldest first.
    After(i64),
}

/// What became of checking the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditVerdict {
    /// How many lines there are.
    pub lines: u64,
    /// The number of the last of those that were removed when their time was over; 0 when none was.
    pub removed_to: i64,
    /// The number of the last line.
    pub last: i64,
    /// Its hash: whoever keeps it elsewhere can tell later whether the lines up to it are still the same.
    pub hash: String,
    /// What is wrong with the first line that is not right.
    pub fault: Option<String>,
}

#[derive(Deserialize)]
struct Chain {
    last_id: i64,
    last_hash: String,
    removed_id: i64,
    removed_hash: String,
}

impl AuditFilter {
    fn conditions(&self) -> Conditions {
        let mut wanted = Conditions::default();
        if let Some(organization) = self.organization {
            wanted.add("organization_id =", organization.into());
        }
        if let Some(actor) = &self.actor {
            wanted.add("actor =", actor.as_str().into());
        }
        for (column, pattern) in [("action", &self.action), ("subject", &self.subject)] {
            match pattern.as_deref().map(|pattern| (pattern, pattern.strip_suffix('*'))) {
                Some((_, Some(beginning))) => wanted.like(column, &format!("{}%", plain(beginning))),
                Some((whole, None)) => wanted.add(&format!("{column} ="), whole.into()),
                None => {}
            }
        }
        if let Some(since) = self.since {
            wanted.add("at >=", moment(since).into());
        }
        if let Some(until) = self.until {
            wanted.add("at <", moment(until).into());
        }
        if let Some(text) = &self.text {
            let all = "lower(actor || ' ' || action || ' ' || subject || ' ' || request || ' ' || coalesce(address, '') \
                       || ' ' || coalesce(impersonator, '') || ' ' || coalesce(before, '') || ' ' || coalesce(after, ''))";
            wanted.like(all, &format!("%{}%", plain(&text.to_lowercase())));
        }
        wanted
    }
}

/// The text as a pattern that stands for nothing but itself.
fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl Kernel {
    /// Lines of the audit log, at most so many.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be read.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        page: AuditPage,
        most: u32,
    ) -> Result<Vec<AuditLine>, Error> {
        let mut wanted = filter.conditions();
        let order = match page {
            AuditPage::Newest => "desc",
            AuditPage::Before(id) => {
                wanted.add("id <", id.into());
                "desc"
            }
            AuditPage::After(id) => {
                wanted.add("id >", id.into());
                "asc"
            }
        };
        let (wanted, values) = wanted.into_parts();
        let columns = AuditLine::COLUMNS;
        let sql = format!("select {columns} from audit where {wanted} order by id {order} limit {most}");
        Ok(self.room.query(&sql, values).await?.to::<AuditLine>()?)
    }

    /// Checks that no line of the audit log was changed, left out or put in since it was written.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be read. That a line is not right is no error but the verdict.
    pub async fn verify_audit(&self) -> Result<AuditVerdict, Error> {
        let mut chain = self.audit_chain().await?;
        for _ in 1..ATTEMPTS {
            let verdict = self.verify_chain(&chain).await?;
            let now = self.audit_chain().await?;
            // What was removed by its age while this looked is not missing.
            if verdict.fault.is_none() || now.removed_id == chain.removed_id {
                return Ok(verdict);
            }
            chain = now;
        }
        self.verify_chain(&chain).await
    }

    async fn audit_chain(&self) -> Result<Chain, Error> {
        let sql = "select last_id, last_hash, removed_id, removed_hash from audit_chain";
        let row = self.room.query(sql, vec![]).await?.into_iter().next();
        Ok(row.ok_or_else(|| Error::Data("the audit log has no end".to_owned()))?.to()?)
    }

    async fn verify_chain(&self, chain: &Chain) -> Result<AuditVerdict, Error> {
        let (mut id, mut hash, mut lines) = (chain.removed_id, chain.removed_hash.clone(), 0);
        let verdict = |lines, fault| AuditVerdict {
            lines,
            removed_to: chain.removed_id,
            last: chain.last_id,
            hash: chain.last_hash.clone(),
            fault,
        };
        while id < chain.last_id {
            let batch = self.audit(&AuditFilter::default(), AuditPage::After(id), BATCH).await?;
            if batch.is_empty() {
                return Ok(verdict(lines, Some(format!("line {} and all after it are missing", id + 1))));
            }
            for line in batch.into_iter().take_while(|line| line.id <= chain.last_id) {
                if line.id != id + 1 {
                    return Ok(verdict(lines, Some(format!("line {} is missing", id + 1))));
                }
                if !line.follows(&hash) {
                    let fault = format!("line {} was changed, or the one before it exchanged", line.id);
                    return Ok(verdict(lines, Some(fault)));
                }
                (id, hash, lines) = (line.id, line.hash, lines + 1);
            }
        }
        let fault =
            (hash != chain.last_hash).then(|| format!("line {id} is not the one that was written last"));
        Ok(verdict(lines, fault))
    }

    /// Removes the lines from before then, which is noted in the log itself, and gives how many there were. The chain stays
    /// whole: it remembers the last line that was removed.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be written; what was removed by then is.
    pub async fn shorten_audit(&self, before: Timestamp) -> Result<u64, Error> {
        #[derive(Deserialize)]
        struct Last {
            id: i64,
            hash: String,
        }
        let by = By::system("retention");
        let mut removed = 0;
        loop {
            let mut change = self.change(&by).await?;
            let oldest = format!(
                "select id, hash from (select id, hash from audit where at < $1 order by id limit {BATCH}) as oldest \
                 order by id desc limit 1"
            );
            let last = change.query(&oldest, vec![moment(before).into()]).await?.into_iter().next();
            let Some(last) = last else { return Ok(removed) };
            let Last { id, hash } = last.to()?;
            let moved = "update audit_chain set removed_id = $1, removed_hash = $2";
            change.execute(moved, vec![id.into(), hash.into()]).await?;
            let now = change.execute("delete from audit where id <= $1", vec![id.into()]).await?;
            let what = serde_json::json!({ "lines": now, "up_to": id, "before": before.to_string() });
            change.commit(Entry::new("audit.shortened", "audit").after(what)).await?;
            removed += now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditFilter, plain};

    #[test]
    fn what_is_searched_for_stands_for_itself() {
        assert_eq!(plain(r"50%_\"), r"50\%\_\\");
        let filter = AuditFilter { action: Some("plugin.*".to_owned()), ..AuditFilter::default() };
        let (conditions, values) = filter.conditions().into_parts();
        assert_eq!(conditions, r"action like $1 escape '\'");
        assert_eq!(values, ["plugin.%".into()]);
    }
}
