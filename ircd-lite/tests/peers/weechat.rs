//! WeeChat without a screen (`weechat-headless`): typed to by its fifo, read by its logs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use testkit::{peer, wait};

/// The program, found on this machine.
pub(crate) struct WeeChat(PathBuf);

/// One that runs; ended when dropped.
pub(crate) struct Running {
    child: Child,
    home: PathBuf,
    channel: String,
}

impl WeeChat {
    pub(crate) fn find() -> Option<Self> {
        peer::find("weechat-headless").map(Self)
    }

    /// Starts it with `home` for all that it reads and writes; it signs on and joins by itself.
    pub(crate) fn start(&self, home: &Path, server: SocketAddr, nick: &str, channel: &str) -> Running {
        fs::create_dir_all(home).expect("home");
        let mut command = Command::new(&self.0);
        command.arg("--dir").arg(home);
        for line in [
            format!("/set fifo.file.path {}", home.join("fifo").display()),
            format!("/set logger.file.path {}", home.join("logs").display()),
            "/set logger.file.mask $name.log".to_owned(),
            "/set logger.file.flush_delay 0".to_owned(),
            // It would hold lines back for two seconds.
            "/set irc.server_default.anti_flood_prio_high 0".to_owned(),
            "/set irc.server_default.anti_flood_prio_low 0".to_owned(),
            format!("/server add test {}/{}", server.ip(), server.port()),
            // One of the two is its name, by version.
            "/set irc.server.test.ssl off".to_owned(),
            "/set irc.server.test.tls off".to_owned(),
            format!("/set irc.server.test.nicks {nick}"),
            format!("/set irc.server.test.autojoin {channel}"),
            "/connect test".to_owned(),
        ] {
            command.args(["--run-command", &line]);
        }
        let child = command
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(home.join("errors.log")).expect("errors.log"))
            .spawn()
            .expect("weechat-headless");
        Running { child, home: home.to_owned(), channel: channel.to_owned() }
    }
}

impl Running {
    /// Has it run a command, as if typed into the channel's buffer.
    pub(crate) fn command(&mut self, line: &str) {
        let path = self.home.join("fifo");
        let mut fifo = wait::until("WeeChat's fifo", || OpenOptions::new().write(true).open(&path).ok());
        fifo.write_all(format!("irc.test.{} *{line}\n", self.channel).as_bytes()).expect("fifo");
    }

    /// Waits until `text` stands in the log of a channel or of a conversation.
    pub(crate) fn logs(&self, with: &str, text: &str) {
        let path = self.home.join("logs").join(format!("test.{with}.log"));
        wait::until(&format!("{text:?} in WeeChat's {}", path.display()), || {
            fs::read_to_string(&path).ok().filter(|log| log.contains(text))
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
