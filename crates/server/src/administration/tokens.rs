//! Tokens, by which programs call.

use switchboard_sdk::{Timestamp, extract::Shared, prelude::*};

use super::KernelHandle;
use crate::api_tokens::{self, ActionPattern, MadeToken, ShownToken, Wanted};

/// A token to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// Its name; no other token has it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The organization that it serves, by its name in addresses; all of them when absent.
    #[serde(default)]
    organization: Option<String>,
    /// What may be done with it, such as `clip:delete`, `clip:*` or `*`; whatever the caller may do when absent.
    #[serde(default)]
    actions: Option<Vec<ActionPattern>>,
    /// Until when it serves, in UTC; for ever when absent.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
    /// How often it may call in a second; as often as any when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    calls_per_second: Option<u32>,
}

pub(super) async fn list_tokens(kernel: Shared<KernelHandle>) -> Result<Json<Vec<ShownToken>>> {
    Ok(api_tokens::list(&*kernel.kernel()?, |_| true))
}

pub(super) async fn create_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewToken>,
) -> Result<Created<MadeToken>> {
    let NewToken { name, organization, actions, expires_at, calls_per_second } = new;
    let wanted = Wanted { name, organization, actions, account: None, expires_at, calls_per_second };
    api_tokens::make(&ctx, &kernel, wanted).await
}

pub(super) async fn revoke_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    api_tokens::revoke(&ctx, &kernel, id, |_| true).await
}
