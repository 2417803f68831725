//! What can be wrong with a package, its signature, or the place it comes from.

use std::{io, path::PathBuf};

use switchboard_manifest::Faults;

/// What went wrong, on what, why, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Error {
    // The package itself.
    #[error("it ends before its end: fetch it again, or ask for a whole one where it comes from")]
    CutOff,
    #[error(
        "it is no package, or it is damaged (its compressed form cannot be read: {source}): fetch it again, or pack it with \
         `switchboard plugin pack`"
    )]
    NotCompressed { source: io::Error },
    #[error(
        "it is not written as packages are: {why}; pack it with `switchboard plugin pack`, which writes no other form"
    )]
    Malformed { why: &'static str },
    #[error(
        "it is larger than a package may be, {most} bytes: leave out of `assets` what can be fetched later"
    )]
    TooLarge { most: u64 },
    #[error("it holds more than {most} files, the most that a package may: join some of its assets")]
    TooManyFiles { most: usize },
    #[error("`{name}` in it is larger than {most} bytes, the most that a file in a package may have")]
    FileTooLarge { name: String, most: u64 },
    #[error("its files have more than {most} bytes together, the most that a package unpacks to")]
    ContentTooLarge { most: u64 },
    #[error("`{name}` is no name of a file in a package: {why}; give the file another name, and pack again")]
    BadName { name: String, why: &'static str },
    #[error(
        "`{name}` in it is {what}; a package holds plain files alone, as `switchboard plugin pack` writes them"
    )]
    NotAFile { name: String, what: &'static str },
    #[error(
        "it holds `{name}` twice, or two files whose names differ only in case, which are one file on some systems: rename \
         one of them"
    )]
    Twice { name: String },
    #[error("`{name}` is missing in it: pack it again with `switchboard plugin pack`")]
    Missing { name: String },
    #[error(
        "`{name}` in it is not what its SHA256SUMS says: it was changed after it was packed; do not use it"
    )]
    Changed { name: String },
    #[error(
        "`{name}` in it has no place in a package: it holds the manifest, what that names, migrations, assets and documents"
    )]
    Unexpected { name: String },
    #[error("its manifest is not right:\n{}", .0.report(crate::MANIFEST))]
    Manifest(Box<Faults>),
    #[error("its manifest is no UTF-8 text: save it as such, and pack again")]
    ManifestEncoding,
    #[error(
        "`{id}` is compiled into a server and comes in no package: for a package say `type: external` and `entry_point` in \
         the manifest"
    )]
    NotExternal { id: String },
    #[error(
        "its entry point `{name}` is no WebAssembly component: {why}; build it with `switchboard plugin build`"
    )]
    NotAComponent { name: String, why: String },
    #[error(
        "its bill of materials, sbom.cdx.json, is not right: {why}; pack it again with `switchboard plugin pack`"
    )]
    Bill { why: &'static str },
    #[error("it cannot be compressed: {source}")]
    Compressing { source: io::Error },

    // A folder that is packed, a folder that is unpacked into.
    #[error("there is no manifest in {folder}: name the plugin's folder, the one with `manifest.yaml` in it")]
    NoManifest { folder: PathBuf },
    #[error(
        "{path}, which the manifest names as entry point, is not there: build the plugin first, with `switchboard plugin build`"
    )]
    NotBuilt { path: PathBuf },
    #[error("{path} is a link, and a package holds plain files alone: put the file itself there")]
    Link { path: PathBuf },
    #[error("the file {path} cannot be named in a package: its name is no UTF-8; rename it")]
    NameEncoding { path: PathBuf },
    #[error("{path}, of which the dependencies are read, is not right: {why}")]
    LockFile { path: PathBuf, why: String },
    #[error("{path} is there already: name a folder that is not, or remove that one")]
    AlreadyThere { path: PathBuf },
    #[error("{path} cannot be {doing}: {source}")]
    File { doing: &'static str, path: PathBuf, source: io::Error },

    // Signatures and keys.
    #[error(
        "it is no minisign public key: {why}; give the file that `switchboard plugin key new` wrote as `.pub`, or its second line"
    )]
    PublicKey { why: String },
    #[error(
        "it is no minisign secret key: {why}; give the file that `switchboard plugin key new` wrote as `.key`"
    )]
    SecretKey { why: String },
    #[error("the key's password is not right: try again")]
    WrongPassword,
    #[error("it is no minisign signature: {why}; sign with `switchboard plugin sign`, or with `minisign -S`")]
    NotASignature { why: &'static str },
    #[error("it is signed by the key {signer}, not by {key}: ask the author for the key, or do not use it")]
    OtherKey { signer: String, key: String },
    #[error(
        "the signature of the key {key} does not fit: the file was changed after it was signed, or the signature is of another; do not use it"
    )]
    WrongSignature { key: String },
    #[error(
        "it is signed by the key {key}, which is not trusted: `switchboard plugin trust add` trusts it, once you know whose it is"
    )]
    NotTrusted { key: String },
    #[error("it is not signed: no signature stands beside it; ask the author for it")]
    NotSigned,
    #[error("a key cannot be made or used: {why}")]
    Cryptography { why: String },
    #[error(
        "`{name}` is no name of a trusted key: write 1 to 64 lower-case letters, digits, `-` and `_`, with a letter first"
    )]
    KeyName { name: String },
    #[error("a key of the name `{name}` is trusted already: choose another name, or remove that one first")]
    KeyNameTaken { name: String },
    #[error("the key {key} is trusted already, as `{name}`")]
    TrustedAlready { key: String, name: String },
    #[error("no key of the name `{name}` is trusted: `switchboard plugin trust list` shows those that are")]
    NoSuchKey { name: String },

    // Where a package comes from.
    #[error(
        "`{text}` says not where a package is: {why}; write a path, an https:// address, or oci://registry/name:tag"
    )]
    NotASource { text: String, why: String },
    #[error("`{text}` is no digest: write `sha256:` and 64 hexadecimal digits")]
    BadDigest { text: String },
    #[error("{url} is not encrypted: packages are fetched over https, and over http from this machine alone")]
    NotEncrypted { url: String },
    #[error("{place} cannot be reached: {why}")]
    Unreachable { place: String, why: String },
    #[error(
        "{place} answers with status {status}: see whether the address is right, and whether it is open to you"
    )]
    Refused { place: String, status: u16 },
    #[error("{place} redirects more than {most} times: give the address that it leads to")]
    Redirects { place: String, most: usize },
    #[error("what is at {place} has more than {most} bytes, the most that is fetched")]
    AnswerTooLarge { place: String, most: u64 },
    #[error(
        "{place} took longer than {seconds} seconds: try again later, or fetch the file by other means and give its path"
    )]
    TooSlow { place: String, seconds: u64 },
    #[error("{place} cannot be had, its registry says: {said}; see whether the name and the tag are right")]
    Registry { place: String, said: String },
    #[error("{place} is no plugin: {why}")]
    NotAnArtifact { place: String, why: String },
    #[error(
        "what {place} gave is not what its digest says: it was damaged on the way, or the registry is not to be trusted"
    )]
    OtherDigest { place: String },
    #[error(
        "the registry of {place} refuses: {why}; SWITCHBOARD_REGISTRY_USER and SWITCHBOARD_REGISTRY_PASSWORD say who you are"
    )]
    NotAllowed { place: String, why: String },

    // The lock file.
    #[error("{path} is not right: {why}; correct it, or bring it back from a backup")]
    Lock { path: PathBuf, why: String },
    #[error("{path} is of form {found}, and this program reads up to {known}: use a newer Switchboard")]
    NewerLock { path: PathBuf, found: u32, known: u32 },
}

impl Error {
    /// An error of the operating system, on a file.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
