//! The program as its users meet it: ready line, exit status, one sentence for an error, signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed set-up is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use assert_cmd::Command as Run;
use predicates::prelude::*;
use testkit::child::Daemon;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ircd-lite");

fn run() -> Run {
    Run::new(PROGRAM)
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Connects and waits for a line that holds `part` after sending `text`.
fn ask(daemon: &Daemon, text: &str, part: &str) -> String {
    let mut stream = TcpStream::connect(daemon.address("irc")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut seen = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap_or_else(|error| panic!("{error} after {seen}"));
        if line.contains(part) {
            return line;
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    panic!("no {part:?} in {seen}");
}

#[test]
fn help_and_version() {
    run().arg("--help").assert().success().stdout(predicate::str::contains("--config <FILE>"));
    run().arg("--version").assert().success().stdout(predicate::str::starts_with("ircd-lite "));
    run().arg("--nonsense").assert().code(2);
    run().args(["--tls", "127.0.0.1:0"]).assert().code(2);
}

#[test]
fn wrong_configurations_say_where_and_what() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("[server]\nnmae = \"irc.example.net\"\n", ":2:1: unknown key `nmae`; did you mean `name`?"),
        ("[limits]\nsendq = \"much\"\n", ":2:9: `much` is no size such as \"100KiB\""),
        ("[limits]\nnick_length = 0\n", ":2:15: 0 is not between 1 and 63"),
        ("[server]\nlisten = [\"nowhere\"]\n", ":2:10: `nowhere` is no address such as \"127.0.0.1:6667\""),
        ("\n[[account]]\nname = \"a\"\n", ":2:1: a password is missing"),
        ("[[account]]\nname = \"a\"\npassword_hash = \"x\"\n", ":3:17: no argon2 hash"),
        ("[[reserve]]\nmask = \"bot\"\naccount = \"bot\"\n", ":1:1: there is no [[account]] `bot`"),
        ("[[channel]]\nname = \"support\"\n", ":2:8: `support` is no channel name"),
        ("[server]\nmotd_file = \"none.txt\"\n", ":2:13: cannot read "),
        ("[server\n", ":1:8: "),
    ] {
        let file = write(folder.path(), "bad.toml", text);
        let outcome = run().args(["--config", &file]).assert().code(2).stdout("");
        let error = String::from_utf8(outcome.get_output().stderr.clone()).unwrap();
        assert!(error.starts_with(&format!("ircd-lite: {file}{expected}")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    run()
        .args(["--config", "/nonexistent/x.toml"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("cannot read"));
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let expected = format!("ircd-lite: cannot listen on {address}: ");
    run().args(["--listen", &address]).assert().code(1).stdout("").stderr(predicate::str::contains(expected));
}

#[test]
fn serves_reloads_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "motd.txt", "Hello\nthere\n");
    let limits = "[limits]\nconnect_throttle = 0\nconnections_per_address = 0\n";
    let server = "[server]\nname = \"irc.test.example\"\nlisten = [\"127.0.0.1:0\"]\nws = [\"127.0.0.1:0\"]\nmotd_file = \"motd.txt\"\n";
    let file = write(folder.path(), "ircd.toml", &format!("{server}{limits}"));
    let daemon = Daemon::start(Path::new(PROGRAM), &["--config", &file]);
    assert_ne!(daemon.address("ws").port(), 0);
    let sign_on = "NICK a\r\nUSER a 0 * :a\r\n";
    assert_eq!(ask(&daemon, sign_on, " 372 "), ":irc.test.example 372 a :- Hello");
    let hangup =
        || assert!(Command::new("kill").args(["-HUP", &daemon.id().to_string()]).status().unwrap().success());
    // Broken: the old one stays. Then a good one; a reload has no moment that can be waited for but its effect.
    write(folder.path(), "ircd.toml", "[server]\nbroken\n");
    hangup();
    assert_eq!(ask(&daemon, sign_on, " 372 "), ":irc.test.example 372 a :- Hello");
    write(folder.path(), "ircd.toml", &format!("{server}network = \"Reloaded\"\n{limits}"));
    hangup();
    testkit::wait::until("the new network name", || {
        ask(&daemon, sign_on, " 001 ").contains("Reloaded").then_some(())
    });
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_password_hash_lets_its_owner_in() {
    let outcome = run().arg("hash-password").write_stdin("open sesame\n").assert().success();
    let hash = String::from_utf8(outcome.get_output().stdout.clone()).unwrap();
    assert!(hash.starts_with("$argon2id$"));
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\n[[oper]]\nname = \"o\"\npassword_hash = \"{}\"\nhosts = [\"*@127.0.0.1\"]\n",
        hash.trim()
    );
    let file = write(folder.path(), "ircd.toml", &text);
    let daemon = Daemon::start(Path::new(PROGRAM), &["--config", &file]);
    ask(&daemon, "NICK a\r\nUSER a 0 * :a\r\nOPER o wrong\r\n", " 464 a ");
    ask(&daemon, "NICK b\r\nUSER b 0 * :b\r\nOPER o :open sesame\r\n", " 381 b ");
    run().arg("hash-password").write_stdin("\n").assert().code(2);
}

/// A line client that reads until an answer to its own PING.
struct Client(BufReader<TcpStream>);

impl Client {
    fn register(daemon: &Daemon, nick: &str) -> Self {
        let stream = TcpStream::connect(daemon.address("irc")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Self(BufReader::new(stream));
        client.ask(&format!("NICK {nick}\r\nUSER u 0 * :x\r\nJOIN #x\r\n"));
        client
    }

    /// What came until the PONG.
    fn ask(&mut self, text: &str) -> String {
        self.0.get_mut().write_all(format!("{text}PING :mark\r\n").as_bytes()).unwrap();
        let mut seen = String::new();
        while !seen.ends_with(":mark\r\n") {
            assert!(self.0.read_line(&mut seen).unwrap() > 0, "closed after {seen}");
        }
        seen
    }
}

#[test]
fn what_happened_first_is_told_first() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[server]\nlisten = [\"127.0.0.1:0\"]\n[limits]\nexempt = [\"127.0.0.1\"]\nflood_lines = 0\n";
    let config = write(folder.path(), "ircd-lite.toml", text);
    let daemon = Daemon::start(Path::new(PROGRAM), &["--config", &config]);
    let mut witness = Client::register(&daemon, "witness");
    for round in 0..300 {
        let leaving = Client::register(&daemon, "leaving");
        witness.ask("");
        // Not a mere drop: a child that another test starts at this moment holds a copy of the socket until its exec.
        leaving.0.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
        let seen = witness.ask("");
        assert!(
            seen.contains(" QUIT :"),
            "round {round}: the PONG came before the end of another client: {seen}"
        );
    }
}
