//! Reading TOML so that an error is one sentence: file:line:column, what is wrong, and the nearest known key.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is no TOML, or not of the form that is expected.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// One sentence, without a final full stop.
        message: String,
    },
}

/// A configuration's text and where it is from, for errors that are found after parsing.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError::Read`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// Parses the text. Give `T` the attribute `#[serde(deny_unknown_fields)]` on each of its tables.
    ///
    /// # Errors
    /// [`ConfigError::Parse`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        parse_toml(&self.text, &self.path)
    }

    /// An error about the value or table at `span` (of a [`toml::Spanned`]).
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        let (line, column) = position(&self.text, span.start);
        ConfigError::Parse { path: self.path.clone(), line, column, message: message.into() }
    }

    /// The folder from which relative paths in the file count.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
}

/// Parses `text`; `path` is for errors only.
///
/// # Errors
/// [`ConfigError::Parse`].
fn parse_toml<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let (line, column) = position(text, start);
        ConfigError::Parse { path: path.to_owned(), line, column, message: sentence(error.message()) }
    })
}

fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

/// serde's «unknown field `x`, expected one of `a`, `b`» becomes «unknown key `x`; did you mean `a`?».
fn sentence(message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(" ");
    let Some(rest) = message.strip_prefix("unknown field ") else { return message };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let nearest = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)));
    match nearest {
        Some(key) if strsim::jaro_winkler(unknown, key) > 0.6 => {
            format!("unknown key `{unknown}`; did you mean `{key}`?")
        }
        Some(key) => {
            format!("unknown key `{unknown}`; the nearest known one is `{key}` of `{}`", known.join("`, `"))
        }
        None => format!("unknown key `{unknown}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Irc {
        server: String,
        nick: Option<String>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct File {
        irc: Irc,
    }

    fn error(text: &str) -> String {
        parse_toml::<File>(text, Path::new("b.toml")).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        assert_eq!(
            error("[irc]\nserver = \"a:1\"\n  nikc = \"bot\"\n"),
            "b.toml:3:3: unknown key `nikc`; did you mean `nick`?"
        );
    }

    #[test]
    fn a_wrong_type_and_broken_toml_say_where() {
        assert!(error("[irc]\nserver = 5\n").starts_with("b.toml:2:10: invalid type: integer `5`"));
        assert!(error("[irc\n").starts_with("b.toml:1:5: "));
    }
}
