//! `switchboard plugin inspect`: what a package holds, asks for and is signed by.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use serde_json::{Value as Json, json};
use switchboard_manifest::CapabilityRequest;
use switchboard_packages::{
    Agreement, Bounds, Digest, FetchBounds, Import, Need, Package, Signature, Source, TrustedKeys, fetch,
};

use super::{credentials, in_bytes, plain};
use crate::{
    data_folder::DataFolder,
    output::{self, Output, Tone},
};

/// What is known of a package before it is installed.
struct Inspected {
    source: String,
    package: Package,
    signature: SignedBy,
    released: Option<jiff::Timestamp>,
}

/// Whose signature is beside a package.
enum SignedBy {
    Nobody,
    /// A key that is trusted, by the name it has here, with what it says.
    Trusted {
        name: String,
        key: String,
        comment: String,
    },
    /// A key that is not trusted: what its signature is worth is not known.
    Stranger {
        key: String,
    },
}

/// Shows a package, or what a package of a folder would be.
///
/// # Errors
/// When it cannot be had, or is none.
pub(super) async fn run(folder: &DataFolder, source: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let inspected = inspect(folder, source).await?;
    let agreement = Agreement::of(inspected.package.manifest(), inspected.package.component());
    let wanting = wanting(&agreement);
    output
        .result(&inspected.as_json(&agreement, &wanting), || inspected.as_text(&agreement, &wanting, output));
    Ok(if wanting.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(output::FOUND_WANTING) })
}

async fn inspect(folder: &DataFolder, text: &str) -> anyhow::Result<Inspected> {
    let bounds = Bounds::default();
    if Path::new(text).is_dir() {
        let packed = switchboard_packages::pack(Path::new(text), &bounds)
            .with_context(|| format!("{text} would make no package"))?;
        let (source, signature) = (text.to_owned(), SignedBy::Nobody);
        return Ok(Inspected { source, package: packed.package, signature, released: None });
    }
    let source: Source = text.parse()?;
    let fetched = fetch(&source, credentials().as_ref(), &FetchBounds::default())
        .await
        .with_context(|| format!("{source} cannot be had"))?;
    let package =
        Package::read(&fetched.bytes, &bounds).with_context(|| format!("{source} is no right package"))?;
    let trusted = TrustedKeys::open(&folder.trusted_keys())?;
    let signature = match &fetched.signature {
        None => SignedBy::Nobody,
        Some(signature) => signed_by(&fetched.bytes, signature, &trusted)
            .with_context(|| format!("the signature of {source} is not right"))?,
    };
    Ok(Inspected { source: source.to_string(), package, signature, released: fetched.released })
}

fn signed_by(bytes: &[u8], signature: &Signature, trusted: &TrustedKeys) -> anyhow::Result<SignedBy> {
    Ok(match trusted.who_signed(bytes, signature)? {
        Some((by, signed)) => {
            SignedBy::Trusted { name: by.name.clone(), key: signed.key, comment: signed.comment }
        }
        None => SignedBy::Stranger { key: signature.key() },
    })
}

/// Why a server would refuse a package, a sentence each.
pub(super) fn wanting(agreement: &Agreement) -> Vec<String> {
    let sentence = |import: &Import| match import.need {
        Need::NotAsked(capability) => format!(
            "the component imports `{}`, and the manifest does not ask for the capability `{capability}`: add it under \
             `capabilities`, with a reason",
            plain(import.interface.as_str())
        ),
        _ => format!(
            "the component imports `{}`, which no server has: leave it out",
            plain(import.interface.as_str())
        ),
    };
    agreement.refused().map(sentence).collect()
}

/// Those sentences, for people.
pub(super) fn told(wanting: &[String], output: &Output) -> Vec<String> {
    let mut lines: Vec<String> =
        wanting.iter().map(|why| format!("{} {why}", output.paint(Tone::Bad, "wanting:"))).collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

impl Inspected {
    fn as_json(&self, agreement: &Agreement, wanting: &[String]) -> Json {
        let package = &self.package;
        let manifest = package.manifest();
        let signature = match &self.signature {
            SignedBy::Nobody => Json::Null,
            SignedBy::Trusted { name, key, comment } => {
                json!({ "trusted": true, "name": name, "key": key, "comment": comment })
            }
            SignedBy::Stranger { key } => json!({ "trusted": false, "key": key }),
        };
        let import = |import: &Import| {
            let (need, capability) = match import.need {
                Need::Nothing => ("nothing", None),
                Need::Asked(capability) => ("asked", Some(capability)),
                Need::NotAsked(capability) => ("not_asked", Some(capability)),
                Need::Wasi => ("wasi", None),
                Need::Unknown => ("unknown", None),
            };
            json!({ "interface": import.interface.as_str(), "need": need, "capability": capability })
        };
        let exports = package.component().exports.iter().map(|export| json!(export.as_str()));
        let made_with = package.component().producers.iter();
        let files = package.files().map(|(name, content)| {
            json!({ "name": name.as_str(), "size": content.len(), "digest": Digest::of(content) })
        });
        json!({
            "source": self.source,
            "id": manifest.id,
            "version": manifest.version,
            "name": manifest.name,
            "description": manifest.description,
            "author": manifest.author,
            "license": manifest.license,
            "host": manifest.host.to_string(),
            "size": package.size(),
            "digest": package.digest(),
            "released": self.released,
            "signature": signature,
            "capabilities": manifest.capabilities,
            "unused_capabilities": agreement.unused,
            "limits": manifest.limits,
            "component": {
                "file": package.entry_point().as_str(),
                "size": package.code().len(),
                "imports": agreement.imports.iter().map(import).collect::<Vec<_>>(),
                "exports": exports.collect::<Vec<_>>(),
                "made_with": made_with
                    .map(|it| json!({ "role": it.role, "name": it.name, "version": it.version }))
                    .collect::<Vec<_>>(),
            },
            "migrations": package.migrations().collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
            "wanting": wanting,
        })
    }

    fn as_text(&self, agreement: &Agreement, wanting: &[String], output: &Output) -> String {
        let package = &self.package;
        let manifest = package.manifest();
        let title = format!("{} {}", manifest.id, manifest.version);
        let mut lines = vec![format!("{}  {}", output.paint(Tone::Strong, &title), plain(&manifest.name))];
        if !manifest.description.is_empty() {
            lines.push(plain(&manifest.description));
        }
        let by = [manifest.author.as_deref().map(|author| format!("by {author}")), manifest.license.clone()];
        let by: Vec<String> = by.into_iter().flatten().collect();
        if !by.is_empty() {
            lines.push(plain(&by.join(", ")));
        }
        let component = package.component();
        let made_with: Vec<String> = component
            .producers
            .iter()
            .map(|it| format!("{} {}", it.name, it.version).trim_end().to_owned())
            .collect();
        lines.push(String::new());
        lines.push(format!("package    {}, {} files", in_bytes(package.size()), package.files().len()));
        lines.push(format!("           {}", package.digest()));
        lines.push(format!("signature  {}", self.signature_in_words(output)));
        if let Some(released) = self.released {
            lines.push(format!("released   {released}, as whoever keeps it says"));
        }
        lines.push(format!(
            "component  {}, {}",
            package.entry_point(),
            in_bytes(package.code().len() as u64)
        ));
        if !made_with.is_empty() {
            lines.push(format!("           made with {}", plain(&made_with.join(", "))));
        }
        let migrations: Vec<&str> = package.migrations().collect();
        if !migrations.is_empty() {
            lines.push(format!("migrations {}", migrations.join(", ")));
        }
        lines.push(String::new());
        lines.push(capabilities(&manifest.capabilities, agreement, output));
        lines.push(String::new());
        let imports: Vec<Vec<String>> =
            agreement.imports.iter().map(|it| vec![plain(it.interface.as_str()), need(it.need)]).collect();
        lines.push(output.table(&["IMPORT", "NEEDS"], &imports));
        lines.push(String::new());
        let exports: Vec<Vec<String>> = component.exports.iter().map(|it| vec![plain(it.as_str())]).collect();
        lines.push(output.table(&["EXPORT"], &exports));
        lines.push(String::new());
        let file = |name: &str, content: &[u8]| {
            vec![in_bytes(content.len() as u64), Digest::of(content).hexadecimal(), name.to_owned()]
        };
        let files: Vec<_> = package.files().map(|(name, content)| file(name.as_str(), content)).collect();
        lines.push(output.table(&["SIZE", "SHA-256, CHECKED", "FILE"], &files));
        lines.extend(told(wanting, output));
        lines.join("\n")
    }

    fn signature_in_words(&self, output: &Output) -> String {
        match &self.signature {
            SignedBy::Nobody => format!("{}: nobody stands for it", output.paint(Tone::Warning, "none")),
            SignedBy::Trusted { name, key, comment } => {
                let comment = plain(comment);
                format!("{}, by `{name}`, {key}: {comment}", output.paint(Tone::Good, "right"))
            }
            SignedBy::Stranger { key } => format!(
                "{}: by {key}, a key that is not trusted (`switchboard plugin trust add` trusts one)",
                output.paint(Tone::Warning, "not known")
            ),
        }
    }
}

fn capabilities(requests: &[CapabilityRequest], agreement: &Agreement, output: &Output) -> String {
    if requests.is_empty() {
        return "It asks for no capability.".to_owned();
    }
    let row = |request: &CapabilityRequest| {
        let others = request.read_from.iter().map(|plugin| format!("blobs of {plugin}"));
        let reach: Vec<String> =
            request.hosts.iter().chain(&request.secrets).cloned().chain(others).collect();
        let is_unused = agreement.unused.contains(&request.name);
        let used = if is_unused { "no" } else { "yes" };
        let reach = if reach.is_empty() { "-".to_owned() } else { plain(&reach.join(", ")) };
        vec![request.name.to_string(), used.to_owned(), reach, plain(&request.reason)]
    };
    let rows: Vec<Vec<String>> = requests.iter().map(row).collect();
    output.table(&["ASKS FOR", "IMPORTED", "REACHES", "REASON"], &rows)
}

fn need(need: Need) -> String {
    match need {
        Need::Nothing => "nothing".to_owned(),
        Need::Asked(capability) => format!("`{capability}`, which is asked for"),
        Need::NotAsked(capability) => format!("`{capability}`, which is NOT asked for"),
        Need::Wasi => "a part of WASI that may do nothing".to_owned(),
        Need::Unknown => "something that no server has".to_owned(),
    }
}
