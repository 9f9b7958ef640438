//! What the rest of the program may rely on: every value valid, every secret in hand, every path counted from the
//! configuration's folder.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::toml::Spanned;
use oscar_im::ScreenName;
use program::{ConfigError, Failure, Secret, SecretSource, Source};

use super::toml;
pub use super::toml::{Limits, Routing, Synchronous};
pub use super::values::HostPort;
use super::values::{Sentence, StoreUrl};
pub use crate::conversation::department::Department;
pub use crate::conversation::hours::Hours;
use crate::conversation::labels::fold;
pub use crate::conversation::wording::visitor::Words;
use crate::irc::Pacing;

/// Bytes of one instant message where the configuration says nothing; see `docs/delivery.md`.
pub const DEFAULT_MAX_IM_BYTES: usize = 2400;

/// How long a holder may let a visitor wait where the configuration says nothing.
pub const CLAIM_IDLE_MINUTES: u32 = 30;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The least that leaves room for a label and some text, and the most that servers frame.
const IM_BYTES: RangeInclusive<usize> = 200..=8000;

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where conversations are kept.
    pub store: Store,
    /// Towards the visitors.
    pub irc: Irc,
    /// Towards staff.
    pub oscar: Oscar,
    /// Who answers.
    pub staff: Staff,
    /// When people are there.
    pub hours: Option<Hours>,
    /// What visitors are told.
    pub words: Words,
    /// How fast visitors may write.
    pub limits: Limits,
    /// The widget and its socket.
    pub web: Option<Web>,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
}

/// See [`toml::Store`].
#[derive(Debug, Clone)]
pub struct Store {
    /// In what.
    pub place: StorePlace,
    /// What a commit waits for.
    pub synchronous: Synchronous,
    /// How long a conversation is kept after its last line; for ever where there is none.
    pub retention: Option<Duration>,
}

/// What keeps conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// This SQLite file.
    File(PathBuf),
    /// The process: nothing outlives it.
    Memory,
}

impl Store {
    /// The file, for what reads or copies it beside the bridge.
    ///
    /// # Errors
    /// One sentence where there is none.
    pub fn file(&self) -> Result<&Path, Failure> {
        match &self.place {
            StorePlace::File(path) => Ok(path),
            StorePlace::Memory => Err(Failure::usage(
                "the store is `memory:`, which only the running bridge sees; name a file, such as sqlite:bridgebot.db, \
                 to read, delete or copy conversations",
            )),
        }
    }
}

/// See [`toml::Irc`].
#[derive(Debug, Clone)]
pub struct Irc {
    /// Where to connect.
    pub server: HostPort,
    /// TLS from the first byte.
    pub tls: bool,
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Wanted nick.
    pub nick: String,
    /// Joined after each sign-on.
    pub channels: Vec<String>,
    /// Server password.
    pub password: Option<Secret>,
    /// How fast the bridge may talk; none where the daemon exempts it from flood limits.
    pub pacing: Option<Pacing>,
    /// SASL PLAIN account and password.
    pub sasl: Option<(String, Secret)>,
}

/// See [`toml::Oscar`].
#[derive(Debug, Clone)]
pub struct Oscar {
    /// The authorizer.
    pub server: HostPort,
    /// TLS everywhere.
    pub tls: bool,
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// At least one, no two of the same name.
    pub accounts: Vec<Account>,
    /// Encoded bytes of one instant message.
    pub max_im_bytes: usize,
}

/// One of the bridge's own OSCAR accounts.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub screen_name: ScreenName,
    /// Its password.
    pub password: Secret,
}

/// See [`toml::Staff`].
#[derive(Debug, Clone)]
pub struct Staff {
    /// Everybody listed, each once, in the order given.
    pub handles: Vec<ScreenName>,
    /// How lines are shared out.
    pub routing: Routing,
    /// Whether staff are shown what colleagues answer.
    pub show_answers: bool,
    /// How long a holder may let a visitor wait; for ever where there is none.
    pub claim_idle: Option<Duration>,
    /// The chat room in which visitors' lines are said.
    pub room: Option<String>,
    /// Whether staff who are not in the room get no instant messages.
    pub room_only: bool,
    /// Who answers for which channel and site.
    pub departments: Vec<Department>,
}

impl Staff {
    /// These people, and the defaults for the rest.
    pub fn new(handles: Vec<ScreenName>, routing: Routing) -> Self {
        let claim_idle = positive(CLAIM_IDLE_MINUTES, MINUTE);
        Self {
            handles,
            routing,
            show_answers: true,
            claim_idle,
            room: None,
            room_only: false,
            departments: Vec::new(),
        }
    }
}

/// See [`toml::Web`].
#[derive(Debug, Clone)]
pub struct Web {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Names by which the server is reached, lower case.
    pub hosts: Vec<String>,
    /// Lower case; none: same host only.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` names the visitor.
    pub trusted_proxies: Vec<IpAddr>,
    /// Towards the IRC daemon.
    pub webirc_password: Option<Secret>,
}

/// Checks what the file says.
///
/// # Errors
/// One sentence with file, line and column; exit status 2.
pub fn check(file: toml::File, source: &Source) -> Result<Config, Failure> {
    let folder = source.folder();
    let irc = irc(file.irc, source)?;
    let oscar = oscar(file.oscar, source)?;
    let staff = staff(file.staff, &oscar.accounts, &irc.channels, source)?;
    Ok(Config {
        store: store(file.store, folder),
        oscar,
        staff,
        hours: file.hours.map(super::hours::Table::hours),
        words: words(file.wording),
        limits: file.limits,
        web: file.web.map(|table| web(table, folder)).transpose()?,
        metrics: file.metrics.map(|table| metrics(table, source)).transpose()?,
        irc,
    })
}

fn store(store: toml::Store, folder: &Path) -> Store {
    Store {
        place: match store.url {
            StoreUrl::Sqlite(file) => StorePlace::File(folder.join(file)),
            StoreUrl::Memory => StorePlace::Memory,
        },
        synchronous: store.synchronous,
        retention: positive(store.retention_days, DAY),
    }
}

/// So many units; 0 is no bound.
fn positive(number: u32, unit: Duration) -> Option<Duration> {
    (number > 0).then(|| unit.saturating_mul(number))
}

/// Collects the three keys of one secret out of its table.
macro_rules! secret {
    ($folder:expr, $table:ident, $key:ident, $file:ident, $env:ident) => {
        SecretSource { key: stringify!($key), value: $table.$key, file: $table.$file, env: $table.$env }
            .resolve($folder)
    };
}

fn irc(table: Spanned<toml::Irc>, source: &Source) -> Result<Irc, Failure> {
    let span = table.span();
    let irc = table.into_inner();
    let usual = Pacing::default();
    let pacing = Pacing {
        burst: irc.lines_at_once.map_or(usual.burst, NonZeroU32::get),
        interval: irc
            .line_every_ms
            .map_or(usual.interval, |millis| Duration::from_millis(millis.get().into())),
    };
    let folder = source.folder();
    let password = secret!(folder, irc, password, password_file, password_env)?;
    let sasl_password = secret!(folder, irc, sasl_password, sasl_password_file, sasl_password_env)?;
    let sasl = match (irc.sasl_account, sasl_password) {
        (Some(account), Some(password)) => Some((account, password)),
        (None, None) => None,
        (Some(_), None) => {
            let message = "sasl_account needs sasl_password, sasl_password_file or sasl_password_env";
            return Err(source.error(span, message).into());
        }
        (None, Some(_)) => return Err(source.error(span, "sasl_password needs sasl_account").into()),
    };
    Ok(Irc {
        server: irc.server,
        tls: irc.tls,
        ca_file: irc.ca_file.map(|file| folder.join(file)),
        nick: irc.nick.map_or_else(|| "bridgebot".to_owned(), |nick| nick.0),
        channels: irc.channels.into_iter().map(|channel| channel.0).collect(),
        password,
        pacing: (!irc.exempt).then_some(pacing),
        sasl,
    })
}

fn oscar(table: Spanned<toml::Oscar>, source: &Source) -> Result<Oscar, Failure> {
    let span = table.span();
    let oscar = table.into_inner();
    let folder = source.folder();
    let mut accounts: Vec<Account> = Vec::new();
    let password = secret!(folder, oscar, password, password_file, password_env)?;
    if let Some(name) = oscar.screen_name {
        accounts.push(account(name.0, password, span.clone(), source)?);
    }
    for table in oscar.account {
        let span = table.span();
        let more = table.into_inner();
        let password = secret!(folder, more, password, password_file, password_env)?;
        let account = account(more.screen_name.0, password, span.clone(), source)?;
        if accounts.iter().any(|known| known.screen_name == account.screen_name) {
            return Err(source.error(span, format!("account {} is given twice", account.screen_name)).into());
        }
        accounts.push(account);
    }
    if accounts.is_empty() {
        let message = "screen_name is missing: the account that the bridge signs on with";
        return Err(source.error(span, message).into());
    }
    let max_im_bytes = match oscar.max_im_bytes {
        Some(bytes) if !IM_BYTES.contains(bytes.get_ref()) => {
            let message = format!("max_im_bytes must be from {} to {}", IM_BYTES.start(), IM_BYTES.end());
            return Err(source.error(bytes.span(), message).into());
        }
        Some(bytes) => bytes.into_inner(),
        None => DEFAULT_MAX_IM_BYTES,
    };
    let ca_file = oscar.ca_file.map(|file| folder.join(file));
    Ok(Oscar { server: oscar.server, tls: oscar.tls, ca_file, accounts, max_im_bytes })
}

fn account(
    screen_name: ScreenName,
    password: Option<Secret>,
    span: Range<usize>,
    source: &Source,
) -> Result<Account, ConfigError> {
    let Some(password) = password else {
        let message = format!("account {screen_name} needs password, password_file or password_env");
        return Err(source.error(span, message));
    };
    Ok(Account { screen_name, password })
}

fn staff(
    table: Spanned<toml::Staff>,
    ours: &[Account],
    joined: &[String],
    source: &Source,
) -> Result<Staff, Failure> {
    let span = table.span();
    let staff = table.into_inner();
    let mut listed: Vec<ScreenName> = staff.handles.into_iter().map(|name| name.0).collect();
    if let Some(file) = staff.handles_file {
        listed.extend(read_handles(&source.folder().join(file))?);
    }
    let mut handles = Vec::with_capacity(listed.len());
    for name in listed {
        if !handles.contains(&name) {
            handles.push(name);
        }
    }
    if handles.is_empty() {
        return Err(source.error(span, "nobody is listed: name staff in handles or handles_file").into());
    }
    if let Some(own) = handles.iter().find(|name| ours.iter().any(|account| account.screen_name == **name)) {
        let message = format!("{own} is the bridge's own account; it can't be staff as well");
        return Err(source.error(span, message).into());
    }
    let departments = departments(staff.department, &handles, joined, source)?;
    let usual = Staff::new(handles, staff.routing);
    Ok(Staff {
        show_answers: staff.show_answers.unwrap_or(usual.show_answers),
        claim_idle: staff.claim_idle_minutes.map_or(usual.claim_idle, |minutes| positive(minutes, MINUTE)),
        room: staff.room.map(|room| room.0),
        room_only: staff.room_only.unwrap_or(usual.room_only),
        departments,
        ..usual
    })
}

fn departments(
    tables: Vec<Spanned<toml::Department>>,
    staff: &[ScreenName],
    joined: &[String],
    source: &Source,
) -> Result<Vec<Department>, ConfigError> {
    let mut departments: Vec<Department> = Vec::new();
    for table in tables {
        let span = table.span();
        let table = table.into_inner();
        let name = table.name.0;
        let handles: Vec<ScreenName> = table.handles.into_iter().map(|handle| handle.0).collect();
        let refuse = |message: String| Err(source.error(span.clone(), message));
        if handles.is_empty() {
            return refuse(format!("department {name} has nobody; name some of staff in its handles"));
        }
        if let Some(stranger) = handles.iter().find(|handle| !staff.contains(handle)) {
            return refuse(format!("{stranger} of department {name} is not listed as staff"));
        }
        if staff.contains(&ScreenName::new(name.as_str())) {
            return refuse(format!("department {name} has the name of a staff member"));
        }
        if departments.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
            return refuse(format!("department {name} is given twice"));
        }
        let channels: Vec<String> = table.channels.into_iter().map(|channel| channel.0).collect();
        let sites: Vec<String> = table.sites.into_iter().map(|site| site.0).collect();
        let same = |one: &String, other: &String| fold(one) == fold(other);
        if let Some(foreign) = channels.iter().find(|one| !joined.iter().any(|other| same(one, other))) {
            return refuse(format!(
                "department {name} has {foreign}, which is not among the channels of [irc]"
            ));
        }
        for other in &departments {
            let theirs = |one: &&String| {
                other.channels.iter().any(|known| same(known, one)) || other.sites.contains(one)
            };
            if let Some(both) = channels.iter().chain(&sites).find(theirs) {
                return refuse(format!(
                    "{both} is of department {} already; it can be of one only",
                    other.name
                ));
            }
        }
        departments.push(Department { name, handles, channels, sites });
    }
    Ok(departments)
}

fn words(table: toml::Wording) -> Words {
    let usual = Words::default();
    let or = |given: Option<Sentence>, usual| given.map_or(usual, |sentence| sentence.0);
    Words {
        nobody_here: or(table.nobody_here, usual.nobody_here),
        somebody_here: or(table.somebody_here, usual.somebody_here),
        outside_hours: or(table.outside_hours, usual.outside_hours),
        contact_noted: or(table.contact_noted, usual.contact_noted),
    }
}

/// The seed's file (row S5): one screen name a line, `#` starts a comment.
fn read_handles(path: &Path) -> Result<Vec<ScreenName>, ConfigError> {
    let source = Source::read(path)?;
    let mut names = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let name = ScreenName::new(line.split('#').next().unwrap_or_default().trim());
        if name.as_str().is_empty() {
            continue;
        }
        if !name.is_valid() {
            let (path, message) = (path.to_owned(), "this is no screen name".to_owned());
            return Err(ConfigError::Parse { path, line: index + 1, column: 1, message });
        }
        names.push(name);
    }
    Ok(names)
}

fn web(web: toml::Web, folder: &Path) -> Result<Web, Failure> {
    Ok(Web {
        listen: web.listen.0,
        hosts: web.hosts.into_iter().map(|host| host.0).collect(),
        trusted_proxies: web.trusted_proxies,
        allowed_origins: web.allowed_origins.into_iter().map(|origin| origin.0).collect(),
        webirc_password: secret!(folder, web, webirc_password, webirc_password_file, webirc_password_env)?,
    })
}

fn metrics(table: Spanned<toml::Metrics>, source: &Source) -> Result<SocketAddr, ConfigError> {
    let span = table.span();
    let metrics = table.into_inner();
    let listen = metrics.listen.0;
    if !listen.ip().is_loopback() && !metrics.allow_remote {
        let message =
            format!("{listen} is not loopback; set allow_remote = true if others may read the metrics");
        return Err(source.error(span, message));
    }
    Ok(listen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r##"
[store]
url = "sqlite:data/bridge.db"
[irc]
server = "127.0.0.1:6667"
channels = ["#support", "#sales"]
[oscar]
server = "aim.example.net:5190"
screen_name = "bridgebot"
password = "secret"
[[oscar.account]]
screen_name = "bridgebot 2"
password = "secret2"
[staff]
handles = ["staff1", "Staff 1", "staff2"]
[limits]
visitor_lines_at_once = 8
[web]
listen = "127.0.0.1:0"
allowed_origins = ["https://www.Example.com"]
[metrics]
listen = "127.0.0.1:0"
"##;

    fn load(text: &str) -> Result<Config, String> {
        let source = Source { path: "etc/b.toml".into(), text: text.to_owned() };
        let file = source.parse().map_err(|error| error.to_string())?;
        check(file, &source).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_good_file_gives_valid_values_and_paths_from_its_folder() {
        let config = load(GOOD).unwrap();
        assert_eq!(config.store.file().unwrap(), Path::new("etc/data/bridge.db"));
        assert_eq!(config.oscar.accounts.len(), 2);
        assert_eq!(config.oscar.max_im_bytes, 2400);
        assert_eq!(config.irc.nick, "bridgebot");
        assert_eq!(config.store.retention, None, "kept until deleted");
        assert!(config.staff.show_answers);
        assert_eq!(config.staff.claim_idle, Some(Duration::from_secs(1800)));
        let names: Vec<&str> = config.staff.handles.iter().map(ScreenName::as_str).collect();
        assert_eq!(names, ["staff1", "staff2"], "spaces and case don't count");
        assert_eq!(config.web.unwrap().allowed_origins, ["https://www.example.com"]);
    }

    #[test]
    fn what_is_kept_and_shown_can_be_set() {
        let text = GOOD.replacen("[irc]", "retention_days = 90\n[irc]", 1).replacen(
            "[limits]",
            "show_answers = false\nclaim_idle_minutes = 0\n[limits]",
            1,
        );
        let config = load(&text).unwrap();
        assert_eq!(config.store.retention, Some(90 * DAY));
        assert!(!config.staff.show_answers);
        assert_eq!(config.staff.claim_idle, None);
        let error = load(&text.replace("retention_days", "retention")).unwrap_err();
        assert!(error.contains("unknown key `retention`; did you mean `retention_days`?"), "{error}");
    }

    #[test]
    fn a_store_in_memory_has_no_file() {
        let config = load(&GOOD.replace("sqlite:data/bridge.db", "memory:")).unwrap();
        assert_eq!(config.store.place, StorePlace::Memory);
        let error = config.store.file().unwrap_err().to_string();
        assert!(error.contains("only the running bridge sees"), "{error}");
        assert!(load(&GOOD.replace("sqlite:data/bridge.db", "memory:x")).is_err());
    }

    const MORE: &str = r##"
[hours]
time_zone = "Europe/Berlin"
open = ["Mon-Fri 09:00-17:00"]
closed = ["12-25"]
[wording]
nobody_here = "Niemand ist da."
[[staff.department]]
name = "sales"
handles = ["Staff 2"]
channels = ["#Sales"]
sites = ["https://Shop.example.com"]
[[staff.department]]
name = "help"
handles = ["staff1"]
sites = ["https://help.example.com"]
"##;

    #[test]
    fn departments_hours_and_words_can_be_set() {
        let config = load(&format!("{GOOD}{MORE}")).unwrap();
        let hours = config.hours.unwrap();
        // 2026-11-23, a Monday, 09:30 in Berlin; and Christmas.
        assert!(hours.at(crate::conversation::Millis(1_795_422_600_000)).0);
        assert!(!hours.at(crate::conversation::Millis(1_798_187_400_000)).0);
        assert_eq!(config.words.nobody_here, "Niemand ist da.");
        assert_eq!(config.words.somebody_here, Words::default().somebody_here);
        assert_eq!(config.staff.departments[0].sites, ["https://shop.example.com"]);
        let cases = [
            (
                "Europe/Berlin",
                "Berlin",
                "`Berlin` is no time zone; write its tz database name, such as Europe/Berlin",
            ),
            ("Mon-Fri 09", "Mon-Fri 9h", "write days and times, such as Mon-Fri 09:00-12:00, 13:00-17:00"),
            ("12-25", "25.12.", "`25.12.` is no date; write 2026-12-24, or 12-25 for each year"),
            (
                "\"Staff 2\"]\nchannels",
                "\"eve\"]\nchannels",
                "eve of department sales is not listed as staff",
            ),
            ("\"sales\"", "\"Staff1\"", "department Staff1 has the name of a staff member"),
            (
                "\"sales\"",
                "\"all\"",
                "`all` is no department's name; use letters, digits, - _ . (not the word all)",
            ),
            (
                "handles = [\"Staff 2\"]",
                "handles = []",
                "department sales has nobody; name some of staff in its handles",
            ),
            ("#Sales", "#sale", "department sales has #sale, which is not among the channels of [irc]"),
            (
                "https://help",
                "https://shop",
                "https://shop.example.com is of department sales already; it can be of one only",
            ),
            (
                "https://help.example.com",
                "https://help.example.com:443",
                "`https://help.example.com:443`; do so here",
            ),
            (
                "https://help",
                "https://hälp",
                "with its host in ASCII letters, such as https://xn--bcher-kva.example",
            ),
        ];
        for (from, to, expected) in cases {
            let error = load(&format!("{GOOD}{}", MORE.replacen(from, to, 1))).unwrap_err();
            assert!(error.starts_with("etc/b.toml:") && error.ends_with(expected), "{error}");
        }
    }

    #[test]
    fn each_mistake_gives_one_sentence_with_its_place() {
        let cases = [
            (
                "channels = [",
                "channles = [",
                "etc/b.toml:6:1: unknown key `channles`; did you mean `channels`?",
            ),
            (
                "127.0.0.1:6667",
                "127.0.0.1",
                "etc/b.toml:5:10: `127.0.0.1` is no address; write host:port, such as 127.0.0.1:6667",
            ),
            (
                "\"#support\"",
                "\"support\"",
                "etc/b.toml:6:12: `support` is no channel; it begins with # and has no space, comma or colon",
            ),
            (
                "password = \"secret\"\n",
                "",
                "account bridgebot needs password, password_file or password_env",
            ),
            ("bridgebot 2", "Bridge Bot", "account Bridge Bot is given twice"),
            (
                "\"staff2\"]",
                "\"Bridge BOT\"]",
                "Bridge BOT is the bridge's own account; it can't be staff as well",
            ),
            (
                "[\"staff1\", \"Staff 1\", \"staff2\"]",
                "[]",
                "nobody is listed: name staff in handles or handles_file",
            ),
            (
                "sqlite:data",
                "mysql:data",
                ":3:7: `mysql:data/bridge.db` is no store; write sqlite:FILE, such as sqlite:bridgebot.db, or for a trial memory:",
            ),
            (
                "[metrics]\nlisten = \"127.0.0.1:0\"",
                "[metrics]\nlisten = \"0.0.0.0:9090\"",
                "0.0.0.0:9090 is not loopback; set allow_remote = true if others may read the metrics",
            ),
        ];
        for (from, to, expected) in cases {
            let error = load(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.starts_with("etc/b.toml:") && error.ends_with(expected), "{error}");
        }
    }

    #[test]
    fn each_table_refuses_an_unknown_key() {
        let tables = [
            "[store]",
            "[irc]",
            "[oscar]",
            "[[oscar.account]]",
            "[staff]",
            "[[staff.department]]",
            "[hours]",
            "[wording]",
            "[limits]",
            "[web]",
            "[metrics]",
        ];
        for table in tables {
            let text = format!("{GOOD}{MORE}");
            let text = text.replacen(&format!("{table}\n"), &format!("{table}\nzzz = 1\n"), 1);
            let error = load(&text).unwrap_err();
            assert!(error.contains("unknown key `zzz`"), "{table}: {error}");
        }
    }

    #[test]
    fn a_handles_file_has_names_and_comments() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("handles.txt"), "# staff\nstaff1\n\n  Staff Two # nights\n")
            .unwrap();
        let names = read_handles(&folder.path().join("handles.txt")).unwrap();
        assert_eq!(names, [ScreenName::from("staff1"), ScreenName::from("stafftwo")]);
    }
}
