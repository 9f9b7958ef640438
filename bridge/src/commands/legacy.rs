//! `bridgebot -f`, `-d`, `-v`: the original bot's options (rows S15 and S16 of the seed), in the folder
//! `$BRIDGEBOT_DIR`, whose configuration is `bridgebot.toml`.
//!
//! `-d` starts this program again as the leader of a new session with no terminal, waits for its ready line, and
//! leaves. A fork would be unsafe code, and wrong once threads run. The child holds a lock on its pid file for as
//! long as it lives, so a second one is refused and a stale file is never trusted.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Args;
use program::Failure;
use rustix::fs::Mode;

use super::{in_runtime, run};

/// The original bot's options.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "command line flags are")]
pub(super) struct Flags {
    /// Run in the foreground, in the folder $BRIDGEBOT_DIR with its bridgebot.toml
    #[arg(short = 'f', long)]
    foreground: bool,
    /// Run as a daemon, in the folder $BRIDGEBOT_DIR; pid file run/bridgebot.pid
    #[arg(short = 'd', long)]
    daemon: bool,
    /// Log more (with -f or -d)
    #[arg(short = 'v', long)]
    verbose: bool,
    /// What `-d` starts: the child that stays.
    #[arg(long, hide = true)]
    detached: bool,
}

impl Flags {
    /// Whether one of them was given.
    pub(super) fn any(&self) -> bool {
        self.foreground || self.daemon || self.verbose || self.detached
    }
}

/// Runs as the original bot did.
pub(super) fn run(flags: &Flags, log: impl FnOnce(&str)) -> Result<(), Failure> {
    if flags.foreground && flags.daemon {
        return Err(Failure::usage("options -f and -d are mutually exclusive"));
    }
    let Some(folder) = std::env::var_os("BRIDGEBOT_DIR").map(PathBuf::from) else {
        return Err(Failure::usage(
            "set BRIDGEBOT_DIR to the folder with bridgebot.toml, or use `bridgebot run --config FILE`",
        ));
    };
    std::env::set_current_dir(&folder)
        .map_err(|error| Failure::usage(format!("cannot use BRIDGEBOT_DIR {}: {error}", folder.display())))?;
    if flags.daemon {
        return start_detached(flags);
    }
    log(if flags.verbose { "debug" } else { "info" });
    let _held = if flags.detached { Some(become_daemon()?) } else { None };
    in_runtime(|signals| run::run("bridgebot.toml".into(), signals))
}

/// Starts the child that stays, and waits until it is ready or has failed.
fn start_detached(flags: &Flags) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::runtime(format!("cannot start the daemon: {error}"));
    // Read here too, so that a mistake is shown in the terminal with exit status 2.
    crate::config::load("bridgebot.toml".as_ref())?;
    let log =
        OpenOptions::new().create(true).append(true).mode(0o600).open("bridgebot.log").map_err(failed)?;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg("--detached");
    if flags.verbose {
        command.arg("--verbose");
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().map_err(failed)?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out.take(4096)).read_line(&mut line).map_err(failed)?;
    }
    if line.starts_with("ready") {
        return Ok(());
    }
    let status = child.wait().map_err(failed)?;
    Err(Failure::runtime(format!("the daemon did not start ({status}); bridgebot.log says why")))
}

/// Leaves the terminal's session, keeps what is created to this user, and takes the pid file.
fn become_daemon() -> Result<File, Failure> {
    let failed = |error: std::io::Error| Failure::runtime(format!("cannot write run/bridgebot.pid: {error}"));
    // Fails only for a process that leads a group already, which the child of a Command is not.
    let _ = rustix::process::setsid();
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    DirBuilder::new().recursive(true).mode(0o700).create("run").map_err(failed)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open("run/bridgebot.pid")
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = (&mut file).take(20).read_to_string(&mut pid);
            return Err(Failure::runtime(format!("bridgebot runs already, as process {}", pid.trim())));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}
