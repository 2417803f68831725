//! What is asked of the host, and for whom.

use std::collections::BTreeSet;

use crate::{
    inspection::{Inspection, Part},
    path::Path,
    quote::quoted,
};

use super::dependencies;

/// The fields that only one capability has.
const FIELDS: [(&str, &str); 3] = [("hosts", "http"), ("read_from", "blobs"), ("secrets", "secrets")];

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    for request in top.items("capabilities") {
        if let Some(name) = request.text("name") {
            for (field, capability) in FIELDS {
                if let Some(stray) = request.field(field)
                    && name.text != capability
                {
                    let message = format!(
                        "`{field}` belongs to the capability `{capability}`, and this is {}",
                        quoted(name.text)
                    );
                    manifest.key_fault(&stray.path, message, format!("`{field}` with `name: {capability}`"));
                }
            }
        }
        names_something(manifest, &request);
        hosts(manifest, &request);
        read_from(manifest, &request);
    }
    let asked: Vec<&str> =
        top.items("capabilities").iter().filter_map(|it| Some(it.text("name")?.text)).collect();
    if !top.items("provides.events").is_empty() && !asked.contains(&"events") {
        let message = "events are declared, and the capability to emit them is not asked for";
        let instead = "`- name: events` with a `reason` under `capabilities`";
        manifest.key_fault(&Path::of("provides.events"), message, instead.to_owned());
    }
}

/// A capability that reaches only what it names, and names nothing, is of no use.
fn names_something(manifest: &mut Inspection<'_>, request: &Part<'_>) {
    let Some(name) = request.text("name") else { return };
    let (field, message, instead) = match name.text {
        "http" => {
            ("hosts", "`http` is asked for, and no host to call", "`hosts`, such as `[api.example.com]`")
        }
        "secrets" => {
            ("secrets", "`secrets` is asked for, and none is named", "`secrets`, such as `[api_key]`")
        }
        _ => return,
    };
    let given = request.field(field);
    // What is no list has been told already.
    let empty = given.as_ref().is_none_or(|list| list.value.as_array().is_some_and(Vec::is_empty));
    if empty {
        let place = manifest.tree.place_of(&given.map_or(name.path, |list| list.path));
        manifest.fault_from(place, &request.path.field(field), message, instead.to_owned());
    }
}

fn hosts(manifest: &mut Inspection<'_>, request: &Part<'_>) {
    for host in request.texts("hosts") {
        if !is_host(host.text) {
            let without_scheme = host.text.split_once("://").map_or(host.text, |(_, rest)| rest);
            let guess = without_scheme.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
            let instead = if is_host(&guess) { guess } else { "api.example.com".to_owned() };
            let message = format!("{} is not the name of a host", quoted(host.text));
            manifest.fault(&host.path, message, format!("`{instead}`"));
        }
    }
}

fn read_from(manifest: &mut Inspection<'_>, request: &Part<'_>) {
    let top = manifest.top();
    let required: BTreeSet<&str> =
        top.items("requires").iter().filter_map(|entry| Some(dependencies::id_of(entry)?.text)).collect();
    for other in request.texts("read_from") {
        if !manifest.is_faulty(&other.path) && !required.contains(other.text) {
            let name = quoted(other.text);
            let message = format!("blobs of {name} are to be read, and it is not among `requires`");
            manifest.fault(&other.path, message, format!("{name} under `requires` as well"));
        }
    }
}

/// `*`, `api.example.com`, `*.example.com`, `127.0.0.1`, `localhost`; each with a port if need be.
fn is_host(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        let letters =
            label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        letters && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let (wild, name) = name.strip_prefix("*.").map_or((false, name), |rest| (true, rest));
    name.split('.').all(label)
        && (!wild || name.contains('.'))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        for good in ["*", "api.example.com", "*.example.com", "localhost", "127.0.0.1:8080"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "*.com",
            "a.*.com",
            "https://example.com",
            "example.com/",
            "Example.com",
            "a..b",
            "a:0",
            "-a",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
