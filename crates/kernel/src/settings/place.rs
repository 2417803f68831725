//! What a schema says of the values in a configuration, place by place.

use serde_json::Value as Json;

use super::Config;

/// How many references and branches deep a schema is followed: one that leads to itself ends here.
const DEEPEST: usize = 16;

/// A value's place: every schema that speaks of it, behind references and in branches too.
pub(crate) struct Place<'a> {
    root: &'a Config,
    schemas: Vec<&'a Config>,
}

impl<'a> Place<'a> {
    /// The place of the whole configuration.
    pub(crate) fn top(root: &'a Config) -> Self {
        let mut place = Self { root, schemas: Vec::new() };
        place.add(root, DEEPEST);
        place
    }

    /// Where the values of these schemas stand.
    fn of(root: &'a Config, schemas: impl Iterator<Item = &'a Json>) -> Self {
        let mut place = Self { root, schemas: Vec::new() };
        for schema in schemas.filter_map(Json::as_object) {
            place.add(schema, DEEPEST);
        }
        place
    }

    fn add(&mut self, schema: &'a Config, depth: usize) {
        self.schemas.push(schema);
        let Some(depth) = depth.checked_sub(1) else { return };
        let reference = schema.get("$ref").and_then(Json::as_str).and_then(|text| text.strip_prefix('#'));
        let referred = reference.and_then(|pointer| self.at(pointer));
        let branches =
            ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| schema.get(*word)?.as_array()).flatten();
        let choices = ["if", "then", "else"].iter().filter_map(|word| schema.get(*word));
        for schema in referred.into_iter().chain(branches.chain(choices).filter_map(Json::as_object)) {
            self.add(schema, depth);
        }
    }

    /// The part of the whole schema that a JSON Pointer leads to.
    fn at(&self, pointer: &str) -> Option<&'a Config> {
        let mut words = pointer.split('/');
        if words.next() != Some("") {
            return None;
        }
        let unescaped = |word: &str| word.replace("~1", "/").replace("~0", "~");
        let mut words = words.map(unescaped);
        let Some(first) = words.next() else { return Some(self.root) };
        let found = words.try_fold(self.root.get(&first)?, |value, word| value.get(&word))?;
        found.as_object()
    }

    /// Whether what stands here is secret.
    pub(crate) fn is_secret(&self) -> bool {
        self.schemas.iter().any(|schema| schema.get("secret") == Some(&Json::Bool(true)))
    }

    /// What the first schema that has one says under this word: `title`, `description`, `default`.
    pub(crate) fn says(&self, word: &str) -> Option<&'a Json> {
        self.schemas.iter().find_map(|schema| schema.get(word))
    }

    /// Whether a text may stand here, as far as types are said.
    pub(crate) fn takes_text(&self) -> bool {
        let types = self.schemas.iter().filter_map(|schema| schema.get("type"));
        let mut types = types.flat_map(|kinds| match kinds {
            Json::Array(kinds) => kinds.iter().collect::<Vec<_>>(),
            kind => vec![kind],
        });
        types.clone().next().is_none() || types.any(|kind| kind == "string")
    }

    /// The place of a property: what is said of it by name, or of all that have no name.
    pub(crate) fn property(&self, name: &str) -> Place<'a> {
        let said = self.schemas.iter().flat_map(|schema| {
            let named = schema.get("properties").and_then(|properties| properties.get(name));
            let patterns = schema.get("patternProperties").and_then(Json::as_object).into_iter().flatten();
            let others = schema.get("additionalProperties");
            // Whether a pattern fits is not asked: rather one secret too many than one too few.
            named.into_iter().chain(patterns.map(|(_, schema)| schema)).chain(others)
        });
        Place::of(self.root, said)
    }

    /// The place of what stands in a list.
    pub(crate) fn item(&self) -> Place<'a> {
        let said = self.schemas.iter().flat_map(|schema| {
            let first = schema.get("prefixItems").and_then(Json::as_array).into_iter().flatten();
            schema.get("items").into_iter().chain(first)
        });
        Place::of(self.root, said)
    }

    /// The names of the properties that the schema knows, in its order, each once.
    pub(crate) fn names(&self) -> Vec<&'a String> {
        let named = self.schemas.iter().filter_map(|schema| schema.get("properties")?.as_object()).flatten();
        let mut names = Vec::new();
        for (name, _) in named {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether a property must be given.
    pub(crate) fn requires(&self, name: &str) -> bool {
        let required = self.schemas.iter().filter_map(|schema| schema.get("required")?.as_array()).flatten();
        required.into_iter().any(|required| required == name)
    }

    /// Whether the schema names properties and says nothing of others. Those are refused then: who mistypes a name wants to
    /// know.
    pub(crate) fn is_silent_about_others(&self) -> bool {
        let speaks =
            ["additionalProperties", "unevaluatedProperties", "patternProperties", "dependentSchemas"];
        self.schemas.iter().any(|schema| schema.contains_key("properties"))
            && !self.schemas.iter().any(|schema| speaks.iter().any(|word| schema.contains_key(*word)))
    }
}

/// A step on the way to a value, as JSON Pointers write it (RFC 6901).
pub(crate) fn step(pointer: &str, word: impl std::fmt::Display) -> String {
    format!("{pointer}/{}", word.to_string().replace('~', "~0").replace('/', "~1"))
}

/// The steps of a JSON Pointer.
pub(crate) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|word| word.replace("~1", "/").replace("~0", "~"))
}
