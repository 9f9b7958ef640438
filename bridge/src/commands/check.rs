//! `bridgebot check`: reads a configuration as `run` would, and says so.

use std::path::Path;

use program::Failure;

use crate::config;

/// Reads and checks; prints one line when all is well.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    let config = config::load(path)?;
    let summary = format!(
        "{}: good: {} staff, {} OSCAR account(s) at {}, IRC at {}\n",
        path.display(),
        config.staff.handles.len(),
        config.oscar.accounts.len(),
        config.oscar.server,
        config.irc.server,
    );
    // Standard output may be closed; the exit status is the answer.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), summary.as_bytes());
    Ok(())
}
