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
    for command in ["demo", "run", "check", "backup"] {
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
        channel: None,
    };
    let mut store = SqliteStore::open(&folder.path().join("bridgebot.db"), Durability::Normal).unwrap();
    store
        .commit(&[
            Write::Open { id, key: VisitorKey::session("s"), label: "anna".into(), at: Millis(0) },
            entry(1, Author::Visitor, "is <b>anybody</b> there?"),
            entry(2, Author::Staff("staff1".into()), "yes"),
            Write::Open {
                id: ConversationId(2),
                key: VisitorKey::session("t"),
                label: "ben".into(),
                at: Millis(0),
            },
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
    let both = conversations(&["export", "--format", "html"]).code(0).get_output().stdout.clone();
    let both = String::from_utf8(both).unwrap();
    assert_eq!((both.matches("<!doctype").count(), both.matches("<section>").count()), (1, 2), "{both}");
    conversations(&["show", "zoe"]).code(1).stderr(contains("there is no conversation `zoe`"));
    // Something holds the database that doesn't do what is asked of it, as a bridge would.
    conversations(&["delete", "anna"]).code(1).stderr(contains("has not deleted c1 yet"));
    drop(store);
    conversations(&["delete", "anna"]).code(0).stdout("deleted c1 (anna)\n");
    conversations(&["delete", "ben"]).code(0).stdout("deleted c2 (ben)\n");
    conversations(&["list"]).code(0).stdout(is_empty());
}

/// A store with as many conversations as `many`, not closed in order: its process died.
fn crashed_store(path: &Path, many: u64) {
    use bridge::conversation::{ConversationId, Millis, VisitorKey};
    use bridge::store::sqlite::{Durability, SqliteStore};
    use bridge::store::{Store, Write};

    let mut store = SqliteStore::open(path, Durability::Full).unwrap();
    let open = |id: u64| Write::Open {
        id: ConversationId(id),
        key: VisitorKey::session(&id.to_string()),
        label: format!("{id}-{}", "x".repeat(400)),
        at: Millis(1),
    };
    store.commit(&(1..=many).map(open).collect::<Vec<_>>()).unwrap();
    let folder = path.parent().unwrap();
    let copy = folder.join("copy");
    store.back_up(&copy).unwrap();
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
    std::fs::rename(copy, path).unwrap();
}

#[test]
fn a_backup_is_made_beside_a_running_bridge_and_never_over_something() {
    use bridge::store::sqlite::{Durability, SqliteStore};

    let folder = folder_with(GOOD);
    let database = folder.path().join("bridgebot.db");
    crashed_store(&database, 3);
    let running = SqliteStore::open(&database, Durability::Full).unwrap();
    let backup = |to: &str| bridgebot().current_dir(folder.path()).args(["backup", to]).assert();
    backup("copy.db").code(0).stdout("copy.db: 3 conversations\n");
    backup("copy.db").code(1).stderr(contains("cannot back up to copy.db: the file exists; name a new one"));
    backup("nowhere/copy.db").code(1).stderr(contains("cannot back up to nowhere/copy.db"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("copy.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds what visitors wrote");
    }
    let partial = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains("partial"));
    assert_eq!(partial.count(), 0);
    drop(running);
    std::fs::rename(folder.path().join("copy.db"), &database).unwrap();
    bridgebot()
        .current_dir(folder.path())
        .args(["conversations", "list"])
        .assert()
        .code(0)
        .stdout(contains("c3"));
}

#[test]
fn a_store_that_can_not_be_used_is_one_sentence_and_status_1() {
    let run = |folder: &Path| {
        bridgebot()
            .arg("run")
            .arg("--config")
            .arg(folder.join("bridgebot.toml"))
            .timeout(std::time::Duration::from_secs(20))
            .assert()
            .code(1)
            .stdout(is_empty())
    };
    let one_line = predicates::function::function(|text: &str| text.lines().count() == 1);

    let damaged = folder_with(GOOD);
    let database = damaged.path().join("bridgebot.db");
    crashed_store(&database, 300);
    let mut bytes = std::fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes.get_mut(middle..middle + 8192).unwrap().fill(0xA5);
    std::fs::write(&database, bytes).unwrap();
    run(damaged.path())
        .stderr(contains("bridgebot.db: the database is damaged (").and(contains("restore a backup")))
        .stderr(one_line);
    let backup = damaged.path().join("copy.db");
    bridgebot()
        .current_dir(damaged.path())
        .args(["backup", "copy.db"])
        .assert()
        .code(1)
        .stderr(contains("the database is damaged"));
    assert!(!backup.exists(), "a damaged copy is no backup");

    let foreign = folder_with(GOOD);
    std::fs::write(foreign.path().join("bridgebot.db"), "these are notes, no database ".repeat(100)).unwrap();
    run(foreign.path()).stderr(contains("this is no bridgebot database; give another file"));

    let used = folder_with(GOOD);
    let database = used.path().join("bridgebot.db");
    let durability = bridge::store::sqlite::Durability::Full;
    let other = bridge::store::sqlite::SqliteStore::open(&database, durability).unwrap();
    run(used.path()).stderr(contains("another bridge is using this database"));
    drop(other);
}
