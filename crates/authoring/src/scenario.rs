//! The tests of a plugin, in whatever language it is written: what is done with it, and what is expected then.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value as Json};
use switchboard_manifest::{Capability, read_document};

use crate::BuildError;

/// A file of tests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenarios {
    /// Folders of plugins that serve beside the one under test, from the file's folder on.
    #[serde(default)]
    pub beside: Vec<String>,
    /// Organizations that there are besides `default`.
    #[serde(default)]
    pub organizations: Vec<String>,
    /// The tests. Each begins with a server of its own.
    pub tests: Vec<Scenario>,
}

/// A test: one step after another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, as a sentence.
    pub name: String,
    /// What is done and expected.
    pub steps: Vec<Step>,
}

/// One thing that is done with a plugin, and what is expected of it.
#[derive(Debug, Clone)]
pub enum Step {
    /// A request to the server.
    Request(Request),
    /// A call of the plugin.
    Call(Call),
    /// The plugin is configured, for an organization.
    Configure {
        /// The whole configuration.
        config: Map<String, Json>,
        /// For whom.
        organization: String,
    },
    /// The clock is set.
    Time(Timestamp),
    /// The clock is set on.
    Advance(SignedDuration),
    /// Capabilities fail from now on, each with a failure of that kind; with none, no more.
    Fail(BTreeMap<Capability, Option<String>>),
    /// The events that the plugin has said since the last such step.
    Emitted(Json),
    /// The messages that were sent since the last such step.
    Mailed(Json),
    /// What the plugin has measured.
    Measured(Json),
}

/// A request to the server.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub address: String,
    /// All else.
    pub terms: RequestTerms,
}

/// What a request is sent with, and what is to be answered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestTerms {
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body: text as it is, anything else as JSON.
    pub body: Option<Json>,
    /// The actions that whoever asks may do; all of them when absent.
    pub allowed: Option<Vec<String>>,
    /// Whether it is sent without a token.
    pub anonymous: bool,
    /// For whom, where the address does not say it.
    pub organization: Option<String>,
    /// The status; any that means success when absent.
    pub status: Option<u16>,
    /// The body: JSON where it is, otherwise the text.
    pub answer: Option<Json>,
    /// Some of the answer's headers.
    pub answer_headers: BTreeMap<String, String>,
}

/// What the plugin is called for, apart from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// It hears an event.
    Event,
    /// It takes part in a filter point.
    Filter,
    /// It, or another, answers a call of a service.
    Service,
    /// It does a task.
    Task,
    /// It answers a command.
    Command,
}

/// A call of the plugin.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it is called for.
    pub kind: CallKind,
    /// Which one.
    pub name: String,
    /// All else.
    pub terms: CallTerms,
}

/// With what the plugin is called, and what it is to give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallTerms {
    /// What it is given.
    pub payload: Json,
    /// What an event is about.
    pub subject: String,
    /// For whom.
    pub organization: String,
    /// What it gives.
    pub gives: Option<Json>,
    /// How it fails.
    pub fails: Option<String>,
    /// What is said then, or a part of it.
    pub because: Option<String>,
}

/// What a call is expected to come to.
#[derive(Debug, Clone, Copy)]
pub enum Expected<'a> {
    /// It gives something.
    Gives(Option<&'a Json>),
    /// It fails, and says this.
    Fails(&'a str, Option<&'a str>),
}

impl Default for CallTerms {
    fn default() -> Self {
        Self {
            payload: Json::Null,
            subject: "test".to_owned(),
            organization: default_organization(),
            gives: None,
            fails: None,
            because: None,
        }
    }
}

impl Scenarios {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or has faults.
    pub fn read(file: &Path) -> Result<Self, BuildError> {
        let text = fs::read_to_string(file).map_err(|error| BuildError::file("read", file, error))?;
        read_document(&text, "the tests").map_err(|faults| {
            let report = faults.report(&file.display().to_string());
            BuildError::Scenarios { report }
        })
    }
}

impl Call {
    /// What is expected of it.
    pub fn expected(&self) -> Expected<'_> {
        match &self.terms.fails {
            Some(kind) => Expected::Fails(kind, self.terms.because.as_deref()),
            None => Expected::Gives(self.terms.gives.as_ref()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(Request { method, address, .. }) => write!(f, "{method} {address}"),
            Self::Call(Call { kind, name, .. }) => write!(f, "{} {name}", kind.as_str()),
            Self::Configure { .. } => f.write_str("configure"),
            Self::Time(time) => write!(f, "time {time}"),
            Self::Advance(by) => write!(f, "advance {by:#}"),
            Self::Fail(_) => f.write_str("fail"),
            Self::Emitted(_) => f.write_str("emitted"),
            Self::Mailed(_) => f.write_str("mailed"),
            Self::Measured(_) => f.write_str("measured"),
        }
    }
}

impl CallKind {
    const ALL: [Self; 5] = [Self::Event, Self::Filter, Self::Service, Self::Task, Self::Command];

    fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Filter => "filter",
            Self::Service => "service",
            Self::Task => "task",
            Self::Command => "command",
        }
    }
}

/// What a step does, in the order in which it is told.
const DEEDS: [&str; 13] = [
    "request",
    "event",
    "filter",
    "service",
    "task",
    "command",
    "configure",
    "time",
    "advance",
    "fail",
    "emitted",
    "mailed",
    "measured",
];

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let mut named = DEEDS.into_iter().filter(|deed| fields.contains_key(*deed));
        let known = DEEDS.join("`, `");
        let deed = named
            .next()
            .ok_or_else(|| D::Error::custom(format!("a step says what it does by one of `{known}`")))?;
        if let Some(other) = named.next() {
            return Err(D::Error::custom(format!(
                "a step does one thing, and this one says `{deed}` and `{other}`: make it two"
            )));
        }
        let what = fields.remove(deed).unwrap_or_default();
        step(deed, what, fields).map_err(D::Error::custom)
    }
}

fn step(deed: &str, what: Json, mut fields: Map<String, Json>) -> Result<Step, String> {
    if deed == "request" {
        let line: String = read(deed, what)?;
        let (method, address) =
            line.split_once(' ').ok_or("`request` takes a method and an address: `GET /`")?;
        let (method, address) = (method.to_owned(), address.trim().to_owned());
        return Ok(Step::Request(Request { method, address, terms: read("request", fields.into())? }));
    }
    if let Some(kind) = CallKind::ALL.into_iter().find(|kind| kind.as_str() == deed) {
        return Ok(Step::Call(Call { kind, name: read(deed, what)?, terms: read(deed, fields.into())? }));
    }
    let organization = match fields.remove("organization").filter(|_| deed == "configure") {
        Some(organization) => read("organization", organization)?,
        None => default_organization(),
    };
    if let Some(field) = fields.keys().next() {
        return Err(format!("`{deed}` takes nothing besides, and `{field}` stands beside it"));
    }
    Ok(match deed {
        "configure" => Step::Configure { config: read(deed, what)?, organization },
        "time" => Step::Time(read(deed, what)?),
        "advance" => Step::Advance(read(deed, what)?),
        "fail" => Step::Fail(read(deed, what)?),
        "emitted" => Step::Emitted(what),
        "mailed" => Step::Mailed(what),
        _ => Step::Measured(what),
    })
}

fn read<T: DeserializeOwned>(deed: &str, value: Json) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("`{deed}`: {error}"))
}

fn default_organization() -> String {
    "default".to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Scenarios, Step};

    fn read(steps: &str) -> Result<Vec<Step>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("tests:\n  - name: it\n    steps: {steps}\n")).unwrap();
        Scenarios::read(file.path())
            .map(|read| read.tests.into_iter().flat_map(|test| test.steps).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_deed_is_understood() {
        let steps = read(
            r#"
      - { request: POST /a?b=c, body: { name: Ada }, allowed: [], status: 403, answer: { type: forbidden } }
      - { event: note.added, payload: { id: 1 }, subject: note/1 }
      - { filter: note.adding, payload: { text: a }, fails: conflict, because: not this }
      - { service: notes.count, gives: { notes: 0 }, organization: acme }
      - { task: tidy }
      - { command: count, payload: { of: notes }, gives: { text: none } }
      - { configure: { keep: 2 } }
      - { time: "2026-05-06T07:08:09Z" }
      - { advance: 36h }
      - { fail: { http: unavailable, db: null } }
      - { emitted: [{ event: note.added }] }
      - { mailed: [] }
      - { measured: [{ counter: notes, value: 2 }] }"#,
        );
        let told: Vec<String> = steps.unwrap().iter().map(Step::to_string).collect();
        let expected = [
            "POST /a?b=c",
            "event note.added",
            "filter note.adding",
            "service notes.count",
            "task tidy",
            "command count",
            "configure",
            "time 2026-05-06T07:08:09Z",
            "advance 36h",
            "fail",
            "emitted",
            "mailed",
            "measured",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (steps, said) in [
            ("[{ reqest: GET / }]", "a step says what it does by one of `request`, `event`"),
            ("[{ request: GET /, task: tidy }]", "says `request` and `task`: make it two"),
            ("[{ request: GET /, stauts: 200 }]", "unknown field `stauts`"),
            ("[{ request: / }]", "takes a method and an address"),
            ("[{ advance: soon }]", "`advance`"),
            ("[{ fail: { htp: unavailable } }]", "unknown variant `htp`"),
            ("[{ time: \"2026-05-06T07:08:09Z\", status: 1 }]", "`status` stands beside it"),
        ] {
            let told = read(steps).unwrap_err();
            assert!(told.contains(said) && told.contains(":3:"), "{told}");
        }
    }
}
