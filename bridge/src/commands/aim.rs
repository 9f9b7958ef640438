//! `bridgebot aim`: an AIM client for the terminal.

use std::path::{Path, PathBuf};

use clap::Args;
use oscar_im::ScreenName;
use oscar_im::sign_on::Address;
use program::{Failure, Secret, SecretSource, Signals};

use crate::aim_client::{self, Account, Style};
use crate::connect::{Endpoint, tls_client};

/// AOL's, and everybody's since.
const PORT: u16 = 5190;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The OSCAR server, HOST or HOST:PORT; 5190 where no port is given
    #[arg(long, value_name = "ADDRESS")]
    server: String,
    /// Who signs on
    #[arg(long, value_name = "NAME")]
    screen_name: String,
    /// A file that holds the password; asked for where none is given
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read and write line by line, also on a terminal
    #[arg(long)]
    pub(super) plain: bool,
    /// Speak TLS with the server, and with those it redirects to
    #[arg(long)]
    tls: bool,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
}

/// What is signed on with; asks for the password, if it has to, while the terminal is still an ordinary one.
pub(super) fn account(options: &Options) -> Result<Account, Failure> {
    let address = Address::parse(&options.server).filter(|address| address.port != Some(0));
    let Some(Address { host, port }) = address else {
        return Err(Failure::usage(format!(
            "`{}` is no address; write HOST:PORT, such as 127.0.0.1:5190",
            options.server
        )));
    };
    let screen_name = ScreenName::new(options.screen_name.trim());
    if !screen_name.is_valid() {
        return Err(Failure::usage(format!("`{}` can't be a screen name", options.screen_name)));
    }
    let tls = options.tls.then(|| tls_client(options.ca_file.as_deref())).transpose();
    let tls = tls.map_err(Failure::usage)?;
    let password = password(options)?;
    Ok(Account { endpoint: Endpoint { host, port: port.unwrap_or(PORT), tls }, screen_name, password })
}

/// Until the person ends it.
pub(super) async fn run(account: Account, plain: bool, signals: Signals) -> Result<(), Failure> {
    aim_client::run(account, Style::choose(plain), signals).await
}

fn password(options: &Options) -> Result<Secret, Failure> {
    let source =
        SecretSource { key: "password", file: options.password_file.clone(), ..SecretSource::default() };
    if let Some(password) = source.resolve(Path::new(""))? {
        return Ok(password);
    }
    let asked = rpassword::prompt_password(format!("Password of {}: ", options.screen_name.trim()));
    asked.map(Secret::new).map_err(|error| {
        Failure::usage(format!(
            "there is no terminal to ask for the password on ({error}); give --password-file"
        ))
    })
}
