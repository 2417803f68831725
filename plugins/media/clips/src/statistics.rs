//! How many clips an organization has, and of which games.

use switchboard_sdk::prelude::*;

/// The counts, and the games' names in order.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Statistics {
    total_clips: i64,
    processed_clips: i64,
    unprocessed_clips: i64,
    total_games: usize,
    games: Vec<String>,
}

pub(crate) async fn clip_statistics(ctx: Context) -> Result<Json<Statistics>> {
    let organization = ctx.organization()?.id;
    let counts = "select count(*), coalesce(sum(processed), 0) from clip where organization_id = $1";
    let (total, processed): (i64, i64) =
        ctx.db().query_one(counts, (organization,)).await?.unwrap_or_default();
    let games: Vec<String> = ctx.db().query(GAMES, (organization,)).await?;
    Ok(Json(Statistics {
        total_clips: total,
        processed_clips: processed,
        unprocessed_clips: total - processed,
        total_games: games.len(),
        games,
    }))
}

/// Steps through the index from one name to the next: games are few and clips are many.
const GAMES: &str = "with recursive game (name) as (
    select min(game_name) from clip where organization_id = $1 and game_name > ''
    union all
    select (select min(game_name) from clip where organization_id = $1 and game_name > game.name)
    from game where game.name is not null
) select name from game where name is not null order by name";
