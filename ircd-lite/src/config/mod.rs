//! What the rest of the daemon may rely on: values that are already valid, with every default in one place.
//!
//! Build one from code with `Config { … ..Config::default() }`, or from TOML with [`Config::load`]. The file's shape
//! is in `file.rs`; nothing else reads it.

mod file;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use program::config::Source;
use program::{ConfigError, Secret};

pub use crate::network::{Network, NetworkError};
pub use file::{check_server_name, default_address};
pub use values::{ByteSize, HostMask, InvalidValue, Password};

/// Everything that can be configured.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Names, listeners, the server password, the message of the day.
    pub server: Server,
    /// Lengths, counts and rates.
    pub limits: Limits,
    /// Who may become an IRC operator.
    pub opers: Vec<Oper>,
    /// Who may log in (SASL PLAIN).
    pub accounts: Vec<Account>,
    /// Gateways that name the address of their users.
    pub webirc: Vec<WebIrc>,
    /// Nicks that not everybody may use.
    pub reserves: Vec<Reserve>,
    /// Channels that exist always.
    pub channels: Vec<PermanentChannel>,
}

/// The table `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// The source of the server's lines.
    pub name: String,
    /// The network's name, in 001 and 005.
    pub network: String,
    /// Shown by WHOIS and LINKS.
    pub description: String,
    /// Plain TCP listeners.
    pub listen: Vec<SocketAddr>,
    /// WebSocket listeners.
    pub ws: Vec<SocketAddr>,
    /// Origins that browsers may come from; empty: any. A missing Origin is always allowed.
    pub ws_origins: Vec<String>,
    /// HTTP servers in front whose `X-Forwarded-For` names the visitor.
    pub ws_proxies: Vec<Network>,
    /// TLS listeners.
    pub tls: Vec<TlsListener>,
    /// What PASS must say, where set.
    pub password: Option<Secret>,
    /// The message of the day, by lines; `None`: 422.
    pub motd: Option<Vec<Bytes>>,
    /// Three lines for ADMIN.
    pub admin: [String; 3],
    /// Where K-lines and D-lines are kept over a restart.
    pub bans_file: Option<PathBuf>,
    /// Refuse text that is not UTF-8 (005 `UTF8ONLY`).
    pub utf8_only: bool,
    /// Show WebSocket clients under a cloaked host; operators still see the address.
    pub cloak_ws: bool,
}

/// One TLS listener.
#[derive(Debug, Clone)]
pub struct TlsListener {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// The table `[limits]`. 0 switches a limit off where that makes sense.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are the keys of the manual's reference")]
pub struct Limits {
    pub nick_length: usize,
    pub topic_length: usize,
    pub away_length: usize,
    pub channel_length: usize,
    pub channels_per_user: usize,
    pub targets: usize,
    pub target_messages: usize,
    pub list_entries: usize,
    pub monitor: usize,
    pub connections_per_address: usize,
    pub connect_throttle: usize,
    pub flood_lines: usize,
    pub sendq: usize,
    pub history: usize,
    pub ping_seconds: u64,
    pub registration_seconds: u64,
    pub exempt: Vec<Network>,
}

/// One `[[oper]]`.
#[derive(Debug, Clone)]
pub struct Oper {
    /// OPER's first parameter.
    pub name: String,
    /// OPER's second.
    pub password: Password,
    /// `user@host` masks, one of which must match; CIDR allowed.
    pub hosts: Vec<HostMask>,
}

/// One `[[account]]`.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name that is shown.
    pub name: String,
    /// What SASL PLAIN must say.
    pub password: Password,
    /// Free of flood and target limits.
    pub exempt: bool,
}

/// One `[[webirc]]`.
#[derive(Debug, Clone)]
pub struct WebIrc {
    /// WEBIRC's first parameter.
    pub password: Password,
    /// Where the gateway connects from.
    pub hosts: Vec<Network>,
}

/// One `[[reserve]]`.
#[derive(Debug, Clone)]
pub struct Reserve {
    /// Nicks, with `*` and `?`.
    pub mask: String,
    /// Told to whoever is refused.
    pub reason: String,
    /// The account that may use them.
    pub account: Option<String>,
}

/// One `[[channel]]`.
#[derive(Debug, Clone)]
pub struct PermanentChannel {
    /// Its name.
    pub name: String,
    /// Modes without parameters, such as `+ntu`.
    pub modes: String,
    /// Its topic at the start.
    pub topic: Option<String>,
    /// Accounts that are operators on joining.
    pub operators: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: "irc.example.net".into(),
            network: "ExampleNet".into(),
            description: "an IRC server".into(),
            listen: Vec::new(),
            ws: Vec::new(),
            ws_origins: Vec::new(),
            ws_proxies: Vec::new(),
            tls: Vec::new(),
            password: None,
            motd: None,
            admin: [
                "Administrative contact not configured".into(),
                "set [server] admin".into(),
                "to three lines".into(),
            ],
            bans_file: None,
            utf8_only: false,
            cloak_ws: true,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            nick_length: 30,
            topic_length: 390,
            away_length: 90,
            channel_length: 50,
            channels_per_user: 15,
            targets: 4,
            target_messages: 10,
            list_entries: 100,
            monitor: 100,
            connections_per_address: 10,
            connect_throttle: 5,
            flood_lines: 20,
            sendq: 100 * 1024,
            history: 1000,
            ping_seconds: 120,
            registration_seconds: 30,
            exempt: Vec::new(),
        }
    }
}

impl Config {
    /// Reads a file. Relative paths in it count from its folder.
    ///
    /// # Errors
    /// [`ConfigError`] with the place of what is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        file::check(&Source::read(path)?)
    }

    /// Reads TOML; `path` serves errors and relative paths.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        file::check(&Source { path: path.to_owned(), text: text.to_owned() })
    }
}
