//! A web site and its chat on one port: an HTTP server answers `/`, and hands what asks for `/irc` to the IRC daemon.
//!
//! ```sh
//! cargo run -p ircd-lite --example shared_port
//! ```
//! Then, in a browser's console on the page that it names:
//! `s = new WebSocket("/irc", ["text.ircv3.net"]); s.onmessage = m => console.log(m.data); s.onopen = () => s.send("NICK me")`

#![expect(clippy::print_stderr, reason = "where to look")]

use std::convert::Infallible;
use std::net::SocketAddr;

use hyper::header::{
    CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use ircd_lite::{Acceptor, Config, Server, SubProtocol};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // No listener of its own; it could have some beside.
    let mut config = Config::default();
    config.server.listen.clear();
    let bound = Server::bind(config).await?;
    let irc = bound.acceptor();
    tokio::spawn(bound.serve(CancellationToken::new()));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let local = listener.local_addr()?;
    eprintln!("http://{local}/");
    loop {
        let (stream, peer) = listener.accept().await?;
        let irc = irc.clone();
        let service = service_fn(move |request| {
            let answer = answer(request, peer, local, &irc);
            async { Ok::<_, Infallible>(answer) }
        });
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    }
}

fn answer(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    local: SocketAddr,
    irc: &Acceptor,
) -> Response<String> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    match request.uri().path() {
        "/" => return Response::new("Open the console and say hello.\n".to_owned()),
        "/irc" => {}
        _ => return plain(StatusCode::NOT_FOUND),
    }
    // A page from elsewhere must not speak in its visitor's name.
    let own = header(HOST).map(|host| format!("http://{host}"));
    if header(ORIGIN).is_some_and(|origin| Some(origin) != own.as_deref()) {
        return plain(StatusCode::FORBIDDEN);
    }
    let Some(key) = header(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())) else {
        return plain(StatusCode::UPGRADE_REQUIRED);
    };
    let offers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let protocol = SubProtocol::choose(offers.iter().filter_map(|offer| offer.to_str().ok()));

    let (irc, upgrade) = (irc.clone(), hyper::upgrade::on(&mut request));
    tokio::spawn(async move {
        if let Ok(stream) = upgrade.await {
            let protocol = protocol.unwrap_or(SubProtocol::Text);
            irc.web_socket(TokioIo::new(stream), protocol, peer.ip(), local).await;
        }
    });
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, key);
    if let Some(protocol) = protocol {
        response = response.header(SEC_WEBSOCKET_PROTOCOL, protocol.name());
    }
    response.body(String::new()).unwrap_or_else(|_| plain(StatusCode::BAD_REQUEST))
}

fn plain(status: StatusCode) -> Response<String> {
    let mut response = Response::new(format!("{status}\n"));
    *response.status_mut() = status;
    response
}
