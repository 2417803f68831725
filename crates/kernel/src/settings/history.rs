//! Who changed a configuration, when, from where, and what it was before and after.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchboard_api::Timestamp;
use switchboard_manifest::PluginId;
use switchboard_store::Room;

use super::{Config, Layer, change::Plan, parsed, secrets, text_of};
use crate::{audit::Change, by::By, error::Error, kernel::Kernel};

/// The history of a layer, the latest change first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct History {
    /// How many changes are kept.
    pub total: i64,
    /// Those asked for.
    pub entries: Vec<HistoryEntry>,
}

/// A change of a configuration. In place of secrets stands `•••`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HistoryEntry {
    /// Its number among the changes of this layer, from 1.
    pub number: i64,
    /// When it was made.
    pub at: String,
    /// What kind of actor made it: `user`, `token`, `plugin`, `system`.
    pub actor_kind: String,
    /// Who made it.
    pub actor: String,
    /// The administrator who acted in their name, if one did.
    pub impersonator: Option<String>,
    /// The address from which it came; none where no request did.
    pub address: Option<String>,
    /// The id of the request.
    pub request: String,
    /// The change that it took back, with all that came after that one.
    pub undoes: Option<i64>,
    /// What was set before.
    pub before: Config,
    /// What was set afterwards.
    pub after: Config,
    /// The properties that it changed, secret ones too.
    pub changed: Vec<String>,
}

#[derive(Deserialize)]
struct Row {
    number: i64,
    at: String,
    actor_kind: String,
    actor: String,
    impersonator: Option<String>,
    address: Option<String>,
    request: String,
    undoes: Option<i64>,
    before: String,
    after: String,
}

impl Kernel {
    /// The history of what was set in a layer, the latest change first.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`], [`Error::NoSuchOrganization`]; [`Error::Store`].
    pub async fn config_history(
        &self,
        plugin: &str,
        organization: Option<&str>,
        skip: u32,
        limit: u32,
    ) -> Result<History, Error> {
        let manifest = self.known(plugin)?;
        let organization = organization.map(|slug| self.named(slug)).transpose()?;
        let layer = Layer::of(organization.map(|organization| organization.id));
        let whose = || vec![manifest.id.as_str().into(), layer.number().into()];
        let sql = "select count(*) from setting_history where plugin_id = $1 and organization_id = $2";
        let total = self.room.query(sql, whose()).await?.to::<(i64,)>()?.pop().map_or(0, |(total,)| total);
        let sql = "select number, at, actor_kind, actor, impersonator, address, request, undoes, before, after \
                   from setting_history where plugin_id = $1 and organization_id = $2 \
                   order by number desc limit $3 offset $4";
        let mut params = whose();
        params.extend([i64::from(limit).into(), i64::from(skip).into()]);
        let rows = self.room.query(sql, params).await?.to::<Row>()?;
        let schema = manifest.config_schema.as_ref();
        let entries = rows.into_iter().map(|row| {
            let (before, after) = (parsed(&manifest.id, &row.before)?, parsed(&manifest.id, &row.after)?);
            Ok(HistoryEntry {
                number: row.number,
                at: row.at,
                actor_kind: row.actor_kind,
                actor: row.actor,
                impersonator: row.impersonator,
                address: row.address,
                request: row.request,
                undoes: row.undoes,
                changed: changed(&before, &after),
                before: secrets::redacted(schema, &before),
                after: secrets::redacted(schema, &after),
            })
        });
        Ok(History { total, entries: entries.collect::<Result<_, Error>>()? })
    }
}

/// The properties that are not the same. A secret that was sent again has the sealed text that it had.
pub(super) fn changed(before: &Config, after: &Config) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// What a layer was before a change, with secrets sealed.
pub(super) async fn before(
    room: &Room,
    plugin: &PluginId,
    layer: Layer,
    number: i64,
) -> Result<Config, Error> {
    let sql =
        "select before from setting_history where plugin_id = $1 and organization_id = $2 and number = $3";
    let params = vec![plugin.as_str().into(), layer.number().into(), number.into()];
    let found = room.query(sql, params).await?.to::<(String,)>()?.pop();
    let (before,) = found.ok_or_else(|| {
        Error::Invalid(switchboard_api::Failure::not_found(format!(
            "the history of plugin `{plugin}` has no change {number}; older ones are dropped in time"
        )))
    })?;
    parsed(plugin, &before)
}

/// Notes a change, and drops those that are older than the most that are kept.
pub(super) async fn write(
    change: &mut Change<'_>,
    plan: &Plan,
    by: &By,
    now: Timestamp,
    most: usize,
) -> Result<(), Error> {
    let whose = || vec![plan.manifest.id.as_str().into(), plan.layer.number().into()];
    let sql = "select coalesce(max(number), 0) + 1 from setting_history \
               where plugin_id = $1 and organization_id = $2";
    let number = change.query(sql, whose()).await?.to::<(i64,)>()?.pop().map_or(1, |(number,)| number);
    let sql = "insert into setting_history (plugin_id, organization_id, number, at, actor_kind, actor, impersonator, \
               address, request, undoes, before, after) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let mut params = whose();
    params.extend([
        number.into(),
        now.to_string().into(),
        by.actor.kind.as_str().into(),
        (*by.actor.name).into(),
        by.actor.impersonator.as_deref().into(),
        by.from.map(|address| address.to_string()).into(),
        (*by.request).into(),
        plan.undoes.into(),
        text_of(&plan.before)?.into(),
        text_of(&plan.after)?.into(),
    ]);
    change.execute(sql, params).await?;
    let sql = "delete from setting_history where plugin_id = $1 and organization_id = $2 and number <= $3";
    let mut params = whose();
    params.push((number - i64::try_from(most).unwrap_or(i64::MAX)).into());
    change.execute(sql, params).await?;
    Ok(())
}
