//! Values that stand outside of the database: in the server's environment, or in files of the operator's.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::marks::Reference;

/// Reads a variable of the environment.
type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The variables that may be referred to unless the operator says otherwise: those that begin so.
pub const ENV_PREFIX: &str = "SWITCHBOARD_PLUGIN_";

/// The most bytes of a file that a configuration refers to.
const LARGEST_FILE: u64 = 64 * 1024;

/// What a configuration may refer to, as the operator says.
#[derive(Clone)]
pub struct References {
    /// What the names of variables begin with; none may be referred to when it is empty.
    pub env_prefix: String,
    /// The folder below which files stand; none may be referred to when absent.
    pub folder: Option<PathBuf>,
    /// Reads the environment.
    pub environment: Environment,
}

impl Default for References {
    fn default() -> Self {
        Self {
            env_prefix: ENV_PREFIX.to_owned(),
            folder: None,
            environment: Arc::new(|name| std::env::var(name).ok()),
        }
    }
}

impl References {
    /// What a reference leads to, or one sentence that says why it leads nowhere.
    pub(crate) fn resolve(&self, reference: &Reference) -> Result<String, String> {
        match reference {
            Reference::Env(name) => self.variable(name),
            Reference::File(path) => self.file(path),
        }
    }

    fn variable(&self, name: &str) -> Result<String, String> {
        if self.env_prefix.is_empty() {
            return Err(
                "this server lets configurations refer to no environment variable: the operator's setting \
                        `config_env_prefix` is empty"
                    .to_owned(),
            );
        }
        if !name.starts_with(&self.env_prefix) {
            return Err(format!(
                "the environment variable `{name}` may not be referred to: only those may whose names begin with \
                 `{}`, by the operator's setting `config_env_prefix`",
                self.env_prefix
            ));
        }
        (self.environment)(name)
            .ok_or_else(|| format!("the environment variable `{name}` is not set, or is no text"))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let folder = self.folder.as_deref().ok_or(
            "this server lets configurations refer to no file: the operator's setting `config_file_folder` says below \
             which folder they may stand",
        )?;
        let unreadable = |error: std::io::Error| format!("the file `{path}` cannot be read: {error}");
        // Links are followed first, so that none leads out of the folder.
        let whole = folder.join(Path::new(path)).canonicalize().map_err(unreadable)?;
        let folder = folder.canonicalize().map_err(|error| {
            format!(
                "the folder {}, of the operator's setting `config_file_folder`, cannot be read: {error}",
                folder.display()
            )
        })?;
        if !whole.starts_with(&folder) {
            return Err(format!(
                "the file `{path}` may not be referred to: only files below {} may, by the operator's setting \
                 `config_file_folder`",
                folder.display()
            ));
        }
        if !fs::metadata(&whole).map_err(unreadable)?.is_file() {
            return Err(format!("the file `{path}` is no plain file"));
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&whole).map_err(unreadable)?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(format!("the file `{path}` has more than {LARGEST_FILE} bytes"));
        }
        let mut text = String::from_utf8(bytes).map_err(|_| format!("the file `{path}` is no UTF-8"))?;
        // Whoever writes a file with an editor ends its last line.
        if text.ends_with('\n') {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::{Reference, References};

    fn references(folder: &std::path::Path) -> References {
        let environment =
            |name: &str| (name != "SWITCHBOARD_PLUGIN_MISSING").then(|| format!("value of {name}"));
        References {
            folder: Some(folder.to_owned()),
            environment: Arc::new(environment),
            ..Default::default()
        }
    }

    fn env(name: &str) -> Reference {
        Reference::Env(name.to_owned())
    }

    fn file(path: impl AsRef<std::path::Path>) -> Reference {
        Reference::File(path.as_ref().to_str().unwrap().to_owned())
    }

    #[test]
    fn only_variables_that_the_operator_allows_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let references = references(folder.path());
        let value = references.resolve(&env("SWITCHBOARD_PLUGIN_KEY"));
        assert_eq!(value.as_deref(), Ok("value of SWITCHBOARD_PLUGIN_KEY"));
        for name in ["HOME", "SWITCHBOARD_KEY_FILE", "", "xSWITCHBOARD_PLUGIN_KEY"] {
            let refusal = references.resolve(&env(name)).unwrap_err();
            assert!(refusal.contains("may not be referred to"), "{refusal}");
        }
        let refusal = references.resolve(&env("SWITCHBOARD_PLUGIN_MISSING")).unwrap_err();
        assert!(refusal.contains("`SWITCHBOARD_PLUGIN_MISSING` is not set"), "{refusal}");
        let none = References { env_prefix: String::new(), ..references };
        assert!(none.resolve(&env("HOME")).unwrap_err().contains("`config_env_prefix` is empty"));
    }

    #[test]
    fn only_files_below_the_operators_folder_are_read() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("secrets");
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(outside.path().join("passwd"), "outside").unwrap();
        fs::write(folder.join("key"), "inside\n").unwrap();
        fs::write(folder.join("large"), vec![b'x'; 70_000]).unwrap();
        fs::write(folder.join("bytes"), [0xff]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path().join("passwd"), folder.join("link")).unwrap();
        let references = references(&folder);
        for inside in [file("key"), file(folder.join("key")), file("deep/../key")] {
            assert_eq!(references.resolve(&inside).as_deref(), Ok("inside"));
        }
        let outsiders = [file("../passwd"), file(outside.path().join("passwd")), file("link")];
        for outsider in outsiders.into_iter().take(if cfg!(unix) { 3 } else { 2 }) {
            let refusal = references.resolve(&outsider).unwrap_err();
            assert!(refusal.contains("may not be referred to"), "{refusal}");
        }
        for (path, why) in [
            ("none", "cannot be read"),
            ("deep", "no plain file"),
            ("large", "more than"),
            ("bytes", "no UTF-8"),
        ] {
            let refusal = references.resolve(&file(path)).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
        let none = References { folder: None, ..references };
        assert!(none.resolve(&file("key")).unwrap_err().contains("`config_file_folder`"));
    }
}
