//! The commands of `bridgebot`, one file each.

mod aim;
mod backup;
mod check;
mod conversations;
#[cfg(feature = "demo")]
mod demo;
mod legacy;
mod run;

use std::future::Future;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use program::{Failure, LogFormat, Signals};

/// The bridge between a website's visitors (IRC) and staff (AIM).
#[derive(Debug, Parser)]
#[command(name = "bridgebot", version, about, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    legacy: legacy::Flags,
    /// How log lines on standard error are written; what is logged is chosen by RUST_LOG.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything in one process on loopback: IRC daemon, OSCAR server, web page, bridge; nothing to configure.
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// The production bridge.
    Run {
        /// Its configuration (TOML).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// An AIM client for the terminal.
    Aim(aim::Options),
    /// Transcripts: list, show, export, delete.
    Conversations(conversations::Options),
    /// Copies the store into a new file; the bridge may be running.
    Backup(backup::Options),
    /// Reads and checks a configuration without starting.
    Check {
        /// The configuration (TOML).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

impl Cli {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// One sentence and the exit status.
    pub fn run(self) -> Result<(), Failure> {
        let log = |default: &str| program::logging::init(self.log_format, default);
        match self.command {
            Some(_) if self.legacy.any() => Err(Failure::usage(
                "options -f, -d and -v go without a command; use RUST_LOG=debug for more log lines",
            )),
            #[cfg(feature = "demo")]
            Some(Command::Demo(options)) => {
                log("info");
                in_runtime(|signals| demo::demo(options, signals))
            }
            Some(Command::Run { config }) => {
                log("info");
                in_runtime(|signals| run::run(config, signals))
            }
            Some(Command::Aim(options)) => {
                // Logs would be written over the conversation; RUST_LOG brings them back.
                log("off");
                let account = aim::account(&options)?;
                in_runtime(|signals| aim::run(account, options.plain, signals))
            }
            Some(Command::Check { config }) => check::check(&config),
            Some(Command::Backup(options)) => backup::run(&options),
            Some(Command::Conversations(options)) => conversations::run(options),
            None => legacy::run(&self.legacy, log),
        }
    }
}

/// Runs a daemon in a fresh runtime that listens to signals from its first moment on. One thread: hub and links hand
/// over to each other all the time, and waking another thread would cost more than what it is woken for. What waits
/// for a disk has a thread of its own.
fn in_runtime<F: Future<Output = Result<(), Failure>>>(
    daemon: impl FnOnce(Signals) -> F,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        let signals = Signals::listen()
            .map_err(|error| Failure::runtime(format!("cannot listen to signals: {error}")))?;
        daemon(signals).await
    });
    // Whatever still waits in a blocking call (a name lookup, say) must not hold up the exit.
    runtime.shutdown_background();
    result
}
