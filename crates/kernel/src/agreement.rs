//! Whether what a plugin declares and what its code binds agree.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use switchboard_api::Description;
use switchboard_manifest::Manifest;

use crate::{settings, shape::Rules};

/// Every disagreement, each in a sentence that names both sides; empty when they agree.
pub fn disagreements(manifest: &Manifest, description: &Description) -> Vec<String> {
    let provides = &manifest.provides;
    let mut sentences = Vec::new();
    let routes = provides.api_routes.iter().map(|route| route.key().to_string());
    compare(
        &mut sentences,
        "route",
        "provides.api_routes",
        routes,
        description.routes.iter().map(|route| &route.key),
    );
    let filters = provides.filters.iter().map(|filter| filter.name.clone());
    compare(&mut sentences, "filter", "provides.filters", filters, &description.filters);
    let listeners = provides.listeners.iter().map(|listener| listener.event.clone());
    compare(&mut sentences, "listener", "provides.listeners", listeners, &description.listeners);
    let services = provides.services.iter().map(|service| service.name.clone());
    let bound = description.services.iter().map(|service| &service.name);
    compare(&mut sentences, "service", "provides.services", services, bound);
    let tasks = provides.tasks.iter().map(|task| task.name.clone());
    compare(&mut sentences, "task", "provides.tasks", tasks, &description.tasks);
    let commands = provides.commands.iter().map(|command| command.name.clone());
    compare(&mut sentences, "command", "provides.commands", commands, &description.commands);
    sentences.extend(secrets_that_are_none(manifest));
    sentences.extend(description.config_defaults.iter().flat_map(|said| config_defaults(manifest, said)));
    for (kind, list) in [
        ("page", provides.pages.iter().map(|page| &page.path).collect::<Vec<_>>()),
        ("widget", provides.widgets.iter().map(|widget| &widget.name).collect()),
    ] {
        for name in list {
            sentences.push(format!("{kind} `{name}` is declared, and this server has no {kind}s yet"));
        }
    }
    sentences
}

/// The secrets that are asked for, and that the configuration has not.
fn secrets_that_are_none(manifest: &Manifest) -> impl Iterator<Item = String> {
    let absent =
        manifest.secrets().filter(|name| !settings::is_secret(manifest.config_schema.as_ref(), name));
    absent.map(|name| {
        format!(
            "the secret `{name}` is asked for under `capabilities`, and `config_schema` has no such property with `secret: true`"
        )
    })
}

/// What is wrong with the configuration that the code says holds where nothing was set. That something is missing is no
/// fault: somebody has to set it.
fn config_defaults(manifest: &Manifest, said: &Json) -> Vec<String> {
    if !said.is_object() {
        return vec!["the defaults of the configuration in the code are no object".to_owned()];
    }
    let Some(schema) = &manifest.config_schema else {
        return vec![
            "the code has defaults of a configuration, and `config_schema` says nothing of one".to_owned(),
        ];
    };
    match Rules::new(schema) {
        Ok(rules) => rules
            .faults(said, &[])
            .iter()
            .filter(|fault| fault.kind != "missing")
            .map(|fault| {
                format!("the code's default of `{}` breaks `config_schema`: {}", fault.place(), fault.msg)
            })
            .collect(),
        Err(error) => vec![format!("`config_schema` is no JSON Schema: {error}")],
    }
}

fn compare<'a>(
    sentences: &mut Vec<String>,
    kind: &str,
    place: &str,
    declared: impl Iterator<Item = String>,
    bound: impl IntoIterator<Item = &'a String>,
) {
    let declared: BTreeSet<String> = declared.collect();
    let mut seen = BTreeSet::new();
    for name in bound {
        if !seen.insert(name) {
            sentences.push(format!("{kind} `{name}` is bound twice in the code"));
        } else if !declared.contains(name) {
            sentences.push(format!("{kind} `{name}` is bound in the code and not declared under `{place}`"));
        }
    }
    for name in declared.iter().filter(|name| !seen.contains(name)) {
        sentences.push(format!("{kind} `{name}` is declared under `{place}` and not bound in the code"));
    }
}
