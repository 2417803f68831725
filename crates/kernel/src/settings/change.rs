//! How a configuration is changed: planned and checked, told to the plugin, then stored.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use switchboard_api::{Failure, Fault, Hook, Organization, Payload, Standing};
use switchboard_manifest::Manifest;
use switchboard_vault::REDACTED;

use super::{
    Config, Layer, Settings, faults_of, history,
    marks::{self, Reference},
    opening::dotted,
    place::steps,
    sealing::Sealer,
    secrets::{self, Words},
};
use crate::{audit::Entry, by::By, error::Error, kernel::Kernel};

/// What becomes of a layer.
#[derive(Debug, Clone)]
pub enum Edit {
    /// This takes its place. A secret that is not sent stays what it was; `null` removes it.
    Replace(Config),
    /// This is merged into it, as a JSON merge patch (RFC 7396): `null` removes, what is absent stays.
    Merge(Config),
    /// It becomes what it was before the change of this number: that change and all after it are taken back.
    Undo(i64),
}

impl Edit {
    /// What was sent from outside.
    fn sent(&self) -> Option<&Config> {
        match self {
            Self::Replace(config) | Self::Merge(config) => Some(config),
            Self::Undo(_) => None,
        }
    }

    fn undoes(&self) -> Option<i64> {
        if let Self::Undo(number) = self { Some(*number) } else { None }
    }
}

/// A change that was checked and can be made.
pub(super) struct Plan {
    pub(super) manifest: Arc<Manifest>,
    pub(super) layer: Layer,
    pub(super) before: Arc<Config>,
    pub(super) after: Config,
    pub(super) undoes: Option<i64>,
    touched: Vec<Touched>,
}

/// An organization in which something else holds afterwards, and the plugin is on.
struct Touched {
    organization: Arc<Organization>,
    /// None where it could not be read.
    before: Option<Config>,
    after: Config,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        *self.before == self.after
    }

    /// Both layers as they may be shown.
    pub(super) fn shown(&self) -> (Config, Config) {
        let schema = self.manifest.config_schema.as_ref();
        (secrets::redacted(schema, &self.before), secrets::redacted(schema, &self.after))
    }
}

impl Kernel {
    /// Sets a plugin's configuration, for the installation or for one organization: [`Edit::Replace`].
    ///
    /// # Errors
    /// As [`edit_config`](Self::edit_config).
    pub async fn configure(
        &self,
        by: &By,
        plugin: &str,
        organization: Option<&str>,
        config: Config,
    ) -> Result<(), Error> {
        self.edit_config(by, plugin, organization, Edit::Replace(config)).await
    }

    /// Changes a plugin's configuration, for the installation or for one organization.
    ///
    /// The result must be valid for every organization that it touches, and the plugin is asked for each in which it is
    /// on. When it refuses one, those that were told already are told what held before, and nothing is stored.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault by field; [`Error::Refused`] with what the plugin's `on_config_changed` says.
    /// Then nothing changed.
    pub async fn edit_config(
        &self,
        by: &By,
        plugin: &str,
        organization: Option<&str>,
        edit: Edit,
    ) -> Result<(), Error> {
        let _changing = self.changing().await?;
        let manifest = self.known(plugin)?;
        let organization = organization.map(|slug| self.named(slug)).transpose()?;
        let layer = Layer::of(organization.map(|organization| organization.id));
        let action = if edit.undoes().is_some() { "plugin.config_undone" } else { "plugin.configured" };
        let plan = self.plan(by, &manifest, layer, edit).await?;
        let (before, after) = plan.shown();
        let subject = format!("plugin:{plugin}");
        let entry = Entry::new(action, subject).within(layer.organization()).before(before).after(after);
        self.carry_out(by, vec![plan], entry).await
    }

    /// What a change would do; its faults when it cannot be made.
    pub(super) async fn plan(
        &self,
        by: &By,
        manifest: &Arc<Manifest>,
        layer: Layer,
        edit: Edit,
    ) -> Result<Plan, Error> {
        let settings = self.settings();
        let before = settings.layer(&manifest.id, layer);
        if let Some(sent) = edit.sent() {
            self.check_sent(by, manifest, layer, sent).map_err(Error::Invalid)?;
        }
        let undoes = edit.undoes();
        let schema = manifest.config_schema.as_ref();
        let mut after = match edit {
            Edit::Replace(mut config) => {
                secrets::keep(schema, &before, &mut config);
                config
            }
            Edit::Merge(patch) => {
                let mut config = (*before).clone();
                merge(&mut config, patch);
                config
            }
            Edit::Undo(number) => history::before(&self.room, &manifest.id, layer, number).await?,
        };
        let sealer = Sealer { vault: &self.configuring.vault, plugin: &manifest.id, layer };
        sealer.seal(schema, &before, &mut after)?;
        let next = settings.with(&manifest.id, layer, after.clone());
        let touched = self.touched(manifest, layer, &settings, &next)?;
        Ok(Plan { manifest: Arc::clone(manifest), layer, before, after, undoes, touched })
    }

    /// Those for whom something else holds afterwards. Faults when that is not valid for one of them, or for the layer
    /// itself.
    fn touched(
        &self,
        manifest: &Manifest,
        layer: Layer,
        settings: &Settings,
        next: &Settings,
    ) -> Result<Vec<Touched>, Error> {
        let own = layer.organization();
        let before = self.merged(settings, manifest, own).ok();
        let (after, refers) = self.merged_unchecked(next, manifest, own).map_err(Error::Invalid)?;
        let mut faults = faults_of(&self.checker, manifest, &after);
        if refers {
            // What stands in the server's environment is not shown, and is no matter of an organization's.
            let set = next.layer(&manifest.id, layer);
            let is_as_sent = |fault: &Fault| {
                let name = fault.loc.get(1).and_then(Json::as_str);
                name.and_then(|name| set.get(name)).is_some_and(|value| !marks::has_reference(value))
            };
            faults.iter_mut().filter(|fault| !is_as_sent(fault)).for_each(|fault| fault.input = Json::Null);
        }
        let snapshot = self.snapshot();
        let serving = snapshot.plugin(manifest.id.as_str());
        let mut touched = Vec::new();
        let all = self.directory();
        for organization in all.organizations().iter().filter(|it| own.is_none_or(|own| own == it.id)) {
            let id = organization.id;
            let (before, after) = match layer {
                // One with a layer of its own has other values than the installation.
                Layer::Installation if next.set(&manifest.id, Layer::Organization(id)).is_some() => {
                    let after = match self.merged(next, manifest, Some(id)) {
                        Ok(after) => after,
                        Err(failure) => {
                            let slug = &organization.slug;
                            tracing::warn!(plugin = %manifest.id, organization = slug, "is not asked: {failure}");
                            continue;
                        }
                    };
                    faults.extend(faults_of(&self.checker, manifest, &after).into_iter().map(|fault| {
                        let msg = format!("for organization `{}`: {}", organization.slug, fault.msg);
                        Fault { msg, ..fault }
                    }));
                    (self.merged(settings, manifest, Some(id)).ok(), after)
                }
                _ => (before.clone(), after.clone()),
            };
            let is_on = serving.is_some_and(|plugin| snapshot.is_enabled(plugin, id));
            // Who sets one organization's anew asks for it to be told, be it the same.
            if is_on && (own.is_some() || before.as_ref() != Some(&after)) {
                touched.push(Touched { organization: Arc::clone(organization), before, after });
            }
        }
        if faults.is_empty() { Ok(touched) } else { Err(Error::Invalid(Failure::faults(faults))) }
    }

    /// Tells the plugins, stores everything in one transaction, and lets it serve.
    pub(super) async fn carry_out(&self, by: &By, plans: Vec<Plan>, entry: Entry) -> Result<(), Error> {
        let told = self.tell(&plans).await?;
        if plans.iter().all(Plan::is_empty) {
            return Ok(());
        }
        if let Err(error) = self.store_plans(by, &plans, entry).await {
            self.take_back(&told).await;
            return Err(error);
        }
        let mut settings = self.settings();
        for plan in plans {
            settings = Arc::new(settings.with(&plan.manifest.id, plan.layer, plan.after));
        }
        self.settings.store(settings);
        Ok(())
    }

    async fn store_plans(&self, by: &By, plans: &[Plan], entry: Entry) -> Result<(), Error> {
        let now = self.now();
        let mut change = self.change(by).await?;
        for plan in plans.iter().filter(|plan| !plan.is_empty()) {
            super::write(&mut change, &plan.manifest.id, plan.layer, &plan.after, now).await?;
            history::write(&mut change, plan, by, now, self.configuring.history).await?;
        }
        change.commit(entry).await
    }

    async fn tell<'a>(&self, plans: &'a [Plan]) -> Result<Vec<(&'a Plan, &'a Touched)>, Error> {
        let mut told = Vec::new();
        for plan in plans {
            for touched in &plan.touched {
                if let Err(error) = self.tell_one(plan, touched, &touched.after).await {
                    self.take_back(&told).await;
                    let words = Words::of(plan.manifest.config_schema.as_ref(), &touched.after);
                    return Err(match error {
                        Error::Refused(sentence) => Error::Refused(words.redact(&sentence)),
                        Error::Invalid(failure) => Error::Invalid(words.redact_failure(failure)),
                        other => other,
                    });
                }
                told.push((plan, touched));
            }
        }
        Ok(told)
    }

    async fn tell_one(&self, plan: &Plan, touched: &Touched, config: &Config) -> Result<(), Error> {
        let snapshot = self.snapshot();
        let Some(plugin) = snapshot.plugin(plan.manifest.id.as_str()) else { return Ok(()) };
        let config = Payload::of(config).map_err(Error::Invalid)?;
        self.hook(plugin, Some(&touched.organization), Hook::ConfigChanged { config }).await
    }

    /// Tells those that were told of a change which is not made what held before, the last one first.
    async fn take_back(&self, told: &[(&Plan, &Touched)]) {
        for (plan, touched) in told.iter().rev() {
            let Some(before) = &touched.before else { continue };
            if let Err(error) = self.tell_one(plan, touched, before).await {
                let words = Words::of(plan.manifest.config_schema.as_ref(), before);
                let (id, slug) = (&plan.manifest.id, &touched.organization.slug);
                let said = words.redact(&error.to_string());
                tracing::error!(plugin = %id, organization = slug, "undoing a step failed: {said}");
            }
        }
    }

    /// Faults of what was sent that no schema speaks of.
    fn check_sent(&self, by: &By, manifest: &Manifest, layer: Layer, sent: &Config) -> Result<(), Failure> {
        let mut faults = Vec::new();
        let fault = |kind: &str, pointer: &str, msg: String, input: Json| {
            Fault::new(kind, std::iter::once("config".to_owned()).chain(steps(pointer)), msg, input)
        };
        marks::for_each(&mut sent.clone(), &mut |pointer, value| {
            let Some(reference) = Reference::of(value) else {
                let msg =
                    "`$sealed` stands for what the server has sealed itself, and cannot be sent".to_owned();
                faults.push(fault("reference", pointer, msg, Json::Null));
                return Ok(());
            };
            if layer != Layer::Installation || by.actor.standing != Standing::Free {
                return Err(Failure::forbidden(format!(
                    "`{}` is {reference}: only an administrator of the whole server may refer to its environment and \
                     files, and only in the configuration of the installation",
                    dotted(pointer)
                )));
            }
            if let Err(why) = self.configuring.references.resolve(&reference) {
                faults.push(fault("reference", pointer, why, value.clone()));
            }
            Ok(())
        })?;
        secrets::for_each(manifest.config_schema.as_ref(), &mut sent.clone(), &mut |pointer, value| {
            if *value == REDACTED {
                let msg = format!(
                    "`{REDACTED}` is what is shown in place of a secret: leave it out to keep the secret"
                );
                faults.push(fault("redacted", pointer, msg, json!(REDACTED)));
            }
            Ok::<_, Failure>(())
        })?;
        if faults.is_empty() { Ok(()) } else { Err(Failure::faults(faults)) }
    }
}

/// Merges a patch into a configuration (RFC 7396). What stands in place of a value is replaced whole.
fn merge(config: &mut Config, patch: Config) {
    for (name, value) in patch {
        match value {
            Json::Null => drop(config.remove(&name)),
            Json::Object(patch) if !marks::is_mark(&Json::Object(patch.clone())) => {
                let mut within = match config.remove(&name) {
                    Some(value @ Json::Object(_)) if marks::is_mark(&value) => Config::new(),
                    Some(Json::Object(within)) => within,
                    _ => Config::new(),
                };
                merge(&mut within, patch);
                config.insert(name, within.into());
            }
            value => drop(config.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::merge;

    fn merged(config: Json, patch: Json) -> Json {
        let object = |value: Json| value.as_object().cloned().unwrap();
        let mut config = object(config);
        merge(&mut config, object(patch));
        config.into()
    }

    #[test]
    fn a_patch_sets_removes_and_goes_deep() {
        let before = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1, 2]});
        let patch = json!({"a": null, "b": {"c": null, "f": {"g": null, "h": 1}}, "e": [3], "i": null});
        assert_eq!(merged(before, patch), json!({"b": {"d": 2, "f": {"h": 1}}, "e": [3]}));
    }

    #[test]
    fn what_stands_in_place_of_a_value_is_replaced_whole() {
        let sealed = json!({"$sealed": "swb1:k:AAAA"});
        let before = json!({"a": sealed, "b": {"$env": "A"}, "c": {"d": 1}});
        let patch = json!({"a": {"user": "u"}, "b": {"$file": "b"}, "c": {"$env": "B"}});
        let after = json!({"a": {"user": "u"}, "b": {"$file": "b"}, "c": {"$env": "B"}});
        assert_eq!(merged(before, patch), after);
    }
}
