//! Text to a tree of values that know where they stand.
//!
//! The events of `saphyr-parser` are read one by one, because the trees that `saphyr` itself builds keep
//! neither a repeated key's place nor a bound on depth.

use std::{
    collections::{BTreeMap, HashMap, btree_map},
    rc::Rc,
};

use saphyr::{Scalar, ScalarStyle};
use saphyr_parser::{Event, Parser, ScanError, Span};
use serde_json::{Number, Value};

use crate::{
    path::{Path, Step},
    quote::quoted,
};

/// The largest manifest that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;
/// How deep mappings and lists may nest.
const MAX_DEPTH: usize = 64;
/// How many values aliases may repeat, all together.
const MAX_REPEATED: usize = 10_000;

/// Where something stands: lines and columns count from 1, columns in characters, the end is exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

/// A value and where it stands. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    place: Place,
    data: Rc<Data>,
    /// How many values it holds, itself included.
    size: usize,
    /// How deep it nests: 0 for a scalar.
    depth: usize,
}

#[derive(Debug)]
enum Data {
    Null,
    Boolean(bool),
    /// The number, and how it was written: `1.10` is the number 1.1.
    Number(Number, String),
    Text(String),
    List(Vec<Node>),
    Mapping(BTreeMap<String, Member>),
}

#[derive(Debug)]
struct Member {
    key: Place,
    value: Node,
}

/// What is wrong with a text before it can be looked at as a manifest.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) place: Place,
    pub(crate) path: Path,
    pub(crate) message: String,
    pub(crate) instead: Option<String>,
}

/// Reads the one document of a text, with the keys that are given twice. `Err` holds everything found wrong
/// up to the place from which nothing more could be understood.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<Malformed>), Vec<Malformed>> {
    let mut builder = Builder::default();
    match builder.read(text) {
        Ok(root) => Ok((root, builder.repeated)),
        Err(fatal) => {
            builder.repeated.push(fatal);
            Err(builder.repeated)
        }
    }
}

impl Node {
    /// The value as JSON.
    pub(crate) fn to_value(&self) -> Value {
        match &*self.data {
            Data::Null => Value::Null,
            Data::Boolean(value) => Value::Bool(*value),
            Data::Number(value, _) => Value::Number(value.clone()),
            Data::Text(value) => Value::String(value.clone()),
            Data::List(items) => items.iter().map(Node::to_value).collect(),
            Data::Mapping(members) => {
                members.iter().map(|(key, member)| (key.clone(), member.value.to_value())).collect()
            }
        }
    }

    pub(crate) fn is_mapping(&self) -> bool {
        matches!(&*self.data, Data::Mapping(_))
    }

    /// Whether there is a value at a path.
    pub(crate) fn has(&self, path: &Path) -> bool {
        path.steps().iter().try_fold(self, |node, step| Some(node.child(step)?.1)).is_some()
    }

    /// What the author typed for a number at this path.
    pub(crate) fn number_as_written(&self, path: &Path) -> Option<&str> {
        let node = path.steps().iter().try_fold(self, |node, step| Some(node.child(step)?.1))?;
        match &*node.data {
            Data::Number(_, written) => Some(written),
            _ => None,
        }
    }

    /// Where the value at a path stands, or what it would stand in if it is not there.
    pub(crate) fn place_of(&self, path: &Path) -> Place {
        let mut node = self;
        let mut place = self.place;
        for step in path.steps() {
            let Some((key, child)) = node.child(step) else { return place };
            // A block below its key, and nothing at all, are best pointed out by the key.
            place = match key {
                Some(key) if child.place.line != key.line || child.place.is_empty() => key,
                _ => child.place,
            };
            node = child;
        }
        place
    }

    /// Where the key at the end of a path stands; the value's place where there is no key.
    pub(crate) fn place_of_key(&self, path: &Path) -> Place {
        let key = path.split_last().and_then(|(parent, last)| {
            let parent = parent.steps().iter().try_fold(self, |node, step| Some(node.child(step)?.1))?;
            parent.child(&last)?.0
        });
        key.unwrap_or_else(|| self.place_of(path))
    }

    fn child(&self, step: &Step) -> Option<(Option<Place>, &Node)> {
        match (&*self.data, step) {
            (Data::List(items), Step::Item(index)) => Some((None, items.get(*index)?)),
            (Data::Mapping(members), Step::Field(name)) => {
                let member = members.get(name)?;
                Some((Some(member.key), &member.value))
            }
            _ => None,
        }
    }
}

impl Place {
    /// Where it begins, and nothing of it.
    pub(crate) fn start(self) -> Self {
        Self { end_line: self.line, end_column: self.column, ..self }
    }

    fn is_empty(&self) -> bool {
        (self.end_line, self.end_column) <= (self.line, self.column)
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self {
            line: span.start.line().max(1),
            column: span.start.col() + 1,
            end_line: span.end.line().max(1),
            end_column: span.end.col() + 1,
        }
    }
}

/// A list or mapping whose end has not been reached.
struct Open {
    anchor: usize,
    start: Place,
    content: Content,
    size: usize,
    depth: usize,
}

enum Content {
    List(Vec<Node>),
    Mapping { members: BTreeMap<String, Member>, key: Option<(String, Place)> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchored: HashMap<usize, Node>,
    repeated_values: usize,
    root: Option<Node>,
    documents: usize,
    repeated: Vec<Malformed>,
}

impl Builder {
    fn read(&mut self, text: &str) -> Result<Node, Malformed> {
        if text.len() > MAX_BYTES {
            let message = format!("the file has {} bytes; a manifest has {MAX_BYTES} at most", text.len());
            return Err(self.malformed(
                top(),
                message,
                "less: large data goes into files beside the manifest".to_owned(),
            ));
        }
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| self.not_yaml(&error))?;
            self.event(event, span.into())?;
        }
        self.root.take().filter(|root| !matches!(&*root.data, Data::Null)).ok_or_else(|| {
            let instead = "`id`, `name`, `version` and `category`, each on a line of its own";
            self.malformed(top(), "there is nothing in this file", instead.to_owned())
        })
    }

    fn event(&mut self, event: Event<'_>, place: Place) -> Result<(), Malformed> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let instead = "it in a file of its own, in a folder of its own".to_owned();
                    return Err(self.malformed(place, "a second document begins here", instead));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() {
                    return self.key(text.into_owned(), place);
                }
                let data = if style == ScalarStyle::Plain {
                    let written = text.to_string();
                    let scalar = Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref());
                    scalar.and_then(|scalar| Data::from_scalar(scalar, &written)).ok_or_else(|| {
                        let message = format!("{} is not a value that a manifest can hold", quoted(&written));
                        self.malformed(place, message, format!("it as text: `{written:?}`"))
                    })?
                } else {
                    Data::Text(text.into_owned())
                };
                self.add(Node { place, data: Rc::new(data), size: 1, depth: 0 }, anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::SequenceStart(anchor, _) => self.open(anchor, place, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.open(anchor, place, Content::Mapping { members: BTreeMap::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    fn key(&mut self, name: String, place: Place) -> Result<(), Malformed> {
        if name == "<<" {
            let instead = "the fields out; an alias may stand for a whole value".to_owned();
            return Err(self.malformed(place, "merge keys (`<<`) are no part of YAML 1.2", instead));
        }
        if let Some(Open { content: Content::Mapping { key, .. }, .. }) = self.open.last_mut() {
            *key = Some((name, place));
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, start: Place, content: Content) -> Result<(), Malformed> {
        if self.wants_key() {
            let instead = "a word as the key".to_owned();
            return Err(self.malformed(start, "a list or mapping cannot be a key", instead));
        }
        self.check_depth(1, start)?;
        self.open.push(Open { anchor, start, content, size: 1, depth: 0 });
        Ok(())
    }

    fn close(&mut self, end: Place) -> Result<(), Malformed> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let data = match open.content {
            Content::List(items) => Data::List(items),
            Content::Mapping { members, .. } => Data::Mapping(members),
        };
        let place = Place { end_line: end.end_line, end_column: end.end_column, ..open.start };
        let node = Node { place, data: Rc::new(data), size: open.size, depth: open.depth + 1 };
        self.add(node, open.anchor)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Malformed> {
        let Some(node) = self.anchored.get(&anchor) else {
            let instead = "the value out".to_owned();
            return Err(self.malformed(place, "this alias stands within what it stands for", instead));
        };
        let node = Node { place, ..node.clone() };
        if self.wants_key() {
            return match &*node.data {
                Data::Text(name) => self.key(name.clone(), place),
                _ => Err(self.malformed(place, "this alias cannot be a key", "a word as the key".to_owned())),
            };
        }
        self.repeated_values = self.repeated_values.saturating_add(node.size);
        if self.repeated_values > MAX_REPEATED {
            let message = format!("the aliases up to here stand for more than {MAX_REPEATED} values");
            return Err(self.malformed(place, message, "the values out".to_owned()));
        }
        self.check_depth(node.depth, place)?;
        self.add(node, 0)
    }

    /// Puts a finished value where it belongs. Anchors count from 1; 0 is none.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Malformed> {
        if anchor > 0 {
            self.anchored.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(node.size);
        open.depth = open.depth.max(node.depth);
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Mapping { members, key } => {
                let Some((name, place)) = key.take() else { return Ok(()) };
                match members.entry(name) {
                    btree_map::Entry::Vacant(vacant) => {
                        vacant.insert(Member { key: place, value: node });
                    }
                    btree_map::Entry::Occupied(first) => {
                        let name = quoted(first.key());
                        let message =
                            format!("{name} is given twice, first on line {}", first.get().key.line);
                        let name = first.key().clone();
                        let instead = "one of the two".to_owned();
                        let mut malformed = self.malformed(place, message, instead);
                        malformed.path = malformed.path.field(&name);
                        self.repeated.push(malformed);
                    }
                }
            }
        }
        Ok(())
    }

    fn check_depth(&self, added: usize, place: Place) -> Result<(), Malformed> {
        if self.open.len() + added > MAX_DEPTH {
            return Err(self.too_deep(place));
        }
        Ok(())
    }

    fn too_deep(&self, place: Place) -> Malformed {
        let message = format!("lists and mappings nest more than {MAX_DEPTH} deep here");
        Malformed { path: Path::default(), ..self.malformed(place, message, "it flatter".to_owned()) }
    }

    fn not_yaml(&self, error: &ScanError) -> Malformed {
        let place = Span::empty(*error.marker()).into();
        let info = error.info();
        if info.contains("recursion limit") {
            return self.too_deep(place);
        }
        let instead = if info.contains("tab") {
            Some("spaces to indent")
        } else if info.contains("unexpected character") {
            Some("the text in quotes")
        } else if info.contains("mapping values are not allowed") {
            Some("text that holds `: ` in quotes, and fields in line with their neighbours")
        } else if info.contains("expected key") || info.contains("expected '-'") {
            Some("it in line with its neighbours above")
        } else if info.contains("unexpected end of stream") || info.contains("quoted scalar") {
            Some("the closing quote")
        } else {
            None
        };
        let malformed = self.malformed(place, format!("this is not YAML: {info}"), String::new());
        Malformed { instead: instead.map(str::to_owned), ..malformed }
    }

    fn malformed(&self, place: Place, message: impl Into<String>, instead: String) -> Malformed {
        let steps = self.open.iter().map_while(|open| match &open.content {
            Content::List(items) => Some(Step::Item(items.len())),
            Content::Mapping { key, .. } => Some(Step::Field(key.as_ref()?.0.clone())),
        });
        Malformed { place, path: steps.collect(), message: message.into(), instead: Some(instead) }
    }
}

impl Data {
    fn from_scalar(scalar: Scalar<'_>, written: &str) -> Option<Self> {
        let number = |number: Number| Data::Number(number, written.to_owned());
        Some(match scalar {
            Scalar::Null => Data::Null,
            Scalar::Boolean(value) => Data::Boolean(value),
            Scalar::Integer(value) => number(value.into()),
            Scalar::FloatingPoint(value) => number(whole(*value).or_else(|| Number::from_f64(*value))?),
            Scalar::String(text) => Data::Text(text.into_owned()),
        })
    }
}

/// `64.0` is the number 64, to JSON Schema as to people.
fn whole(value: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_991.0;
    (value.fract() == 0.0 && value.abs() <= EXACT).then(|| Number::from(value as i64))
}

fn top() -> Place {
    Place { line: 1, column: 1, end_line: 1, end_column: 1 }
}
