//! What is said in a chat.

use switchboard_sdk::prelude::*;

use crate::entry::newest;

#[derive(Deserialize)]
struct Arguments {
    #[serde(default = "three")]
    count: i64,
}

fn three() -> i64 {
    3
}

/// Tells who signed last. That nobody has is told to nobody but whoever asks.
pub(crate) async fn tell(ctx: Context, command: CommandCall) -> Result<Said> {
    let Arguments { count } = command.arguments.to()?;
    let entries = newest(&ctx, count, None).await?;
    if entries.is_empty() {
        return Ok(Said::ephemeral("Nobody has signed yet."));
    }
    let lines: Vec<String> =
        entries.iter().map(|entry| format!("- **{}**: {}", entry.name, entry.message)).collect();
    Ok(lines.join("\n").into())
}
