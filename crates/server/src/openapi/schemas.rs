//! Schemas out of many documents as the components of one.
//!
//! Each schema of a description is a document of its own, whose `$ref`s lead to its `$defs`. Here every definition gets a
//! name under `components/schemas` that begins with its plugin's id, so that what one plugin calls a thing changes
//! nothing for the clients of another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

/// Where a component stands.
const PLACE: &str = "#/components/schemas/";

/// The schemas that were gathered.
#[derive(Default)]
pub(super) struct Schemas {
    components: Map<String, Json>,
    /// Component by plugin, definition, and all that the definition leads to.
    known: HashMap<(String, String, String), String>,
}

/// The definitions of one schema, by name, and the schema itself without them.
struct Document {
    root: Json,
    definitions: BTreeMap<String, Json>,
    /// The component of the root, where something leads back to it.
    root_component: Option<String>,
}

impl Schemas {
    /// The schema as it stands where it is used: a reference where it has a name, and else itself, its references led to
    /// components.
    pub(super) fn used(&mut self, plugin: &str, schema: &Json) -> Json {
        let mut document = Document::new(schema);
        let title = document.root.get("title").and_then(Json::as_str).map(str::to_owned);
        let is_object = document.root.get("type").and_then(Json::as_str) == Some("object");
        if document.leads_to_root() || (is_object && title.is_some()) {
            let name = title.unwrap_or_else(|| "Value".to_owned());
            let closure = document.closure(&document.root);
            let (component, is_new) = self.named(plugin, &name, closure);
            document.root_component = Some(component.clone());
            if is_new {
                let names = self.define_all(plugin, &document);
                let schema = document.rewritten(&document.root, &names);
                self.components.insert(component.clone(), schema);
            }
            return reference(&component);
        }
        let names = self.define_all(plugin, &document);
        let mut schema = document.rewritten(&document.root, &names);
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("title");
        }
        schema
    }

    /// A schema of the server's own.
    pub(super) fn insert(&mut self, name: &str, schema: Json) {
        self.components.insert(name.to_owned(), schema);
    }

    /// The schemas by name.
    pub(super) fn into_components(self) -> Map<String, Json> {
        let sorted: BTreeMap<String, Json> = self.components.into_iter().collect();
        sorted.into_iter().collect()
    }

    /// The component of each definition that the root leads to.
    fn define_all(&mut self, plugin: &str, document: &Document) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        let mut fresh = Vec::new();
        for (name, definition) in document.reached(&document.root) {
            let (component, is_new) = self.named(plugin, name, document.closure(definition));
            if is_new {
                fresh.push((component.clone(), definition));
            }
            names.insert(name.to_owned(), component);
        }
        for (component, definition) in fresh {
            let schema = document.rewritten(definition, &names);
            self.components.insert(component, schema);
        }
        names
    }

    /// The component for a definition, and whether it is yet to be filled.
    fn named(&mut self, plugin: &str, name: &str, closure: String) -> (String, bool) {
        let key = (plugin.to_owned(), name.to_owned(), closure);
        if let Some(component) = self.known.get(&key) {
            return (component.clone(), false);
        }
        let plain = format!("{plugin}.{}", fit_for_a_name(name));
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let mut free =
            std::iter::once(plain.clone()).chain(numbered).filter(|it| !self.components.contains_key(it));
        let component = free.next().unwrap_or(plain);
        // Taken from now on; what it leads to may lead back to it.
        self.components.insert(component.clone(), Json::Bool(true));
        self.known.insert(key, component.clone());
        (component, true)
    }
}

impl Document {
    fn new(schema: &Json) -> Self {
        let mut root = schema.clone();
        let mut definitions = BTreeMap::new();
        if let Some(object) = root.as_object_mut()
            && let Some(Json::Object(own)) = object.remove("$defs")
        {
            definitions.extend(own);
        }
        Self { root, definitions, root_component: None }
    }

    /// Every definition that the schema leads to, directly or by way of others.
    fn reached<'a>(&'a self, schema: &Json) -> BTreeMap<&'a str, &'a Json> {
        let mut reached = BTreeMap::new();
        let mut ahead = references(schema);
        while let Some(text) = ahead.pop_first() {
            if let Some(Target::Definition(name, _)) = Target::of(&text)
                && let Some((name, definition)) = self.definitions.get_key_value(&name)
                && reached.insert(name.as_str(), definition).is_none()
            {
                ahead.extend(references(definition));
            }
        }
        reached
    }

    /// The schema with all that it leads to, as a text to compare.
    fn closure(&self, schema: &Json) -> String {
        let all: Vec<_> = self.reached(schema).into_iter().collect();
        serde_json::json!([schema, all]).to_string()
    }

    fn leads_to_root(&self) -> bool {
        let within = self.reached(&self.root);
        let all = std::iter::once(&self.root).chain(within.into_values());
        all.flat_map(references).any(|text| matches!(Target::of(&text), Some(Target::Root(_))))
    }

    /// The schema with every reference led to its component; one that leads nowhere is left out, so that anything fits.
    fn rewritten(&self, schema: &Json, names: &BTreeMap<String, String>) -> Json {
        let mut schema = schema.clone();
        each_schema(&mut schema, &mut |object| {
            object.remove("$schema");
            object.remove("$id");
            // What is null unless it is said may as well be absent; and null is no value of most types.
            if object.get("default") == Some(&Json::Null) {
                object.remove("default");
            }
            let Some(Json::String(text)) = object.get("$ref") else { return };
            match self.led(text, names) {
                Some(place) => object.insert("$ref".to_owned(), place.into()),
                None => object.remove("$ref"),
            };
        });
        schema
    }

    fn led(&self, text: &str, names: &BTreeMap<String, String>) -> Option<String> {
        match Target::of(text)? {
            Target::Root(rest) => {
                self.root.pointer(&rest)?;
                Some(format!("{PLACE}{}{rest}", self.root_component.as_ref()?))
            }
            Target::Definition(name, rest) => {
                self.definitions.get(&name)?.pointer(&rest)?;
                Some(format!("{PLACE}{}{rest}", names.get(&name)?))
            }
        }
    }
}

/// Where a reference leads within its document, with the rest of the way as a JSON pointer.
enum Target {
    Root(String),
    Definition(String, String),
}

impl Target {
    /// Absent for a reference that leads out of the document.
    fn of(text: &str) -> Option<Self> {
        let pointer = text.strip_prefix('#')?;
        let Some(definition) = pointer.strip_prefix("/$defs/") else {
            let is_pointer = pointer.is_empty() || pointer.starts_with('/');
            return is_pointer.then(|| Self::Root(pointer.to_owned()));
        };
        let (name, rest) = definition.find('/').map_or((definition, ""), |at| definition.split_at(at));
        Some(Self::Definition(name.replace("~1", "/").replace("~0", "~"), rest.to_owned()))
    }
}

fn references(schema: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // The walk is the same as the one that rewrites; it changes nothing here.
    each_schema(&mut schema.clone(), &mut |object| {
        if let Some(Json::String(text)) = object.get("$ref") {
            found.insert(text.clone());
        }
    });
    found
}

/// Visits a schema and every schema within it, but no value that only looks like one, such as a default.
fn each_schema(schema: &mut Json, visit: &mut impl FnMut(&mut Map<String, Json>)) {
    let Some(object) = schema.as_object_mut() else { return };
    visit(object);
    for (keyword, value) in object.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "dependentSchemas" | "$defs", Json::Object(schemas)) => {
                schemas.values_mut().for_each(|schema| each_schema(schema, visit));
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Json::Array(schemas)) => {
                schemas.iter_mut().for_each(|schema| each_schema(schema, visit));
            }
            (
                "items"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "unevaluatedItems"
                | "contains"
                | "propertyNames"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contentSchema",
                schema @ Json::Object(_),
            ) => each_schema(schema, visit),
            _ => {}
        }
    }
}

fn reference(component: &str) -> Json {
    serde_json::json!({ "$ref": format!("{PLACE}{component}") })
}

/// Letters, digits, `.`, `-` and `_` are what a component's name is made of.
fn fit_for_a_name(name: &str) -> String {
    let fit =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    name.chars().map(fit).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Schemas;

    #[test]
    fn a_definition_becomes_a_component_of_its_plugin() {
        let mut schemas = Schemas::default();
        let list = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Array_of_Clip",
            "type": "array", "items": {"$ref": "#/$defs/Clip"},
            "$defs": {"Clip": {"type": "object", "properties": {"tag": {"$ref": "#/$defs/Tag"}}}, "Tag": {"type": "string"}},
        });
        assert_eq!(
            schemas.used("clips", &list),
            json!({"type": "array", "items": {"$ref": "#/components/schemas/clips.Clip"}})
        );
        assert_eq!(
            json!(schemas.into_components()),
            json!({
                "clips.Clip": {"type": "object", "properties": {"tag": {"$ref": "#/components/schemas/clips.Tag"}}},
                "clips.Tag": {"type": "string"},
            })
        );
    }

    #[test]
    fn two_things_of_one_name_stay_two_and_one_thing_stays_one() {
        let of = |kind: &str| json!({"type": "array", "items": {"$ref": "#/$defs/Tag"}, "$defs": {"Tag": {"type": kind}}});
        let mut schemas = Schemas::default();
        let text = schemas.used("clips", &of("string"));
        assert_eq!(schemas.used("clips", &of("string")), text);
        assert_eq!(
            schemas.used("clips", &of("integer"))["items"]["$ref"],
            "#/components/schemas/clips.Tag_2"
        );
        assert_eq!(schemas.used("other", &of("integer"))["items"]["$ref"], "#/components/schemas/other.Tag");
    }

    #[test]
    fn a_thing_that_holds_its_own_kind_leads_back_to_itself() {
        let by_root = json!({"title": "Folder", "type": "object", "properties": {"in": {"$ref": "#"}}});
        let by_definition = json!({
            "$ref": "#/$defs/Node",
            "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
        });
        let mut schemas = Schemas::default();
        assert_eq!(schemas.used("p", &by_root), json!({"$ref": "#/components/schemas/p.Folder"}));
        assert_eq!(schemas.used("p", &by_definition), json!({"$ref": "#/components/schemas/p.Node"}));
        let components = schemas.into_components();
        assert_eq!(components["p.Folder"]["properties"]["in"]["$ref"], "#/components/schemas/p.Folder");
        assert_eq!(components["p.Node"]["properties"]["next"]["$ref"], "#/components/schemas/p.Node");
    }

    #[test]
    fn a_reference_that_leads_nowhere_or_out_of_the_document_is_left_out() {
        let schema = json!({
            "type": "array", "prefixItems": [{"$ref": "#/$defs/Missing"}, {"$ref": "https://example.com/schema"}],
            "default": [{"$ref": "#/$defs/only_looks_like_one"}],
        });
        let used = Schemas::default().used("p", &schema);
        assert_eq!(used["prefixItems"], json!([{}, {}]));
        assert_eq!(used["default"], json!([{"$ref": "#/$defs/only_looks_like_one"}]));
    }
}
