//! The IRC daemon and the bridge's configuration of the tests in which things go wrong.

use std::net::SocketAddr;

use ircd_lite::config::{Account, Password, PermanentChannel};
use program::Secret;
use tokio_util::sync::CancellationToken;

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
