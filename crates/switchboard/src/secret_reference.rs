//! Where the operator keeps a secret that no settings file should hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A secret in a file or in the environment, under whose name in the settings it is referred to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretReference<'a> {
    /// What it is called in the settings, such as `password`.
    pub(crate) name: &'a str,
    /// The file that holds it.
    pub(crate) file: Option<&'a Path>,
    /// The environment variable that holds it.
    pub(crate) variable: Option<&'a str>,
}

impl SecretReference<'_> {
    /// The secret; `None` when nothing refers to one.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is referred to twice. The message never holds it.
    pub(crate) fn read(self) -> anyhow::Result<Option<String>> {
        let Self { name, .. } = self;
        let secret = match (self.file, self.variable) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => bail!("both `{name}_file` and `{name}_env` are set: leave one out"),
            (Some(file), None) => std::fs::read_to_string(file)
                .with_context(|| format!("`{name}_file`, {}, cannot be read", file.display()))?,
            (None, Some(variable)) => match std::env::var(variable) {
                Ok(secret) => secret,
                Err(_) => {
                    bail!("`{name}_env` names the environment variable {variable}, which holds no text")
                }
            },
        };
        // Editors end a file's last line.
        let secret = secret.trim_end_matches(['\r', '\n']).to_owned();
        if secret.is_empty() {
            bail!("the {name} that the settings refer to is empty");
        }
        Ok(Some(secret))
    }
}

/// A path of the settings file, which stands in the data folder.
pub(crate) fn from_data_folder(data: &Path, path: &mut Option<PathBuf>) {
    if let Some(path) = path {
        *path = data.join(&*path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_what_its_file_says_without_the_last_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Some(PathBuf::from("password"));
        from_data_folder(folder.path(), &mut file);
        let file = file.unwrap();
        let reference = SecretReference { name: "password", file: Some(&file), variable: None };
        assert!(reference.read().is_err());
        std::fs::write(&file, " hunter2 \r\n").unwrap();
        assert_eq!(reference.read().unwrap().as_deref(), Some(" hunter2 "));
        std::fs::write(&file, "\n").unwrap();
        assert!(reference.read().unwrap_err().to_string().contains("empty"));
        let twice = SecretReference { variable: Some("PASSWORD"), ..reference };
        assert!(twice.read().unwrap_err().to_string().contains("password_env"));
        let missing = SecretReference { name: "password", file: None, variable: Some("SWITCHBOARD_NO_SUCH") };
        assert!(missing.read().unwrap_err().to_string().contains("SWITCHBOARD_NO_SUCH"));
    }
}
