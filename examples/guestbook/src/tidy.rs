//! Old entries, and how they go.

use switchboard_sdk::prelude::*;

use crate::entry::Entry;

#[derive(Deserialize)]
struct Settings {
    keep: i64,
}

/// What came of a run.
#[derive(Serialize)]
struct Removed {
    removed: u64,
}

/// Has the oldest entries removed. The same event may come twice; removing twice does no harm.
pub(crate) async fn after_signing(ctx: Context, event: Event) -> Result<()> {
    let entry: Entry = event.data.to()?;
    ctx.log().info(&format!("{} signed", entry.name));
    ctx.schedule().run("tidy", &()).await?;
    Ok(())
}

/// Removes all entries of the organization but the newest.
pub(crate) async fn remove_oldest(ctx: Context, _: TaskCall) -> Result<()> {
    let settings: Settings = ctx.config()?;
    let sql = "delete from entry where organization_id = $1 and id not in
               (select id from entry where organization_id = $1 order by id desc limit $2)";
    let removed = ctx.db().execute(sql, (ctx.organization()?.id, settings.keep)).await?;
    ctx.schedule().output(&Removed { removed })
}
