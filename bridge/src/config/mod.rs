//! The configuration: what the file says ([`toml`]), and what the rest of the program may rely on ([`checked`]).

pub mod checked;
pub mod hours;
pub mod restart;
pub mod toml;
pub mod values;

use std::path::Path;

use program::{Failure, Source};

pub use checked::Config;

/// Reads, parses and checks a configuration file.
///
/// # Errors
/// One sentence with file, line and column; exit status 2.
pub fn load(path: &Path) -> Result<Config, Failure> {
    let source = Source::read(path)?;
    let file = source.parse()?;
    checked::check(file, &source)
}
