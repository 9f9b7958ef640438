//! The bridge on an IRC daemon that is not ours: ngircd as Debian ships it, which knows no client tags, no history and
//! nicks of nine characters. What a visitor and a staff member get must be the same, less the delivery states.

#![allow(clippy::expect_used, reason = "tests fail by it")]

mod bridgebot;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oscar_mock::Server;
use oscar_mock::config::Rates;
use testkit::{peer, wait};

#[test]
fn visitor_and_staff_reach_each_other_by_ngircd() {
    let (Some(ngircd), Some(python)) = (peer::find("ngircd"), peer::find("python3")) else { return };
    let folder = tempfile::tempdir().expect("temporary folder");
    let irc = Ngircd::start(&ngircd, folder.path());
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let oscar = runtime
        .block_on(
            Server::builder()
                .account("bridgebot", "secret")
                .account("staff2", "demo")
                .rates(Rates::None)
                .start(),
        )
        .expect("oscar-mock");

    fs::write(folder.path().join("bridgebot.toml"), configuration(irc.address, oscar.address()))
        .expect("configuration");
    let bridge = bridgebot::start(folder.path());

    let output = Command::new(python)
        .arg("-B") // leaves no compiled files in the source folder
        .arg(testkit::path("tools/path-check"))
        .args(["--http", &bridge.address("http").to_string()])
        .args(["--irc", &irc.address.to_string()])
        .args(["--oscar", &oscar.address().to_string()])
        .arg("--without-tags")
        .output()
        .expect("python3");
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(bridge.stop().code(), Some(0), "the bridge's exit status");
}

fn configuration(irc: SocketAddr, oscar: SocketAddr) -> String {
    format!(
        r##"
        [irc]
        server = "{irc}"
        channels = ["#support"]
        exempt = true
        [oscar]
        server = "{oscar}"
        screen_name = "bridgebot"
        password = "secret"
        [staff]
        handles = ["staff2"]
        [web]
        listen = "127.0.0.1:0"
        "##
    )
}

struct Ngircd {
    child: Child,
    address: SocketAddr,
}

impl Ngircd {
    fn start(program: &Path, folder: &Path) -> Self {
        // It can't choose a port by itself: this one was free a moment ago.
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let file = folder.join("ngircd.conf");
        let limits = "[Limits]\nMaxConnectionsIP = 0\nMaxPenaltyTime = 0\n";
        let text = format!(
            "[Global]\nName = irc.test\nInfo = a test\nListen = {}\nPorts = {}\nMotdPhrase = hello\n{limits}\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n",
            address.ip(),
            address.port(),
        );
        fs::write(&file, text).expect("ngircd.conf");
        let mut child = Command::new(program)
            .args(["--nodaemon", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("ngircd");
        wait::until("ngircd's port", || {
            assert!(child.try_wait().expect("ngircd").is_none(), "ngircd has ended; is its port taken?");
            TcpStream::connect(address).ok()
        });
        Self { child, address }
    }
}

impl Drop for Ngircd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
