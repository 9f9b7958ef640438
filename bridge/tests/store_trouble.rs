//! The database is locked, full, moved, damaged or none of ours, at the start and later: the bridge waits where waiting helps,
//! visitors are told what is not taken, and what is taken arrives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod people;
mod servers;

use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bridge::conversation::wording::visitor::NOT_STORED;
use oscar_mock::Server;
use oscar_mock::config::Rates;
use rusqlite::Connection;
use testkit::child::Daemon;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use people::{Person, Staff};
use servers::{configuration, start_ircd};

/// For the store to be tried again, and the links to sign on.
const SOON: Duration = Duration::from_secs(30);
/// Within this a program that was asked to stop has stopped.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

struct Stage {
    irc: SocketAddr,
    oscar: oscar_mock::Running,
    folder: tempfile::TempDir,
    _stop: tokio_util::sync::DropGuard,
}

impl Stage {
    async fn set() -> Self {
        let stop = CancellationToken::new();
        let irc = start_ircd(stop.clone()).await;
        let accounts = Server::builder().account("bridgebot", "secret").account("staff2", "demo");
        let oscar = accounts.rates(Rates::None).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let stage = Self { irc, oscar, folder, _stop: stop.drop_guard() };
        stage.configure("bridgebot.db");
        stage
    }

    fn configure(&self, database: &str) {
        let more = format!("[store]\nurl = \"sqlite:{database}\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n");
        let configuration = configuration(self.irc, self.oscar.address()).replace("staff1", "staff2") + &more;
        fs::write(self.folder.path().join("bridgebot.toml"), configuration).unwrap();
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("bridgebot.db")
    }

    /// A database that a bridge has made.
    fn make_database(&self) {
        assert!(self.start().stop().success());
    }

    /// What it logs is in [`Stage::log`].
    fn start(&self) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
        command.args(["run", "--config"]).arg(self.folder.path().join("bridgebot.toml"));
        command.stderr(fs::File::create(self.folder.path().join("log")).unwrap());
        Daemon::spawn(command)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    async fn until_logged(&self, words: &str) {
        let deadline = Instant::now() + SOON;
        while !self.log().contains(words) {
            assert!(Instant::now() < deadline, "no {words:?} in {}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Status and reasons of `/readyz`.
fn ready(bridge: &Daemon) -> (bool, String) {
    let address = bridge.address("metrics");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.starts_with("HTTP/1.1 200"), answer)
}

async fn until_ready(bridge: &Daemon, wanted: bool) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        let (is_ready, answer) = ready(bridge);
        if is_ready == wanted {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn stops_in_time(bridge: Daemon) {
    let stopping = tokio::task::spawn_blocking(|| bridge.stop());
    assert!(timeout(STOPS_WITHIN, stopping).await.expect("it stops in time").unwrap().success());
}

/// Another program that writes. It waits for its turn.
fn hold(database: &Path) -> Connection {
    let connection = Connection::open(database).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_locked_at_the_start_is_waited_for() {
    let stage = Stage::set().await;
    stage.make_database();
    let lock = hold(&stage.database());
    let mut staff = Staff::sign_on(stage.oscar.address()).await;
    let bridge = stage.start();
    let reasons = until_ready(&bridge, false).await;
    assert!(reasons.contains("the store takes nothing"), "{reasons}");
    stage.until_logged("waiting for the database").await;
    // It is tried each two seconds.
    sleep(Duration::from_secs(5)).await;
    let log = stage.log();
    assert_eq!(log.lines().filter(|line| line.contains("database")).count(), 1, "{log}");
    drop(lock);
    let mut anna = Person::meet(stage.irc, "anna").await;
    until_ready(&bridge, true).await;
    anna.says("PRIVMSG #support :are you there?").await;
    staff.hears("anna: are you there?").await;
    stops_in_time(bridge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_waits_for_its_database_stops_when_it_is_told_to() {
    let stage = Stage::set().await;
    stage.make_database();
    let _lock = hold(&stage.database());
    let bridge = stage.start();
    stage.until_logged("waiting for the database").await;
    stops_in_time(bridge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_database_is_locked_stops_when_it_is_told_to() {
    let stage = Stage::set().await;
    for (speaks, hears) in [(false, false), (true, false), (true, true)] {
        let bridge = stage.start();
        let mut anna = Person::meet(stage.irc, "anna").await;
        until_ready(&bridge, true).await;
        let _lock = hold(&stage.database());
        if speaks {
            anna.says("PRIVMSG #support :one\r\nPING :said").await;
            anna.until(":said").await;
        }
        if hears {
            anna.until(NOT_STORED).await;
        }
        stops_in_time(bridge).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_when_the_database_turns_out_to_be_no_use() {
    let stage = Stage::set().await;
    let theirs = Connection::open(stage.database()).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (x); BEGIN EXCLUSIVE").unwrap();
    let mut bridge = stage.start();
    stage.until_logged("waiting for the database").await;
    drop(theirs);
    let deadline = Instant::now() + SOON;
    let status = loop {
        if let Some(status) = bridge.child().try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "{}", stage.log());
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(status.code(), Some(1));
    assert!(stage.log().contains("this is no bridgebot database; give another file"), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_does_not_exist_is_one_sentence_and_status_1() {
    let stage = Stage::set().await;
    stage.configure("no/such/folder.db");
    let configuration = stage.folder.path().join("bridgebot.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
    let ended = command.args(["run", "--config"]).arg(configuration).output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0));
    let words = String::from_utf8(ended.stderr).unwrap();
    assert!(words.contains("folder.db: its folder does not exist; create it"), "{words}");
    assert_eq!(words.lines().count(), 1, "{words}");
}

/// A file system of its own, of two megabytes.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&at).stderr(Stdio::null());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Self(at));
        }
        println!("skipped: no file system can be mounted here");
        None
    }

    /// Takes all that is free.
    fn fill(&self) {
        let mut filler = fs::File::options().create(true).append(true).open(self.0.join("filler")).unwrap();
        while filler.write_all(&[0xA5; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_in_words_and_loses_nothing_that_was_taken() {
    let stage = Stage::set().await;
    let Some(small) = Small::mount(stage.folder.path().join("small")) else { return };
    stage.configure("small/bridgebot.db");
    let mut staff = Staff::sign_on(stage.oscar.address()).await;
    let bridge = stage.start();
    let mut anna = Person::meet(stage.irc, "anna").await;
    until_ready(&bridge, true).await;
    small.fill();
    // The log may have some room of its own.
    let mut number = 0;
    let doubtful = loop {
        let line = format!("line {number} {}", "x".repeat(300));
        anna.says(&format!("PRIVMSG #support :{line}")).await;
        tokio::select! {
            heard = staff.next() => assert_eq!(heard, format!("anna: {line}")),
            _ = until_ready(&bridge, false) => break line,
        }
        number += 1;
    };
    anna.says("PRIVMSG #support :in vain").await;
    anna.until(NOT_STORED).await;
    stage.until_logged("the disk is full").await;

    small.make_room();
    until_ready(&bridge, true).await;
    anna.says("PRIVMSG #support :after").await;
    let mut heard = staff.next().await;
    // It may have been stored, and its acknowledgement not.
    if heard == format!("anna: {doubtful}") {
        heard = staff.next().await;
    }
    assert_eq!(heard, "anna: after");

    stops_in_time(bridge).await;
    small.fill();
    let bridge = stage.start();
    until_ready(&bridge, false).await;
    stage.until_logged("the disk is full; waiting for the database").await;
    anna.says("PRIVMSG #support :while the disk was full").await;
    small.make_room();
    until_ready(&bridge, true).await;
    assert_eq!(staff.next().await, "anna: while the disk was full", "and nothing that was refused");
    stops_in_time(bridge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_a_database_that_is_not_in_its_place() {
    let stage = Stage::set().await;
    let mut staff = Staff::sign_on(stage.oscar.address()).await;
    let bridge = stage.start();
    let mut anna = Person::meet(stage.irc, "anna").await;
    until_ready(&bridge, true).await;
    let elsewhere = stage.folder.path().join("elsewhere.db");
    for put_another in [false, true] {
        anna.says("PRIVMSG #support :before").await;
        staff.hears_next("anna: before").await;
        fs::rename(stage.database(), &elsewhere).unwrap();
        if put_another {
            fs::copy(&elsewhere, stage.database()).unwrap();
        }
        anna.says("PRIVMSG #support :in vain").await;
        anna.until(NOT_STORED).await;
        stage.until_logged("moved, deleted or replaced").await;
        until_ready(&bridge, false).await;
        fs::rename(&elsewhere, stage.database()).unwrap();
        until_ready(&bridge, true).await;
    }
    anna.says("PRIVMSG #support :after").await;
    staff.hears_next("anna: after").await;
    stops_in_time(bridge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_damaged_meanwhile_takes_nothing_and_says_so() {
    let stage = Stage::set().await;
    let mut staff = Staff::sign_on(stage.oscar.address()).await;
    let bridge = stage.start();
    let mut anna = Person::meet(stage.irc, "anna").await;
    until_ready(&bridge, true).await;
    anna.says("PRIVMSG #support :before").await;
    staff.hears_next("anna: before").await;
    // Out of the log into the file, all of it but the first page.
    let emptied = || {
        let other = Connection::open(stage.database()).unwrap();
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap() == 0
    };
    let deadline = Instant::now() + SOON;
    while !emptied() {
        assert!(Instant::now() < deadline, "the log stays full");
        sleep(Duration::from_millis(20)).await;
    }
    let mut file = fs::File::options().write(true).open(stage.database()).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(std::io::SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(length).unwrap() - 4096]).unwrap();

    anna.says("PRIVMSG #support :in vain").await;
    anna.until(NOT_STORED).await;
    stage.until_logged("the database is damaged").await;
    until_ready(&bridge, false).await;
    stops_in_time(bridge).await;
}
