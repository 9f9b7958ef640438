//! `bridgebot conversations delete` end to end: what was deleted is in no file, not in the IRC daemon's history, and doesn't
//! come back, whether a bridge runs or not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod bridgebot;
mod people;
mod servers;

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use oscar_mock::config::Rates;
use oscar_mock::{Running, Server};
use tempfile::TempDir;
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use people::{Person, Staff};

const PRIVATE: &str = "my number is 0123 456789";

struct World {
    ircd: SocketAddr,
    oscar: Running,
    folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let ircd = servers::start_ircd(CancellationToken::new()).await;
        let oscar = Server::builder()
            .account("bridgebot", "secret")
            .account("staff2", "demo")
            .rates(Rates::None)
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let configuration = servers::configuration(ircd, oscar.address()).replace("\"staff1\"", "\"staff2\"");
        fs::write(folder.path().join("bridgebot.toml"), configuration).unwrap();
        Self { ircd, oscar, folder }
    }

    fn bridge(&self) -> testkit::child::Daemon {
        block_in_place(|| bridgebot::start(self.folder.path()))
    }

    /// Anna has said it, and staff have it.
    async fn hears_the_private_line(&self) -> (Staff, Person) {
        let mut staff = Staff::sign_on(self.oscar.address()).await;
        let mut anna = Person::meet(self.ircd, "anna").await;
        anna.says(&format!("PRIVMSG #support :{PRIVATE}")).await;
        staff.hears(&format!("anna: {PRIVATE}")).await;
        (staff, anna)
    }

    /// What `bridgebot conversations` says on standard output.
    fn conversations(&self, action: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
        command
            .arg("conversations")
            .args(action)
            .arg("--config")
            .arg(self.folder.path().join("bridgebot.toml"));
        let output = block_in_place(|| command.output()).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether any file of the bridge's holds this.
    fn files_hold(&self, text: &str) -> bool {
        let mut files = fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        files.any(|file| fs::read(file).unwrap().windows(text.len()).any(|part| part == text.as_bytes()))
    }
}

/// What the daemon's history has of the person's own lines.
async fn history(person: &mut Person) -> Vec<String> {
    person.says("CHATHISTORY LATEST #support * 50\r\nPING :end").await;
    let lines = person.lines_until(" PONG ").await;
    let said = lines.iter().filter_map(|line| line.split_once("PRIVMSG #support :"));
    said.map(|(_, text)| text.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_bridge_deletes_and_has_the_daemon_forget() {
    let world = World::start().await;
    let bridge = world.bridge();
    let (mut staff, mut anna) = world.hears_the_private_line().await;
    assert_eq!(history(&mut anna).await, [PRIVATE]);

    assert_eq!(world.conversations(&["delete", "anna"]), "deleted c1 (anna)\n");
    assert!(!world.files_hold(PRIVATE));
    assert_eq!(history(&mut anna).await, [""; 0]);
    assert_eq!(world.conversations(&["list"]), "");

    // Whoever goes on writing begins anew.
    anna.says("PRIVMSG #support :hello again").await;
    staff.hears("anna: hello again").await;
    staff.says("anna: hello");
    assert_eq!(anna.answer().await.1, "hello");
    let listed = world.conversations(&["list"]);
    assert!(listed.starts_with("c2 ") && listed.lines().count() == 1, "{listed}");
    assert_eq!(block_in_place(|| bridge.stop()).code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_while_the_bridge_was_away_does_not_come_back() {
    let world = World::start().await;
    let bridge = world.bridge();
    let (mut staff, mut anna) = world.hears_the_private_line().await;
    block_in_place(|| bridge.stop());

    let said = world.conversations(&["delete", "c1"]);
    assert!(said.starts_with("deleted c1 (anna)\nthe IRC daemon may keep 1 "), "{said}");
    assert!(!world.files_hold(PRIVATE));
    assert_eq!(history(&mut anna).await, [PRIVATE]);

    // The bridge asks for what was said just before it left, and the line is among it.
    let _bridge = world.bridge();
    let mut left = history(&mut anna).await;
    while !left.is_empty() {
        left = history(&mut anna).await;
    }
    anna.says("PRIVMSG #support :hello again").await;
    staff.hears_next("anna: hello again").await;
    let listed = world.conversations(&["list"]);
    assert!(listed.starts_with("c2 ") && listed.lines().count() == 1, "{listed}");
}
