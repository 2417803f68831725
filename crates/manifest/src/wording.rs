//! Broken rules of a JSON Schema, in words for people.

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as Rule},
};
use serde_json::{Map, Value};

use crate::{
    check::completed,
    id,
    inspection::Inspection,
    name::{as_name, as_names},
    nearest::nearest,
    path::Path,
    quote::{listed, quoted},
    tree::Node,
};

/// What is needed to tell of a broken rule.
pub(crate) struct Wording<'a> {
    pub(crate) tree: &'a Node,
    /// Where in the manifest the checked value stands.
    pub(crate) base: &'a Path,
    /// The schema whose rules they are; null for one whose fields are not known.
    pub(crate) schema: &'a Value,
}

/// A message and what to write instead.
type Words = (String, Option<String>);

impl Wording<'_> {
    /// Notes everything that one error of a validator stands for.
    pub(crate) fn note(&self, error: &ValidationError<'_>, manifest: &mut Inspection<'_>) {
        let path = self.path(error);
        let value = error.instance();
        let around = self.around(error);
        let (message, instead) = match error.kind() {
            Rule::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let (message, instead) = self.missing(name, around);
                return manifest.fault(&path.field(name), message, instead);
            }
            Rule::AdditionalProperties { unexpected } | Rule::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    let (message, instead) = self.unknown(name, value, around, error);
                    manifest.key_fault(&path.field(name), message, instead);
                }
                return;
            }
            Rule::AnyOf { context } | Rule::OneOfNotValid { context } => {
                match self.meant(context, &path, manifest) {
                    Some(words) => words,
                    None => return,
                }
            }
            // The words that are allowed are told by the rule beside this one.
            Rule::Type { .. } if around.get("enum").is_some() || around.get("const").is_some() => return,
            Rule::Type { kind } => self.type_differs(&nouns(kind), kind, value, &path, around),
            Rule::Enum { options } => self.no_such_word(value, &words(options), &path),
            Rule::Constant { expected_value } => self.no_such_word(value, &words(expected_value), &path),
            Rule::Pattern { pattern } => no_match(value, pattern),
            Rule::Minimum { .. }
            | Rule::Maximum { .. }
            | Rule::ExclusiveMinimum { .. }
            | Rule::ExclusiveMaximum { .. } => out_of_range(value, around, &path),
            Rule::MinLength { limit: 1 } => {
                (format!("{} is empty", subject(&path)), Some("a text between the quotes".to_owned()))
            }
            Rule::MinLength { limit } => wrong_length(value, &path, &format!("at least {limit}")),
            Rule::MaxLength { limit } => wrong_length(value, &path, &format!("at most {limit}")),
            Rule::MinItems { limit } => wrong_count(value, &path, &format!("at least {limit}")),
            Rule::MaxItems { limit } => wrong_count(value, &path, &format!("at most {limit}")),
            Rule::UniqueItems => {
                (format!("{} holds the same twice", subject(&path)), Some("each entry once".to_owned()))
            }
            Rule::MultipleOf { multiple_of } => (
                format!("{} takes a multiple of {multiple_of}, and this is {value}", subject(&path)),
                Some(format!("a multiple of {multiple_of}")),
            ),
            Rule::FalseSchema => {
                (format!("{} cannot be given", subject(&path)), Some("nothing: leave it out".to_owned()))
            }
            _ => {
                let message = error.masked_with(subject(&path)).to_string();
                (message, Some("a value that fits the schema".to_owned()))
            }
        };
        manifest.fault(&path, message, instead);
    }

    fn path(&self, error: &ValidationError<'_>) -> Path {
        self.base.join(&Path::from(error.instance_path()))
    }

    /// The schema that holds the broken rule.
    fn around(&self, error: &ValidationError<'_>) -> &Value {
        let pointer = error.schema_path().as_str();
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.schema.pointer(parent).unwrap_or(&Value::Null)
    }

    fn missing(&self, name: &str, around: &Value) -> Words {
        let rules = self.resolved(
            around.pointer("/properties").and_then(|fields| fields.get(name)).unwrap_or(&Value::Null),
        );
        let options = options(rules);
        let instead = if options.is_empty() {
            example(name, rules).map(|example| format!("a field `{name}`, such as `{example}`"))
        } else {
            Some(format!("a field `{name}` with {}", listed(&options, "or")))
        };
        (format!("{} is missing", quoted(name)), instead)
    }

    fn unknown(&self, name: &str, value: &Value, around: &Value, error: &ValidationError<'_>) -> Words {
        let empty = Map::new();
        let known = around["properties"].as_object().unwrap_or(&empty);
        let noun = if self.is_of_manifests() {
            owner(error.schema_path().as_str()).to_owned()
        } else {
            subject(&self.path(error))
        };
        let message = format!("{} is not a field of {noun}", quoted(name));
        let given = value.as_object().unwrap_or(&empty);
        let mut free: Vec<&String> = known.keys().filter(|field| !given.contains_key(*field)).collect();
        free.sort();
        if let Some(meant) = nearest(name, free.iter().copied()) {
            return (message, Some(quoted(meant)));
        }
        let instead = if let Some(home) = self.home(name) {
            Some(format!("it {home}"))
        } else if free.is_empty() {
            Some("nothing: leave it out".to_owned())
        } else if free.len() <= 12 {
            Some(format!("a field that there is: {}", listed(&free, "or")))
        } else {
            Some("nothing: leave it out, or find the field that was meant in the JSON Schema".to_owned())
        };
        (message, instead)
    }

    /// Where a field belongs that stands at the top or in the wrong section.
    fn home(&self, name: &str) -> Option<String> {
        let has = |pointer: &str| {
            let fields = self.schema.pointer(pointer).and_then(Value::as_object);
            fields.is_some_and(|fields| fields.contains_key(name))
        };
        // Of single entries, such as a route, the fields are too common to tell.
        if has("/$defs/Provides/properties") {
            Some("under `provides`".to_owned())
        } else if has("/$defs/Permissions/properties") {
            Some("under `permissions`".to_owned())
        } else if has("/$defs/Limits/properties") {
            Some("under `limits`".to_owned())
        } else if has("/properties") && self.is_of_manifests() {
            Some("at the top of the file, not indented".to_owned())
        } else {
            None
        }
    }

    /// Whether the schema is that of manifests themselves, rather than one within a manifest.
    fn is_of_manifests(&self) -> bool {
        self.schema["title"] == "Manifest"
    }

    /// Of several forms that a value may have, the faults of the one that was meant. `None` once they are noted.
    fn meant(
        &self,
        forms: &[Vec<ValidationError<'static>>],
        path: &Path,
        manifest: &mut Inspection<'_>,
    ) -> Option<Words> {
        let fitting: Vec<_> = forms
            .iter()
            .filter(|errors| {
                !errors.is_empty() && !errors.iter().any(|error| self.is_another_type(error, path))
            })
            .collect();
        let mut wanted = Vec::new();
        for error in forms.iter().flatten() {
            self.wanted(error, path, &mut wanted);
        }
        if let [only] = fitting.as_slice()
            && !only.iter().all(|error| is_choice(error) && self.path(error) == *path)
        {
            for error in *only {
                self.note(error, manifest);
            }
            return None;
        }
        let value =
            forms.iter().flatten().find(|error| self.path(error) == *path).map(|error| error.instance());
        let value = value.map_or(&Value::Null, |value| value);
        if wanted.iter().all(|wanted| matches!(wanted, Wanted::Word(_))) {
            let words: Vec<String> = wanted.into_iter().map(Wanted::into_words).collect();
            return Some(self.no_such_word(value, &words, path));
        }
        let known = wanted.iter().filter_map(|wanted| match wanted {
            Wanted::Word(word) => Some(word.as_str()),
            Wanted::Type(_) => None,
        });
        let meant = value.as_str().and_then(|text| nearest(text, known)).map(quoted);
        let words: Vec<String> = wanted
            .iter()
            .map(|wanted| match wanted {
                Wanted::Word(word) => quoted(word),
                Wanted::Type(noun) => (*noun).to_owned(),
            })
            .collect();
        let wanted = joined(&words);
        let message = format!("{} takes {wanted}, and this is {}", subject(path), self.shown(value, path));
        let instead = match path.last_field() {
            Some("requires" | "optional" | "conflicts") => {
                "a plugin's id, such as `presets`, or `{ plugin_id: presets, version: \">=1.2\" }`".to_owned()
            }
            _ => meant.unwrap_or(wanted),
        };
        Some((message, Some(instead)))
    }

    /// Whether an error says that the value at a path is of another type than a form takes.
    fn is_another_type(&self, error: &ValidationError<'_>, path: &Path) -> bool {
        let another = |forms: &[Vec<ValidationError<'static>>]| {
            forms.iter().all(|errors| errors.iter().any(|error| self.is_another_type(error, path)))
        };
        self.path(error) == *path
            && match error.kind() {
                Rule::Type { .. } => true,
                Rule::AnyOf { context } | Rule::OneOfNotValid { context } => another(context),
                _ => false,
            }
    }

    fn wanted(&self, error: &ValidationError<'_>, path: &Path, wanted: &mut Vec<Wanted>) {
        if self.path(error) != *path {
            return;
        }
        match error.kind() {
            Rule::Type { kind } if self.around(error).get("const").is_none() => {
                wanted.extend(nouns(kind).into_iter().map(Wanted::Type))
            }
            Rule::Enum { options } => wanted.extend(words(options).into_iter().map(Wanted::Word)),
            Rule::Constant { expected_value } => {
                wanted.extend(words(expected_value).into_iter().map(Wanted::Word))
            }
            Rule::AnyOf { context } | Rule::OneOfNotValid { context } => {
                for error in context.iter().flatten() {
                    self.wanted(error, path, wanted);
                }
            }
            _ => {}
        }
        wanted.dedup();
    }

    fn no_such_word(&self, value: &Value, known: &[String], path: &Path) -> Words {
        let all =
            if known.len() == 1 { listed(known, "or") } else { format!("one of {}", listed(known, "or")) };
        let shown = value.as_str().map_or_else(|| self.shown(value, path), quoted);
        let meant = value.as_str().and_then(|text| nearest(text, known)).map(quoted);
        (format!("{shown} is nothing that {} can be", subject(path)), Some(meant.unwrap_or(all)))
    }

    fn type_differs(
        &self,
        nouns: &[&'static str],
        kind: &TypeKind,
        value: &Value,
        path: &Path,
        around: &Value,
    ) -> Words {
        let wanted = joined(nouns);
        let message = match value {
            Value::Null => format!("nothing is written for {}, which takes {wanted}", subject(path)),
            _ => format!("{} takes {wanted}, and this is {}", subject(path), self.shown(value, path)),
        };
        let takes = |json: JsonType| match kind {
            TypeKind::Single(single) => *single == json,
            TypeKind::Multiple(several) => several.contains(json),
        };
        let name = path.last_field().unwrap_or_default();
        let instead = match value {
            Value::Null if takes(JsonType::Array) => Some("`[]`, or leave it out".to_owned()),
            Value::Null if takes(JsonType::Object) => {
                Some("its fields, indented, or leave it out".to_owned())
            }
            Value::Null if takes(JsonType::String) => {
                example(name, around).map(|example| format!("`{example}`"))
            }
            Value::Number(number) if takes(JsonType::String) => {
                let written = self.tree.number_as_written(path).map_or(number.to_string(), str::to_owned);
                let version = (name == "version").then(|| completed(&written)).flatten();
                Some(format!("`{:?}`", version.map_or(written, |version| version.to_string())))
            }
            Value::Number(number) if takes(JsonType::Integer) => {
                let whole = number.as_f64().map(f64::round).filter(|whole| whole.abs() < 1e15);
                whole.map(|whole| format!("a whole number, such as `{whole}`"))
            }
            Value::Bool(value) if takes(JsonType::String) => Some(format!("`\"{value}\"`")),
            Value::String(text) if takes(JsonType::Integer) || takes(JsonType::Number) => {
                let digits = text.trim().replace('_', "");
                digits.parse::<i64>().ok().map(|number| format!("`{number}`, without quotes"))
            }
            Value::String(text) if takes(JsonType::Boolean) => match text.to_lowercase().as_str() {
                "yes" | "y" | "on" | "true" | "1" => Some("`true`".to_owned()),
                "no" | "n" | "off" | "false" | "0" => Some("`false`".to_owned()),
                _ => None,
            },
            Value::Object(_) if takes(JsonType::Array) => {
                Some("it as an entry of a list: `- ` before its first field".to_owned())
            }
            Value::String(_) | Value::Number(_) if takes(JsonType::Array) => {
                Some("a list, each entry on a line of its own after `- `".to_owned())
            }
            Value::Array(_) if takes(JsonType::Object) => Some("fields, without `- ` before them".to_owned()),
            Value::Number(number) if takes(JsonType::Boolean) => match number.as_u64() {
                Some(1) => Some("`true`".to_owned()),
                Some(0) => Some("`false`".to_owned()),
                _ => None,
            },
            _ => None,
        };
        (message, instead.or(Some(wanted)))
    }

    fn shown(&self, value: &Value, path: &Path) -> String {
        match value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(number) => {
                let written = self.tree.number_as_written(path).map_or(number.to_string(), str::to_owned);
                format!("the number {}", quoted(&written))
            }
            Value::String(text) => format!("the text {}", quoted(text)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
        }
    }

    fn resolved<'v>(&'v self, rules: &'v Value) -> &'v Value {
        let pointer = rules["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
        pointer.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(rules)
    }
}

#[derive(PartialEq)]
enum Wanted {
    Word(String),
    Type(&'static str),
}

impl Wanted {
    fn into_words(self) -> String {
        match self {
            Self::Word(word) => word,
            Self::Type(noun) => noun.to_owned(),
        }
    }
}

fn is_choice(error: &ValidationError<'_>) -> bool {
    matches!(
        error.kind(),
        Rule::Enum { .. }
            | Rule::Constant { .. }
            | Rule::AnyOf { .. }
            | Rule::OneOfNotValid { .. }
            | Rule::Type { .. }
    )
}

fn subject(path: &Path) -> String {
    use crate::path::Step;
    match (path.steps().last(), path.last_field()) {
        (Some(Step::Item(_)), Some(list)) => format!("an entry of {}", quoted(list)),
        (_, Some(name)) => quoted(name),
        (_, None) => "a manifest".to_owned(),
    }
}

fn nouns(kind: &TypeKind) -> Vec<&'static str> {
    let noun = |json: JsonType| match json {
        JsonType::String => Some("a text"),
        JsonType::Integer => Some("a whole number"),
        JsonType::Number => Some("a number"),
        JsonType::Boolean => Some("`true` or `false`"),
        JsonType::Array => Some("a list"),
        JsonType::Object => Some("a mapping"),
        JsonType::Null => None,
    };
    match kind {
        TypeKind::Single(json) => vec![noun(*json).unwrap_or("nothing")],
        TypeKind::Multiple(several) => several.iter().filter_map(noun).collect(),
    }
}

fn words(options: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match options {
        Value::Array(options) => options.iter().map(word).collect(),
        single => vec![word(single)],
    }
}

/// The words that a schema allows, if it allows nothing else.
fn options(rules: &Value) -> Vec<String> {
    let single = |form: &Value| form["const"].as_str().map(str::to_owned);
    let several = rules["oneOf"].as_array().map(|forms| forms.iter().filter_map(single).collect());
    several.or_else(|| Some(words(rules["enum"].as_array().map(|_| &rules["enum"])?))).unwrap_or_default()
}

/// What a text must look like, by the pattern that says so in the model, and a guess at what was meant.
fn no_match(value: &Value, pattern: &str) -> Words {
    let text = value.as_str().unwrap_or_default();
    let rejoined = |joint: &str| {
        let names = as_names(text).filter(|names| names.len() > 1)?;
        Some(names.join(joint))
    };
    let (rule, guess) = match pattern {
        id::PATTERN => ("lower-case letters, digits and `_`, with a letter first", as_name(text)),
        r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$" => {
            ("words joined by dots, such as `clip.created`", rejoined("."))
        }
        "^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$" => (
            "kind and verb, such as `clip:delete`",
            rejoined(":").filter(|guess| guess.matches(':').count() == 1),
        ),
        "^[a-z0-9_-]{1,32}$" => {
            ("1 to 32 lower-case letters, digits, `_` and `-`", as_name(text.trim_start_matches('/')))
        }
        "^[a-z][a-z0-9_]{0,31}$" => {
            ("1 to 32 lower-case letters, digits and `_`, a letter first", as_name(text))
        }
        "^[a-z0-9_-]+/$" => {
            let guess = as_name(text.trim_matches('/')).map(|name| format!("{name}/"));
            ("one name and a `/`, such as `media/`", guess)
        }
        _ => {
            let message = format!("{} does not match the pattern {}", quoted(text), quoted(pattern));
            return (message, Some(format!("a text that matches {}", quoted(pattern))));
        }
    };
    let guess = guess.filter(|guess| guess != text).map(|guess| quoted(&guess));
    let message = format!("{} does not fit here; what does is {rule}", quoted(text));
    (message, Some(guess.unwrap_or_else(|| rule.to_owned())))
}

fn out_of_range(value: &Value, around: &Value, path: &Path) -> Words {
    let bound = |names: [&str; 2]| names.iter().find_map(|name| around.get(*name));
    let (least, most) = (bound(["minimum", "exclusiveMinimum"]), bound(["maximum", "exclusiveMaximum"]));
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("of {least} or more"),
        (None, Some(most)) => format!("of {most} or less"),
        (None, None) => "within its bounds".to_owned(),
    };
    (
        format!("{} takes a number {range}, and this is {value}", subject(path)),
        Some(format!("a number {range}")),
    )
}

fn wrong_length(value: &Value, path: &Path, bound: &str) -> Words {
    let length = value.as_str().map_or(0, |text| text.chars().count());
    let message = format!("{} has {length} characters, and {bound} fit", subject(path));
    (message, Some(format!("{bound} characters")))
}

fn wrong_count(value: &Value, path: &Path, bound: &str) -> Words {
    let count = value.as_array().map_or(0, Vec::len);
    let noun = if count == 1 { "entry" } else { "entries" };
    (
        format!("{} has {count} {noun}, and {bound} fit", subject(path)),
        Some(format!("a list with {bound} in it")),
    )
}

/// `a`, `b` or `c`: phrases joined for a sentence.
fn joined<T: AsRef<str>>(phrases: &[T]) -> String {
    let phrases: Vec<&str> = phrases.iter().map(AsRef::as_ref).collect();
    match phrases.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => phrases.concat(),
    }
}

/// What a schema of the model describes, in an author's words.
fn owner(pointer: &str) -> &'static str {
    let definition = pointer.strip_prefix("/$defs/").and_then(|rest| rest.split('/').next());
    match definition {
        None if pointer == "/additionalProperties" => "a manifest",
        Some("Provides") => "`provides`",
        Some("Permissions") => "`permissions`",
        Some("Limits") => "`limits`",
        Some("DependencyRange") => "a dependency",
        Some("CapabilityRequest") => "a capability",
        Some("Model") => "a model",
        Some("Service") => "a service",
        Some("Page") => "a page",
        Some("Route") => "a route",
        Some("Command") => "a command",
        Some("EventType") => "an event",
        Some("Listener") => "a listener",
        Some("FilterPoint") => "a filter point",
        Some("Filter") => "a filter",
        Some("Task") => "a task",
        Some("Widget") => "a widget",
        Some("MenuItem") => "a menu item",
        Some("SharedBlobs") => "shared blobs",
        Some("Action") => "an action",
        _ => "what stands here",
    }
}

/// What could stand in a field of the model.
fn example(name: &str, rules: &Value) -> Option<&'static str> {
    Some(match name {
        "id" | "plugin_id" => "my_plugin",
        "version" => "1.0.0",
        "reason" => "Keeps the clips",
        "path" | "page" => "/clips/{id}",
        "event" | "type" => "clip.created",
        "title" | "label" => "Clips",
        "prefix" => "media/",
        "description" => "Finds a clip",
        "name" => match rules["pattern"].as_str() {
            Some(pattern) if pattern.contains(':') => "clip:delete",
            Some(pattern) if pattern.contains(r"\.") => "clips.get",
            Some(_) => "sweep",
            None => "Clips",
        },
        _ => return None,
    })
}
