//! What can be asked about packages: the files that plugins travel in.

use std::path::PathBuf;

use clap::Subcommand;
use semver::Version;

#[derive(Subcommand)]
pub(crate) enum Package {
    /// Pack a built plugin into one file.
    ///
    /// The package holds the manifest, the component that it names, `migrations/*.sql`, `assets/`, what is called README, LICENSE and
    /// the like, a bill of materials and checksums; nothing else in the folder. The same files give the same bytes on every machine
    /// and day. The component is looked through as a server does, and what a server would refuse is told.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin pack                        the folder that this is\n  \
                            switchboard plugin pack hello/ --out dist/     that folder, into that one\n\n\
                            The file is called ID-VERSION.switchboard. The bill of materials in it, sbom.cdx.json (CycloneDX), \
                            is made from Cargo.lock, package-lock.json and requirements.txt, and from what the component says of \
                            itself; a better one beside the manifest is taken as it is. The exit code is 3 when it was packed, and \
                            a server would refuse it.")]
    Pack {
        /// The plugin's folder, the one with `manifest.yaml` in it.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The file to write, or the folder to write it into; this folder when absent.
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
    },
    /// See what a package holds, asks for and is signed by, before it is installed.
    ///
    /// Nothing of it is run, and nothing is written.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin inspect hello-1.0.0.switchboard\n  \
                            switchboard plugin inspect hello/     what a package of it would be\n  \
                            switchboard plugin inspect https://example.com/hello-1.0.0.switchboard\n  \
                            switchboard plugin inspect oci://registry.example/plugins/hello:1.0.0\n\n\
                            The exit code is 3 when a server would refuse it: it imports what its manifest does not ask for.\n\
                            SWITCHBOARD_REGISTRY_USER and SWITCHBOARD_REGISTRY_PASSWORD say to a registry who you are.")]
    Inspect {
        /// A package's file, a plugin's folder, an https:// address, or oci://registry/name:tag.
        #[arg(value_name = "FILE|FOLDER|URL|OCI")]
        source: String,
    },
    /// Install a package, in place of the version that is there, while the server runs.
    ///
    /// It is fetched and checked, what it asks for is shown, and you are asked; for a new version again when it asks for more than before
    /// or is signed by somebody else. Calls under way end on what they began on. One that does not load changes nothing.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin install hello-1.0.0.switchboard\n  \
                            switchboard plugin install oci://registry.example/plugins/hello:1.0.0 --min-age-days 3\n  \
                            switchboard plugin install https://example.com/hello-1.0.0.switchboard --yes\n  \
                            switchboard plugin install hello-1.1.0.switchboard --only-for acme\n\n\
                            What is installed, from where, on whose word and with what consent is in plugins.lock in the data folder.")]
    Install(Install),
    /// Put back what served before the last installation.
    ///
    /// The version before is kept, and only that one. It does not load on tables that the newer version has changed: then everything
    /// stays as it is.
    Rollback {
        /// The plugin's id.
        id: String,
    },
    /// Take an installed plugin away, and with --purge all that it keeps.
    ///
    /// Its data stays, for when it is installed again. With --purge it is shown what there is, and you are asked; then its tables, blobs,
    /// tasks, events, configuration and the version to go back to are gone for good.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin remove hello\n  \
                            switchboard plugin remove hello --purge          shows what would go, and asks\n  \
                            switchboard plugin remove hello --purge --yes    for scripts\n\n\
                            --purge also removes what is left of a plugin that was removed before, or whose removal was broken off.")]
    Remove(Remove),
    /// List the versions of a plugin that serve, and whom.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin install hello-2.0.0.switchboard --only-for acme,beta\n  \
                            switchboard plugin versions hello\n  \
                            switchboard plugin promote hello 2.0.0      makes it everyone's\n  \
                            switchboard plugin withdraw hello 2.0.0     takes it away again")]
    Versions {
        /// The plugin's id.
        id: String,
    },
    /// Make a version everyone's that serves some organizations.
    Promote {
        /// The plugin's id.
        id: String,
        /// The version.
        version: Version,
    },
    /// Take a version away from the organizations that it serves: the one that is everyone's serves them again.
    Withdraw {
        /// The plugin's id.
        id: String,
        /// The version.
        version: Version,
    },
    /// Write an installed plugin as its package again.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin export hello                     hello-1.0.0.switchboard\n  \
                            switchboard plugin export hello --output kept/      into that folder\n  \
                            switchboard plugin export hello --with-data         and hello-1.0.0.sqlite beside it, with its tables\n\n\
                            It is told when the files are not those that were installed.")]
    Export(Export),
    /// Make the keys to sign packages with.
    #[command(subcommand)]
    Key(Key),
    /// Sign a package: writes FILE.minisig beside it.
    ///
    /// The signature is one of minisign, whose own program can make and check it as well.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin sign hello-1.0.0.switchboard --key ada.key\n  \
                            pass show ada | switchboard plugin sign hello-1.0.0.switchboard --key ada.key\n\n\
                            Where a password protects the key it is asked for, or is the first line of standard input.")]
    Sign {
        /// The file to sign.
        file: PathBuf,
        /// The secret key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Check the signature FILE.minisig of a package.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin verify hello-1.0.0.switchboard                   by the keys that are trusted\n  \
                            switchboard plugin verify hello-1.0.0.switchboard --key ada.pub     by this one\n\n\
                            The exit code is 3 when there is no signature, or it is not right, or of nobody trusted.")]
    Verify {
        /// The file that is signed.
        file: PathBuf,
        /// A public key: its file, or its line that begins with `RW`; those that are trusted when absent.
        #[arg(long, value_name = "FILE|KEY")]
        key: Option<String>,
    },
    /// See and say whose signatures count.
    ///
    /// The keys are in `trusted_keys` in the data folder, a file each. A package says nothing of its own trust.
    #[command(subcommand)]
    Trust(Trust),
    /// Put a package into a registry, with the signature beside it if there is one.
    #[command(after_help = "Example:\n  \
                            switchboard plugin push hello-1.0.0.switchboard oci://registry.example/plugins/hello:1.0.0\n\n\
                            SWITCHBOARD_REGISTRY_USER and SWITCHBOARD_REGISTRY_PASSWORD say to a registry who you are. A \
                            registry on this machine is asked over http, others over https.")]
    Push {
        /// A package's file.
        file: PathBuf,
        /// Where it goes: oci://registry/name:tag.
        #[arg(value_name = "OCI")]
        to: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct Install {
    /// A package's file, an https:// address, or oci://registry/name:tag.
    #[arg(value_name = "FILE|URL|OCI")]
    pub(crate) source: String,
    /// Consent to what it asks for, without being asked.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Have it serve these organizations alone, beside the version that is everyone's: with the same tables and declarations.
    #[arg(long, value_name = "ORG", value_delimiter = ',')]
    pub(crate) only_for: Vec<String>,
    /// How many days ago it must have been released.
    #[arg(long, value_name = "DAYS", default_value_t = 0, env = "SWITCHBOARD_PLUGIN_MIN_AGE_DAYS")]
    pub(crate) min_age_days: u16,
}

#[derive(clap::Args)]
pub(crate) struct Remove {
    /// The plugin's id.
    pub(crate) id: String,
    /// Keep its data, for when it is installed again; so it is without this, too.
    #[arg(long, conflicts_with = "purge")]
    pub(crate) keep_data: bool,
    /// Remove all that it keeps as well, for good.
    #[arg(long)]
    pub(crate) purge: bool,
    /// Remove it without being asked.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(clap::Args)]
pub(crate) struct Export {
    /// The plugin's id.
    pub(crate) id: String,
    /// The file to write, or the folder to write it into; this folder when absent.
    #[arg(long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Write its tables beside it, as a database of SQLite.
    #[arg(long)]
    pub(crate) with_data: bool,
}

#[derive(Subcommand)]
pub(crate) enum Key {
    /// Make a pair: NAME.key to sign with, for you alone, and NAME.pub, for those who check.
    ///
    /// The password that protects NAME.key is asked for, or is the first line of standard input.
    New {
        /// What the two files are called, without what follows the dot; a folder may stand before it.
        #[arg(default_value = "plugin")]
        name: PathBuf,
        /// Protect the key by nothing but the rights of its file, as for a program that signs.
        #[arg(long)]
        no_password: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Trust {
    /// Trust a key: what it signs counts as signed.
    #[command(after_help = "Examples:\n  \
                            switchboard plugin trust add ada ada.pub\n  \
                            switchboard plugin trust add ada RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")]
    Add {
        /// What you call it: lower-case letters, digits, `-` and `_`.
        name: String,
        /// The public key: its file, or its line that begins with `RW`.
        #[arg(value_name = "FILE|KEY")]
        key: String,
    },
    /// List the keys that are trusted.
    List,
    /// Trust a key no more. What is installed stays.
    Remove {
        /// What you call it.
        name: String,
    },
}
