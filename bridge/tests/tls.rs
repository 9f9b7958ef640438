//! The bridge's links over TLS, to servers with a certificate of our own making: trusted by `ca_file`, refused in words
//! without it. What ends TLS in front of the two servers is a relay here; the bridge is the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use oscar_im::net;
use oscar_im::session::Event;
use oscar_im::sign_on::Credentials;
use oscar_mock::Server;
use oscar_mock::config::Rates;
use rustls::pki_types::PrivateKeyDer;
use testkit::child::Daemon;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate for `localhost` that only its own file vouches for.
struct Certificate {
    pem: String,
    acceptor: TlsAcceptor,
}

impl Certificate {
    fn new() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        Self { pem: cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// Speaks TLS on `listener` and passes on what it reads.
    fn guard(&self, listener: TcpListener, server: SocketAddr) {
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that refuses the certificate is what one test is about.
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let mut inside = TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
    }
}

/// Both servers behind TLS.
struct Servers {
    irc: SocketAddr,
    irc_tls: u16,
    oscar: oscar_mock::Running,
    oscar_tls: u16,
    stop: CancellationToken,
}

impl Servers {
    async fn start(certificate: &Certificate) -> Self {
        let stop = CancellationToken::new();
        let mut config = ircd_lite::Config::default();
        config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.limits.exempt = vec!["127.0.0.0/8".parse().unwrap()];
        let bound = ircd_lite::Server::bind(config).await.unwrap();
        let irc = *bound.addresses().irc.first().unwrap();
        tokio::spawn(bound.serve(stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let irc_tls = listener.local_addr().unwrap().port();
        certificate.guard(listener, irc);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let oscar_tls = listener.local_addr().unwrap().port();
        let oscar = Server::builder()
            .account("bridgebot", "secret")
            .account("staff1", "demo")
            .rates(Rates::None)
            .configure(|config| config.advertise = Some(format!("localhost:{oscar_tls}")))
            .start()
            .await
            .unwrap();
        certificate.guard(listener, oscar.address());
        Self { irc, irc_tls, oscar, oscar_tls, stop }
    }

    fn configure(&self, folder: &Path, ca_file: &str) {
        let (irc, oscar) = (self.irc_tls, self.oscar_tls);
        let text = format!(
            r##"
            [irc]
            server = "localhost:{irc}"
            tls = true
            {ca_file}
            channels = ["#support"]
            [oscar]
            server = "localhost:{oscar}"
            tls = true
            {ca_file}
            screen_name = "bridgebot"
            password = "secret"
            [staff]
            handles = ["staff1"]
            "##
        );
        std::fs::write(folder.join("bridgebot.toml"), text).unwrap();
    }
}

fn bridge(folder: &Path) -> Daemon {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgebot"));
    command.args(["run", "--config"]).arg(folder.join("bridgebot.toml")).stderr(Stdio::piped());
    Daemon::spawn(command)
}

/// What the bridge writes to its log until `enough` says so.
async fn log_until(bridge: &mut Daemon, enough: impl Fn(&str) -> bool + Send + 'static) -> String {
    let mut pipe = bridge.child().stderr.take().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let (mut log, mut part) = (String::new(), [0; 1024]);
        while !enough(&log) {
            let read = pipe.read(&mut part).unwrap();
            assert!(read > 0, "the bridge ended: {log}");
            log.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        log
    });
    timeout(PATIENCE, reading).await.expect("in time").unwrap()
}

#[tokio::test]
async fn both_links_work_over_tls() {
    let certificate = Certificate::new();
    let servers = Servers::start(&certificate).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &certificate.pem).unwrap();
    servers.configure(folder.path(), "ca_file = \"ca.pem\"");
    let mut bridge = bridge(folder.path());
    log_until(&mut bridge, |log| log.contains("Joined #support.") && log.contains("Signed on to AIM.")).await;

    let credentials = Credentials { screen_name: "staff1".into(), password: "demo".into() };
    // Without TLS, at the server's own port, and back through the address that it advertises: not for this client.
    let address = servers.oscar.address();
    let config = net::Config::new(address.ip().to_string(), address.port(), credentials);
    let mut staff =
        net::connect_with(&config, |_, _| net::tcp(address.ip().to_string(), address.port())).await.unwrap();
    let mut visitor = BufReader::new(TcpStream::connect(servers.irc).await.unwrap());
    visitor
        .get_mut()
        .write_all(b"NICK anna\r\nUSER anna 0 * :Anna\r\nPRIVMSG bridgebot :hello\r\n")
        .await
        .unwrap();
    let relayed = async {
        loop {
            if let Event::ImReceived(im) = staff.event().await {
                return im.text;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, relayed).await.expect("in time"), "anna: hello");
    staff.send_im(*b"answer01", &"bridgebot".into(), "anna: hi").unwrap();
    let answered = async {
        loop {
            let mut line = String::new();
            tokio::select! {
                read = visitor.read_line(&mut line) => {
                    assert!(read.unwrap() > 0, "the daemon closed the connection");
                    if line.contains("PRIVMSG anna :hi") {
                        return;
                    }
                }
                _ = staff.event() => {}
            }
        }
    };
    timeout(PATIENCE, answered).await.expect("in time");
    servers.stop.cancel();
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_in_words() {
    let certificate = Certificate::new();
    let servers = Servers::start(&certificate).await;
    let folder = tempfile::tempdir().unwrap();
    servers.configure(folder.path(), "");
    let mut bridge = bridge(folder.path());
    let refused = "nobody trusted has signed its certificate; name the authority in `ca_file`";
    let log = log_until(&mut bridge, move |log| log.matches(refused).count() >= 2).await;
    assert_eq!(log.matches("Could not connect: ").count(), 2, "once for each side: {log}");
    assert!(log.contains(&format!("Could not connect: TLS with localhost: {refused}")), "{log}");
    assert!(servers.oscar.sessions().await.unwrap().is_empty());
    servers.stop.cancel();
}
