//! `/metrics` and `docs/metrics.md` name the same metrics, each with the same type.

#![allow(clippy::unwrap_used, reason = "a test")]

mod bridgebot;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

/// Nobody listens there; the bridge serves its metrics all the same.
const CONFIGURATION: &str = r#"
[irc]
server = "127.0.0.1:1"
[oscar]
server = "127.0.0.1:1"
screen_name = "bridgebot"
password = "secret"
[staff]
handles = ["staff1"]
[web]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
"#;

#[test]
fn each_metric_is_documented_and_each_documented_one_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bridgebot.toml"), CONFIGURATION).unwrap();
    let bridge = bridgebot::start(folder.path());
    let answer = get(bridge.address("metrics"), "/metrics");
    let served: BTreeMap<&str, &str> =
        answer.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    for name in served.keys() {
        let value = answer.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        assert_eq!(value.filter(|value| value.parse::<u64>().is_ok()).count(), 1, "{name}");
    }

    let manual =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md")).unwrap();
    let documented: BTreeMap<&str, &str> = manual.lines().filter_map(row).collect();
    assert!(documented.len() > 20, "{documented:?}");
    assert_eq!(served, documented);
}

/// Name and type in a row of a table: `| `name` | type | meaning |`.
fn row(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
    Some((name, rest.split_once(" | ")?.0))
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
