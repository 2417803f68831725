//! Commands: who may give which, what each takes, and how a line of words becomes a call.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use switchboard_api::{
    Actor, Call, CommandCall, Failure, Fault, Organization, Parameter, ParameterPlace, Payload, Reply, Said,
};
use switchboard_manifest::{Argument, Command, Manifest};

use crate::{
    dispatch::{Caller, Terms, dispatch, permit},
    loaded::Loaded,
    shape::{ParameterShape, Rules},
    snapshot::Snapshot,
};

/// What is said is no longer than this, in bytes.
const LONGEST: usize = 16 << 10;

/// Where the faults of arguments stand.
const PLACE: &str = "arguments";

/// What opens and closes a quotation: telephones like to write the latter two.
const QUOTES: [char; 3] = ['"', '“', '”'];

/// What a command takes.
pub(crate) struct CommandShape {
    /// Each argument, as a word says it.
    arguments: Vec<ParameterShape>,
    /// All of them together.
    rules: Rules,
}

/// A command that a plugin has for an organization.
pub struct Offered<'a> {
    /// Whose it is: the version that serves the organization.
    pub plugin: &'a Arc<Loaded>,
    /// What is declared of it.
    pub command: &'a Command,
    /// Its position in the manifest.
    position: usize,
}

/// A command as it was given.
#[derive(Debug, Clone, PartialEq)]
pub enum Given<'a> {
    /// A line as people write it, such as `!signatures 3`. Where several plugins have a command of that name, `guestbook:signatures` says
    /// which one is meant.
    Line(&'a str),
    /// A command of a plugin, with its arguments by their names.
    Named {
        /// The plugin's id.
        plugin: &'a str,
        /// The command's name.
        command: &'a str,
        /// The arguments.
        arguments: Map<String, Json>,
    },
}

/// What the commands of a plugin take, in the manifest's order.
pub(crate) fn shapes(manifest: &Manifest) -> Result<Vec<CommandShape>, String> {
    manifest.provides.commands.iter().map(CommandShape::new).collect()
}

/// How a command is written: `seed <preset> [race]`, where what stands in brackets may be left out.
///
/// ```
/// # use switchboard_manifest::Command;
/// let command: Command = serde_json::from_str(
///     r#"{"name": "seed", "description": "Makes a seed", "arguments": [
///         {"name": "preset", "description": "Which one", "required": true}, {"name": "race", "description": "For which race"}]}"#,
/// )?;
/// assert_eq!(switchboard_kernel::usage(&command), "seed <preset> [race]");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn usage(command: &Command) -> String {
    let argument = |Argument { name, required, .. }: &Argument| match required {
        true => format!(" <{name}>"),
        false => format!(" [{name}]"),
    };
    std::iter::once(command.name.clone()).chain(command.arguments.iter().map(argument)).collect()
}

impl CommandShape {
    fn new(command: &Command) -> Result<Self, String> {
        let arguments = command.arguments.iter().map(|argument| {
            let Argument { name, required, schema, .. } = argument.clone();
            let parameter = Parameter { name, place: ParameterPlace::Query, required, schema: schema.into() };
            ParameterShape::new(&command.name, &parameter)
        });
        let properties: Map<String, Json> =
            command.arguments.iter().map(|it| (it.name.clone(), it.schema.clone().into())).collect();
        let required: Vec<&str> =
            command.arguments.iter().filter(|it| it.required).map(|it| it.name.as_str()).collect();
        let schema = json!({ "properties": properties, "required": required, "additionalProperties": false });
        let rules = Rules::new(schema.as_object().unwrap_or(&Map::new()));
        let rules = rules.map_err(|error| {
            format!("what command `{}` takes is described by no JSON Schema: {error}", command.name)
        })?;
        Ok(Self { arguments: arguments.collect::<Result<_, _>>()?, rules })
    }

    fn checked(&self, arguments: Map<String, Json>) -> Result<Json, Failure> {
        let arguments = Json::Object(arguments);
        match self.rules.faults(&arguments, &[PLACE]) {
            none if none.is_empty() => Ok(arguments),
            faults => Err(Failure::faults(faults)),
        }
    }

    /// The arguments that the words of a line say, one after the other.
    fn read(&self, mut words: Words<'_>, usage: &str) -> Result<Json, Failure> {
        let (mut arguments, mut faults) = (Map::new(), Vec::new());
        for (position, argument) in self.arguments.iter().enumerate() {
            let is_last = position + 1 == self.arguments.len();
            let word = if is_last && argument.is_text() { words.rest() } else { words.next()? };
            match word {
                Some(word) => {
                    let value = argument.read(PLACE, &[word], &mut faults);
                    arguments.insert(argument.name.to_string(), value);
                }
                None if argument.required => {
                    let msg = format!("It must be given: {usage}");
                    faults.push(Fault::new("missing", [PLACE, &argument.name], msg, Json::Null));
                }
                None => {}
            }
        }
        if let Some(word) = words.next()? {
            let msg = format!("It takes no more than this: {usage}");
            faults.push(Fault::new("too_long", [PLACE], msg, word.into()));
        }
        if faults.is_empty() { Ok(Json::Object(arguments)) } else { Err(Failure::faults(faults)) }
    }
}

/// The words of a line that are not read yet. What stands in quotation marks is one word; in it a `\` has what follows stand for itself.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn next(&mut self) -> Result<Option<String>, Failure> {
        let line = self.0.trim_start();
        let mut letters = line.chars();
        match letters.next() {
            None => Ok(None),
            Some(first) if QUOTES.contains(&first) => {
                let mut word = String::new();
                while let Some(letter) = letters.next() {
                    match letter {
                        '\\' => word.extend(letters.next()),
                        end if QUOTES.contains(&end) => {
                            self.0 = letters.as_str();
                            return Ok(Some(word));
                        }
                        other => word.push(other),
                    }
                }
                let msg = "A quotation begins here and does not end".to_owned();
                Err(Failure::faults(vec![Fault::new("quotation", [PLACE], msg, line.into())]))
            }
            Some(_) => {
                let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
                self.0 = rest;
                Ok(Some(word.to_owned()))
            }
        }
    }

    /// All that is left: a word, or the whole as it stands.
    fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.0).trim();
        let mut words = Words(line);
        match words.next() {
            Ok(None) => None,
            Ok(Some(word)) if words.0.trim().is_empty() => Some(word),
            _ => Some(line.to_owned()),
        }
    }
}

impl Snapshot {
    /// The commands that there are for an organization, by plugin and in the order of their manifests.
    fn commands<'a>(&'a self, organization: &'a Organization) -> impl Iterator<Item = Offered<'a>> {
        let enabled = self.plugins().iter().filter(|plugin| self.is_enabled(plugin, organization.id));
        let serving = enabled.map(|plugin| self.version_for(plugin, Some(organization.id)));
        serving.flat_map(|plugin| {
            let commands = plugin.manifest().provides.commands.iter().enumerate();
            commands.map(move |(position, command)| Offered { plugin, command, position })
        })
    }

    /// Those that somebody may give.
    pub fn commands_for<'a>(
        &'a self,
        organization: &'a Organization,
        actor: &'a Actor,
    ) -> impl Iterator<Item = Offered<'a>> {
        self.commands(organization).filter(|offered| {
            let permission = offered.command.permission.as_deref();
            permission.is_none_or(|action| self.require(actor, Some(organization), action, None).is_ok())
        })
    }

    /// The one command of that name, of one plugin or of any.
    fn command<'a>(
        &'a self,
        organization: &'a Organization,
        plugin: Option<&str>,
        name: &str,
    ) -> Result<Offered<'a>, Failure> {
        let is_meant = |offered: &Offered<'_>| {
            offered.command.name == name && plugin.is_none_or(|plugin| offered.plugin.id().as_str() == plugin)
        };
        let mut meant = self.commands(organization).filter(is_meant);
        let found = meant.next().ok_or_else(|| {
            let of = plugin.map(|plugin| format!(" of plugin `{plugin}`")).unwrap_or_default();
            let slug = &organization.slug;
            Failure::not_found(format!("there is no command `{name}`{of} for organization `{slug}`"))
        })?;
        let mut others = meant.map(|other| format!("`{}:{name}`", other.plugin.id())).peekable();
        if others.peek().is_some() {
            let all: Vec<String> =
                std::iter::once(format!("`{}:{name}`", found.plugin.id())).chain(others).collect();
            let message =
                format!("several plugins have a command `{name}`: say which one, {}", all.join(" or "));
            return Err(Failure::conflict(message));
        }
        Ok(found)
    }
}

/// Gives a command for the caller, in the organization that the call is for: the one function that a chat, a terminal and the REST
/// address stand on. `origin` is an object that says where it was given: its `kind`, such as `api`, and what else the plugin may know of
/// the place.
///
/// # Errors
/// Not found when no plugin that is on has such a command, conflict when several have it; invalid with each fault by argument; forbidden;
/// and what [`dispatch`] and the plugin fail with.
pub async fn run_command(
    snapshot: &Snapshot,
    caller: Caller,
    given: Given<'_>,
    origin: Payload,
) -> Result<Said, Failure> {
    let organization = caller.organization.clone();
    let organization = organization
        .as_deref()
        .ok_or_else(|| Failure::invalid("a command is given in an organization: name one"))?;
    let (name, line) = match &given {
        Given::Line(line) => {
            let line = line.trim_start();
            let line = line.strip_prefix('!').unwrap_or(line);
            line.split_once(char::is_whitespace).unwrap_or((line, ""))
        }
        Given::Named { command, .. } => (*command, ""),
    };
    let offered = match (&given, name.split_once(':')) {
        (Given::Named { plugin, .. }, _) => snapshot.command(organization, Some(plugin), name),
        (Given::Line(_), Some((plugin, name))) => snapshot.command(organization, Some(plugin), name),
        (Given::Line(_), None) => snapshot.command(organization, None, name),
    }?;
    let Offered { plugin, command, position } = offered;
    let permission = command.permission.as_deref();
    // What it takes is told to those who may give it.
    permit(snapshot, plugin, Some(organization), &caller.actor, permission)?;
    let unshaped = || Failure::broken(format!("nothing is known of what command `{}` takes", command.name));
    let shape = plugin.commands.get(position).ok_or_else(unshaped)?;
    let arguments = match given {
        Given::Line(_) => shape.read(Words(line), &usage(command)),
        Given::Named { arguments, .. } => shape.checked(arguments),
    }?;
    let call = Call::Command(CommandCall {
        name: command.name.clone(),
        arguments: Payload::of(&arguments)?,
        origin,
    });
    let terms = Terms { permission, ..Terms::default() };
    match dispatch(snapshot, plugin, caller, terms, call).await? {
        Reply::Said(said) if said.text.len() <= LONGEST => Ok(said),
        Reply::Said(said) => Err(Failure::broken(format!(
            "plugin `{}` says {} bytes to command `{}`, and {LONGEST} are the most",
            plugin.id(),
            said.text.len(),
            command.name
        ))),
        other => Err(Failure::broken(format!(
            "plugin `{}` answers command `{}` with {other:?}, which nobody can be told",
            plugin.id(),
            command.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(arguments: Json) -> CommandShape {
        let command = json!({"name": "it", "description": "It", "arguments": arguments});
        CommandShape::new(&serde_json::from_value(command).unwrap()).unwrap()
    }

    fn read(arguments: Json, line: &str) -> Json {
        match shape(arguments).read(Words(line), "it …") {
            Ok(read) => read,
            Err(Failure::Invalid { faults, .. }) => {
                faults.iter().map(|fault| format!("{} {}", fault.place(), fault.kind)).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_are_read_in_the_order_of_the_arguments_and_by_their_types() {
        let arguments = || {
            json!([
                {"name": "who", "description": "Who", "required": true},
                {"name": "sides", "description": "Sides", "schema": {"type": "integer", "minimum": 2}},
                {"name": "loud", "description": "Loud", "schema": {"type": "boolean"}},
            ])
        };
        for (line, expected) in [
            ("Ada", json!({"who": "Ada"})),
            (" \"Ada Lovelace\"   6 yes ", json!({"who": "Ada Lovelace", "sides": 6, "loud": true})),
            (r#""a \"b\" \\" 6"#, json!({"who": r#"a "b" \"#, "sides": 6})),
            ("“Ada L.” 6", json!({"who": "Ada L.", "sides": 6})),
            ("don't 6", json!({"who": "don't", "sides": 6})),
            ("", json!(["arguments.who missing"])),
            ("Ada one", json!(["arguments.sides int_parsing"])),
            ("Ada 1 perhaps", json!(["arguments.sides greater_than_equal", "arguments.loud bool_parsing"])),
            ("Ada 6 no more", json!(["arguments too_long"])),
            ("\"Ada", json!(["arguments quotation"])),
        ] {
            assert_eq!(read(arguments(), line), expected, "{line}");
        }
    }

    #[test]
    fn the_last_argument_takes_the_rest_of_the_line_when_it_is_a_text() {
        let arguments = || {
            json!([
                {"name": "who", "description": "Who", "required": true},
                {"name": "what", "description": "What", "schema": {"type": "string", "maxLength": 20}},
            ])
        };
        for (line, what) in [
            ("Ada it's a \"fine\" day ", "it's a \"fine\" day"),
            ("Ada \"a day\"", "a day"),
            ("Ada \"a day", "\"a day"),
            ("Ada day", "day"),
        ] {
            assert_eq!(read(arguments(), line), json!({"who": "Ada", "what": what}), "{line}");
        }
        let long = read(arguments(), "Ada a day that is much too long");
        assert_eq!(long, json!(["arguments.what string_too_long"]));
    }

    #[test]
    fn arguments_by_name_are_checked_as_a_whole() {
        let shape = shape(json!([
            {"name": "who", "description": "Who", "required": true},
            {"name": "sides", "description": "Sides", "schema": {"type": "integer"}},
        ]));
        let checked = |arguments: Json| shape.checked(arguments.as_object().unwrap().clone());
        assert_eq!(checked(json!({"who": "Ada", "sides": 6})), Ok(json!({"who": "Ada", "sides": 6})));
        let Err(Failure::Invalid { faults, .. }) = checked(json!({"sides": "6", "colour": "red"})) else {
            panic!("it is not refused");
        };
        let mut told: Vec<_> = faults.iter().map(|it| format!("{} {}", it.place(), it.kind)).collect();
        told.sort();
        assert_eq!(
            told,
            ["arguments.colour extra_forbidden", "arguments.sides int_type", "arguments.who missing"]
        );
    }
}
