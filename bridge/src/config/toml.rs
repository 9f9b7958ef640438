//! The file's shape. Unknown keys are errors; what needs more than one key to judge is left to `checked`.
//!
//! A secret is three keys (`x`, `x_file`, `x_env`) of its table, spelled out because serde can't both flatten and
//! refuse unknown keys.

use std::num::NonZeroU32;
use std::path::PathBuf;

use ::toml::Spanned;
use program::Secret;
use serde::Deserialize;

use super::hours;
use super::values::{
    Channel, DepartmentName, HostName, HostPort, Listen, Name, Nick, Origin, RoomName, Sentence, StoreUrl,
};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where conversations are kept.
    #[serde(default)]
    pub store: Store,
    /// Towards the visitors.
    pub irc: Spanned<Irc>,
    /// Towards staff.
    pub oscar: Spanned<Oscar>,
    /// Who answers.
    pub staff: Spanned<Staff>,
    /// When people are there; without it there are no business hours.
    pub hours: Option<hours::Table>,
    /// What visitors are told.
    #[serde(default)]
    pub wording: Wording,
    /// How fast visitors may write.
    #[serde(default)]
    pub limits: Limits,
    /// The widget and its socket; without it the bridge serves IRC clients only.
    pub web: Option<Web>,
    /// For whoever operates the bridge.
    pub metrics: Option<Spanned<Metrics>>,
}

/// `[store]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:FILE`, or `memory:`; default `sqlite:bridgebot.db`.
    pub url: StoreUrl,
    /// What a commit waits for; default `full`.
    pub synchronous: Synchronous,
    /// Days for which a conversation is kept after its last line; 0: until it is deleted. Default 0.
    pub retention_days: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: StoreUrl::Sqlite("bridgebot.db".into()),
            synchronous: Synchronous::Full,
            retention_days: 0,
        }
    }
}

/// `[store] synchronous`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Until the disk has it: survives a power cut.
    Full,
    /// Until the system has it: survives a crash of the bridge, not a power cut.
    Normal,
}

/// `[irc]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Irc {
    /// `host:port`.
    pub server: HostPort,
    /// TLS from the first byte.
    #[serde(default)]
    pub tls: bool,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// The bot's nick; default `bridgebot`.
    pub nick: Option<Nick>,
    /// Joined after each sign-on; default none.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Server password.
    pub password: Option<Secret>,
    /// Or a file with it.
    pub password_file: Option<PathBuf>,
    /// Or the environment variable with it.
    pub password_env: Option<String>,
    /// The daemon exempts us from its flood limits (ircd-lite's `[[account]] exempt`), so that no line waits.
    #[serde(default)]
    pub exempt: bool,
    /// Lines that may go at once; default 5.
    pub lines_at_once: Option<NonZeroU32>,
    /// After that one line in so many milliseconds; default 1000.
    pub line_every_ms: Option<NonZeroU32>,
    /// SASL PLAIN.
    pub sasl_account: Option<String>,
    /// Its password.
    pub sasl_password: Option<Secret>,
    /// Or a file with it.
    pub sasl_password_file: Option<PathBuf>,
    /// Or the environment variable with it.
    pub sasl_password_env: Option<String>,
}

/// `[oscar]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oscar {
    /// The authorizer's `host:port`; usually port 5190.
    pub server: HostPort,
    /// TLS to it and to the addresses it redirects to.
    #[serde(default)]
    pub tls: bool,
    /// PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// The first account.
    pub screen_name: Option<Name>,
    /// Its password.
    pub password: Option<Secret>,
    /// Or a file with it.
    pub password_file: Option<PathBuf>,
    /// Or the environment variable with it.
    pub password_env: Option<String>,
    /// Encoded bytes of one instant message; default 2400.
    pub max_im_bytes: Option<Spanned<usize>>,
    /// `[[oscar.account]]`: more accounts.
    #[serde(default)]
    pub account: Vec<Spanned<Account>>,
}

/// `[[oscar.account]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name.
    pub screen_name: Name,
    /// Its password.
    pub password: Option<Secret>,
    /// Or a file with it.
    pub password_file: Option<PathBuf>,
    /// Or the environment variable with it.
    pub password_env: Option<String>,
}

/// `[staff]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    /// One screen name a line, `#` starts a comment.
    pub handles_file: Option<PathBuf>,
    /// Screen names.
    #[serde(default)]
    pub handles: Vec<Name>,
    /// Default `broadcast`.
    #[serde(default)]
    pub routing: Routing,
    /// Whether staff are shown what colleagues answer; default true.
    pub show_answers: Option<bool>,
    /// In claim routing, minutes for which a holder may let a visitor wait; 0: for ever. Default 30.
    pub claim_idle_minutes: Option<u32>,
    /// The chat room in which visitors' lines are said.
    pub room: Option<RoomName>,
    /// Whether staff who are not in the room get no instant messages; default false.
    pub room_only: Option<bool>,
    /// `[[staff.department]]`.
    #[serde(default)]
    pub department: Vec<Spanned<Department>>,
}

/// `[[staff.department]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// As staff type it.
    pub name: DepartmentName,
    /// Who answers; each is listed as staff too.
    pub handles: Vec<Name>,
    /// IRC channels whose visitors are for them.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Origins of the pages whose visitors are for them.
    #[serde(default)]
    pub sites: Vec<Origin>,
}

/// `[wording]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wording {
    /// Nobody of staff is there.
    pub nobody_here: Option<Sentence>,
    /// Somebody has come.
    pub somebody_here: Option<Sentence>,
    /// It is outside business hours; `{opens}`, `{date}`, `{time}`.
    pub outside_hours: Option<Sentence>,
    /// An address or number was found in what the visitor wrote; `{contact}`.
    pub contact_noted: Option<Sentence>,
}

/// `[staff] routing`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Routing {
    /// Everybody gets every line, as the original bot did.
    #[default]
    Broadcast,
    /// The first to answer holds the conversation.
    Claim,
}

/// `[limits]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Lines of one visitor at once; 0: no limit. Default 5.
    pub visitor_lines_at_once: u32,
    /// After that, lines a second. Default 1.
    pub visitor_lines_per_second: NonZeroU32,
    /// Visitors' connections from one address (IPv6: one /64) at the gateway; 0: no limit. Default 8.
    pub connections_per_address: usize,
    /// New ones a minute; 0: no limit. Default 30.
    pub connects_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            visitor_lines_at_once: 5,
            visitor_lines_per_second: NonZeroU32::MIN,
            connections_per_address: 8,
            connects_per_minute: 30,
        }
    }
}

/// `[web]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// `IP:PORT`.
    pub listen: Listen,
    /// Pages that may use the widget; none: pages of the same host only.
    #[serde(default)]
    pub allowed_origins: Vec<Origin>,
    /// Names by which the server is reached, without port; addresses, `localhost` and the hosts of `allowed_origins` always count.
    #[serde(default)]
    pub hosts: Vec<HostName>,
    /// Addresses of proxies whose `X-Forwarded-For` names the visitor.
    #[serde(default)]
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Towards the IRC daemon, so that visitors count by their own addresses.
    pub webirc_password: Option<Secret>,
    /// Or a file with it.
    pub webirc_password_file: Option<PathBuf>,
    /// Or the environment variable with it.
    pub webirc_password_env: Option<String>,
}

/// `[metrics]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// `IP:PORT`.
    pub listen: Listen,
    /// Whether an address other than loopback is meant.
    #[serde(default)]
    pub allow_remote: bool,
}
