//! The commands of an organization's plugins: which somebody may give, and giving one.

use serde_json::{Map, Value, json};
use switchboard_kernel::{Caller, Given, Offered, run_command, usage};
use switchboard_manifest::Argument;
use switchboard_sdk::{extract::Shared, prelude::*};

use super::called_for;
use crate::kernel_handle::KernelHandle;

/// A command that whoever asks may give.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OwnCommand {
    /// The plugin whose it is.
    plugin: String,
    /// Its name.
    name: String,
    /// What it does, in a line.
    description: String,
    /// How it is written, such as `seed <preset> [race]`: what stands in brackets may be left out.
    usage: String,
    /// What it takes, in the order in which people write it.
    arguments: Vec<Argument>,
}

/// A command as people write it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// The line, such as `!seed standard`: with or without the `!`. The words are the arguments in their order; one of several words stands
    /// in quotation marks, but the last, when it is a text. `randomizer:seed` says which is meant, where several plugins have a `seed`.
    #[schemars(length(min = 1, max = 4000))]
    line: String,
}

/// What a command is given with.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Arguments {
    /// The arguments, by name.
    arguments: Map<String, Value>,
}

/// What is said to whoever gave a command.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The text, in Markdown.
    text: String,
    /// Whether it is for nobody but whoever gave the command.
    ephemeral: bool,
}

pub(super) async fn list_own_commands(
    ctx: Context,
    kernel: Shared<KernelHandle>,
) -> Result<Json<Vec<OwnCommand>>> {
    let (organization, snapshot) = (called_for(&ctx)?, kernel.kernel()?.snapshot());
    let command = |Offered { plugin, command, .. }: Offered<'_>| OwnCommand {
        plugin: plugin.id().to_string(),
        name: command.name.clone(),
        description: command.description.clone(),
        usage: usage(command),
        arguments: command.arguments.clone(),
    };
    Ok(Json(snapshot.commands_for(&organization, ctx.actor()).map(command).collect()))
}

pub(super) async fn give_line(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(Line { line }): Json<Line>,
) -> Result<Json<Answer>> {
    give(&ctx, &kernel, Given::Line(&line)).await
}

pub(super) async fn give_command(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((plugin, command)): Path<(String, String)>,
    Json(Arguments { arguments }): Json<Arguments>,
) -> Result<Json<Answer>> {
    give(&ctx, &kernel, Given::Named { plugin: &plugin, command: &command, arguments }).await
}

async fn give(ctx: &Context, kernel: &KernelHandle, given: Given<'_>) -> Result<Json<Answer>> {
    let snapshot = kernel.kernel()?.snapshot();
    let _waiting = ctx.call().deadline.stand_still();
    let origin = Payload::of(&json!({ "kind": "api" }))?;
    let Said { text, ephemeral } = run_command(&snapshot, Caller::within(ctx.call()), given, origin).await?;
    Ok(Json(Answer { text, ephemeral }))
}
