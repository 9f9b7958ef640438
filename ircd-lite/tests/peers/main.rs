//! Clients that know nothing of our code on `ircd-lite`: irssi and WeeChat as Debian ships them, and the client of
//! the `irc` crate. A plain connection of the test sits in the same channel and sees what really was sent.
//!
//! A machine without irssi or WeeChat skips those tests; see `testkit::peer`.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by them")]

mod irc_crate;
mod irssi;
mod observer;
mod readme;
mod weechat;

use irc::client::prelude::Command;
use std::net::SocketAddr;
use std::path::Path;
use testkit::child::Daemon;

use irssi::Irssi;
use observer::Observer;
use weechat::WeeChat;

/// Goes through any charset, any field split and any colour code unchanged, or not at all.
const ODD_TEXT: &str = "naïve :colon, %s, 100% — 日本語 😀";

#[test]
fn irssi_and_weechat_talk_to_each_other() {
    let (Some(irssi), Some(weechat)) = (Irssi::find(), WeeChat::find()) else { return };
    let server = Server::start();
    let mut observer = server.observer("observer", "#talk");
    let folder = tempfile::tempdir().expect("temporary folder");

    let mut irssi = irssi.start(&folder.path().join("irssi"), server.address(), "irssi", "#talk");
    observer.expect(":irssi!", "JOIN", "#talk");
    let mut weechat = weechat.start(&folder.path().join("weechat"), server.address(), "weechat", "#talk");
    observer.expect(":weechat!", "JOIN", "#talk");
    irssi.logs("#talk", "weechat");

    irssi.command(&format!("/msg #talk {ODD_TEXT}"));
    observer.expect(":irssi!", "PRIVMSG #talk", ODD_TEXT);
    weechat.logs("#talk", ODD_TEXT);

    weechat.command(&format!("/msg #talk and back: {ODD_TEXT}"));
    observer.expect(":weechat!", "PRIVMSG #talk", &format!("and back: {ODD_TEXT}"));
    irssi.logs("#talk", &format!("and back: {ODD_TEXT}"));

    irssi.command("/msg weechat only for you");
    weechat.logs("irssi", "only for you");
    weechat.command("/msg irssi thank you");
    irssi.logs("weechat", "thank you");
    observer.never_saw("only for you");

    weechat.command("/me waves");
    observer.expect(":weechat!", "PRIVMSG #talk", "\u{1}ACTION waves\u{1}");
    irssi.logs("#talk", "waves");

    irssi.command("/part #talk so long");
    observer.expect(":irssi!", "PART #talk", "so long");
    weechat.logs("#talk", "so long");
    weechat.command("/quit good night");
    observer.expect(":weechat!", "QUIT", "good night");
    irssi.quit_knowing_every_answer();
}

#[test]
fn irssi_keeps_an_operators_channel() {
    let Some(irssi) = Irssi::find() else { return };
    let server = Server::start();
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut irssi = irssi.start(folder.path(), server.address(), "irssi", "#mine");
    irssi.logs("#mine", "irssi");
    let mut observer = server.observer("observer", "#mine");

    irssi.command("/topic -delete");
    irssi.command("/quote TOPIC #mine :what this is about");
    observer.expect(":irssi!", "TOPIC #mine", "what this is about");
    irssi.command("/quote MODE #mine +v observer");
    observer.expect(":irssi!", "MODE #mine +v", "observer");
    irssi.command("/nick irssi2");
    observer.expect(":irssi!", "NICK", "irssi2");
    irssi.command("/quote KICK #mine observer :enough");
    observer.expect(":irssi2!", "KICK #mine observer", "enough");
    irssi.quit_knowing_every_answer();
}

#[test]
fn the_irc_crates_client_talks() {
    let server = Server::start();
    let mut observer = server.observer("observer", "#talk");
    let client = irc_crate::start(server.address(), "crate", "#talk");
    observer.expect(":crate!", "JOIN", "#talk");

    client.sender.send_privmsg("#talk", ODD_TEXT).expect("send");
    observer.expect(":crate!", "PRIVMSG #talk", ODD_TEXT);
    observer.send(&format!("PRIVMSG #talk :back: {ODD_TEXT}"));
    let heard = client.expect("PRIVMSG", |line| matches!(line.command, Command::PRIVMSG(..)));
    assert_eq!(heard.command, Command::PRIVMSG("#talk".to_owned(), format!("back: {ODD_TEXT}")));
    assert_eq!(heard.source_nickname(), Some("observer"));

    client.sender.send_part("#talk").expect("part");
    observer.expect(":crate!", "PART", "#talk");
    client.sender.send_quit("bye").expect("quit");
    client.expect("ERROR", |line| matches!(line.command, Command::ERROR(_)));
}

/// An `ircd-lite` of the test's own, on a free port.
struct Server(Daemon);

impl Server {
    fn start() -> Self {
        Self(Daemon::start(Path::new(env!("CARGO_BIN_EXE_ircd-lite")), &["--listen", "127.0.0.1:0"]))
    }

    fn address(&self) -> SocketAddr {
        self.0.address("irc")
    }

    fn observer(&self, nick: &str, channel: &str) -> Observer {
        Observer::join(self.address(), nick, channel)
    }
}
