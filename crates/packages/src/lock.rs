//! The lock file: which packages are installed, exactly, from where, on whose word, and with whose consent to what.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};
use switchboard_manifest::{Manifest, PluginId};

use crate::{Consent, Digest, Error, Escalation, Source, unpacking};

/// The form that is written, and the newest that is read.
const FORM: u32 = 1;
/// What the file says to whoever opens it.
const ABOUT: &str = "# Which plugins are installed, from where, and what was consented to. Switchboard writes this file;\n\
                     # docs/packages.md describes it.\n\n";

/// The packages that are installed, as `plugins.lock` in the data folder holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    path: PathBuf,
    installed: Vec<Installed>,
}

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The plugin.
    pub id: PluginId,
    /// Its version. Several of one plugin may be installed side by side.
    pub version: Version,
    /// Where it was fetched from.
    pub source: Source,
    /// The digest of the package.
    pub digest: Digest,
    /// The id of the trusted key that signed it; none where nobody did whom the administrator trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// When it was released, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Timestamp>,
    /// Who installed it, and so consented.
    pub installed_by: String,
    /// When.
    pub installed_at: Timestamp,
    /// What was consented to.
    pub consent: Consent,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    form: u32,
    #[serde(default, rename = "plugin")]
    plugins: Vec<Installed>,
}

/// What installing a package would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From which version to which.
    pub step: Step,
    /// What it asks for beyond what was consented to for the version before; all of it, where there is none.
    pub escalations: Vec<Escalation>,
    /// The keys that signed the version before and this one, where they are not the same; none is nobody trusted.
    pub other_key: Option<(Option<String>, Option<String>)>,
}

/// From which version to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The plugin was not installed.
    First,
    /// This very package is installed.
    Again,
    /// The version is installed, from another package: somebody released it twice.
    Rewritten,
    /// To a newer version.
    Up {
        /// The version before.
        from: Version,
    },
    /// To an older version.
    Down {
        /// The version before.
        from: Version,
    },
}

impl Change {
    /// Whether somebody must consent before it is done: to what is new, or to whom it is from.
    pub fn needs_consent(&self) -> bool {
        let is_new = matches!(self.step, Step::First | Step::Rewritten);
        is_new || !self.escalations.is_empty() || self.other_key.is_some()
    }
}

impl Lock {
    /// Reads the file. One that is not there has nothing in it.
    ///
    /// # Errors
    /// [`Error::Lock`], [`Error::NewerLock`], or what the operating system says.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), installed: Vec::new() });
            }
            Err(error) => return Err(Error::file("read", path)(error)),
        };
        let fault = |why: String| Error::Lock { path: path.to_owned(), why };
        let table: toml::Table = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
        let form = table.get("form").and_then(toml::Value::as_integer);
        let form = form
            .and_then(|form| u32::try_from(form).ok())
            .ok_or_else(|| fault("it has no `form`".to_owned()))?;
        if form > FORM {
            return Err(Error::NewerLock { path: path.to_owned(), found: form, known: FORM });
        }
        let written: Written = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
        let mut lock = Self { path: path.to_owned(), installed: Vec::new() };
        for installed in written.plugins {
            if lock.find(&installed.id, &installed.version).is_some() {
                return Err(fault(format!("it has `{}` {} twice", installed.id, installed.version)));
            }
            lock.put(installed);
        }
        Ok(lock)
    }

    /// Writes the file, in one step.
    ///
    /// # Errors
    /// When it cannot be written; the one before is there then.
    pub fn save(&self) -> Result<(), Error> {
        let written = Written { form: FORM, plugins: self.installed.clone() };
        let text = toml::to_string(&written)
            .map_err(|error| Error::Lock { path: self.path.clone(), why: error.to_string() })?;
        unpacking::replace(&self.path, format!("{ABOUT}{text}").as_bytes())
    }

    /// Everything that is installed, by id and version.
    pub fn all(&self) -> &[Installed] {
        &self.installed
    }

    /// A version of a plugin.
    pub fn find(&self, id: &PluginId, version: &Version) -> Option<&Installed> {
        self.installed.iter().find(|it| it.id == *id && it.version == *version)
    }

    /// The newest version of a plugin.
    pub fn newest(&self, id: &PluginId) -> Option<&Installed> {
        self.installed.iter().rfind(|it| it.id == *id)
    }

    /// Notes a package, in place of the same version of the same plugin.
    pub fn put(&mut self, installed: Installed) {
        self.remove(&installed.id, &installed.version);
        let place =
            self.installed.partition_point(|it| (&it.id, &it.version) < (&installed.id, &installed.version));
        self.installed.insert(place, installed);
    }

    /// Forgets a version of a plugin.
    pub fn remove(&mut self, id: &PluginId, version: &Version) -> Option<Installed> {
        let place = self.installed.iter().position(|it| it.id == *id && it.version == *version)?;
        Some(self.installed.remove(place))
    }

    /// What would change if a package with this manifest and digest, signed by this trusted key, were installed: held against the
    /// same version where it is installed, else against the newest.
    pub fn change(&self, manifest: &Manifest, digest: Digest, signed_by: Option<&str>) -> Change {
        let asked = Consent::of(manifest);
        let before = self.find(&manifest.id, &manifest.version).or_else(|| self.newest(&manifest.id));
        let Some(before) = before else {
            let escalations = Consent::default().beyond(&asked);
            return Change { step: Step::First, escalations, other_key: None };
        };
        let step = match before.version.cmp(&manifest.version) {
            std::cmp::Ordering::Equal if before.digest == digest => Step::Again,
            std::cmp::Ordering::Equal => Step::Rewritten,
            std::cmp::Ordering::Less => Step::Up { from: before.version.clone() },
            std::cmp::Ordering::Greater => Step::Down { from: before.version.clone() },
        };
        let is_other = before.signed_by.as_deref() != signed_by;
        let other_key = is_other.then(|| (before.signed_by.clone(), signed_by.map(str::to_owned)));
        Change { step, escalations: before.consent.beyond(&asked), other_key }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Installed, Lock, Step};
    use crate::{Consent, Digest, Error, Escalation};
    use switchboard_manifest::{Capability, Manifest};

    fn manifest(version: &str, capabilities: &str) -> Manifest {
        let text = format!(
            "id: hello\nname: Hello\nversion: {version}\ncategory: utility\nentry_point: plugin.wasm\ncapabilities: [{capabilities}]\n"
        );
        Manifest::read(&text).unwrap()
    }

    fn installed(manifest: &Manifest, signed_by: Option<&str>) -> Installed {
        Installed {
            id: manifest.id.clone(),
            version: manifest.version.clone(),
            source: "oci://registry.example/plugins/hello:1".parse().unwrap(),
            digest: Digest::of(manifest.version.to_string().as_bytes()),
            signed_by: signed_by.map(str::to_owned),
            released: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            installed_by: "ada@example.com".to_owned(),
            installed_at: "2026-01-09T00:00:00Z".parse().unwrap(),
            consent: Consent::of(manifest),
        }
    }

    const DB: &str = "{name: db, reason: r}";
    const HTTP: &str = "{name: http, reason: r, hosts: [api.example.com, '*.example.org']}";

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins.lock");
        let mut lock = Lock::load(&path).unwrap();
        assert!(lock.all().is_empty());
        for version in ["1.10.0", "1.9.0", "1.10.0-beta"] {
            lock.put(installed(&manifest(version, &format!("{DB}, {HTTP}")), Some("0123456789ABCDEF")));
        }
        lock.save().unwrap();
        let again = Lock::load(&path).unwrap();
        assert_eq!(again, lock);
        let versions: Vec<String> = again.all().iter().map(|it| it.version.to_string()).collect();
        assert_eq!(versions, ["1.9.0", "1.10.0-beta", "1.10.0"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_right_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins.lock");
        for bad in ["form = ", "", "form = 1\nother = 1\n", "form = 1\n[[plugin]]\nid = \"Hello\"\n"] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(Lock::load(&path), Err(Error::Lock { .. })), "{bad}");
        }
        std::fs::write(&path, "form = 2\nsomething = \"new\"\n").unwrap();
        assert!(matches!(Lock::load(&path), Err(Error::NewerLock { found: 2, known: 1, .. })));
    }

    #[test]
    fn a_step_says_from_where_and_what_is_new() {
        let mut lock = Lock::load("nowhere/plugins.lock".as_ref()).unwrap();
        let one = manifest("1.0.0", DB);
        let first = lock.change(&one, Digest::of(b"1.0.0"), None);
        assert_eq!(
            (&first.step, &first.escalations[..]),
            (&Step::First, &[Escalation::Capability(Capability::Db)][..])
        );
        assert!(first.needs_consent());

        lock.put(installed(&one, Some("A")));
        let again = lock.change(&one, Digest::of(b"1.0.0"), Some("A"));
        assert_eq!(again, Change { step: Step::Again, escalations: vec![], other_key: None });
        assert!(!again.needs_consent());
        let rewritten = lock.change(&one, Digest::of(b"other"), Some("A"));
        assert_eq!(rewritten.step, Step::Rewritten);
        assert!(rewritten.needs_consent());

        let two = manifest("2.0.0", &format!("{DB}, {HTTP}"));
        let up = lock.change(&two, Digest::of(b"2.0.0"), Some("A"));
        assert_eq!(up.step, Step::Up { from: one.version.clone() });
        assert_eq!(up.escalations.len(), 3, "{:?}", up.escalations);
        let quiet = lock.change(&manifest("1.0.1", DB), Digest::of(b"1.0.1"), Some("A"));
        assert!(!quiet.needs_consent());
        let stranger = lock.change(&manifest("1.0.1", DB), Digest::of(b"1.0.1"), None);
        assert_eq!(stranger.other_key, Some((Some("A".into()), None)));
        assert!(stranger.needs_consent());

        lock.put(installed(&two, Some("A")));
        let down = lock.change(&manifest("1.5.0", DB), Digest::of(b"1.5.0"), Some("A"));
        assert_eq!((down.step, down.escalations), (Step::Down { from: two.version }, vec![]));
    }
}
