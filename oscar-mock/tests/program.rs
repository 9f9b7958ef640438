//! The program from outside: command line, ready line, exit status, and the control interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use testkit::child::Daemon;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_oscar-mock"))
}

fn run(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().unwrap()
}

/// Exit status and standard error.
fn failure(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments);
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn help_and_version_go_to_standard_output() {
    for argument in ["--help", "--version"] {
        let output = run(&[argument]);
        assert!(output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty());
    }
}

#[test]
fn a_wrong_command_line_or_configuration_is_status_2() {
    for arguments in [&["--listen", "nowhere"][..], &["--account", "no-colon"], &["--rates", "slow"]] {
        assert_eq!(failure(arguments).0, Some(2), "{arguments:?}");
    }
    let (status, text) = failure(&["--account", ":hunter2"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("can't be a screen name"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mock.toml");
    std::fs::write(&path, "lisen = \"127.0.0.1:0\"\n").unwrap();
    let (status, text) = failure(&["--config", path.to_str().unwrap()]);
    assert_eq!(status, Some(2));
    assert!(text.contains("mock.toml:1:1: unknown key `lisen`; did you mean `listen`?"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");

    let (status, text) = failure(&["--open", "--listen", "127.0.0.1:0", "--control", "0.0.0.0:0"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("loopback only"), "{text}");
}

#[test]
fn a_port_in_use_is_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, text) = failure(&["--open", "--listen", &address]);
    assert_eq!(status, Some(1));
    assert!(text.contains(&format!("cannot listen on {address}")), "{text}");
}

#[test]
fn it_greets_and_says_goodbye_when_it_is_stopped() {
    let daemon = Daemon::start(program(), &["--open", "--listen", "127.0.0.1:0"]);
    let mut client = TcpStream::connect(daemon.address("oscar")).unwrap();
    let mut greeting = [0; 10];
    client.read_exact(&mut greeting).unwrap();
    assert_eq!(greeting, [0x2a, 1, 0, 100, 0, 4, 0, 0, 0, 1]);
    assert!(daemon.stop().success());
    let mut goodbye = Vec::new();
    client.read_to_end(&mut goodbye).unwrap();
    assert_eq!(goodbye, [0x2a, 4, 0, 101, 0, 0]);
}

/// Sends a request as it stands, and returns the answer's head and body.
fn exchange(address: SocketAddr, request: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{request}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// The same, and the status of the answer and its JSON.
fn http(address: SocketAddr, request: &str, body: &str) -> (u16, Value) {
    let (head, body) = exchange(address, request, body);
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn get(address: SocketAddr, path: &str) -> Value {
    let (status, body) = http(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"), "");
    assert_eq!(status, 200);
    body
}

fn post(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json");
    http(address, &head, &body.to_string())
}

#[test]
fn the_control_interface_shows_and_changes() {
    let arguments = ["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--account", "Anna:pass1word"];
    let daemon = Daemon::start(program(), &arguments);
    let control = daemon.address("control");
    assert_eq!(get(control, "/sessions"), json!([]));
    assert_eq!(get(control, "/accounts")[0]["screen_name"], "Anna");

    let account = json!({ "screen_name": "Bert", "password": "pw", "buddies": ["Anna"] });
    assert_eq!(post(control, "/accounts", &account).0, 204);
    assert_eq!(get(control, "/accounts")[1]["buddies"], json!(["Anna"]));
    assert!(!get(control, "/accounts").to_string().contains("pw"));
    assert_eq!(post(control, "/accounts", &json!({ "screen_name": " ", "password": "" })).0, 422);

    let fault = json!({ "action": "refuse_sign_on", "code": 0x11, "screen_name": "Anna" });
    assert_eq!(post(control, "/faults", &fault), (200, json!({ "id": 1 })));
    assert_eq!(get(control, "/faults")[0]["action"], "refuse_sign_on");
    assert_eq!(post(control, "/faults", &json!({ "action": "explode" })).0, 422);
    assert_eq!(post(control, "/faults/clear", &json!({ "id": 9 })).0, 404);
    assert_eq!(post(control, "/faults/clear", &json!({ "id": 1 })).0, 204);
    assert_eq!(get(control, "/faults"), json!([]));
    assert_eq!(post(control, "/faults/clear", &json!({})).0, 204);
    assert_eq!(post(control, "/sessions/migrate", &json!({ "screen_name": "Anna" })).0, 204);
    assert_eq!(post(control, "/sessions/rate_limit", &json!({ "screen_name": "Anna" })).0, 204);
    assert_eq!(post(control, "/sessions/rate_limit", &json!({ "screen_name": "Anna", "class": 6 })).0, 422);

    assert_eq!(post(control, "/sessions/disconnect", &json!({ "screen_name": "nobody" })).0, 404);
    assert_eq!(get(control, "/messages"), json!([]));
    assert_eq!(post(control, "/forget", &json!({})).0, 204);
    assert_eq!(get(control, "/journal"), json!([]));
}

#[test]
fn time_is_moved_by_a_request() {
    let daemon = Daemon::start(program(), &["--open", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
    let control = daemon.address("control");
    let before = get(control, "/clock");
    assert_eq!(before["manual"], false);
    let mut client = TcpStream::connect(daemon.address("oscar")).unwrap();
    client.read_exact(&mut [0; 10]).unwrap();
    let (status, after) = post(control, "/clock/advance", &json!({ "milliseconds": 31_000 }));
    assert_eq!(status, 200);
    assert!(after["unix"].as_u64().unwrap() - before["unix"].as_u64().unwrap() >= 31);
    // A sign-on has 30 s.
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(post(control, "/clock/advance", &json!({ "minutes": 1 })).0, 422);
}

#[test]
fn every_fault_can_be_set_and_a_misspelled_one_can_not() {
    let daemon = Daemon::start(program(), &["--open", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
    let control = daemon.address("control");
    for fault in [
        json!({ "action": "refuse_sign_on", "code": 0x18, "times": 1 }),
        json!({ "action": "refuse", "code": 4, "to": "Bert" }),
        json!({ "action": "never_acknowledge", "screen_name": "Anna" }),
        json!({ "action": "acknowledge_and_lose", "after": 2 }),
        json!({ "action": "disconnect", "direction": "out", "channel": 1 }),
        json!({ "action": "sign_on_elsewhere" }),
        json!({ "action": "migrate" }),
        json!({ "action": "rate_limit" }),
        json!({ "action": "stop_reading" }),
        json!({ "action": "stop_reading", "milliseconds": 500 }),
        json!({ "action": "hold", "group": 4, "subgroup": 7 }),
        json!({ "action": "drop", "direction": "in", "group": 4, "subgroup": 6 }),
        json!({ "action": "delay", "milliseconds": 500 }),
        json!({ "action": "truncate", "bytes": 9 }),
        json!({ "action": "corrupt", "at": 0, "bits": 1 }),
        json!({ "action": "wrong_sequence", "by": 1 }),
    ] {
        assert_eq!(post(control, "/faults", &fault).0, 200, "{fault}");
    }
    for (fault, said) in [
        (json!({ "action": "drop", "afer": 1 }), "this action has no \"afer\""),
        (json!({ "action": "drop", "code": 1 }), "this action has no \"code\""),
        (json!({ "action": "refuse" }), "missing field `code`"),
        (json!([]), "invalid type"),
    ] {
        let (status, body) = post(control, "/faults", &fault);
        assert_eq!(status, 422);
        assert!(body["error"].as_str().unwrap().contains(said), "{fault}: {body}");
    }
}

#[test]
fn pages_in_a_browser_can_not_use_it() {
    let daemon = Daemon::start(program(), &["--open", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
    let control = daemon.address("control");
    let port = control.port();
    let host = format!("Host: {control}");
    let json = "Content-Type: application/json";
    for (head, status) in [
        // A name that was rebound to our address.
        ("GET /accounts HTTP/1.1\r\nHost: evil.example".to_owned(), 421),
        (format!("GET /accounts HTTP/1.1\r\nHost: evil.example:{port}"), 421),
        (format!("POST /forget HTTP/1.1\r\nHost: evil.example:{port}\r\n{json}"), 421),
        ("GET /accounts HTTP/1.0".to_owned(), 421),
        // A page that says so.
        (format!("GET /accounts HTTP/1.1\r\n{host}\r\nOrigin: http://evil.example"), 403),
        (format!("GET /accounts HTTP/1.1\r\n{host}\r\nOrigin: null"), 403),
        (format!("POST /forget HTTP/1.1\r\n{host}\r\n{json}\r\nOrigin: http://{control}"), 403),
        (format!("GET /accounts HTTP/1.1\r\n{host}\r\nSec-Fetch-Site: cross-site"), 403),
        (format!("OPTIONS /forget HTTP/1.1\r\n{host}\r\nOrigin: http://evil.example"), 403),
        // What a form or a script can send without being asked.
        (format!("POST /forget HTTP/1.1\r\n{host}"), 415),
        (format!("POST /forget HTTP/1.1\r\n{host}\r\nContent-Type: text/plain"), 415),
        (format!("POST /forget HTTP/1.1\r\n{host}\r\nContent-Type: application/x-www-form-urlencoded"), 415),
        (format!("POST /forget HTTP/1.1\r\n{host}\r\nContent-Type: multipart/form-data; boundary=x"), 415),
        // Nothing is changed by GET.
        (format!("GET /forget HTTP/1.1\r\n{host}"), 405),
        (format!("GET /clock/advance HTTP/1.1\r\n{host}"), 405),
        (format!("GET /accounts HTTP/1.1\r\nHost: localhost:{port}\r\nSec-Fetch-Site: none"), 200),
    ] {
        let (answer, _) = exchange(control, &head, "{}");
        assert_eq!(answer.split(' ').nth(1), Some(status.to_string().as_str()), "{head}");
        assert!(!answer.contains("access-control-"), "{answer}");
        for header in ["cache-control: no-store", "x-content-type-options: nosniff", "frame-ancestors 'none'"]
        {
            assert!(answer.contains(header), "{header}: {answer}");
        }
    }
}

#[test]
fn it_controls_from_elsewhere_only_when_told() {
    let (status, text) = failure(&["--open", "--listen", "127.0.0.1:0", "--control", "[::]:0"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("loopback only"), "{text}");
    let arguments = ["--open", "--listen", "127.0.0.1:0", "--control", "0.0.0.0:0", "--control-remote"];
    let daemon = Daemon::start(program(), &arguments);
    let reached = SocketAddr::from(([127, 0, 0, 1], daemon.address("control").port()));
    assert_eq!(get(reached, "/sessions"), json!([]));
}

#[test]
fn sighup_reads_the_accounts_again_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("accounts.txt");
    std::fs::write(&list, "Anna:pw\n").unwrap();
    let mut command = Command::new(program());
    command.args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--accounts-file"]).arg(&list);
    let mut daemon = Daemon::spawn({
        command.stderr(std::process::Stdio::piped());
        command
    });
    let control = daemon.address("control");
    let mut log = std::io::BufReader::new(daemon.child().stderr.take().unwrap());
    let mut reload = |daemon: &Daemon, until: &str| {
        assert!(Command::new("kill").args(["-HUP", &daemon.id().to_string()]).status().unwrap().success());
        let mut line = String::new();
        while !line.contains(until) {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut log, &mut line).unwrap() > 0, "no {until}");
        }
    };
    std::fs::write(&list, "Anna:pw\nBert:pw\n").unwrap();
    reload(&daemon, "configuration read again");
    assert_eq!(get(control, "/accounts").as_array().unwrap().len(), 2);
    std::fs::write(&list, "nonsense\n").unwrap();
    reload(&daemon, "kept the old configuration");
    assert_eq!(get(control, "/accounts").as_array().unwrap().len(), 2);
}
