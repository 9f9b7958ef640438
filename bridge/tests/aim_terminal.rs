//! `bridgebot aim` on a real terminal device (a pty), on the server double: the full-screen view, and the terminal as it
//! was before, however the program ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;

use oscar_mock::Server;
use oscar_mock::config::Rates;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use testkit::wait::PATIENCE;
use tokio::runtime::Runtime;

/// The server, the clients' password, and the runtime that serves.
struct Scene {
    server: oscar_mock::Running,
    folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = Server::builder()
            .account_with_buddies("Staff One", "demo", &["staff2"])
            .account_with_buddies("staff2", "demo", &["Staff One"])
            .rates(Rates::None)
            .start();
        let server = runtime.block_on(server).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "demo\n").unwrap();
        Self { server, folder, _runtime: runtime }
    }

    fn client(&self, name: &str) -> Client {
        Client::start(self, name, &[])
    }
}

/// A client on a terminal of its own. Killed when dropped.
struct Client {
    child: Child,
    /// The side of whoever sits at the terminal.
    keys: File,
    /// The program's side, kept open to look at its settings.
    device: OwnedFd,
    before: Termios,
    painted: mpsc::Receiver<Vec<u8>>,
    seen: String,
    looked_at: usize,
}

impl Client {
    fn start(scene: &Scene, name: &str, options: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let device = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&device, Winsize { ws_row: 20, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let before = tcgetattr(&device).unwrap();
        let end = || Stdio::from(device.as_fd().try_clone_to_owned().unwrap());
        let child = Command::new(assert_cmd::cargo::cargo_bin!("bridgebot"))
            .env_remove("BRIDGEBOT_DIR")
            .env_remove("RUST_LOG")
            .env("TERM", "xterm-256color")
            .arg("aim")
            .args(["--server", &scene.server.address().to_string(), "--screen-name", name])
            .arg("--password-file")
            .arg(scene.folder.path().join("password"))
            .args(options)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let mut reader = keys.try_clone().unwrap();
        let (sender, painted) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, device, before, painted, seen: String::new(), looked_at: 0 }
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits until this has been painted since the last call.
    fn until(&mut self, text: &str) -> &mut Self {
        loop {
            if let Some(at) = self.seen[self.looked_at..].find(text) {
                self.looked_at += at + text.len();
                return self;
            }
            let Ok(bytes) = self.painted.recv_timeout(PATIENCE) else {
                panic!("no «{text}» after\n{}", self.seen.escape_debug())
            };
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.device).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end and for what is written last, and looks whether the terminal is as it was.
    fn restored(&mut self) -> ExitStatus {
        self.until("\u{1b}[?7h").until("\u{1b}[?25h").until("\u{1b}[?1049l");
        let status = self.child.wait().unwrap();
        let after = tcgetattr(&self.device).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
        assert_eq!(after.output_modes, self.before.output_modes);
        status
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_people_talk_on_terminals() {
    let scene = Scene::new();
    let (mut one, mut two) = (scene.client("staffone"), scene.client("staff2"));
    one.until("\u{1b}[?1049h").until("signed on as Staff One");
    two.until("signed on as staff2");
    assert!(one.is_raw());
    one.press("/open staff2\r")
        .until("staff2")
        .until("online")
        .press("hello \u{1f600}\r")
        .until("hello \u{1f600}");
    two.until("1 unread").press("\t").until("Staff One").until("hello \u{1f600}");
    // Each client asks to be told; whoever has been written to tells.
    two.press("back").until("> ");
    one.until("staff2 is typing");
    two.press("\u{15}\u{1b}[200~two\nlines \u{1b}[201~");
    two.press("\r").until("Staff One");
    one.until("two").until("lines");
    // Ctrl-D on the empty line.
    one.press("\u{4}");
    assert!(one.restored().success());
    two.until("has signed off").press("/quit\r");
    assert!(two.restored().success());
}

#[test]
fn nothing_but_what_the_view_makes_acts_on_the_terminal() {
    let scene = Scene::new();
    let mut one = scene.client("staffone");
    let mut two = Client::start(&scene, "staff2", &["--plain"]);
    one.until("signed on");
    two.until("* signed on as staff2");
    two.press("/msg staffone \u{16}\u{1b}]0;owned\u{16}\u{7} \u{16}\u{1b}[31mred \u{9b}2J \u{202e}end\n");
    two.until("-> Staff One: ");
    one.until("1 unread").press("\t").until("owned").until("end").press("/quit\r");
    assert!(one.restored().success());
    for (at, _) in one.seen.match_indices('\u{1b}') {
        let sequence = &one.seen[at + 1..];
        let end = sequence.find(|character: char| character.is_ascii_alphabetic()).unwrap();
        let parameters = sequence[..end].strip_prefix('[').unwrap_or_else(|| panic!("{:?}", &sequence[..9]));
        match &sequence[end..=end] {
            // To a place; clearing; a look of ours, of which none is red on its own; modes.
            "H" | "J" | "K" => {}
            "m" => assert_ne!(parameters, "31"),
            "h" | "l" => {
                assert!(["?2026", "?25", "?7", "?1049", "?2004"].contains(&parameters), "{parameters}");
            }
            other => panic!("{parameters}{other}"),
        }
    }
    assert!(!one.seen.contains(['\u{9b}', '\u{202e}']));
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_it_was() {
    let scene = Scene::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut one = scene.client("staffone");
        one.until("signed on as Staff One");
        assert!(one.is_raw());
        one.signal(signal);
        assert!(one.restored().success(), "{signal:?}");
    }
}

#[test]
fn where_the_name_signs_on_elsewhere_the_reason_stands_on_the_restored_terminal() {
    let scene = Scene::new();
    let mut one = scene.client("staffone");
    one.until("signed on as Staff One");
    let mut other = scene.client("staffone");
    other.until("signed on as Staff One");
    assert_eq!(one.restored().code(), Some(1));
    one.until("bridgebot: the same screen name has signed on from another place");
}

#[test]
fn a_window_of_another_size_is_painted_anew() {
    let scene = Scene::new();
    let mut one = scene.client("staffone");
    // Once a key has been seen, so are signals. No other word on the screen has this letter.
    one.until("signed on as Staff One").press("Z").until("Z");
    tcsetwinsize(&one.device, Winsize { ws_row: 10, ws_col: 9, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    // The kernel tells it only to a terminal's own session, which a test can't give the program without unsafe code.
    one.signal(Signal::WINCH);
    one.until("the wind…");
}
