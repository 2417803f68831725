//! The entries: who signed, and what they wrote.

use switchboard_sdk::prelude::*;

/// An entry as it is kept.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) message: String,
    /// In UTC.
    pub(crate) signed_at: String,
}

/// An entry as a guest sends it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct NewEntry {
    #[schemars(length(min = 1, max = 80))]
    pub(crate) name: String,
    #[schemars(length(min = 1, max = 1000))]
    pub(crate) message: String,
}

/// Which part of the list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Part {
    /// How many entries at most.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 100))]
    limit: i64,
    /// Only those older than the entry of this id.
    before: Option<i64>,
}

fn twenty() -> i64 {
    20
}

pub(crate) async fn list_entries(ctx: Context, Query(part): Query<Part>) -> Result<Json<Vec<Entry>>> {
    Ok(Json(newest(&ctx, part.limit, part.before).await?))
}

/// The newest entries, at most so many; only those older than the entry of an id, if one is named.
pub(crate) async fn newest(ctx: &Context, limit: i64, before: Option<i64>) -> Result<Vec<Entry>> {
    let sql = "select id, name, message, signed_at from entry
               where organization_id = $1 and (cast($2 as bigint) is null or id < $2)
               order by id desc limit $3";
    ctx.db().query(sql, (ctx.organization()?.id, before, limit)).await
}

pub(crate) async fn sign(ctx: Context, Json(new): Json<NewEntry>) -> Result<Created<Entry>> {
    let new = ctx.filter("guestbook.signing", &new).await?;

    let mut tx = ctx.db().begin().await?;
    let sql = "insert into entry (organization_id, name, message, signed_at)
               values ($1, $2, $3, $4) returning id, name, message, signed_at";
    let params = (ctx.organization()?.id, new.name, new.message, ctx.now().to_string());
    let entry: Option<Entry> = tx.query_one(sql, params).await?;
    let entry = entry.ok_or_else(|| Failure::broken("an entry was stored and is not there"))?;
    tx.emit(NewEvent::new("guestbook.signed", format!("entry/{}", entry.id), &entry)?)?;
    tx.commit().await?;
    ctx.metrics().count("signatures", 1, &[]);

    Ok(Created(entry))
}
