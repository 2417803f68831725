//! One line of the audit log, and how it is linked to the one before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use switchboard_api::Value;

/// Begins what is hashed, so that a line is never taken for something else.
const KIND: &str = "switchboard audit line 1";

/// One line of the audit log: who did what to what, where, from where and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its number: one more than that of the line before.
    pub id: i64,
    /// When, in UTC.
    pub at: String,
    /// The kind of actor: `user`, `token`, `plugin`, `system`, `anyone`.
    pub actor_kind: String,
    /// Its name among its kind.
    pub actor: String,
    /// The account behind it.
    pub account_id: Option<i64>,
    /// The global administrator who acted as this person.
    pub impersonator: Option<String>,
    /// The plugin whose line it is; none for the server's own.
    pub plugin: Option<String>,
    /// In which organization.
    pub organization_id: Option<i64>,
    /// What was done: `plugin.enabled`.
    pub action: String,
    /// To what: `plugin:clips`.
    pub subject: String,
    /// The address from which the request came.
    pub address: Option<String>,
    /// The request's id, or what else set it off.
    pub request: String,
    /// What was there before, as JSON.
    pub before: Option<String>,
    /// What is there now, as JSON.
    pub after: Option<String>,
    /// SHA-256 over all of this and the hash of the line before.
    pub hash: String,
}

impl AuditLine {
    /// The columns, in the order in which they are read and hashed.
    pub(crate) const COLUMNS: &str = "id, at, actor_kind, actor, account_id, impersonator, plugin, organization_id, \
                                      action, subject, address, request, before, after, hash";

    /// The same, linked to the line whose hash that is.
    pub(crate) fn linked_to(self, previous: &str) -> Self {
        Self { hash: self.link(previous), ..self }
    }

    /// Whether it is what was written behind the line whose hash that is.
    pub(crate) fn follows(&self, previous: &str) -> bool {
        self.hash == self.link(previous)
    }

    fn link(&self, previous: &str) -> String {
        let mut link = Link(Sha256::new());
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        for text in [Some(KIND), Some(previous), Some(&self.id.to_string()), Some(&self.at)] {
            link.add(text);
        }
        link.add(Some(&self.actor_kind));
        link.add(Some(&self.actor));
        link.add(number(self.account_id).as_deref());
        link.add(self.impersonator.as_deref());
        link.add(self.plugin.as_deref());
        link.add(number(self.organization_id).as_deref());
        link.add(Some(&self.action));
        link.add(Some(&self.subject));
        link.add(self.address.as_deref());
        link.add(Some(&self.request));
        link.add(self.before.as_deref());
        link.add(self.after.as_deref());
        link.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn into_values(self) -> Vec<Value> {
        vec![
            self.id.into(),
            self.at.into(),
            self.actor_kind.into(),
            self.actor.into(),
            self.account_id.into(),
            self.impersonator.into(),
            self.plugin.into(),
            self.organization_id.into(),
            self.action.into(),
            self.subject.into(),
            self.address.into(),
            self.request.into(),
            self.before.into(),
            self.after.into(),
            self.hash.into(),
        ]
    }
}

/// What is hashed, each part with whether it is there and its length, so that no two lines are hashed alike.
struct Link(Sha256);

impl Link {
    fn add(&mut self, part: Option<&str>) {
        match part {
            None => self.0.update([0]),
            Some(text) => {
                self.0.update([1]);
                self.0.update((text.len() as u64).to_be_bytes());
                self.0.update(text.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AuditLine;

    fn line() -> AuditLine {
        AuditLine {
            id: 7,
            at: "2026-01-02T03:04:05.000000Z".to_owned(),
            actor_kind: "token".to_owned(),
            actor: "ci".to_owned(),
            account_id: None,
            impersonator: None,
            plugin: None,
            organization_id: Some(1),
            action: "plugin.enabled".to_owned(),
            subject: "plugin:clips".to_owned(),
            address: Some("192.0.2.1".to_owned()),
            request: "r-1".to_owned(),
            before: None,
            after: Some("{}".to_owned()),
            hash: String::new(),
        }
    }

    #[test]
    fn whatever_of_a_line_is_changed_breaks_the_chain() {
        let right = line().linked_to("before");
        assert!(right.follows("before") && !right.follows("other"));
        let text = |text: &str| text.to_owned();
        let changes: Vec<fn(&mut AuditLine, String)> = vec![
            |line, _| line.id += 1,
            |line, text| line.at = text,
            |line, text| line.actor_kind = text,
            |line, text| line.actor = text,
            |line, _| line.account_id = Some(1),
            |line, text| line.impersonator = Some(text),
            |line, text| line.plugin = Some(text),
            |line, _| line.organization_id = None,
            |line, text| line.action = text,
            |line, text| line.subject = text,
            |line, _| line.address = None,
            |line, text| line.request = text,
            |line, _| line.before = Some(String::new()),
            |line, text| line.after = Some(text),
            |line, text| line.hash = text,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = right.clone();
            change(&mut changed, text("changed"));
            assert!(!changed.follows("before"), "change {number}");
        }
        let mut moved = right.clone();
        (moved.actor, moved.action) = (text("cip"), text("lugin.enabled"));
        assert!(!moved.follows("before"), "nor may a letter move from one part to another");
    }
}
