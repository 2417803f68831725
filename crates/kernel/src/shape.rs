//! What a route takes, checked before the plugin is called: path and query parameters by their types, a JSON body by its
//! schema.
//!
//! Done here, once, so that plugins in every language get the same checks and the same answers.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
    paths::LocationSegment,
};
use serde_json::{Map, Value as Json};
use switchboard_api::{Failure, Fault, Operation, Parameter, ParameterPlace, capability};

/// What a route takes.
#[derive(Debug, Default)]
pub struct RouteShape {
    path: Vec<ParameterShape>,
    query: Vec<ParameterShape>,
    body: Option<BodyShape>,
}

/// What is given as text, and stands for a value.
#[derive(Debug)]
pub(crate) struct ParameterShape {
    pub(crate) name: Arc<str>,
    pub(crate) required: bool,
    kind: Kind,
    /// Absent where the kind says all there is.
    rules: Option<Validator>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Number,
    Boolean,
    Text,
    /// Given by repetition, each item of its own kind.
    List(Item),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Integer,
    Text,
}

#[derive(Debug)]
enum BodyShape {
    Json(Box<Validator>),
    /// The plugin reads it as it comes.
    Raw,
}

/// How a route takes its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Not at all.
    None,
    /// As JSON, checked here; so it is read whole first.
    Json,
    /// As it comes.
    Raw,
}

impl RouteShape {
    /// The shape that a description tells.
    ///
    /// # Errors
    /// One sentence: which schema is none.
    pub fn new(operation: &Operation) -> Result<Self, String> {
        let of = |place: ParameterPlace| {
            let parameters = operation.parameters.iter().filter(move |parameter| parameter.place == place);
            parameters
                .map(|parameter| ParameterShape::new(&operation.key, parameter))
                .collect::<Result<Vec<_>, _>>()
        };
        let body = match &operation.body {
            None => None,
            Some(body) if body.content_type == "application/json" => {
                let rules = validator(&body.schema).map_err(|error| {
                    format!("the body of `{}` is described by no JSON Schema: {error}", operation.key)
                })?;
                Some(BodyShape::Json(Box::new(rules)))
            }
            Some(_) => Some(BodyShape::Raw),
        };
        Ok(Self { path: of(ParameterPlace::Path)?, query: of(ParameterPlace::Query)?, body })
    }

    /// How the route takes its body.
    pub fn body_kind(&self) -> BodyKind {
        match self.body {
            None => BodyKind::None,
            Some(BodyShape::Json(_)) => BodyKind::Json,
            Some(BodyShape::Raw) => BodyKind::Raw,
        }
    }

    /// The path's parameters, each by its type.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with a fault for each that does not fit.
    pub fn path(&self, found: Vec<(String, String)>) -> Result<Vec<(Arc<str>, Json)>, Failure> {
        let mut faults = Vec::new();
        let mut values = Vec::with_capacity(found.len());
        for (name, text) in found {
            let text = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
            match self.path.iter().find(|shape| *shape.name == *name) {
                Some(shape) => {
                    values.push((Arc::clone(&shape.name), shape.read("path", &[text], &mut faults)))
                }
                None => values.push((name.into(), Json::String(text))),
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(Failure::faults(faults)) }
    }

    /// The query's parameters that the route describes, each by its type; others are passed over.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with a fault for each that does not fit, or is missing.
    pub fn query(&self, raw: &str) -> Result<Map<String, Json>, Failure> {
        let mut values = Map::new();
        if self.query.is_empty() {
            return Ok(values);
        }
        let given: Vec<_> = form_urlencoded::parse(raw.as_bytes()).collect();
        let mut faults = Vec::new();
        for shape in &self.query {
            let texts = given.iter().filter(|(name, _)| **name == *shape.name);
            let texts: Vec<String> = texts.map(|(_, text)| text.clone().into_owned()).collect();
            if !texts.is_empty() {
                values.insert(shape.name.to_string(), shape.read("query", &texts, &mut faults));
            } else if shape.required {
                faults.push(Fault::new("missing", ["query", &shape.name], "Field required", Json::Null));
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(Failure::faults(faults)) }
    }

    /// Checks a JSON body.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with every fault, or with the one that it is not JSON.
    pub fn check_body(&self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(BodyShape::Json(rules)) = &self.body else { return Ok(()) };
        let body: Json = serde_json::from_slice(bytes).map_err(|error| {
            let (kind, msg) = if bytes.is_empty() {
                ("missing", "A JSON body is required".to_owned())
            } else {
                ("json_invalid", format!("The body is not JSON: {error}"))
            };
            Failure::faults(vec![Fault::new(kind, ["body"], msg, Json::Null)])
        })?;
        match faults_of(rules, &body, &["body"]) {
            none if none.is_empty() => Ok(()),
            faults => Err(Failure::faults(faults)),
        }
    }
}

impl ParameterShape {
    pub(crate) fn new(key: &str, parameter: &Parameter) -> Result<Self, String> {
        let kind = kind_of(&parameter.schema);
        let says_more = |(word, value): (&String, &Json)| match word.as_str() {
            "type" | "description" | "title" | "default" | "$schema" | "$defs" => false,
            "format" => !matches!(value.as_str(), Some("int64" | "int32" | "uint64" | "uint32" | "double")),
            _ => true,
        };
        let rules = match parameter.schema.as_object() {
            Some(schema) if schema.iter().any(says_more) => {
                Some(validator(&parameter.schema).map_err(|error| {
                    format!(
                        "parameter `{}` of `{key}` is described by no JSON Schema: {error}",
                        parameter.name
                    )
                })?)
            }
            _ => None,
        };
        Ok(Self { name: parameter.name.as_str().into(), required: parameter.required, kind, rules })
    }

    /// Whether it is a text.
    pub(crate) fn is_text(&self) -> bool {
        self.kind == Kind::Text
    }

    /// The parameter's value; `null`, and a fault, when it does not fit.
    pub(crate) fn read(&self, place: &str, texts: &[String], faults: &mut Vec<Fault>) -> Json {
        let last = texts.last().map_or("", String::as_str);
        let read = match self.kind {
            Kind::Text => Ok(Json::String(last.to_owned())),
            Kind::Integer => integer(last),
            Kind::Number => last
                .parse::<f64>()
                .ok()
                .and_then(|n| serde_json::Number::from_f64(n).map(Json::Number))
                .ok_or(("float_parsing", "Input should be a valid number")),
            Kind::Boolean => boolean(last),
            Kind::List(item) => {
                let items = texts.iter().map(|text| match item {
                    Item::Integer => integer(text),
                    Item::Text => Ok(Json::String(text.clone())),
                });
                items.collect::<Result<Vec<_>, _>>().map(Json::Array)
            }
        };
        match read {
            Ok(value) => {
                if let Some(rules) = &self.rules {
                    faults.extend(faults_of(rules, &value, &[place, &self.name]));
                }
                value
            }
            Err((kind, msg)) => {
                faults.push(Fault::new(kind, [place, &self.name], msg, Json::String(last.to_owned())));
                Json::Null
            }
        }
    }
}

type Misfit = (&'static str, &'static str);

fn integer(text: &str) -> Result<Json, Misfit> {
    text.parse::<i64>()
        .map(Json::from)
        .map_err(|_| ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"))
}

fn boolean(text: &str) -> Result<Json, Misfit> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "1", "yes", "on", "t", "y"]) {
        Ok(Json::Bool(true))
    } else if is(&["false", "0", "no", "off", "f", "n"]) {
        Ok(Json::Bool(false))
    } else {
        Err(("bool_parsing", "Input should be a valid boolean, unable to interpret input"))
    }
}

/// How a parameter of this schema is written in an address.
fn kind_of(schema: &Json) -> Kind {
    let says = |word: &str| match schema.get("type") {
        Some(Json::String(kind)) => kind == word,
        Some(Json::Array(kinds)) => kinds.iter().any(|kind| kind == word),
        _ => false,
    };
    match () {
        () if says("integer") => Kind::Integer,
        () if says("number") => Kind::Number,
        () if says("boolean") => Kind::Boolean,
        () if says("array") => match schema.pointer("/items/type").and_then(Json::as_str) {
            Some("integer") => Kind::List(Item::Integer),
            _ => Kind::List(Item::Text),
        },
        () => Kind::Text,
    }
}

fn validator(schema: &Json) -> Result<Validator, String> {
    jsonschema::options().should_validate_formats(true).build(schema).map_err(|error| error.to_string())
}

/// A JSON Schema that values are held against again and again.
#[derive(Debug)]
pub struct Rules(Validator);

impl Rules {
    /// The rules of a schema.
    ///
    /// # Errors
    /// One sentence: why it is none.
    pub fn new(schema: &Map<String, Json>) -> Result<Self, String> {
        validator(&Json::Object(schema.clone())).map(Self)
    }

    /// Every fault of a value; `root` begins each fault's place.
    pub fn faults(&self, value: &Json, root: &[&str]) -> Vec<Fault> {
        faults_of(&self.0, value, root)
    }
}

/// Checks values against schemas; each schema is compiled once.
#[derive(Default)]
pub struct Checker {
    compiled: RwLock<HashMap<String, Arc<Validator>>>,
}

/// How many compiled schemas are kept; a plugin that makes them up as it goes starts over here.
const MOST_SCHEMAS: usize = 4096;

impl capability::Schemas for Checker {
    fn check(&self, schema: &Json, value: &Json, root: &[&str]) -> Vec<Fault> {
        let text = schema.to_string();
        let known = self.compiled.read().ok().and_then(|compiled| compiled.get(&text).cloned());
        let rules = match known {
            Some(rules) => rules,
            None => match validator(schema) {
                Ok(rules) => {
                    let rules = Arc::new(rules);
                    if let Ok(mut compiled) = self.compiled.write() {
                        if compiled.len() >= MOST_SCHEMAS {
                            compiled.clear();
                        }
                        compiled.insert(text, Arc::clone(&rules));
                    }
                    rules
                }
                Err(error) => {
                    let msg = format!("the schema to check against is no JSON Schema: {error}");
                    return vec![Fault::new("schema_invalid", root.iter().copied(), msg, Json::Null)];
                }
            },
        };
        faults_of(&rules, value, root)
    }
}

/// Every fault of a value, in the words that existing clients know.
pub(crate) fn faults_of(rules: &Validator, value: &Json, root: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in rules.iter_errors(value) {
        collect(&error, root, &mut faults);
    }
    faults
}

fn collect(error: &ValidationError<'_>, root: &[&str], faults: &mut Vec<Fault>) {
    let mut place: Vec<Json> = root.iter().map(|word| Json::from(*word)).collect();
    place.extend(error.instance_path().into_iter().map(|segment| match segment {
        LocationSegment::Property(name) => Json::from(name.into_owned()),
        LocationSegment::Index(index) => Json::from(index),
    }));
    let input = error.instance().as_ref();
    let fault = |kind: &str, msg: String| Fault {
        kind: kind.to_owned(),
        loc: place.clone(),
        msg,
        input: input.clone(),
    };
    let at = |name: &str| place.iter().cloned().chain([Json::from(name)]).collect();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let loc = at(property.as_str().unwrap_or_default());
            faults.push(Fault { loc, ..fault("missing", "Field required".to_owned()) });
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let input = input.get(name).cloned().unwrap_or_default();
                let msg = "Extra inputs are not permitted".to_owned();
                faults.push(Fault { loc: at(name), input, ..fault("extra_forbidden", msg) });
            }
        }
        // What is optional may be anything or null: what is wrong with it is what the first branch says.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            match context.iter().find(|branch| !branch.is_empty()) {
                Some(branch) => branch.iter().for_each(|error| collect(error, root, faults)),
                None => faults.push(fault("value_error", error.to_string())),
            }
        }
        kind => {
            let (word, msg) = words(kind, error);
            faults.push(fault(word, msg));
        }
    }
}

fn words(kind: &ValidationErrorKind, error: &ValidationError<'_>) -> (&'static str, String) {
    match kind {
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => kinds
                    .into_iter()
                    .map(|kind| kind.to_string())
                    .find(|kind| kind != "null")
                    .unwrap_or_else(|| "null".to_owned()),
            };
            let (word, name) = match expected.as_str() {
                "string" => ("string_type", "string"),
                "integer" => ("int_type", "integer"),
                "number" => ("float_type", "number"),
                "boolean" => ("bool_type", "boolean"),
                "array" => ("list_type", "list"),
                "object" => ("dict_type", "object"),
                _ => ("none_required", "null"),
            };
            (word, format!("Input should be a valid {name}"))
        }
        ValidationErrorKind::MinLength { limit } => {
            ("string_too_short", format!("String should have at least {limit} {}", characters(*limit)))
        }
        ValidationErrorKind::MaxLength { limit } => {
            ("string_too_long", format!("String should have at most {limit} {}", characters(*limit)))
        }
        ValidationErrorKind::Minimum { limit } => {
            ("greater_than_equal", format!("Input should be greater than or equal to {limit}"))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            ("greater_than", format!("Input should be greater than {limit}"))
        }
        ValidationErrorKind::Maximum { limit } => {
            ("less_than_equal", format!("Input should be less than or equal to {limit}"))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            ("less_than", format!("Input should be less than {limit}"))
        }
        ValidationErrorKind::MinItems { limit } => {
            ("too_short", format!("List should have at least {limit} items"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            ("too_long", format!("List should have at most {limit} items"))
        }
        ValidationErrorKind::Pattern { pattern } => {
            ("string_pattern_mismatch", format!("String should match pattern '{pattern}'"))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<_> = options.iter().map(|option| option.to_string().replace('"', "'")).collect();
            ("enum", format!("Input should be {}", options.join(" or ")))
        }
        ValidationErrorKind::Format { format } if format == "date-time" => {
            ("datetime_parsing", "Input should be a valid datetime, such as 2026-01-31T12:00:00Z".to_owned())
        }
        ValidationErrorKind::Format { format } => ("format", format!("Input should be a valid {format}")),
        _ => ("value_error", error.to_string()),
    }
}

fn characters(limit: u64) -> &'static str {
    if limit == 1 { "character" } else { "characters" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchboard_api::{BodyDescription, Failure, Operation, Parameter, ParameterPlace};

    use super::RouteShape;

    fn parameter(name: &str, place: ParameterPlace, schema: serde_json::Value) -> Parameter {
        Parameter { name: name.to_owned(), place, required: place == ParameterPlace::Path, schema }
    }

    fn clips() -> RouteShape {
        let query = ParameterPlace::Query;
        let body = BodyDescription {
            content_type: "application/json".to_owned(),
            schema: json!({
                "type": "object", "additionalProperties": false, "required": ["title"],
                "properties": {
                    "title": {"type": "string", "minLength": 1, "maxLength": 5},
                    "fps": {"type": ["number", "null"], "exclusiveMinimum": 0},
                    "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
                    "recorded_at": {"type": "string", "format": "date-time"},
                },
            }),
        };
        RouteShape::new(&Operation {
            key: "GET /clips/{id}".to_owned(),
            parameters: vec![
                parameter("id", ParameterPlace::Path, json!({"type": "integer", "format": "int64"})),
                parameter("limit", query, json!({"type": "integer", "minimum": 1, "maximum": 1000})),
                parameter("processed", query, json!({"type": ["boolean", "null"]})),
            ],
            body: Some(body),
            ..Operation::default()
        })
        .unwrap()
    }

    fn faults<T: std::fmt::Debug>(result: Result<T, Failure>) -> Vec<String> {
        match result {
            Err(Failure::Invalid { faults, .. }) => faults
                .iter()
                .map(|fault| format!("{} {}: {}", fault.place(), fault.kind, fault.msg))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parameters_are_read_by_their_types() {
        let path = clips().path(vec![("id".into(), "7".into())]).unwrap();
        assert_eq!(path, [("id".into(), json!(7))]);
        let query = clips().query("limit=20&processed=YES&other=1").unwrap();
        assert_eq!(serde_json::Value::Object(query), json!({"limit": 20, "processed": true}));
    }

    #[test]
    fn a_parameter_that_does_not_fit_is_named() {
        assert_eq!(
            faults(clips().path(vec![("id".into(), "seven".into())])),
            ["path.id int_parsing: Input should be a valid integer, unable to parse string as an integer"]
        );
        assert_eq!(
            faults(clips().query("limit=0&processed=maybe")),
            [
                "query.limit greater_than_equal: Input should be greater than or equal to 1",
                "query.processed bool_parsing: Input should be a valid boolean, unable to interpret input",
            ]
        );
    }

    #[test]
    fn every_fault_of_a_body_is_said_at_its_place() {
        let body = br#"{"fps": 0, "tags": [1], "recorded_at": "yesterday", "colour": "red"}"#;
        let mut faults = faults(clips().check_body(body));
        faults.sort();
        assert_eq!(
            faults,
            [
                "body.colour extra_forbidden: Extra inputs are not permitted",
                "body.fps greater_than: Input should be greater than 0",
                "body.recorded_at datetime_parsing: Input should be a valid datetime, such as 2026-01-31T12:00:00Z",
                "body.tags.0 string_type: Input should be a valid string",
                "body.title missing: Field required",
            ]
        );
    }

    #[test]
    fn a_body_that_is_no_json_is_one_fault() {
        assert_eq!(faults(clips().check_body(b"")), ["body missing: A JSON body is required"]);
        assert!(
            faults(clips().check_body(b"{,}"))[0].starts_with("body json_invalid: The body is not JSON: ")
        );
    }
}
