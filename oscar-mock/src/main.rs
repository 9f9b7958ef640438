//! The program `oscar-mock`: reads the command line, binds, says `ready`, serves until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use oscar_mock::config::{AccountConfig, Config, Rates, file};
use oscar_mock::{Handle, Server, StartError};
use program::{Failure, LogFormat, Signals};

/// An OSCAR (AIM) server double: real clients sign on to it, see each other, and talk.
#[derive(Debug, Parser)]
#[command(name = "oscar-mock", version)]
struct Options {
    /// Where clients connect; port 0 picks a free one [default: 127.0.0.1:5190]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The address that clients are sent to after the sign-on [default: the one by which they came]
    #[arg(long, value_name = "HOST:PORT")]
    advertise: Option<String>,
    /// Somebody who may sign on; for tests only, as other users of the machine can read it
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = file::parse_account)]
    account: Vec<AccountConfig>,
    /// A file with one NAME:PASSWORD a line; # starts a comment
    #[arg(long, value_name = "FILE")]
    accounts_file: Option<PathBuf>,
    /// Accept every screen name and password
    #[arg(long)]
    open: bool,
    /// The rate limits: those of the real server, or none [default: stock]
    #[arg(long, value_enum)]
    rates: Option<Rates>,
    /// Sign-ons that one address may make in a minute [default: any number]
    #[arg(long, value_name = "N")]
    signon_limit: Option<u32>,
    /// Where the control interface (HTTP, JSON) listens [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
    /// Let the control interface listen elsewhere than on loopback
    #[arg(long)]
    control_remote: bool,
    /// Configuration in TOML; what the command line says goes before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How logs are written
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

fn main() -> ExitCode {
    let options = Options::parse();
    program::logging::init(options.log_format, "info");
    program::report("oscar-mock", run(&options))
}

fn run(options: &Options) -> Result<(), Failure> {
    let config = configuration(options)?;
    // One thread: what a frame needs is less than waking a second thread for it costs.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(format_args!("cannot start: {error}")))?;
    runtime.block_on(async {
        let signals = Signals::listen()
            .map_err(|error| Failure::runtime(format_args!("cannot listen for signals: {error}")))?;
        if config.accounts.is_empty() && !config.open {
            tracing::warn!("nobody can sign on: give --account, --accounts-file or --open");
        }
        let server = Server::bind(config).await.map_err(|error| match error {
            StartError::Listen { .. } => Failure::runtime(error),
            _ => Failure::usage(error),
        })?;
        let control = server.control_address().into_iter().collect();
        program::ready::announce(&[("oscar", vec![server.address()]), ("control", control)]);
        let reloading = reload(options, server.handle(), Arc::clone(&signals.reload));
        tokio::select! {
            () = server.serve(signals.stop) => Ok(()),
            never = reloading => match never {},
        }
    })
}

/// What the configuration file says, with the command line before it.
fn configuration(options: &Options) -> Result<Config, Failure> {
    let mut config = match &options.config {
        Some(path) => file::read(path)?,
        None => Config::default(),
    };
    config.listen = options.listen.unwrap_or(config.listen);
    config.advertise = options.advertise.clone().or(config.advertise);
    config.rates = options.rates.unwrap_or(config.rates);
    config.signon_limit = options.signon_limit.or(config.signon_limit);
    config.control = options.control.or(config.control);
    config.control_remote |= options.control_remote;
    config.open |= options.open;
    config.accounts.extend(options.account.iter().cloned());
    if let Some(path) = &options.accounts_file {
        config.accounts.extend(file::read_accounts(path)?);
    }
    Ok(config)
}

/// At each SIGHUP: accounts that are new come to those that are there, and passwords change. The rest of the
/// configuration holds until the next start.
async fn reload(
    options: &Options,
    server: Handle,
    asked: Arc<tokio::sync::Notify>,
) -> std::convert::Infallible {
    loop {
        asked.notified().await;
        match configuration(options) {
            Ok(config) => {
                let count = config.accounts.len();
                for account in config.accounts {
                    if server.add_account(account).await != Ok(true) {
                        tracing::warn!("an account could not be added");
                    }
                }
                tracing::info!(accounts = count, "configuration read again");
            }
            Err(failure) => tracing::error!("kept the old configuration: {failure}"),
        }
    }
}
