//! What is asked of all organizations, or of one of them.

use switchboard_api::OrganizationId;
use switchboard_sdk::prelude::*;

use super::KernelHandle;

/// Whose things are meant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Whose {
    /// Only those of this organization, by its name in addresses. What is done is done for none without it.
    pub(super) organization: Option<String>,
}

/// Which things are meant, and whose.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Of<T> {
    #[serde(flatten)]
    pub(super) which: T,
    #[serde(flatten)]
    pub(super) whose: Whose,
}

impl Whose {
    /// The organization, if one is named.
    pub(super) fn id(&self, kernel: &KernelHandle) -> Result<Option<OrganizationId>> {
        let kernel = kernel.kernel()?;
        let named = self.organization.as_deref().map(|slug| kernel.named(slug)).transpose()?;
        Ok(named.map(|organization| organization.id))
    }
}
