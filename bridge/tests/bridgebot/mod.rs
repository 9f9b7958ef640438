//! The program itself.

use std::path::Path;
use std::process::Command;

use testkit::child::Daemon;

/// `bridgebot run` with the configuration `bridgebot.toml` in this folder. Dropping it is SIGKILL.
pub(crate) fn start(folder: &Path) -> Daemon {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
    command.args(["run", "--config"]).arg(folder.join("bridgebot.toml"));
    Daemon::spawn(command)
}
