//! Routes, pages and the menu that leads to them.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use crate::{
    contribution::address,
    inspection::{Inspection, Part, Text},
    model::Scope,
    nearest::nearest,
    quote::{listed, quoted},
    template,
};

pub(super) fn check(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    for route in top.items("provides.api_routes") {
        root_needs_reason(manifest, &route);
        template_is_sound(manifest, &route);
        access_fits(manifest, &route);
    }
    for page in top.items("provides.pages") {
        template_is_sound(manifest, &page);
    }
    addresses_differ(manifest, "provides.api_routes");
    addresses_differ(manifest, "provides.pages");
    menu_leads_to_pages(manifest);
}

fn root_needs_reason(manifest: &mut Inspection<'_>, route: &Part<'_>) {
    let reason = route.field("reason").filter(|reason| !reason.value.is_null());
    let given = reason.is_some_and(|reason| reason.value.as_str().is_none_or(|text| !text.trim().is_empty()));
    if let Some(scope) = route.text("scope")
        && scope.text == "root"
        && !given
    {
        let place = manifest.tree.place_of(&scope.path);
        let message =
            "a route with `scope: root` needs a `reason` to stand outside of the plugin's own address";
        let instead = "a field `reason`, such as `existing clients call it there`; or another `scope`";
        manifest.fault_from(place, &route.path.field("reason"), message, instead.to_owned());
    }
}

fn template_is_sound(manifest: &mut Inspection<'_>, part: &Part<'_>) {
    let Some(path) = part.text("path") else { return };
    if let Some(why) = template::fault(path.text) {
        let repaired = template::repaired(path.text);
        let sound = template::fault(&repaired).is_none();
        let instead =
            if sound { quoted(&repaired) } else { format!("an address such as `{}`", template::EXAMPLE) };
        manifest.better_fault(&path.path, format!("{} is not an address: {why}", quoted(path.text)), instead);
    }
}

/// Who has not said who they are may do nothing, and belongs to no organization.
fn access_fits(manifest: &mut Inspection<'_>, route: &Part<'_>) {
    let Some(access) = route.text("access").filter(|access| access.text == "anyone") else { return };
    if route.text("permission").is_some() {
        let message = "a route that anyone may call cannot ask for a `permission`: nobody knows who they are";
        manifest.fault(&access.path, message.to_owned(), "no `access`; or no `permission`".to_owned());
    }
    if scope_of(route) == Some(Scope::Organization) {
        let message = "a route within an organization is for its members, not for anyone";
        manifest.fault(&access.path, message.to_owned(), "no `access`; or `scope: global`".to_owned());
    }
}

/// `None` where it is not understood.
fn scope_of(part: &Part<'_>) -> Option<Scope> {
    part.field("scope").map_or(Some(Scope::default()), |scope| Scope::deserialize(scope.value).ok())
}

/// Two that differ in nothing but the names of parameters would answer the same requests.
fn addresses_differ(manifest: &mut Inspection<'_>, list: &str) {
    let top = manifest.top();
    let id = top.text("id").map_or("{id}", |id| id.text);
    let mut first: HashMap<(Option<&str>, String), Text<'_>> = HashMap::new();
    for part in top.items(list) {
        let (Some(path), Some(scope)) = (part.text("path"), scope_of(&part)) else { continue };
        let method = part.text("method").map(|method| method.text);
        if manifest.is_faulty(&path.path) || manifest.is_faulty(&part.path.field("method")) {
            continue;
        }
        let key = (method, template::shape(&address(scope, id, path.text)));
        let Some(other) = first.get(&key) else {
            first.insert(key, path);
            continue;
        };
        let what = method.map(|method| format!("{method} ")).unwrap_or_default();
        let line = manifest.line_of(&other.path);
        let message = if other.text == path.text {
            format!("{} is declared twice, first on line {line}", quoted(&format!("{what}{}", path.text)))
        } else {
            let (this, other) = (format!("{what}{}", path.text), format!("{what}{}", other.text));
            format!("{} answers the same requests as {} on line {line}", quoted(&this), quoted(&other))
        };
        manifest.fault(&path.path, message, "another address, or one entry for both".to_owned());
    }
}

fn menu_leads_to_pages(manifest: &mut Inspection<'_>) {
    let top = manifest.top();
    let pages: BTreeSet<&str> =
        top.items("provides.pages").iter().filter_map(|page| Some(page.text("path")?.text)).collect();
    for item in top.items("provides.menu_items") {
        let Some(page) = item.text("page").filter(|page| !pages.contains(page.text)) else { continue };
        let message = format!("{} is not among the pages of this plugin", quoted(page.text));
        let sound = |page: &&&str| template::fault(page).is_none();
        let pages: BTreeSet<&str> = pages.iter().filter(sound).copied().collect();
        let instead = match nearest(page.text, pages.iter().copied()) {
            Some(meant) => quoted(meant),
            None if pages.is_empty() => "the page under `provides.pages` as well".to_owned(),
            None => format!(
                "{}, or the page under `provides.pages` as well",
                listed(&pages.iter().take(12).collect::<Vec<_>>(), "or")
            ),
        };
        manifest.fault(&page.path, message, instead);
    }
}
