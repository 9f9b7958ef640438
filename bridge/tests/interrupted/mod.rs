//! What the tests have in common that interrupt the bridge while numbered lines flow: the daemon and the configuration, and
//! how staff must see the lines.

use std::net::SocketAddr;
use std::time::Duration;

use ircd_lite::config::{Account, Password, PermanentChannel};
use program::Secret;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// For the rest to arrive when everything is there again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn start_ircd(stop: CancellationToken) -> SocketAddr {
    let mut config = ircd_lite::Config::default();
    config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.limits.exempt = vec!["127.0.0.0/8".parse().unwrap()];
    config.limits.flood_lines = 0;
    config.accounts = vec![Account {
        name: "bridgebot".into(),
        password: Password::Plain(Secret::new("botpw")),
        exempt: true,
    }];
    config.channels = vec![PermanentChannel {
        name: "#support".into(),
        modes: "+ntu".into(),
        topic: None,
        operators: vec!["bridgebot".into()],
    }];
    let bound = ircd_lite::Server::bind(config).await.unwrap();
    let address = *bound.addresses().irc.first().unwrap();
    tokio::spawn(bound.serve(stop));
    address
}

pub(crate) fn configuration(irc: SocketAddr, oscar: SocketAddr) -> String {
    format!(
        r##"
        [irc]
        server = "{irc}"
        channels = ["#support"]
        exempt = true
        sasl_account = "bridgebot"
        sasl_password = "botpw"
        [oscar]
        server = "{oscar}"
        screen_name = "bridgebot"
        password = "secret"
        [staff]
        handles = ["staff1"]
        [limits]
        visitor_lines_at_once = 0
        "##
    )
}

/// Waits until staff have heard all lines from 0 up to `count`: in order, and what came twice says so.
pub(crate) async fn every_line_arrives(heard: &mut mpsc::Receiver<String>, count: usize) {
    let mut first_seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while first_seen.len() < count {
        let text = timeout_at(deadline, heard.recv())
            .await
            .unwrap_or_else(|_| panic!("staff had {} of {count} lines: {first_seen:?}", first_seen.len()))
            .expect("the staff member is signed on");
        let again = text.ends_with(" (again)");
        for number in text.lines().filter_map(number_in) {
            if !first_seen.contains(&number) {
                first_seen.push(number);
            } else if !again {
                panic!("line {number} came twice without a mark: {text:?}");
            }
        }
    }
    assert_eq!(first_seen, (0..count).collect::<Vec<_>>());
}

/// `anna: line 7` as 7.
fn number_in(line: &str) -> Option<usize> {
    line.strip_prefix("anna: line ")?.trim_end_matches(" (again)").parse().ok()
}
