//! `[store] url = "memory:"`: the whole path without a file, and what is refused where nothing can be read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod people;
mod servers;

use std::fs;
use std::process::{Command, Stdio};

use oscar_mock::Server;
use oscar_mock::config::Rates;
use testkit::child::Daemon;
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use people::{Person, Staff};

#[tokio::test(flavor = "multi_thread")]
async fn lines_flow_and_no_file_has_them() {
    let ircd = servers::start_ircd(CancellationToken::new()).await;
    let accounts = Server::builder().account("bridgebot", "secret").account("staff2", "demo");
    let oscar = accounts.rates(Rates::None).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let configuration = servers::configuration(ircd, oscar.address()).replace("\"staff1\"", "\"staff2\"");
    fs::write(
        folder.path().join("bridgebot.toml"),
        format!("[store]\nurl = \"memory:\"\nretention_days = 1\n{configuration}"),
    )
    .unwrap();
    let said = folder.path().join("said");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
    command.args(["run", "--config", "bridgebot.toml"]).current_dir(folder.path()).env_remove("RUST_LOG");
    command.stderr(Stdio::from(fs::File::create(&said).unwrap()));
    let bridge = block_in_place(|| Daemon::spawn(command));

    let mut staff = Staff::sign_on(oscar.address()).await;
    let mut anna = Person::meet(ircd, "anna").await;
    anna.says("PRIVMSG #support :is anybody there?").await;
    staff.hears("anna: is anybody there?").await;
    staff.says("anna: yes");
    assert_eq!(anna.answer().await.1, "yes");

    for arguments in
        [&["conversations", "list"][..], &["conversations", "delete", "anna"], &["backup", "copy"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
        command.args(arguments).current_dir(folder.path());
        let output = block_in_place(|| command.output()).unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{sentence}");
        assert!(sentence.contains("the store is `memory:`") && sentence.lines().count() == 1, "{sentence}");
    }
    assert_eq!(block_in_place(|| bridge.stop()).code(), Some(0));
    let said = fs::read_to_string(said).unwrap();
    assert_eq!(said.matches("the store is in memory").count(), 1, "{said}");
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert_eq!(files, ["bridgebot.toml", "said"]);
}
