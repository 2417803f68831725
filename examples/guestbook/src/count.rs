//! What other plugins can ask for.

use switchboard_sdk::prelude::*;

/// Whose entries; everybody's without a name.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Whose {
    name: Option<String>,
}

/// How many there are.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Count {
    entries: i64,
}

pub(crate) async fn count(ctx: Context, whose: Whose) -> Result<Count> {
    let sql =
        "select count(*) from entry where organization_id = $1 and (cast($2 as text) is null or name = $2)";
    let entries = ctx.db().query_one(sql, (ctx.organization()?.id, whose.name)).await?;
    Ok(Count { entries: entries.unwrap_or_default() })
}
