//! `audit`: lines in the kernel's audit log, each with the plugin's id, bounded in size and number.

use serde_json::Value as Json;
use switchboard_api::{
    BoxFuture, Context, Failure, OrganizationId, Payload,
    capability::{Audit, AuditEntry},
};
use switchboard_kernel::{AuditEntry as Entry, By, Pace, Rate};

use crate::kernel_ref::KernelRef;

/// The longest action, and the longest subject, in bytes.
const LONGEST: usize = 200;

/// The most bytes of what was there before, and of what is there now.
const LARGEST: usize = 16 << 10;

/// How many lines a plugin writes for each organization. Whoever administrates does less.
const RATE: Option<Rate> = Rate::new(20, 200);

/// The kernel's audit log, for one plugin.
pub(crate) struct OwnLines {
    pub(crate) kernel: KernelRef,
    pub(crate) pace: Pace<Option<OrganizationId>>,
}

impl Audit for OwnLines {
    fn record<'a>(&'a self, context: &'a Context, entry: AuditEntry) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let AuditEntry { action, subject, before, after } = entry;
            if !is_action(&action) {
                return Err(Failure::invalid(format!(
                    "`{action}` is no action for the audit log: write at most {LONGEST} lower-case letters, digits, `_` \
                     and `.`, beginning with a letter"
                )));
            }
            if subject.is_empty() || subject.len() > LONGEST || subject.chars().any(char::is_control) {
                return Err(Failure::invalid(format!(
                    "a line of the audit log has a subject of 1 to {LONGEST} bytes, such as `clip:7`"
                )));
            }
            let (before, after) = (json(&before)?, json(&after)?);
            let organization = context.organization.as_ref().map(|organization| organization.id);
            if let Some(Err(none)) = RATE.map(|rate| self.pace.take(&organization, rate)) {
                let message = format!("plugin `{}` writes too many lines to the audit log", context.plugin);
                return Err(Failure::RateLimited { message, after: none.after });
            }
            let entry = Entry::new(format!("{}.{action}", context.plugin), subject)
                .from_plugin(context.plugin.clone())
                .within(organization)
                .before(before)
                .after(after);
            self.kernel.get()?.note(&By::of(context), entry).await?;
            Ok(())
        })
    }
}

fn json(payload: &Payload) -> Result<Json, Failure> {
    if payload.as_str().len() > LARGEST {
        let message = format!("what the audit log is to hold is larger than {LARGEST} bytes");
        return Err(Failure::too_large(message, LARGEST as u64));
    }
    payload.to()
}

fn is_action(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
    text.len() <= LONGEST
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(fits)
}
