//! The shape of the configuration file, and its way into a [`Config`].

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use program::config::Source;
use program::{ConfigError, Secret, SecretSource};
use serde::Deserialize;
use toml::Spanned;

use super::values::{ByteSize, HostMask, InvalidValue, Password};
use super::{Account, Config, Limits, Network, Oper, PermanentChannel, Reserve, Server, TlsListener, WebIrc};
use crate::wire::{name, text};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    server: Option<Spanned<ServerTable>>,
    limits: LimitsTable,
    oper: Vec<Spanned<OperTable>>,
    account: Vec<Spanned<AccountTable>>,
    webirc: Vec<Spanned<WebIrcTable>>,
    reserve: Vec<Spanned<ReserveTable>>,
    channel: Vec<Spanned<ChannelTable>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ServerTable {
    name: Option<ServerName>,
    network: Option<Word>,
    description: Option<String>,
    listen: Option<Vec<Address>>,
    ws: Vec<Address>,
    ws_origins: Vec<String>,
    ws_proxies: Vec<NetworkText>,
    tls: Vec<TlsTable>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    motd_file: Option<Spanned<PathBuf>>,
    admin: Option<[String; 3]>,
    bans_file: Option<PathBuf>,
    utf8_only: bool,
    cloak_ws: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    address: Address,
    cert: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    nick_length: Option<Bounded<1, 63>>,
    topic_length: Option<Bounded<1, 390>>,
    away_length: Option<Bounded<1, 390>>,
    channel_length: Option<Bounded<2, 200>>,
    channels_per_user: Option<Bounded<0, 10_000>>,
    targets: Option<Bounded<0, 1000>>,
    target_messages: Option<Bounded<0, 1_000_000>>,
    list_entries: Option<Bounded<0, 100_000>>,
    monitor: Option<Bounded<0, 10_000>>,
    connections_per_address: Option<Bounded<0, 10_000_000>>,
    connect_throttle: Option<Bounded<0, 10_000_000>>,
    flood_lines: Option<Bounded<0, 100_000>>,
    sendq: Option<ByteSize>,
    history: Option<Bounded<0, 1_000_000>>,
    ping_seconds: Option<Bounded<0, 86_400>>,
    registration_seconds: Option<Bounded<0, 86_400>>,
    exempt: Vec<NetworkText>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct OperTable {
    name: Word,
    password: Option<String>,
    password_hash: Option<HashText>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    hosts: Vec<HostMask>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct AccountTable {
    name: Word,
    password: Option<String>,
    password_hash: Option<HashText>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    exempt: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WebIrcTable {
    password: Option<String>,
    password_hash: Option<HashText>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    hosts: Vec<NetworkText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReserveTable {
    mask: Word,
    #[serde(default)]
    reason: String,
    account: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTable {
    name: ChannelText,
    #[serde(default)]
    modes: ModesText,
    topic: Option<String>,
    #[serde(default)]
    operators: Vec<Word>,
}

macro_rules! checked_text {
    ($(#[$attribute:meta])* $name:ident($inner:ty), $from:ident, $check:expr) => {
        $(#[$attribute])*
        #[derive(Deserialize, Clone)]
        #[serde(try_from = "String")]
        struct $name($inner);

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from($from: String) -> Result<Self, InvalidValue> {
                $check.map(Self)
            }
        }
    };
}

checked_text!(Address(SocketAddr), text, resolve(&text));
checked_text!(
    NetworkText(Network),
    text,
    text.parse().map_err(|error: crate::network::NetworkError| InvalidValue(error.to_string()))
);
checked_text!(HashText(Password), text, Password::from_hash(&text));
checked_text!(
    #[derive(Default)]
    Word(String),
    text,
    word(text)
);
checked_text!(ServerName(String), text, check_server_name(&text));
checked_text!(ChannelText(String), text, channel_name(text));
checked_text!(ModesText(String), text, modes(text));

impl Default for ModesText {
    fn default() -> Self {
        Self("+nt".into())
    }
}

/// A whole number within bounds.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "u64")]
struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> TryFrom<u64> for Bounded<MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(number: u64) -> Result<Self, InvalidValue> {
        if (MIN..=MAX).contains(&number) {
            return Ok(Self(number));
        }
        Err(InvalidValue(format!("{number} is not between {MIN} and {MAX}")))
    }
}

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

fn resolve(text: &str) -> Result<SocketAddr, InvalidValue> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let error = || InvalidValue(format!("`{text}` is no address such as \"127.0.0.1:6667\""));
    text.to_socket_addrs().map_err(|_| error())?.next().ok_or_else(error)
}

fn word(text: String) -> Result<String, InvalidValue> {
    if text.is_empty() || text::has_control(text.as_bytes()) || text.starts_with(':') {
        return Err(InvalidValue(format!("{text:?} is not one word")));
    }
    Ok(text)
}

/// A server name: a word of letters, digits, `-` and `.`, with at least one dot.
///
/// # Errors
/// When it is none.
pub fn check_server_name(text: &str) -> Result<String, InvalidValue> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if !text.bytes().all(valid) || !text.contains('.') || text.len() > 63 {
        return Err(InvalidValue(format!(
            "`{text}` is no server name; it needs a dot, as in \"irc.example.net\""
        )));
    }
    Ok(text.to_owned())
}

fn channel_name(text: String) -> Result<String, InvalidValue> {
    if !name::valid_channel(text.as_bytes(), 200) {
        return Err(InvalidValue(format!("`{text}` is no channel name such as \"#support\"")));
    }
    Ok(text)
}

fn modes(text: String) -> Result<String, InvalidValue> {
    let letters = text.strip_prefix('+').unwrap_or(&text);
    match letters.chars().find(|letter| !"imnpstSu".contains(*letter)) {
        Some(letter) => Err(InvalidValue(format!("mode `{letter}` is none of imnpstSu"))),
        None => Ok(text),
    }
}

/// The ways in which one password may be given, and the table in which they stand.
struct PasswordKeys {
    table: Range<usize>,
    plain: Option<String>,
    hash: Option<HashText>,
    file: Option<PathBuf>,
    env: Option<String>,
}

struct Checker<'a>(&'a Source);

impl Checker<'_> {
    fn secret(
        &self,
        table: Range<usize>,
        plain: Option<String>,
        file: Option<PathBuf>,
        env: Option<String>,
    ) -> Result<Option<Secret>, ConfigError> {
        let value = plain.filter(|text| !text.is_empty()).map(Secret::new);
        SecretSource { key: "password", value, file, env }
            .resolve(self.0.folder())
            .map_err(|error| self.0.error(table, error.to_string()))
    }

    fn password(&self, keys: PasswordKeys) -> Result<Password, ConfigError> {
        let hash = keys.hash.map(|hash| hash.0);
        match (self.secret(keys.table.clone(), keys.plain, keys.file, keys.env)?, hash) {
            (Some(_), Some(_)) => Err(self.0.error(keys.table, "give either password_hash or a password")),
            (None, Some(hash)) => Ok(hash),
            (Some(plain), None) => Ok(Password::Plain(plain)),
            (None, None) => {
                let text =
                    "a password is missing; give password_hash, password_file, password_env or password";
                Err(self.0.error(keys.table, text))
            }
        }
    }

    fn named(&self, table: Range<usize>, name: Word) -> Result<String, ConfigError> {
        if name.0.is_empty() {
            return Err(self.0.error(table, "`name` is missing"));
        }
        Ok(name.0)
    }
}

/// Turns what the file says into what the daemon may rely on.
pub(super) fn check(source: &Source) -> Result<Config, ConfigError> {
    let file: File = source.parse()?;
    let checker = Checker(source);
    let config = Config {
        server: server(file.server, &checker)?,
        limits: limits(file.limits),
        opers: file.oper.into_iter().map(|table| oper(table, &checker)).collect::<Result<_, _>>()?,
        accounts: file.account.into_iter().map(|table| account(table, &checker)).collect::<Result<_, _>>()?,
        webirc: file.webirc.into_iter().map(|table| webirc(table, &checker)).collect::<Result<_, _>>()?,
        ..Config::default()
    };
    let need = |name: &str, table: Range<usize>| {
        let known = config.accounts.iter().any(|account| account.name.eq_ignore_ascii_case(name));
        if known { Ok(()) } else { Err(source.error(table, format!("there is no [[account]] `{name}`"))) }
    };
    let (mut reserves, mut channels) = (Vec::new(), Vec::new());
    for table in file.reserve {
        let (span, table) = (table.span(), table.into_inner());
        let account = table.account.map(|name| name.0);
        account.iter().try_for_each(|name| need(name, span.clone()))?;
        reserves.push(Reserve { mask: table.mask.0, reason: table.reason, account });
    }
    for table in file.channel {
        let (span, table) = (table.span(), table.into_inner());
        let operators: Vec<String> = table.operators.into_iter().map(|name| name.0).collect();
        operators.iter().try_for_each(|name| need(name, span.clone()))?;
        channels.push(PermanentChannel {
            name: table.name.0,
            modes: table.modes.0,
            topic: table.topic,
            operators,
        });
    }
    Ok(Config { reserves, channels, ..config })
}

fn server(table: Option<Spanned<ServerTable>>, checker: &Checker<'_>) -> Result<Server, ConfigError> {
    let span = table.as_ref().map_or(0..0, Spanned::span);
    let table = table.map(Spanned::into_inner).unwrap_or_default();
    let folder = checker.0.folder();
    let defaults = Server::default();
    let motd = match table.motd_file {
        None => None,
        Some(file) => {
            let (span, file) = (file.span(), folder.join(file.into_inner()));
            let bytes = std::fs::read(&file)
                .map_err(|error| checker.0.error(span, format!("cannot read {}: {error}", file.display())))?;
            let lines =
                bytes.split(|byte| *byte == b'\n').map(|line| Bytes::copy_from_slice(line.trim_ascii_end()));
            let mut lines: Vec<Bytes> = lines.collect();
            if lines.last().is_some_and(Bytes::is_empty) {
                lines.pop();
            }
            Some(lines)
        }
    };
    let any_listener = !table.ws.is_empty() || !table.tls.is_empty();
    let default_listen = || if any_listener { Vec::new() } else { vec![default_address()] };
    Ok(Server {
        name: table.name.map_or(defaults.name, |name| name.0),
        network: table.network.map_or(defaults.network, |name| name.0),
        description: table.description.unwrap_or(defaults.description),
        listen: table.listen.map_or_else(default_listen, addresses),
        ws: addresses(table.ws),
        ws_origins: table.ws_origins,
        ws_proxies: table.ws_proxies.into_iter().map(|network| network.0).collect(),
        tls: table
            .tls
            .into_iter()
            .map(|tls| TlsListener {
                address: tls.address.0,
                cert: folder.join(tls.cert),
                key: folder.join(tls.key),
            })
            .collect(),
        password: checker.secret(span, table.password, table.password_file, table.password_env)?,
        motd,
        admin: table.admin.unwrap_or(defaults.admin),
        bans_file: table.bans_file.map(|file| folder.join(file)),
        utf8_only: table.utf8_only,
        cloak_ws: table.cloak_ws.unwrap_or(defaults.cloak_ws),
    })
}

/// Where the daemon listens when nothing says otherwise.
pub fn default_address() -> SocketAddr {
    SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 6667)
}

fn addresses(list: Vec<Address>) -> Vec<SocketAddr> {
    list.into_iter().map(|address| address.0).collect()
}

fn limits(table: LimitsTable) -> Limits {
    let defaults = Limits::default();
    Limits {
        nick_length: table.nick_length.map_or(defaults.nick_length, Bounded::size),
        topic_length: table.topic_length.map_or(defaults.topic_length, Bounded::size),
        away_length: table.away_length.map_or(defaults.away_length, Bounded::size),
        channel_length: table.channel_length.map_or(defaults.channel_length, Bounded::size),
        channels_per_user: table.channels_per_user.map_or(defaults.channels_per_user, Bounded::size),
        targets: table.targets.map_or(defaults.targets, Bounded::size),
        target_messages: table.target_messages.map_or(defaults.target_messages, Bounded::size),
        list_entries: table.list_entries.map_or(defaults.list_entries, Bounded::size),
        monitor: table.monitor.map_or(defaults.monitor, Bounded::size),
        connections_per_address: table
            .connections_per_address
            .map_or(defaults.connections_per_address, Bounded::size),
        connect_throttle: table.connect_throttle.map_or(defaults.connect_throttle, Bounded::size),
        flood_lines: table.flood_lines.map_or(defaults.flood_lines, Bounded::size),
        sendq: table.sendq.map_or(defaults.sendq, |size| size.0),
        history: table.history.map_or(defaults.history, Bounded::size),
        ping_seconds: table.ping_seconds.map_or(defaults.ping_seconds, |number| number.0),
        registration_seconds: table
            .registration_seconds
            .map_or(defaults.registration_seconds, |number| number.0),
        exempt: table.exempt.into_iter().map(|network| network.0).collect(),
    }
}

fn oper(table: Spanned<OperTable>, checker: &Checker<'_>) -> Result<Oper, ConfigError> {
    let (span, table) = (table.span(), table.into_inner());
    let keys = PasswordKeys {
        table: span.clone(),
        plain: table.password,
        hash: table.password_hash,
        file: table.password_file,
        env: table.password_env,
    };
    Ok(Oper { name: checker.named(span, table.name)?, password: checker.password(keys)?, hosts: table.hosts })
}

fn account(table: Spanned<AccountTable>, checker: &Checker<'_>) -> Result<Account, ConfigError> {
    let (span, table) = (table.span(), table.into_inner());
    let keys = PasswordKeys {
        table: span.clone(),
        plain: table.password,
        hash: table.password_hash,
        file: table.password_file,
        env: table.password_env,
    };
    Ok(Account {
        name: checker.named(span, table.name)?,
        password: checker.password(keys)?,
        exempt: table.exempt,
    })
}

fn webirc(table: Spanned<WebIrcTable>, checker: &Checker<'_>) -> Result<WebIrc, ConfigError> {
    let (span, table) = (table.span(), table.into_inner());
    let keys = PasswordKeys {
        table: span,
        plain: table.password,
        hash: table.password_hash,
        file: table.password_file,
        env: table.password_env,
    };
    Ok(WebIrc {
        password: checker.password(keys)?,
        hosts: table.hosts.into_iter().map(|network| network.0).collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const EXAMPLE: &str = include_str!("../../example.toml");

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("example.toml"))
    }

    #[test]
    fn the_example_is_read_and_shows_the_defaults() {
        let config = read(EXAMPLE).unwrap();
        assert_eq!(format!("{:?}", config.limits), format!("{:?}", Limits::default()));
        let (shown, defaults) = (&config.server, Server::default());
        assert_eq!((&shown.name, &shown.network), (&defaults.name, &defaults.network));
        assert_eq!((config.opers.len(), config.accounts.len(), config.webirc.len()), (1, 1, 1));
        assert_eq!((config.reserves.len(), config.channels.len()), (1, 1));
    }

    #[test]
    fn what_the_example_has_commented_out_is_known_too() {
        let uncommented = |line: &str| {
            let key = line.strip_prefix("# ").and_then(|rest| rest.split(" = ").next());
            let is_key = key.is_some_and(|key| !key.contains(' ') && line.contains(" = "));
            let is_file = key.is_some_and(|key| ["motd_file", "password_env"].contains(&key));
            if is_key && !is_file { line.replacen("# ", "", 1) } else { line.to_owned() }
        };
        let text: Vec<String> = EXAMPLE.lines().map(uncommented).collect();
        let config = read(&text.join("\n")).unwrap();
        assert_eq!((config.server.tls.len(), config.server.ws_origins.len()), (1, 1));
        assert!(config.server.bans_file.is_some());
    }

    /// What serde says that it would have taken.
    fn keys_of(table: &str) -> Vec<String> {
        let error = toml::from_str::<File>(&format!("{table}\nsurprise = 1\n")).err().unwrap();
        let names = error.message().split_once("expected one of ").unwrap().1;
        names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
    }

    #[test]
    fn the_example_names_every_key_in_its_table() {
        let (preamble, tables) = EXAMPLE.split_once("\n[").unwrap();
        let mut seen = 0;
        for table in tables.split("\n[") {
            let table = format!("[{table}");
            let header = table.lines().next().unwrap().split_whitespace().next().unwrap();
            for key in keys_of(header) {
                let named = |line: &str| {
                    line.trim_start_matches("# ").split_once(" = ").is_some_and(|(name, _)| name == key)
                };
                let a_password = key.starts_with("password") && preamble.contains(&key);
                assert!(table.lines().any(named) || a_password, "{header} {key} is not in example.toml");
                seen += 1;
            }
        }
        assert!(seen > 50, "{seen}");
        let in_tls = toml::from_str::<TlsTable>("surprise = 1").err().unwrap();
        for key in in_tls.message().split('`').skip(3).step_by(2) {
            assert!(EXAMPLE.contains(&format!("{key} = \"")), "tls {key}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_in_every_table() {
        let headers = EXAMPLE.lines().filter(|line| line.starts_with('[')).count();
        assert_eq!(headers, 7);
        for at in 0..headers {
            let mut seen = 0;
            let lines = EXAMPLE.lines().flat_map(|line| {
                let here = line.starts_with('[') && seen == at;
                seen += usize::from(line.starts_with('['));
                std::iter::once(line).chain(here.then_some("surprise = 1"))
            });
            let error = read(&lines.collect::<Vec<_>>().join("\n")).unwrap_err().to_string();
            assert!(error.contains("unknown key `surprise`"), "{error}");
        }
        let in_tls =
            "[server]\ntls = [{ address = \"127.0.0.1:1\", cert = \"a\", key = \"b\", surprise = 1 }]\n";
        assert!(read(in_tls).unwrap_err().to_string().contains("surprise"));
    }

    #[test]
    fn secrets_are_never_printed() {
        let config = read(EXAMPLE).unwrap();
        assert!(!format!("{config:?}").contains("change me"));
        let error = read(
            &EXAMPLE.replace("password = \"change me\"", "password = \"change me\"\npassword_env = \"X\""),
        );
        let error = error.unwrap_err().to_string();
        assert!(!error.contains("change me") && error.contains("password_env"), "{error}");
    }
}
