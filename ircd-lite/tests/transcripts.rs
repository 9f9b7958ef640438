//! Every transcript of a real ircd-ratbox, replayed by the test kit's tool against the program.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::child::Daemon;

/// As the transcripts' README says the daemon must be configured.
const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:0"]

[limits]
topic_length = 160
connections_per_address = 0
connect_throttle = 0
flood_lines = FLOOD

[[oper]]
name = "operuser"
password = "operpassword"
hosts = ["*@*"]
"#;

/// The transcripts whose flood limits are the default ones.
fn needs_flood_control(file: &Path) -> bool {
    std::fs::read_to_string(file).unwrap().contains("needs: default flood limits")
}

fn transcripts() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(testkit::path("fixtures/ratbox")).unwrap();
    let mut files: Vec<PathBuf> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 36);
    files
}

fn replay(flood_lines: &str, files: &[PathBuf]) {
    let Some(python) = testkit::peer::find("python3") else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("ircd-lite.toml");
    std::fs::write(&config, CONFIG.replace("FLOOD", flood_lines)).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_ircd-lite"));
    let daemon = Daemon::start(program, &["--config", config.to_str().unwrap()]);
    let output = Command::new(python)
        .arg(testkit::path("tools/replay-irc"))
        .arg("-q")
        .arg(daemon.address("irc").to_string())
        .args(files)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn all_without_flood_control() {
    let files: Vec<PathBuf> = transcripts().into_iter().filter(|file| !needs_flood_control(file)).collect();
    assert_eq!(files.len(), 35);
    replay("0", &files);
}

#[test]
fn excess_flood() {
    let files: Vec<PathBuf> = transcripts().into_iter().filter(|file| needs_flood_control(file)).collect();
    replay("20", &files);
}
