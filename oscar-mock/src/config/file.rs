//! The configuration as files hold it: TOML, and lists of accounts with one `NAME:PASSWORD` a line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use program::{Failure, Secret, SecretSource, Source};
use serde::Deserialize;

use super::{AccountConfig, Config, Quirks, Rates};
use crate::clock::Clock;
use crate::faults::Fault;

/// The keys of the TOML file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the keys are promised")]
struct File {
    listen: Option<SocketAddr>,
    advertise: Option<String>,
    accounts_file: Option<PathBuf>,
    account: Vec<Account>,
    open: bool,
    rates: Rates,
    signon_limit: Option<u32>,
    control: Option<SocketAddr>,
    control_remote: bool,
    journal: Option<usize>,
    quirks: QuirksTable,
    fault: Vec<Fault>,
    clock: ClockKind,
}

/// Whether time passes by itself.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClockKind {
    /// The machine's; it can be moved on as well.
    #[default]
    System,
    /// It stands still until it is moved.
    Manual,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    #[serde(default)]
    buddies: Vec<String>,
    #[serde(default)]
    bot: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QuirksTable {
    one_byte_reason: bool,
    short_sign_off: bool,
}

/// Reads a configuration. Relative paths in it count from its folder.
///
/// # Errors
/// A [`Failure`] of status 2 that says what and where.
pub fn read(path: &Path) -> Result<Config, Failure> {
    let source = Source::read(path)?;
    let file: File = source.parse()?;
    let folder = source.folder();
    let mut config = Config {
        advertise: file.advertise,
        open: file.open,
        rates: file.rates,
        signon_limit: file.signon_limit,
        control: file.control,
        control_remote: file.control_remote,
        quirks: Quirks {
            one_byte_reason: file.quirks.one_byte_reason,
            short_sign_off: file.quirks.short_sign_off,
        },
        faults: file.fault,
        clock: match file.clock {
            ClockKind::System => Clock::system(),
            ClockKind::Manual => Clock::manual(),
        },
        ..Config::default()
    };
    config.listen = file.listen.unwrap_or(config.listen);
    config.journal = file.journal.unwrap_or(config.journal);
    for account in file.account {
        config.accounts.push(resolve(account, folder, path)?);
    }
    if let Some(list) = file.accounts_file {
        config.accounts.extend(read_accounts(&folder.join(list))?);
    }
    Ok(config)
}

fn resolve(account: Account, folder: &Path, path: &Path) -> Result<AccountConfig, Failure> {
    let source = SecretSource {
        key: "password",
        value: account.password,
        file: account.password_file,
        env: account.password_env,
    };
    let password = source.resolve(folder)?.ok_or_else(|| {
        Failure::usage(format_args!("{}: account {:?} has no password", path.display(), account.name))
    })?;
    let buddies = account.buddies.into_iter().map(oscar_im::ScreenName::new).collect();
    Ok(AccountConfig { name: oscar_im::ScreenName::new(account.name), password, buddies, bot: account.bot })
}

/// Reads `NAME:PASSWORD` lines; empty ones and those that begin with `#` are skipped.
///
/// # Errors
/// A [`Failure`] of status 2 that says which line, without showing it: it may hold a password.
pub fn read_accounts(path: &Path) -> Result<Vec<AccountConfig>, Failure> {
    let source = Source::read(path)?;
    source
        .text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(line, number)| {
            parse_account(line)
                .map_err(|why| Failure::usage(format_args!("{}:{number}:1: {why}", path.display())))
        })
        .collect()
}

/// Reads `NAME:PASSWORD`, as a line of a file or an argument. The error never shows the text.
///
/// # Errors
/// One sentence.
pub fn parse_account(text: &str) -> Result<AccountConfig, &'static str> {
    let (name, password) = text.split_once(':').ok_or("an account is NAME:PASSWORD")?;
    let account = AccountConfig::new(name, password);
    if account.name.is_valid() {
        Ok(account)
    } else {
        Err("the part before the colon can't be a screen name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mock.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("accounts.txt"), "# staff\nStaff One:a:b\n\nstaff2:pw\n").unwrap();
        std::fs::write(folder.path().join("broken.txt"), "staff1:pw\nhunter2\n").unwrap();
        let shown = folder.path().display().to_string();
        read(&path).map_err(|failure| failure.to_string().replace(&shown, ""))
    }

    #[test]
    fn accounts_come_from_tables_and_from_a_list() {
        let config = read_text(
            "accounts_file = \"accounts.txt\"\nrates = \"none\"\n\
             [[account]]\nname = \"bot\"\npassword = \"x\"\nbuddies = [\"Staff One\"]\n",
        )
        .unwrap();
        let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
        assert_eq!(names, ["bot", "Staff One", "staff2"]);
        assert_eq!(config.accounts[1].password.expose(), "a:b");
        assert_eq!(config.accounts[0].buddies.len(), 1);
        assert_eq!(config.rates, Rates::None);
    }

    #[test]
    fn faults_and_the_clock_come_from_tables() {
        let config = read_text(
            "clock = \"manual\"\n[[fault]]\naction = \"disconnect\"\nscreen_name = \"bot\"\nafter = 2\n",
        )
        .unwrap();
        assert!(config.clock.is_manual());
        assert_eq!(config.faults, [Fault::new(crate::faults::Action::Disconnect).of("bot").after(2)]);
        let error = |text| read_text(text).unwrap_err();
        let misspelled = "open = true\n[[fault]]\naction = \"drop\"\nafer = 1";
        assert_eq!(error(misspelled), "/mock.toml:2:1: this action has no \"afer\"");
        assert_eq!(error("[[fault]]\naction = \"refuse\""), "/mock.toml:1:1: missing field `code`");
    }

    #[test]
    fn the_example_of_the_readme_is_one() {
        let readme = include_str!("../../README.md");
        let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = read_text(&example.replace("bridgebot.pw", "accounts.txt")).unwrap();
        assert_eq!((config.accounts.len(), config.faults.len()), (1, 1));
        let misspelled = example.replace("after = 2", "afterwards = 2");
        assert!(read_text(&misspelled).unwrap_err().contains("this action has no"));
    }

    #[test]
    fn errors_say_where_and_show_no_password() {
        assert_eq!(
            read_text("accounts_file = \"broken.txt\"").unwrap_err(),
            "/broken.txt:2:1: an account is NAME:PASSWORD"
        );
        assert!(read_text("lisen = \"127.0.0.1:0\"").unwrap_err().contains("did you mean `listen`?"));
        assert!(read_text("[quirks]\nx = 1").unwrap_err().contains("mock.toml:2:1: unknown key `x`"));
        assert!(read_text("[[account]]\nname = \"a\"").unwrap_err().contains("has no password"));
    }
}
