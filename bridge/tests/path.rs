//! The whole path, by two clients that share no code with ours: `testkit/tools/path-check`, written in Python from the
//! protocols, is the visitor and the staff member at once; `bridgebot demo` is everything between them.
//!
//! `cargo test -p bridge --test path -- --nocapture` shows each check and the path's latencies.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, reason = "tests fail by it")]

use std::path::Path;
use std::process::Command;
use testkit::child::Daemon;
use testkit::peer;

#[test]
fn visitor_and_staff_reach_each_other() {
    let Some(python) = peer::find("python3") else { return };
    let demo = Daemon::start(
        Path::new(env!("CARGO_BIN_EXE_bridgebot")),
        &["demo", "--http", "127.0.0.1:0", "--irc", "127.0.0.1:0", "--oscar", "127.0.0.1:0"],
    );
    let output = Command::new(python)
        .arg("-B") // leaves no compiled files in the source folder
        .arg(testkit::path("tools/path-check"))
        .args(["--http", &demo.address("http").to_string()])
        .args(["--irc", &demo.address("irc").to_string()])
        .args(["--oscar", &demo.address("oscar").to_string()])
        .output()
        .expect("python3");
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(demo.stop().code(), Some(0), "the demo's exit status");
}
