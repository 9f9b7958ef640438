//! What the README tells to type, typed: into irssi, and into a page in Chromium.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use testkit::child::Daemon;
use testkit::{peer, wait};

use crate::irssi::{Irssi, Running};
use crate::observer::Observer;

const README: &str = include_str!("../../README.md");

/// The block of `kind` that comes as number `at` after `heading`.
fn block(heading: &str, kind: &str, at: usize) -> &'static str {
    let section = README.split_once(heading).expect("the heading").1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let block = section.split(&format!("```{kind}\n")).nth(at + 1).expect("the block");
    block.split_once("```").expect("its end").0
}

/// The daemon with the example, on free ports.
fn daemon() -> Daemon {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/example.toml");
    let arguments = ["--config", example, "--listen", "127.0.0.1:0", "--ws", "127.0.0.1:0"];
    Daemon::start(Path::new(env!("CARGO_BIN_EXE_ircd-lite")), &arguments)
}

/// Starts irssi and types all lines of a block, with the daemon's port; those after the sign-on as `nick` when `watcher`
/// sees it.
fn follow(
    irssi: &Irssi,
    block: &str,
    home: &Path,
    server: SocketAddr,
    watcher: &mut Observer,
    nick: &str,
) -> Running {
    let block = block.replace("6667", &server.port().to_string());
    let mut lines = block.lines().filter(|line| !line.starts_with("ircd-lite "));
    let arguments =
        lines.next().and_then(|line| line.strip_prefix("irssi ")).expect("irssi is started first");
    let mut running = irssi.start_with(home, arguments);
    for line in lines {
        if line.starts_with("/join ") {
            wait::until(&format!("{nick} on the server"), || {
                watcher.send(&format!("ISON {nick}"));
                watcher.expect(":irc.example.net", " 303 ", "").contains(nick).then_some(())
            });
        }
        running.command(line);
    }
    running
}

#[test]
fn with_irssi() {
    let Some(irssi) = Irssi::find() else { return };
    let (daemon, folder) = (daemon(), tempfile::tempdir().expect("temporary folder"));
    let server = daemon.address("irc");
    let mut watcher = Observer::join(server, "watcher", "#support");

    let start = |at: usize, nick: &str, watcher: &mut Observer| {
        follow(&irssi, block("## With irssi", "text", at), &folder.path().join(nick), server, watcher, nick)
    };
    let mut bot = start(1, "bridgebot", &mut watcher);
    watcher.expect(":irc.example.net", "MODE #support +o", "bridgebot");
    let mut anna = start(0, "anna", &mut watcher);
    bot.logs("#support", "hello");
    bot.command("/msg #support hello all");
    anna.logs("#support", "hello all");
    anna.command("/names");
    watcher.expect(":bridgebot!", "PRIVMSG #support", "hello all");
    watcher.never_saw(":anna!");
    anna.quit_knowing_every_answer();
    bot.quit_knowing_every_answer();
}

/// Ended when dropped.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn with_a_browser() {
    let Some(chromium) = peer::find("chromium") else { return };
    let (daemon, folder) = (daemon(), tempfile::tempdir().expect("temporary folder"));
    let script =
        block("## With a browser", "js", 0).replace("8067", &daemon.address("ws").port().to_string());
    let (page, said) = (folder.path().join("page.html"), folder.path().join("said.log"));
    fs::write(&page, format!("<!doctype html><script>{script}</script>")).expect("page");
    let errors = fs::File::create(&said).expect("log");
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]);
    command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
    // So that it stays until it is ended.
    command.args(["--remote-debugging-port=0", &format!("file://{}", page.display())]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().expect("chromium");
    let _browser = Browser(child);
    for line in [":irc.example.net 001 anna ", ":irc.example.net 401 anna bridgebot "] {
        wait::until(&format!("{line} in the console"), || {
            fs::read_to_string(&said).ok().filter(|log| log.contains(line))
        });
    }
}
