//! The program `ircd-lite`: command line, configuration, signals, exit status. What it serves is the library.

use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ircd_lite::config::TlsListener;
use ircd_lite::{Config, Reloader, Server};
use program::{Failure, LogFormat, Secret, Signals};

/// A small IRC daemon that speaks as ircd-ratbox does.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Ask for a password and print its hash, for `password_hash` in the configuration
    HashPassword,
}

#[derive(Args)]
struct Serve {
    /// The configuration (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here for IRC (repeatable; instead of the configuration's addresses)
    #[arg(long, value_name = "ADDR")]
    listen: Vec<SocketAddr>,
    /// Listen here for IRC over WebSocket
    #[arg(long, value_name = "ADDR")]
    ws: Vec<SocketAddr>,
    /// Listen here for IRC over TLS
    #[arg(long, value_name = "ADDR", requires_all = ["cert", "key"])]
    tls: Option<SocketAddr>,
    /// The TLS certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    cert: Option<PathBuf>,
    /// The TLS private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    key: Option<PathBuf>,
    /// The server's name
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    name: Option<String>,
    /// A file with the password that clients must give
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How log lines are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::HashPassword) => hash_password(),
        None => serve(&cli.serve),
    };
    program::report("ircd-lite", result)
}

fn server_name(text: &str) -> Result<String, String> {
    ircd_lite::config::check_server_name(text).map_err(|error| error.to_string())
}

impl Serve {
    /// The configuration that file and command line give together.
    fn config(&self) -> Result<Config, Failure> {
        let mut config = match &self.config {
            Some(file) => Config::load(file)?,
            None => Config::default(),
        };
        if !self.listen.is_empty() {
            config.server.listen.clone_from(&self.listen);
        }
        if !self.ws.is_empty() {
            config.server.ws.clone_from(&self.ws);
        }
        if let (Some(address), Some(cert), Some(key)) = (self.tls, &self.cert, &self.key) {
            config.server.tls = vec![TlsListener { address, cert: cert.clone(), key: key.clone() }];
        }
        if let Some(name) = &self.name {
            config.server.name.clone_from(name);
        }
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
            config.server.password = Some(Secret::new(text.trim_end_matches(['\r', '\n'])));
        }
        let server = &config.server;
        if server.listen.is_empty() && server.ws.is_empty() && server.tls.is_empty() {
            config.server.listen = vec![ircd_lite::config::default_address()];
        }
        Ok(config)
    }
}

fn serve(options: &Serve) -> Result<(), Failure> {
    program::logging::init(options.log_format, "info");
    let config = options.config()?;
    // One thread, so that what happened first is acted on first: with several, a PING may overtake another client's end.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::runtime)?;
    runtime.block_on(async {
        let signals = Signals::listen().map_err(Failure::runtime)?;
        let bound = Server::bind(config).await.map_err(Failure::runtime)?;
        let addresses = bound.addresses().clone();
        program::ready::announce(&[("irc", addresses.irc), ("ws", addresses.ws), ("tls", addresses.tls)]);
        let reloader = bound.reloader();
        let stop = signals.stop.clone();
        tokio::select! {
            () = bound.serve(stop) => {}
            () = reload_when_asked(options, &signals, &reloader) => {}
        }
        Ok(())
    })
}

/// Reads the configuration again at SIGHUP and at an operator's REHASH. Never ends.
async fn reload_when_asked(options: &Serve, signals: &Signals, reloader: &Reloader) {
    loop {
        tokio::select! {
            () = signals.reload.notified() => {}
            () = reloader.wanted() => {}
        }
        let outcome = match options.config() {
            Ok(config) => reloader.reload(config).await.map_err(|error| error.to_string()),
            Err(failure) => Err(failure.to_string()),
        };
        let text = match outcome {
            Ok(()) => "configuration reloaded".to_owned(),
            Err(error) => format!("the old configuration stays: {error}"),
        };
        tracing::info!("{text}");
        reloader.report(text).await;
    }
}

#[expect(clippy::print_stdout, reason = "the hash is what was asked for")]
fn hash_password() -> Result<(), Failure> {
    let password = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(Failure::runtime)?;
        let second = rpassword::prompt_password("Again: ").map_err(Failure::runtime)?;
        if first != second {
            return Err(Failure::usage("the two passwords differ"));
        }
        first
    } else {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(Failure::runtime)?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err(Failure::usage("the password is empty"));
    }
    println!("{}", ircd_lite::config::Password::hash(&password).map_err(Failure::runtime)?);
    Ok(())
}
