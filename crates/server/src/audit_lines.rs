//! The audit log over HTTP: pages of it, newest first, and all of it as JSON lines.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use switchboard_api::{Body, OrganizationId};
use switchboard_kernel::{AuditFilter, AuditLine, AuditPage, Kernel};
use switchboard_sdk::{Response, Timestamp, prelude::*};

/// How many lines are read at a time for an export.
const BATCH: u32 = 500;

/// Which lines are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Wanted {
    /// Only those by the actor of this name.
    actor: Option<String>,
    /// Only those of this action, such as `plugin.enabled`; `plugin.*` for all that begin so.
    action: Option<String>,
    /// Only those about this, such as `plugin:clips`; `plugin:*` for all that begin so.
    subject: Option<String>,
    /// Only those from then on.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    since: Option<Timestamp>,
    /// Only those before then.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    until: Option<Timestamp>,
    /// Only those in which this text stands somewhere, in any case.
    #[schemars(length(max = 200))]
    q: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Listing {
    #[serde(flatten)]
    wanted: Wanted,
    /// Only lines before the one of this number: `next` of the page before.
    before: Option<i64>,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

impl Default for Listing {
    fn default() -> Self {
        Self { wanted: Wanted::default(), before: None, limit: 100 }
    }
}

/// From where on an export is wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Export {
    #[serde(flatten)]
    wanted: Wanted,
    /// Only lines after the one of this number.
    after: i64,
    /// How many to give at most; all when absent.
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

/// Lines of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Lines {
    /// The lines, newest first.
    lines: Vec<Line>,
    /// What to give as `before` for the lines before these; `null` when there are none.
    next: Option<i64>,
}

/// A line of the audit log: who did what to what.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// Its number: one more than that of the line before.
    id: i64,
    /// When, in UTC.
    at: String,
    /// Who.
    actor: Who,
    /// The plugin whose line it is; `null` for the server's own.
    plugin: Option<String>,
    /// In which organization, by its name in addresses; `null` where it concerns the installation.
    organization: Option<String>,
    /// What was done.
    action: String,
    /// To what, as kind and name.
    subject: String,
    /// The address from which the request came.
    address: Option<String>,
    /// The request's id, or what else set it off.
    request: String,
    /// What was there before.
    before: serde_json::Value,
    /// What is there now.
    after: serde_json::Value,
    /// SHA-256 over the line and the hash of the one before it.
    hash: String,
}

/// Who did it.
#[derive(Debug, Serialize, JsonSchema)]
struct Who {
    /// `user`, `token`, `plugin`, `system` or `anyone`.
    kind: String,
    /// Its name among its kind.
    name: String,
    /// The number of the account behind it.
    account: Option<i64>,
    /// The global administrator who acted as this person.
    impersonator: Option<String>,
}

impl Wanted {
    fn filter(self, organization: Option<OrganizationId>) -> AuditFilter {
        let Self { actor, action, subject, since, until, q: text } = self;
        AuditFilter { organization, actor, action, subject, since, until, text }
    }
}

impl Line {
    fn of(kernel: &Kernel, line: AuditLine) -> Self {
        let organization = line.organization_id.map(|id| name_of(kernel, OrganizationId(id)));
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            id: line.id,
            at: line.at,
            actor: Who {
                kind: line.actor_kind,
                name: line.actor,
                account: line.account_id,
                impersonator: line.impersonator,
            },
            plugin: line.plugin,
            organization,
            action: line.action,
            subject: line.subject,
            address: line.address,
            request: line.request,
            before: json(line.before).unwrap_or_default(),
            after: json(line.after).unwrap_or_default(),
            hash: line.hash,
        }
    }
}

/// What an organization is called in addresses. Of one that is no more its number is all that is left.
pub(crate) fn name_of(kernel: &Kernel, id: OrganizationId) -> String {
    kernel.organization(id).map_or_else(|| id.to_string(), |organization| organization.slug.clone())
}

/// A page of the lines that are wanted, in an organization or in all.
pub(crate) async fn page(
    kernel: &Kernel,
    organization: Option<OrganizationId>,
    Listing { wanted, before, limit }: Listing,
) -> Result<Json<Lines>> {
    let from = before.map_or(AuditPage::Newest, AuditPage::Before);
    let read = kernel.audit(&wanted.filter(organization), from, limit).await?;
    let is_full = u32::try_from(read.len()).is_ok_and(|read| read == limit);
    let next = read.last().map(|line| line.id).filter(|_| is_full);
    Ok(Json(Lines { lines: read.into_iter().map(|line| Line::of(kernel, line)).collect(), next }))
}

/// What is left of an export.
struct Left {
    kernel: Arc<Kernel>,
    filter: AuditFilter,
    after: i64,
    most: u64,
}

/// The lines that are wanted, oldest first, each as JSON on a line of its own. They are read as they are sent, so that it
/// does not matter how many there are.
pub(crate) fn export(
    kernel: Arc<Kernel>,
    organization: Option<OrganizationId>,
    Export { wanted, after, limit }: Export,
) -> Response {
    let filter = wanted.filter(organization);
    let left = Left { kernel, filter, after, most: limit.unwrap_or(u64::MAX) };
    let pieces = stream::try_unfold(left, |mut left| async move {
        let most = BATCH.min(u32::try_from(left.most).unwrap_or(BATCH));
        if most == 0 {
            return Ok(None);
        }
        let read = left.kernel.audit(&left.filter, AuditPage::After(left.after), most).await?;
        let Some(last) = read.last() else { return Ok(None) };
        left.after = last.id;
        left.most -= read.len() as u64;
        let mut piece = Vec::with_capacity(read.len() * 512);
        for line in read {
            let line = Line::of(&left.kernel, line);
            serde_json::to_writer(&mut piece, &line)
                .map_err(|error| Failure::broken(format!("a line could not be written as JSON: {error}")))?;
            piece.push(b'\n');
        }
        Ok::<_, Failure>(Some((Bytes::from(piece), left)))
    });
    let mut response = Response::new(StatusCode::OK);
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response.body = Body::stream(pieces, None);
    response
}
