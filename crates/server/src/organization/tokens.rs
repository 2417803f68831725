//! API tokens of the organization: they serve it alone, on behalf of whoever made them.

use switchboard_sdk::{Timestamp, extract::Shared, prelude::*};

use super::called_for;
use crate::{
    api_tokens::{self, ActionPattern, MadeToken, ShownToken, Wanted},
    kernel_handle::KernelHandle,
};

/// A token to be made, on behalf of whoever makes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganizationToken {
    /// Its name within the organization.
    #[schemars(length(min = 1, max = 80))]
    name: String,
    /// What may be done with it, such as `clip:delete`, `clip:*` or `*`, as long as whoever makes it may.
    #[schemars(length(min = 1, max = 100))]
    actions: Vec<ActionPattern>,
    /// Until when it serves, in UTC; for ever when absent.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
    /// How often it may call in a second; as often as any when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    calls_per_second: Option<u32>,
}

pub(super) async fn list_tokens(ctx: Context, kernel: Shared<KernelHandle>) -> Result<Json<Vec<ShownToken>>> {
    let organization = called_for(&ctx)?.id;
    Ok(api_tokens::list(&*kernel.kernel()?, |token| token.organization == Some(organization)))
}

pub(super) async fn create_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewOrganizationToken>,
) -> Result<Created<MadeToken>> {
    let organization = called_for(&ctx)?;
    let wanted = Wanted {
        name: format!("{}/{}", organization.slug, new.name.trim()),
        organization: Some(organization.slug.clone()),
        actions: Some(new.actions),
        account: ctx.actor().account,
        expires_at: new.expires_at,
        calls_per_second: new.calls_per_second,
    };
    api_tokens::make(&ctx, &kernel, wanted).await
}

pub(super) async fn revoke_token(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<NoContent> {
    let organization = called_for(&ctx)?.id;
    api_tokens::revoke(&ctx, &kernel, id, |token| token.organization == Some(organization)).await
}
