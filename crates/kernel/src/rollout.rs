//! How far a plugin is rolled out: to a share of all organizations, or to those of a list, and to new ones as they come.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use switchboard_api::{Failure, Fault, Organization, OrganizationId, Timestamp};
use switchboard_manifest::PluginId;

use crate::{
    audit::Entry,
    bulk::{BulkLine, BulkOutcome, BulkTerms},
    by::By,
    error::Error,
    kernel::Kernel,
};

/// Which organizations a rollout takes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// So many of a hundred, 0 to 100: always the same ones, and all of a smaller share are in a larger one. Which those are
    /// differs from plugin to plugin, so that it is not always the same organizations that go first.
    Percent(u8),
    /// Those of these names in addresses.
    Organizations(Vec<String>),
}

/// How far a plugin is rolled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// To whom.
    pub reach: Reach,
    /// Who said so.
    pub set_by: String,
    /// Since when.
    pub set_at: Timestamp,
}

#[derive(Deserialize)]
struct RolloutRow {
    plugin_id: PluginId,
    percent: Option<i64>,
    organizations: Option<String>,
    set_by: String,
    set_at: Timestamp,
}

impl Reach {
    /// Whether an organization of that name is taken in.
    pub fn takes_in(&self, plugin: &PluginId, slug: &str) -> bool {
        match self {
            Self::Percent(percent) => place(plugin, slug) < *percent,
            Self::Organizations(slugs) => slugs.iter().any(|it| it == slug),
        }
    }
}

/// Where an organization stands among a hundred for a plugin: 0 to 99, evenly, and the same for ever.
fn place(plugin: &PluginId, slug: &str) -> u8 {
    let hash = Sha256::new().chain_update(plugin.as_str()).chain_update([0]).chain_update(slug).finalize();
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    u8::try_from(number % 100).unwrap_or_default()
}

impl TryFrom<RolloutRow> for Rollout {
    type Error = Error;

    fn try_from(row: RolloutRow) -> Result<Self, Error> {
        let wrong = || {
            Error::Data(format!("the rollout of plugin `{}` says neither how far nor where", row.plugin_id))
        };
        let reach = match (row.percent, &row.organizations) {
            (Some(percent), _) => Reach::Percent(u8::try_from(percent).map_err(|_| wrong())?),
            (None, Some(slugs)) => Reach::Organizations(serde_json::from_str(slugs).map_err(|_| wrong())?),
            (None, None) => return Err(wrong()),
        };
        Ok(Self { reach, set_by: row.set_by, set_at: row.set_at })
    }
}

impl Kernel {
    /// How far each plugin is rolled out, of those that are.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Data`].
    pub async fn rollouts(&self) -> Result<HashMap<PluginId, Rollout>, Error> {
        let sql = "select plugin_id, percent, organizations, set_by, set_at from rollout";
        let rows = self.room.query(sql, vec![]).await?.to::<RolloutRow>()?;
        rows.into_iter().map(|row| Ok((row.plugin_id.clone(), Rollout::try_from(row)?))).collect()
    }

    /// How far a plugin is rolled out, if it is.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`]; [`Error::Store`].
    pub async fn rollout(&self, plugin: &str) -> Result<Option<Rollout>, Error> {
        let manifest = self.known(plugin)?;
        Ok(self.rollouts().await?.remove(&manifest.id))
    }

    /// Of the organizations that a reach takes in, how many there are, and in how many of them the plugin is on.
    pub fn reached(&self, plugin: &PluginId, reach: &Reach) -> (usize, usize) {
        let (snapshot, within) = (self.snapshot(), self.within(plugin, reach));
        let Some(plugin) = snapshot.plugin(plugin.as_str()) else { return (within.len(), 0) };
        (within.len(), within.iter().filter(|it| snapshot.is_enabled(plugin, it.id)).count())
    }

    /// Says how far a plugin is rolled out, and switches it on in those organizations: those that there are, one after the
    /// other, and new ones as they come. Where it is on already it stays so, also beyond the reach: to take it back,
    /// [end](Self::end_rollout) the rollout. Done again, it goes on where it stopped.
    ///
    /// An organization of a share that has had the plugin and switched it off is left so; one that is named is not.
    ///
    /// # Errors
    /// [`Error::Refused`] when the plugin does not serve or is global; [`Error::Invalid`] for more than 100 percent, and for
    /// organizations that there are not.
    pub async fn set_rollout(
        &self,
        by: &By,
        plugin: &str,
        reach: Reach,
        terms: BulkTerms,
    ) -> Result<Vec<BulkLine>, Error> {
        let loaded = self.serving(plugin)?;
        if loaded.manifest().global_plugin {
            return Err(Error::Refused(format!("plugin `{plugin}` is global: it is on everywhere")));
        }
        self.check_reach(&reach)?;
        if !terms.dry_run {
            self.store_rollout(by, loaded.id(), &reach).await?;
        }
        let declined = match reach {
            Reach::Percent(_) => self.switched_off_in(plugin).await?,
            Reach::Organizations(_) => HashSet::new(),
        };
        let mut lines = Vec::new();
        for organization in self.within(loaded.id(), &reach) {
            if declined.contains(&organization.id) {
                let (plugin, organization) = (loaded.id().clone(), organization.slug.clone());
                lines.push(BulkLine { plugin, organization, outcome: BulkOutcome::Declined });
                continue;
            }
            lines.extend(self.switch_in(by, &organization, &[(loaded.id().clone(), true)], terms).await?);
        }
        Ok(lines)
    }

    /// Ends a rollout: new organizations do not begin with the plugin any more. With `disable` it is taken back: the plugin is
    /// switched off in the organizations that the rollout takes in, which counts as if they had never had it.
    ///
    /// # Errors
    /// [`Error::NoSuch`] when it is not rolled out; [`Error::NoSuchPlugin`]; [`Error::Store`].
    pub async fn end_rollout(
        &self,
        by: &By,
        plugin: &str,
        disable: bool,
        terms: BulkTerms,
    ) -> Result<Vec<BulkLine>, Error> {
        let manifest = self.known(plugin)?;
        let rollout = self.rollout(plugin).await?;
        let rollout = rollout.ok_or_else(|| Error::NoSuch(format!("plugin `{plugin}` is not rolled out")))?;
        let mut lines = Vec::new();
        if disable {
            for organization in self.within(&manifest.id, &rollout.reach) {
                let here = self.switch_in(by, &organization, &[(manifest.id.clone(), false)], terms).await?;
                let is_switched =
                    here.iter().any(|line| matches!(line.outcome, BulkOutcome::Switched { .. }));
                lines.extend(here);
                if is_switched && !terms.dry_run {
                    let sql = "delete from enablement where plugin_id = $1 and organization_id = $2 and enabled = 0";
                    self.room.execute(sql, vec![plugin.into(), organization.id.into()]).await?;
                }
            }
        }
        if !terms.dry_run {
            let _changing = self.changing().await?;
            let mut change = self.change(by).await?;
            change.execute("delete from rollout where plugin_id = $1", vec![plugin.into()]).await?;
            let entry = Entry::new("plugin.rollout_ended", format!("plugin:{plugin}"));
            change.commit(entry.before(&rollout.reach)).await?;
        }
        Ok(lines)
    }

    async fn store_rollout(&self, by: &By, plugin: &PluginId, reach: &Reach) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let before = self.rollouts().await?.remove(plugin);
        let (percent, organizations) = match reach {
            Reach::Percent(percent) => (Some(i64::from(*percent)), None),
            Reach::Organizations(slugs) => (None, Some(serde_json::json!(slugs).to_string())),
        };
        let sql = "insert into rollout (plugin_id, percent, organizations, set_by, set_at) \
                   values ($1, $2, $3, $4, $5) on conflict (plugin_id) do update set percent = excluded.percent, \
                   organizations = excluded.organizations, set_by = excluded.set_by, set_at = excluded.set_at";
        let params = vec![
            plugin.as_str().into(),
            percent.into(),
            organizations.into(),
            by.actor.name.to_string().into(),
            self.now().to_string().into(),
        ];
        let mut change = self.change(by).await?;
        change.execute(sql, params).await?;
        let entry = Entry::new("plugin.rolled_out", format!("plugin:{plugin}"));
        change.commit(entry.before(before.map(|rollout| rollout.reach)).after(reach)).await
    }

    fn check_reach(&self, reach: &Reach) -> Result<(), Error> {
        let directory = self.directory();
        let faults: Vec<Fault> = match reach {
            Reach::Percent(percent) if *percent > 100 => {
                let message = "a share is 0 to 100 percent of all organizations".to_owned();
                vec![Fault::new("less_than_equal", ["body", "percent"], message, (*percent).into())]
            }
            Reach::Percent(_) => Vec::new(),
            Reach::Organizations(slugs) => {
                let unknown = slugs.iter().filter(|slug| directory.organization_named(slug).is_none());
                let fault = |slug: &String| {
                    let message = format!("there is no organization `{slug}`");
                    Fault::new(
                        "no_such_organization",
                        ["body", "organizations"],
                        message,
                        slug.as_str().into(),
                    )
                };
                unknown.map(fault).collect()
            }
        };
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(Failure::faults(faults))) }
    }

    fn within(&self, plugin: &PluginId, reach: &Reach) -> Vec<Arc<Organization>> {
        let directory = self.directory();
        directory.organizations().iter().filter(|it| reach.takes_in(plugin, &it.slug)).cloned().collect()
    }

    /// The organizations that have had a plugin and switched it off.
    async fn switched_off_in(&self, plugin: &str) -> Result<HashSet<OrganizationId>, Error> {
        let sql = "select organization_id from enablement where plugin_id = $1 and enabled = 0";
        let rows = self.room.query(sql, vec![plugin.into()]).await?;
        Ok(rows.to::<OrganizationId>()?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use switchboard_manifest::PluginId;

    use super::Reach;

    fn taken_in(plugin: &str, percent: u8) -> Vec<String> {
        let plugin: PluginId = plugin.parse().unwrap();
        let reach = Reach::Percent(percent);
        (0..1000)
            .map(|number| format!("team-{number}"))
            .filter(|slug| reach.takes_in(&plugin, slug))
            .collect()
    }

    #[test]
    fn a_share_takes_in_about_so_many_and_whoever_was_in_a_smaller_one() {
        let (quarter, half) = (taken_in("clips", 25), taken_in("clips", 50));
        assert!((200..300).contains(&quarter.len()), "{}", quarter.len());
        assert!((440..560).contains(&half.len()), "{}", half.len());
        assert!(quarter.iter().all(|slug| half.contains(slug)));
        assert_eq!((taken_in("clips", 0).len(), taken_in("clips", 100).len()), (0, 1000));
    }

    #[test]
    fn every_plugin_has_others_go_first() {
        let (clips, other) = (taken_in("clips", 10), taken_in("highlight_detector", 10));
        let both = clips.iter().filter(|slug| other.contains(slug)).count();
        assert!(both < clips.len() / 3, "{both} of {}", clips.len());
    }
}
