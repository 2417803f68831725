//! Sets of organizations, as each plugin has one.

use std::{collections::HashMap, sync::Arc};

use switchboard_api::OrganizationId;
use switchboard_manifest::PluginId;

use crate::error::Error;

/// Organizations, such as those in which a plugin is switched on: sorted numbers, of eight bytes each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationSet(Arc<[OrganizationId]>);

impl OrganizationSet {
    /// Whether that one is among them.
    pub fn contains(&self, organization: OrganizationId) -> bool {
        self.0.binary_search(&organization).is_ok()
    }

    /// Every organization, by number.
    pub fn iter(&self) -> impl Iterator<Item = OrganizationId> + '_ {
        self.0.iter().copied()
    }

    /// The same, with or without that one.
    pub(crate) fn switched(&self, organization: OrganizationId, on: bool) -> Self {
        match (self.0.binary_search(&organization), on) {
            (Err(position), true) => {
                let (before, after) = self.0.split_at(position);
                Self([before, &[organization], after].concat().into())
            }
            (Ok(_), false) => Self(self.iter().filter(|other| *other != organization).collect()),
            _ => self.clone(),
        }
    }
}

impl FromIterator<OrganizationId> for OrganizationSet {
    fn from_iter<I: IntoIterator<Item = OrganizationId>>(organizations: I) -> Self {
        let mut organizations: Vec<_> = organizations.into_iter().collect();
        organizations.sort_unstable();
        organizations.dedup();
        Self(organizations.into())
    }
}

/// The organizations of each plugin, from rows of both that are sorted by plugin.
pub(crate) fn by_plugin(
    rows: &[(String, OrganizationId)],
) -> Result<HashMap<PluginId, OrganizationSet>, Error> {
    let mut all = HashMap::new();
    for rows in rows.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((id, _)) = rows.first() else { continue };
        let id: PluginId =
            id.parse().map_err(|error| Error::Data(format!("the id of a plugin is none: {error}")))?;
        all.insert(id, rows.iter().map(|(_, organization)| *organization).collect());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use switchboard_api::OrganizationId;

    use super::OrganizationSet;

    proptest! {
        #[test]
        fn switching_is_what_a_set_would_do(steps in prop::collection::vec((0..20_i64, any::<bool>()), 0..60)) {
            let (mut enabled, mut model) = (OrganizationSet::default(), std::collections::BTreeSet::new());
            for (id, on) in steps {
                let id = OrganizationId(id);
                enabled = enabled.switched(id, on);
                if on { model.insert(id); } else { model.remove(&id); }
                prop_assert!(enabled.iter().eq(model.iter().copied()));
            }
            prop_assert!((0..20).all(|id| enabled.contains(OrganizationId(id)) == model.contains(&OrganizationId(id))));
        }
    }
}
