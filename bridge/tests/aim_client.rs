//! `bridgebot aim` as a program, driven through pipes, on the server double.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use oscar_mock::Server;
use oscar_mock::config::Rates;
use oscar_mock::faults::{Action, Fault};
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use testkit::wait::PATIENCE;
use tokio::runtime::Runtime;

/// The server, the clients' passwords, and the runtime that serves.
struct Scene {
    server: oscar_mock::Running,
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl Scene {
    fn new(rates: Rates) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = Server::builder()
            .account_with_buddies("Staff One", "demo", &["staff2"])
            .account("staff2", "demo")
            .rates(rates)
            .start();
        let server = runtime.block_on(server).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "demo\n").unwrap();
        std::fs::write(folder.path().join("wrong"), "wrong\n").unwrap();
        Self { server, folder, runtime }
    }

    fn command(&self, name: &str, password: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bridgebot"));
        command.env_remove("BRIDGEBOT_DIR").env_remove("RUST_LOG").arg("aim");
        command.args(["--server", &self.server.address().to_string(), "--screen-name", name]);
        command.arg("--password-file").arg(self.folder.path().join(password));
        command
    }

    fn client(&self, name: &str) -> Client {
        let mut client = Client::start(self.command(name, "password"));
        client.until("* signed on as ");
        client
    }
}

/// A running client. Killed when dropped.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Client {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Self { input: child.stdin.take(), child, lines, seen: Vec::new() }
    }

    fn enter(&mut self, line: &str) -> &mut Self {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self
    }

    /// Reads until a line that begins so, and gives it.
    fn until(&mut self, beginning: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no «{beginning}» but {:#?}", self.seen)
            };
            self.seen.push(line.clone());
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Nothing more is entered; what is written until the end, and the exit status.
    fn end(mut self) -> (Vec<String>, Option<i32>) {
        drop(self.input.take());
        let rest = self.lines.iter().collect();
        (rest, self.child.wait().unwrap().code())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_people_talk() {
    let scene = Scene::new(Rates::None);
    let mut two = scene.client("staff2");
    let mut one = scene.client("staffone");
    one.until("* staff2 is online");
    one.enter("/open staff2").enter("hello there").until("-> staff2: hello there");
    two.until("<Staff One> hello there");
    // What would act on a terminal arrives as signs.
    two.enter("/msg \"Staff One\" back \u{9b}31m\u{202e}again").until("-> Staff One: back");
    assert_eq!(one.until("<staff2> back"), "<staff2> back 31magain");

    two.enter("/profile I am two").enter("/away at lunch").until("* you are away: at lunch");
    one.until("* staff2 is away");
    one.enter("are you?").until("<staff2> (automatic) at lunch");
    one.enter("/info staff2").until("* profile of staff2: I am two");
    one.until("* staff2 is away: at lunch");
    two.enter("/back");
    one.until("* staff2 is online");

    two.enter("/add staffone Friends").until("* Staff One is online");
    two.enter("/buddies").until("* Friends:");
    two.until("*   staffone: online");
    one.enter("/quit");
    two.until("* Staff One has signed off");
    assert_eq!(one.end().1, Some(0));
    two.enter("/msg staffone too late").until("! not delivered to Staff One: the recipient is not signed on");
}

#[test]
fn they_meet_in_a_room() {
    let scene = Scene::new(Rates::None);
    let (mut one, mut two) = (scene.client("staffone"), scene.client("staff2"));
    one.enter("/join lounge").until("* you are in the room lounge");
    one.enter("/invite staff2 come in");
    two.until("* Staff One invites you into the room lounge: come in");
    two.enter("/accept").until("* you are in the room lounge");
    one.until("* lounge: here: staff2");
    one.enter("hello room").until("-> lounge: hello room");
    two.until("<Staff One in lounge> hello room");
    two.enter("/leave");
    one.until("* lounge: left: staff2");
}

#[test]
fn a_pipe_is_sent_whole_at_the_servers_pace_before_it_ends() {
    let scene = Scene::new(Rates::Stock);
    let mut two = scene.client("staff2");
    let mut one = scene.client("staffone");
    for number in 0..8 {
        one.enter(&format!("/msg staff2 line {number}"));
    }
    let (written, status) = one.end();
    assert_eq!(status, Some(0), "{written:#?}");
    let taken: Vec<_> = written.iter().filter(|line| line.starts_with("-> ")).collect();
    assert_eq!(taken.len(), 8, "{written:#?}");
    two.until("<Staff One> line 7");
}

#[test]
fn a_script_ends_when_the_server_has_its_edits() {
    let scene = Scene::new(Rates::None);
    let adds: Vec<String> = (0..70).map(|number| format!("/add buddy{number} Many\n")).collect();
    let command = scene.command("staff2", "password");
    let all = assert_cmd::Command::from_std(command).write_stdin(adds.concat()).timeout(PATIENCE).assert();
    // The double's list holds 61.
    let all = all
        .success()
        .stdout(contains("! the server does not keep buddy69 on your buddy list: the list is full"));
    assert_eq!(String::from_utf8_lossy(&all.get_output().stdout).matches("the list is full").count(), 9);
    let list =
        assert_cmd::Command::from_std(scene.command("staff2", "password")).write_stdin("/buddies\n").assert();
    let list = list.success().get_output().stdout.clone();
    assert_eq!(String::from_utf8_lossy(&list).matches("buddy").count(), 61);
}

#[test]
fn a_lost_session_is_told_and_begun_again() {
    let scene = Scene::new(Rates::None);
    let mut one = scene.client("staffone");
    let cut = Fault { times: Some(1), ..Fault::new(Action::Disconnect) };
    scene.runtime.block_on(scene.server.set_fault(cut)).unwrap();
    one.enter("/msg staff2 hello")
        .until("! not delivered to staff2: the connection was lost; it may or may not");
    assert!(one.until("! the connection was lost").contains("trying again in"));
    one.until("* signed on as Staff One");
}

#[test]
fn another_place_is_given_way_to() {
    let scene = Scene::new(Rates::None);
    let one = scene.client("staffone");
    let mut other = scene.client("staffone");
    let (_, status) = one.end();
    assert_eq!(status, Some(1), "it did not fight for the name");
    other.enter("/quit");
    assert_eq!(other.end().1, Some(0));
}

#[test]
fn what_can_not_be_is_said_in_a_sentence() {
    let scene = Scene::new(Rates::None);
    assert_cmd::Command::from_std(scene.command("staff2", "wrong"))
        .assert()
        .code(1)
        .stdout("* signing on …\n")
        .stderr(contains("bridgebot: ").and(contains("password")));
    assert_cmd::Command::from_std(scene.command("staff2", "missing"))
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("password_file"));
    let mut command = scene.command("staff2", "password");
    command.args(["--server", "no address:0"]);
    assert_cmd::Command::from_std(command).assert().code(2).stdout(is_empty());
}
