//! Secrets: given as a value, as a file (`…_file`) or as the name of an environment variable (`…_env`); never
//! shown by `Debug` or `Display`.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// A password or token in memory. It is wiped when dropped, and printing it prints nothing of it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself; keep it out of logs, errors and long-lived copies.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The three ways in which a configuration may give one secret; at most one may be used.
#[derive(Debug, Clone, Default)]
pub struct SecretSource {
    /// The key as the configuration spells it, for errors: `password`.
    pub key: &'static str,
    /// The value itself.
    pub value: Option<Secret>,
    /// A file whose content is the secret; one line end at its end is dropped.
    pub file: Option<PathBuf>,
    /// The name of an environment variable.
    pub env: Option<String>,
}

/// Why a secret can't be had. Holds names and paths only.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// More than one of the three ways was used.
    #[error("give only one of {key}, {key}_file and {key}_env")]
    TooMany {
        /// The key.
        key: &'static str,
    },
    /// The file can't be read.
    #[error("cannot read {} for {key}_file: {source}", path.display())]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The environment variable is unset or not UTF-8.
    #[error("environment variable {name}, named by {key}_env, is not set")]
    Env {
        /// The key.
        key: &'static str,
        /// The variable's name.
        name: String,
    },
}

impl SecretSource {
    /// Looks the secret up; `None` when no way was used. Relative files count from `folder`.
    ///
    /// # Errors
    /// [`SecretError`], which names the key but never the secret.
    pub fn resolve(&self, folder: &Path) -> Result<Option<Secret>, SecretError> {
        let key = self.key;
        match (&self.value, &self.file, &self.env) {
            (None, None, None) => Ok(None),
            (Some(value), None, None) => Ok(Some(value.clone())),
            (None, Some(file), None) => {
                let path = folder.join(file);
                let text = std::fs::read_to_string(&path).map_err(|source| SecretError::File {
                    key,
                    path: path.clone(),
                    source,
                })?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                Ok(Some(Secret::new(text.strip_suffix('\r').unwrap_or(text))))
            }
            (None, None, Some(name)) => std::env::var(name)
                .map(|value| Some(Secret::new(value)))
                .map_err(|_| SecretError::Env { key, name: name.clone() }),
            _ => Err(SecretError::TooMany { key }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_first_line_end_less_content() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "hunter2\r\n").unwrap();
        let source = SecretSource { key: "password", file: Some("pw".into()), ..SecretSource::default() };
        assert_eq!(source.resolve(folder.path()).unwrap().unwrap().expose(), "hunter2");
    }

    #[test]
    fn two_ways_at_once_are_refused_and_nothing_leaks() {
        let source = SecretSource {
            key: "password",
            value: Some(Secret::new("hunter2")),
            env: Some("HOME".into()),
            ..SecretSource::default()
        };
        let error = source.resolve(Path::new(".")).unwrap_err();
        assert_eq!(error.to_string(), "give only one of password, password_file and password_env");
        assert!(!format!("{source:?}{error:?}").contains("hunter2"));
    }
}
