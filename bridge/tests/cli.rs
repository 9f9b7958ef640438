//! `bridgebot` as a command line: help, versions, and the one sentence for each mistake.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};

fn bridgebot() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bridgebot"));
    command.env_remove("BRIDGEBOT_DIR").env_remove("RUST_LOG");
    command
}

const GOOD: &str = r##"
[irc]
server = "127.0.0.1:6667"
channels = ["#support"]
[oscar]
server = "127.0.0.1:5190"
screen_name = "bridgebot"
password_file = "password.txt"
[staff]
handles_file = "handles.txt"
"##;

fn folder_with(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bridgebot.toml"), config).unwrap();
    std::fs::write(folder.path().join("password.txt"), "hunter2\n").unwrap();
    std::fs::write(folder.path().join("handles.txt"), "staff1 # nights\n").unwrap();
    folder
}

fn check(folder: &Path) -> assert_cmd::assert::Assert {
    bridgebot().arg("check").arg("--config").arg(folder.join("bridgebot.toml")).assert()
}

#[test]
fn a_bare_call_prints_help_and_fails_with_2() {
    bridgebot().assert().code(2).stdout(is_empty()).stderr(contains("Usage: bridgebot"));
}

#[test]
fn help_and_version_succeed() {
    bridgebot().arg("--help").assert().code(0).stdout(contains("demo").and(contains("check")));
    bridgebot().arg("--version").assert().code(0).stdout(starts_with("bridgebot 0."));
    for command in ["demo", "run", "check"] {
        bridgebot().args([command, "--help"]).assert().code(0).stdout(contains("Usage: bridgebot"));
    }
}

#[test]
fn foreground_and_daemon_exclude_each_other_as_in_the_original() {
    bridgebot()
        .args(["-f", "-d"])
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr("bridgebot: options -f and -d are mutually exclusive\n");
    bridgebot().arg("-f").assert().code(2).stderr(contains("set BRIDGEBOT_DIR"));
}

#[test]
fn a_wrong_command_line_fails_with_2() {
    for arguments in [&["serve"][..], &["run"], &["demo", "--rates", "some"], &["demo", "--http", "nowhere"]]
    {
        bridgebot().args(arguments).assert().code(2).stdout(is_empty());
    }
}

#[test]
fn check_says_good_or_where_and_what_is_wrong() {
    check(folder_with(GOOD).path()).code(0).stdout(contains("good: 1 staff"));
    let typo = GOOD.replace("channels =", "chanels =");
    check(folder_with(&typo).path())
        .code(2)
        .stdout(is_empty())
        .stderr(contains("bridgebot.toml:4:1: unknown key `chanels`; did you mean `channels`?"));
    let folder = folder_with(GOOD);
    std::fs::remove_file(folder.path().join("password.txt")).unwrap();
    check(folder.path()).code(2).stderr(contains("for password_file: No such file"));
    check(Path::new("/nonexistent")).code(2).stderr(contains("cannot read configuration"));
}

#[test]
fn no_error_shows_a_secret() {
    let text =
        GOOD.replace("password_file = \"password.txt\"", "password = \"hunter2\"\npassword_env = \"HOME\"");
    check(folder_with(&text).path()).code(2).stderr(
        contains("give only one of password, password_file and password_env").and(contains("hunter2").not()),
    );
}

#[test]
fn conversations_are_listed_shown_exported_and_deleted() {
    use bridge::conversation::{Author, ConversationId, Millis, VisitorKey};
    use bridge::store::sqlite::{Durability, SqliteStore};
    use bridge::store::{Store, Write};

    let folder = folder_with(GOOD);
    let id = ConversationId(1);
    let entry = |number, author, text: &str| Write::Entry {
        conversation: id,
        number,
        at: Millis(1_000 * number),
        author,
        text: text.into(),
        client_id: None,
        msgid: None,
    };
    let mut store = SqliteStore::open(&folder.path().join("bridgebot.db"), Durability::Normal).unwrap();
    store
        .commit(&[
            Write::Open { id, key: VisitorKey::session("s"), label: "anna".into(), at: Millis(0) },
            entry(1, Author::Visitor, "is <b>anybody</b> there?"),
            entry(2, Author::Staff("staff1".into()), "yes"),
        ])
        .unwrap();

    let conversations = |arguments: &[&str]| {
        bridgebot().current_dir(folder.path()).arg("conversations").args(arguments).assert()
    };
    conversations(&["list"]).code(0).stdout(contains("c1").and(contains("anna")).and(contains("2 entries")));
    conversations(&["show", "anna"])
        .code(0)
        .stdout(contains("anna: is <b>anybody</b> there?").and(contains("staff1: yes")));
    conversations(&["export", "--format", "jsonl"]).code(0).stdout(contains("\"label\":\"anna\""));
    conversations(&["export", "c1", "--format", "html"]).code(0).stdout(contains("&lt;b&gt;anybody"));
    conversations(&["show", "zoe"]).code(1).stderr(contains("there is no conversation `zoe`"));
    conversations(&["delete", "anna"]).code(1).stderr(contains("another bridge is using this database"));
    drop(store);
    conversations(&["delete", "anna"]).code(0).stdout("deleted c1 (anna)\n");
    conversations(&["list"]).code(0).stdout(is_empty());
}
