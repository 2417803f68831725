//! What holds of every text and of every manifest.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot write a manifest has failed"
)]

mod yaml;

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};
use switchboard_manifest::{Faults, Manifest};

/// Something of everything, with what YAML has signs for.
const WHOLE: &str = r#"id: clips
name: "Clips: ältere"
version: 1.0.0
entry_point: plugin.wasm
category: media
requires: [presets, { plugin_id: maps, version: ">=1.2" }]
capabilities:
  - { name: db, reason: 'Keeps the clips.' }
  - name: http
    reason: >-
      Asks a server
      for names.
    hosts: [api.example.com]
  - { name: events, reason: Says what happens. }
permissions:
  actions: [{ name: clip:read }]
  roles: { viewer: ["clip:*"] }
provides:
  api_routes:
    - { method: GET, path: "/{id}", permission: clip:read }
    - { method: GET, path: /old, scope: root, reason: existing clients }
  pages: [{ path: /, title: Clips }]
  menu_items: [{ label: Clips, page: / }]
  services: [{ name: clips.get }]
  events:
    - type: clip.created
      schema: &clip { type: object, properties: { id: { type: integer } } }
    - { type: clip.deleted, schema: *clip }
  listeners: [{ event: "maps.**" }]
  tasks: [{ name: sweep, cron: "0 4 * * *" }]
config_schema: { type: object, properties: { rate: { type: integer, maximum: 9 } } }
config_defaults: { rate: 7 }
"#;

#[test]
fn the_manifest_that_the_others_are_made_from_has_no_fault() {
    assert_eq!(Manifest::read(WHOLE).map_err(|faults| faults.to_string()).err(), None);
}

#[test]
fn a_schema_that_leads_back_to_itself_is_followed_no_further() {
    let rules = [
        r##"$ref: "#""##,
        r##"allOf: [{ $ref: "#" }]"##,
        r##"not: { not: { $ref: "#" } }"##,
        r##"if: { $ref: "#" }"##,
        r##"anyOf: [{ type: string }, { $ref: "#" }]"##,
        r##"$dynamicRef: "#""##,
        r##"$ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }"##,
        r##"dependentSchemas: { a: { $ref: "#" } }"##,
        r##"unevaluatedProperties: { $ref: "#" }, $ref: "#""##,
    ];
    for rules in rules {
        is_read_or_told(&format!(
            "{{ id: a, name: A, version: 1.0.0, type: builtin, category: media,\n\
             config_schema: {{ type: object, {rules} }}, config_defaults: {{ a: 1 }} }}"
        ));
    }
}

/// Every place is a line of the text and a column of it, or the one after its last.
fn stand_inside(faults: &Faults, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    for fault in faults.iter() {
        assert!(fault.line >= 1 && fault.line <= lines.len().max(1), "{fault:?} in {} lines", lines.len());
        let columns = lines.get(fault.line - 1).map_or(0, |line| line.chars().count());
        assert!(fault.column >= 1 && fault.column <= columns + 1, "{fault:?} in {columns} columns");
        assert!(!fault.message.is_empty());
    }
    assert!(faults.len() > 0);
    assert!(!faults.report("manifest.yaml").is_empty());
}

fn is_read_or_told(text: &str) {
    if let Err(faults) = Manifest::read(text) {
        stand_inside(&faults, text);
    }
}

/// A line taken out, given twice, moved, or a piece of another text put in.
#[derive(Debug, Clone)]
enum Slip {
    Drop(usize),
    Repeat(usize),
    Swap(usize, usize),
    Indent(usize),
    Insert(usize, String),
    Cut(usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let place = 0..WHOLE.len();
    prop_oneof![
        place.clone().prop_map(Slip::Drop),
        place.clone().prop_map(Slip::Repeat),
        (place.clone(), place.clone()).prop_map(|(one, other)| Slip::Swap(one, other)),
        place.clone().prop_map(Slip::Indent),
        (place.clone(), r#"[\[\]{}:,'"&*!|>%@#\-?\t \r\nä0-9a-z~<.]{1,4}"#)
            .prop_map(|(at, piece)| Slip::Insert(at, piece)),
        place.prop_map(Slip::Cut),
    ]
}

fn slipped(slips: &[Slip]) -> String {
    let mut text = WHOLE.to_owned();
    for slip in slips {
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let line = |at: &usize| at % lines.len();
        match slip {
            Slip::Drop(at) => drop(lines.remove(line(at))),
            Slip::Repeat(at) => lines.insert(line(at), lines[line(at)].clone()),
            Slip::Swap(one, other) => {
                let (one, other) = (line(one), line(other));
                lines.swap(one, other);
            }
            Slip::Indent(at) => {
                let at = line(at);
                lines[at].insert(0, ' ');
            }
            Slip::Insert(at, piece) => {
                let characters: Vec<char> = text.chars().collect();
                let (before, after) = characters.split_at(at % (characters.len() + 1));
                text = before.iter().copied().chain(piece.chars()).chain(after.iter().copied()).collect();
                continue;
            }
            Slip::Cut(at) => {
                text = text.chars().take(*at).collect();
                continue;
            }
        }
        text = lines.join("\n");
    }
    text
}

/// Text of people: what YAML or JSON would mistake for something else among it.
fn words(longest: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z ,.'-]{1,40}",
        proptest::string::string_regex(&format!(r#"[^\p{{C}}\u{{2028}}\u{{2029}}]{{1,{longest}}}"#)).unwrap(),
        prop::sample::select(vec![
            "true", "no", "~", "null", "1.0", "0x1f", "1e3", "- a", "a: b", "# a", "'", "\"", "&a", "*a",
            "!a", " a ", "a\nb", "\ta", "|", ">", "%", "@", "{", "[", "-", "?", ":", "---", "...", "=", "<<",
        ])
        .prop_map(str::to_owned),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,11}"
}

fn range() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["*", "^1", "1.2", ">=0.1", ">=1.2, <2", "=1.0.0", "~1.4"])
        .prop_map(str::to_owned)
}

/// Whether two entries of a list would have one name.
fn differ(list: &[Value], field: &str) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    list.iter().all(|entry| seen.insert(entry[field].to_string()))
}

fn routes() -> impl Strategy<Value = Vec<Value>> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]);
    let scope = prop::sample::select(vec!["organization", "global", "admin", "root"]);
    let errors = prop::sample::select(vec!["problem", "detail"]);
    let limit = prop_oneof![Just(json!("upload")), (0..1_u64 << 40).prop_map(Value::from)];
    let route = (method, scope, words(60), errors, option::of(limit), any::<bool>());
    vec(route, 0..6).prop_map(|routes| {
        let route = |(number, (method, scope, reason, errors, limit, parameter))| {
            let rest = if parameter { "/{id}" } else { "" };
            let mut route = json!({
                "method": method, "path": format!("/r{number}{rest}"), "scope": scope, "errors": errors
            });
            if scope == "root" {
                route["reason"] = Value::from(format!("because {reason}"));
            }
            if let Some(limit) = limit {
                route["body_limit"] = limit;
            }
            route
        };
        routes.into_iter().enumerate().map(route).collect()
    })
}

fn provisions() -> impl Strategy<Value = Value> {
    let events = vec((name(), name(), words(60)), 0..4).prop_map(|events| {
        let event = |(kind, verb, text)| {
            json!({"type": format!("{kind}.{verb}"), "description": text, "schema": {"type": "object"}})
        };
        events.into_iter().map(event).collect::<Vec<Value>>()
    });
    let events = events.prop_filter("names differ", |list| differ(list, "type"));
    let listeners = vec((name(), -1_000_000..=1_000_000), 0..4).prop_map(|listeners| {
        let listener = |(kind, priority)| json!({"event": format!("{kind}.**"), "priority": priority});
        listeners.into_iter().map(listener).collect::<Vec<Value>>()
    });
    let listeners = listeners.prop_filter("names differ", |list| differ(list, "event"));
    let every = option::of(1..=315_360_000_u64);
    let tasks = vec((name(), words(60), every, 1..=86_400_u64), 0..4).prop_map(|tasks| {
        let task = |(name, text, every, seconds)| match every {
            Some(every) => {
                json!({"name": name, "description": text, "every_seconds": every, "timeout_seconds": seconds})
            }
            None => json!({"name": name, "description": text, "cron": "*/5 4 * * 1-5"}),
        };
        tasks.into_iter().map(task).collect::<Vec<Value>>()
    });
    let tasks = tasks.prop_filter("names differ", |list| differ(list, "name"));
    (routes(), events, listeners, tasks, words(60)).prop_map(|(routes, events, listeners, tasks, title)| {
        json!({
            "api_routes": routes, "events": events, "listeners": listeners, "tasks": tasks,
            "pages": [{"path": "/", "title": title}], "menu_items": [{"label": title, "page": "/"}],
            "services": [{"name": "clips.get", "description": title}]
        })
    })
}

fn defaults() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Numbers without a fraction are whole, however they are written.
        (-1_000_000..1_000_000).prop_map(|number| Value::from(f64::from(number) + 0.25)),
        words(40).prop_map(Value::from),
        Just(Value::Null),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((words(12), inner), 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    });
    vec((words(12), value), 0..4).prop_map(|members| {
        // YAML's merge key is refused on purpose.
        members
            .into_iter()
            .filter(|(name, value)| name != "<<" && !value.to_string().contains("<<"))
            .collect()
    })
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let limits = (1..=4096_u32, 1..=600_000_u64, 1..=10_000_u32, option::of(1..=1_000_000_u32));
    let version = prop::sample::select(vec!["1.0.0", "0.1.0-alpha.1", "10.20.30+build.5"]);
    let dependencies = vec((name(), range()), 0..4);
    (words(80), words(200), version, dependencies, range(), limits, provisions(), defaults()).prop_map(
        |(title, text, version, dependencies, host, limits, provides, defaults)| {
            let mut seen = std::collections::BTreeSet::from(["clips".to_owned()]);
            let requires: Vec<Value> = dependencies
                .into_iter()
                .filter(|(name, _)| seen.insert(name.clone()))
                .map(|(name, range)| json!({"plugin_id": name, "version": range}))
                .collect();
            let manifest = json!({
                "id": "clips", "name": title, "version": version, "description": text, "author": text,
                "type": "external", "entry_point": "build/plugin.wasm", "category": "media", "host": host,
                "requires": requires, "provides": provides,
                "capabilities": [
                    {"name": "events", "reason": "Says what happens."},
                    {"name": "http", "reason": "Asks others.", "hosts": ["api.example.com", "*.example.com"]}
                ],
                "limits": {
                    "memory_mb": limits.0, "call_ms": limits.1, "concurrent_calls": limits.2,
                    "calls_per_second": limits.3
                },
                "permissions": {"actions": [{"name": "clip:read"}], "roles": {"viewer": ["clip:*"]}},
                "config_schema": {"type": "object"}, "config_defaults": defaults
            });
            serde_json::from_value(manifest).unwrap()
        },
    )
}

fn told(text: &str) -> Result<Manifest, TestCaseError> {
    Manifest::read(text).map_err(|faults| TestCaseError::fail(format!("{faults}\nin\n{text}")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(384) })]

    #[test]
    fn any_text_is_read_or_its_faults_stand_inside_it(text in any::<String>()) {
        is_read_or_told(&text);
    }

    #[test]
    fn any_text_of_yamls_own_signs_is_read_or_its_faults_stand_inside_it(
        text in r#"([\[\]{}:,'"&*!|>%@#\-?~<.=\t \r\n]|id|name|\\|ä|\u{feff}|\u{85}|\u{2028}|0|\n  |: |- ){0,60}"#,
    ) {
        is_read_or_told(&text);
    }

    #[test]
    fn any_slip_in_a_manifest_is_read_or_its_faults_stand_inside_it(slips in vec(slip(), 1..5)) {
        is_read_or_told(&slipped(&slips));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_manifest_written_as_json_reads_back_equal(manifest in manifests()) {
        prop_assert_eq!(&told(&serde_json::to_string(&manifest).unwrap())?, &manifest);
        prop_assert_eq!(&told(&serde_json::to_string_pretty(&manifest).unwrap())?, &manifest);
    }

    #[test]
    fn a_manifest_written_as_yaml_reads_back_equal(manifest in manifests()) {
        let text = yaml::from_json(&serde_json::to_value(&manifest).unwrap());
        prop_assert_eq!(&told(&text)?, &manifest);
    }
}
