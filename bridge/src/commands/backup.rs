//! `bridgebot backup`: a copy of the store, made beside a running bridge.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use program::Failure;

use crate::config;
use crate::store::{SqliteStore, Store as _};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The bridge's configuration (TOML); it names the store
    #[arg(long, value_name = "FILE", default_value = "bridgebot.toml")]
    config: PathBuf,
    /// The new file
    #[arg(value_name = "TO")]
    to: PathBuf,
}

/// Copies, checks the copy, and only then gives it its name.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let config = config::load(&options.config)?;
    let database = config.store.file()?;
    let to = &options.to;
    let cannot = |what: &str| Failure::runtime(format!("cannot back up to {}: {what}", to.display()));
    if to.exists() {
        return Err(cannot("the file exists; name a new one"));
    }
    let store = SqliteStore::open_to_read(database).map_err(Failure::runtime)?;
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    let partial = Unfinished(PathBuf::from(name));
    create(&partial.0).map_err(|error| cannot(&error.to_string()))?;
    store.back_up(&partial.0).map_err(Failure::runtime)?;
    let conversations = verified(&partial.0).map_err(Failure::runtime)?;
    std::fs::rename(&partial.0, to).map_err(|error| cannot(&error.to_string()))?;
    let words = if conversations == 1 { "conversation" } else { "conversations" };
    match writeln!(io::stdout(), "{}: {conversations} {words}", to.display()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::runtime(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// An empty file that nobody else may read; what is left of an earlier attempt goes.
fn create(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// How many conversations are in the copy, after it was read through.
fn verified(copy: &Path) -> Result<usize, crate::store::StoreError> {
    let mut copy = SqliteStore::open_to_read(copy)?;
    copy.check()?;
    Ok(copy.conversations(usize::MAX)?.len())
}

/// A file that goes when it did not get its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(end);
            // Most of the time there is none.
            let _ = std::fs::remove_file(name);
        }
    }
}
