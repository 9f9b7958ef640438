//! `testkit/tools/oscar-raw`, a client that shares no code with ours, signs on and talks.
//!
//! Each test skips itself, saying so, where there is no `python3`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use oscar_mock::clock::Clock;
use oscar_mock::config::Rates;
use oscar_mock::{Running, Server};
use serde_json::Value;

/// A running `oscar-raw`.
struct Raw {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    events: Vec<Value>,
}

impl Raw {
    /// Starts it, signed on as `user`; None without python3.
    fn start(server: &Running, user: &str, arguments: &[&str]) -> Option<Self> {
        let mut child = Command::new(testkit::peer::find("python3")?)
            .arg(testkit::path("tools/oscar-raw"))
            .args(["--port", &server.address().port().to_string(), "--user", user, "--password", "pass1word"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Self { child, lines, events: Vec::new() })
    }

    /// Reads until it says this.
    fn until(mut self, event: &str) -> Self {
        for line in self.lines.by_ref() {
            self.events.push(serde_json::from_str(&line.unwrap()).unwrap());
            if self.events.last().unwrap()["event"] == event {
                return self;
            }
        }
        panic!("no {event} in {:#?}", self.events);
    }

    /// Reads to the end, and takes its own verdict.
    fn passes(self) -> Vec<Value> {
        let mut ended = self.until("end");
        assert!(ended.child.wait().unwrap().success(), "{:#?}", ended.events);
        std::mem::take(&mut ended.events)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn server(rates: Rates) -> Running {
    let builder = Server::builder().rates(rates);
    let names = ["Staff One", "bridgebot", "visitor3"];
    names.iter().fold(builder, |builder, name| builder.account(*name, "pass1word")).start().await.unwrap()
}

/// The names of the SNACs that came, such as `04/0c`.
fn snacs(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter(|event| event["event"] == "snac")
        .filter_map(|event| event["name"].as_str())
        .collect()
}

macro_rules! start {
    ($($argument:expr),*) => {
        match Raw::start($($argument),*) {
            Some(raw) => raw,
            None => return,
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_on_in_three_ways() {
    let server = server(Rates::Stock).await;
    for login in ["md5", "md5old", "roast"] {
        let raw = start!(&server, "visitor3", &["--test", "login", "--login", login]);
        raw.passes();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_an_absent_name_is_refused_or_stored() {
    let server = server(Rates::Stock).await;
    let raw = start!(&server, "visitor3", &["--test", "offline", "--peer", "staffone"]);
    raw.passes();
    assert_eq!(server.accounts().await.unwrap()[0].stored_messages, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_alives_sequence_wrap_and_unknown_snacs_do_no_harm() {
    let server = server(Rates::Stock).await;
    for test in ["keepalive", "wrap", "unknown-snac"] {
        let raw = start!(&server, "visitor3", &["--test", test]);
        raw.passes();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_ends_as_on_the_real_server() {
    // No time passes, so that a slow machine makes no difference.
    let builder = Server::builder().account("visitor3", "pass1word").clock(Clock::manual());
    let server = builder.start().await.unwrap();
    let raw = start!(&server, "visitor3", &["--test", "rate", "--peer", "visitor3"]);
    let events = raw.passes();
    let summary = events.iter().find(|event| event["event"] == "rate").unwrap();
    // 7 pass, 6 are dropped, the 14th passes and closes the connection.
    assert_eq!((&summary["sent"], &summary["acked"]), (&14.into(), &8.into()));
    assert!(events.iter().any(|event| event["event"] == "frame" && event["channel"] == 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_is_dropped() {
    let server = server(Rates::None).await;
    let raw = start!(
        &server,
        "visitor3",
        &["--test", "rate", "--peer", "visitor3", "--count", "100", "--gap", "5"]
    );
    let events = raw.passes();
    assert_eq!(events.iter().find(|event| event["event"] == "rate").unwrap()["sent"], 100);
    assert!(server.messages().await.unwrap().len() == 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_reaches_whoever_asked_for_it() {
    let server = server(Rates::Stock).await;
    let asking = start!(&server, "visitor3", &["--test", "typing-request", "--peer", "bridgebot"]);
    let asking = asking.until("signed-on");
    let typing = start!(&server, "bridgebot", &["--test", "typing", "--peer", "visitor3"]);
    let events = asking.passes();
    let notice = events.iter().find(|event| event["event"] == "typing").unwrap();
    assert_eq!(notice["body"], "0000000000000000000109627269646765626f740002");
    typing.passes();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wrote_can_be_warned_once() {
    let server = server(Rates::Stock).await;
    let warning = start!(&server, "visitor3", &["--test", "warn", "--peer", "bridgebot"]).until("signed-on");
    // It says "please type", and stays.
    let _writing = start!(&server, "bridgebot", &["--test", "typing-request", "--peer", "visitor3"]);
    let events = warning.passes();
    assert_eq!(snacs(&events), ["04/09", "04/01"]);
    let accounts = server.accounts().await.unwrap();
    assert_eq!(accounts[1].warning, 30, "without a name a warning is 3 %");
}

/// Takes 25 s, for the client paces itself.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_any_size_are_taken() {
    let server = server(Rates::Stock).await;
    let events = start!(&server, "visitor3", &["--test", "sizes", "--peer", "visitor3"]).passes();
    let count = |name| snacs(&events).iter().filter(|seen| **seen == name).count();
    assert_eq!((count("04/07"), count("04/0c"), count("04/01")), (9, 9, 0));
}
