//! Plugins in many organizations at once: switched together, and rolled out to a share or a list.

use switchboard_kernel::{BulkLine, BulkOutcome, BulkSwitch, BulkTerms, Kernel, Reach, Rollout};
use switchboard_sdk::{extract::Shared, prelude::*};

use super::{KernelHandle, plugins::known};

/// Plugins to be switched on and off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    /// What is to be switched where.
    #[schemars(length(min = 1, max = 10_000))]
    switches: Vec<Switch>,
    /// Whether what a plugin requires is switched on before it, or what requires it off.
    #[serde(default)]
    together: bool,
    /// Whether nothing is done, and only told what would be.
    #[serde(default)]
    dry_run: bool,
}

/// A plugin to be switched.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Its id.
    plugin: String,
    /// Where, by the organizations' names in addresses; in all of them when absent.
    #[serde(default)]
    organizations: Option<Vec<String>>,
    /// On, or off.
    enabled: bool,
}

/// What became of it, or would.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Report {
    /// How many were switched.
    switched: usize,
    /// How many were so already.
    unchanged: usize,
    /// How many organizations had switched the plugin off themselves, which a rollout to a share leaves so.
    declined: usize,
    /// How many stay as they were because something stands in the way.
    refused: usize,
    /// Each plugin in each organization.
    lines: Vec<Line>,
}

/// What became of one plugin in one organization.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// The plugin.
    plugin: String,
    /// The organization, by its name in addresses.
    organization: String,
    /// What became of it.
    outcome: Outcome,
    /// What was switched before it, as it requires that or that requires it.
    also: Vec<String>,
    /// What stands in the way; `null` when nothing does.
    reason: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It was switched.
    Switched,
    /// It was so already.
    Unchanged,
    /// The organization had switched it off itself, and it stays so.
    Declined,
    /// It stays as it was.
    Refused,
}

/// How far a plugin is to be rolled out: `percent` or `organizations`, one of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRollout {
    /// To so many of a hundred organizations: always the same ones, and those of a smaller share are in a larger one.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    percent: Option<u8>,
    /// To these, by their names in addresses.
    #[serde(default)]
    organizations: Option<Vec<String>>,
    /// Whether what the plugin requires is switched on with it.
    #[serde(default)]
    with_requirements: bool,
    /// Whether nothing is done, and only told what would be.
    #[serde(default)]
    dry_run: bool,
}

/// How a rollout is ended.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Ending {
    /// Whether the plugin is switched off in the organizations that it was rolled out to.
    disable: bool,
    /// Whether what requires it there is switched off with it.
    with_dependents: bool,
    /// Whether nothing is done, and only told what would be.
    dry_run: bool,
}

/// How far a plugin is rolled out.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Standing {
    /// To so many of a hundred organizations; `null` when to a list.
    percent: Option<u8>,
    /// To these; `null` when to a share.
    organizations: Option<Vec<String>>,
    /// Who said so.
    set_by: String,
    /// Since when, in UTC.
    set_at: String,
    /// How many organizations it takes in.
    within: usize,
    /// In how many of them the plugin is on.
    on: usize,
}

/// A rollout, and what became of it in each organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RolledOut {
    /// How far the plugin is rolled out now; `null` when it is not.
    rollout: Option<Standing>,
    /// What became of it in each organization that it takes in.
    report: Report,
}

impl From<Vec<BulkLine>> for Report {
    fn from(lines: Vec<BulkLine>) -> Self {
        let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
        let count = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
        Self {
            switched: count(Outcome::Switched),
            unchanged: count(Outcome::Unchanged),
            declined: count(Outcome::Declined),
            refused: count(Outcome::Refused),
            lines,
        }
    }
}

impl From<BulkLine> for Line {
    fn from(line: BulkLine) -> Self {
        let (outcome, also, reason) = match line.outcome {
            BulkOutcome::Switched { also } => (Outcome::Switched, also, None),
            BulkOutcome::Unchanged => (Outcome::Unchanged, Vec::new(), None),
            BulkOutcome::Declined => (Outcome::Declined, Vec::new(), None),
            BulkOutcome::Refused { reason } => (Outcome::Refused, Vec::new(), Some(reason)),
        };
        Self {
            plugin: line.plugin.to_string(),
            organization: line.organization,
            outcome,
            also: also.iter().map(ToString::to_string).collect(),
            reason,
        }
    }
}

impl Standing {
    fn of(kernel: &Kernel, plugin: &str, rollout: Rollout) -> Result<Self> {
        let id = plugin.parse().map_err(|_| not_found!("there is no plugin `{plugin}`"))?;
        let (within, on) = kernel.reached(&id, &rollout.reach);
        let (percent, organizations) = match rollout.reach {
            Reach::Percent(percent) => (Some(percent), None),
            Reach::Organizations(slugs) => (None, Some(slugs)),
        };
        let (set_by, set_at) = (rollout.set_by, rollout.set_at.to_string());
        Ok(Self { percent, organizations, set_by, set_at, within, on })
    }
}

pub(super) async fn switch_many(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(bulk): Json<Bulk>,
) -> Result<Json<Report>> {
    let terms = BulkTerms { together: bulk.together, dry_run: bulk.dry_run };
    let switches = bulk.switches.into_iter();
    let switches: Vec<BulkSwitch> = switches
        .map(|it| BulkSwitch { plugin: it.plugin, organizations: it.organizations, on: it.enabled })
        .collect();
    let lines =
        kernel.change(&ctx, async move |kernel, by| kernel.switch_many(&by, &switches, terms).await).await?;
    Ok(Json(lines.into()))
}

pub(super) async fn get_rollout(
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<Json<Standing>> {
    let id = known(&kernel, id)?;
    let kernel = kernel.kernel()?;
    let rollout = kernel.rollout(&id).await?.ok_or_else(|| not_found!("plugin `{id}` is not rolled out"))?;
    Standing::of(&kernel, &id, rollout).map(Json)
}

pub(super) async fn set_rollout(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Json(new): Json<NewRollout>,
) -> Result<Json<RolledOut>> {
    let id = known(&handle, id)?;
    let reach = match (new.percent, new.organizations) {
        (Some(percent), None) => Reach::Percent(percent),
        (None, Some(slugs)) => Reach::Organizations(slugs),
        _ => return Err(Failure::invalid("say either `percent` or `organizations`: one of them")),
    };
    let terms = BulkTerms { together: new.with_requirements, dry_run: new.dry_run };
    let plugin = id.clone();
    let lines = handle
        .change(&ctx, async move |kernel, by| kernel.set_rollout(&by, &plugin, reach, terms).await)
        .await?;
    rolled_out(&handle, &id, lines).await
}

pub(super) async fn end_rollout(
    ctx: Context,
    handle: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(ending): Query<Ending>,
) -> Result<Json<RolledOut>> {
    let id = known(&handle, id)?;
    let terms = BulkTerms { together: ending.with_dependents, dry_run: ending.dry_run };
    let plugin = id.clone();
    let lines = handle
        .change(&ctx, async move |kernel, by| kernel.end_rollout(&by, &plugin, ending.disable, terms).await)
        .await?;
    rolled_out(&handle, &id, lines).await
}

async fn rolled_out(handle: &KernelHandle, id: &str, lines: Vec<BulkLine>) -> Result<Json<RolledOut>> {
    let kernel = handle.kernel()?;
    let rollout = match kernel.rollout(id).await? {
        Some(rollout) => Some(Standing::of(&kernel, id, rollout)?),
        None => None,
    };
    Ok(Json(RolledOut { rollout, report: lines.into() }))
}
