//! The HTTP server: binds its listeners, checks who asks for what, and serves the gateway beside the routers given.
//!
//! Every request passes the same gate: `Host` must be ours, a WebSocket's `Origin` must be allowed, and answers carry
//! headers that keep pages apart. Headers must come in 10 s and fit 16 KiB. Nothing here changes anything by GET.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use program::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event::WebEvent;
use super::gateway::{Gateway, GatewayConfig, Visitor};
use super::health::{self, Status};
pub use super::limits::Limits;
pub use super::metrics::MetricsText;
use super::origin;
pub use super::origin::SitePolicy;
use crate::connect::Endpoint;
use crate::irc::text::Word;

/// For a request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const HEADER_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;
/// Connections beyond the visitors': pages, probes, and who is being turned away.
const SPARE_CONNECTIONS: usize = 1024;
/// After an accept error (no descriptors left, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For open requests and visitors' goodbyes when we stop.
const DRAIN: Duration = Duration::from_secs(4);
/// A message of a visitor's that is read at all. More than may be said, so that who says too much is told so: a
/// socket that is closed over unread bytes can't say anything.
const MAX_MESSAGE: usize = 16 * 1024;

/// What to serve and to whom.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Where visitors are served; `None`: only metrics are.
    pub listen: Option<SocketAddr>,
    /// Where metrics and the reasons behind `/readyz` are served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Which names and origins are ours.
    pub site: SitePolicy,
    /// What visitors may do.
    pub limits: Limits,
    /// Proxies whose last `X-Forwarded-For` entry names the visitor.
    pub trusted_proxies: Vec<IpAddr>,
    /// The visitors' IRC daemon.
    pub daemon: Endpoint,
    /// Tells the daemon each visitor's own address.
    pub webirc_password: Option<Secret>,
    /// The bot's nick by configuration.
    pub bot: Word,
}

/// What the server needs of the rest of the program.
#[derive(Debug, Clone)]
pub struct WebLinks {
    /// To the hub: 256; full: that visitor's connection waits.
    pub events: mpsc::Sender<WebEvent>,
    /// The bot's nick while it is signed on.
    pub bot: watch::Receiver<Option<String>>,
    /// How both sides stand.
    pub status: watch::Receiver<Status>,
}

/// Adds metrics of other parts.
pub type MoreMetrics = Arc<dyn Fn(&mut MetricsText) + Send + Sync>;

/// Listeners that are bound and not served yet.
#[derive(Debug)]
pub struct Bound {
    config: WebConfig,
    http: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

/// Binds the listeners.
///
/// # Errors
/// One sentence that names the address, such as a port in use.
pub async fn bind(config: WebConfig) -> io::Result<Bound> {
    let http = listen(config.listen).await?;
    let metrics = listen(config.metrics).await?;
    Ok(Bound { config, http, metrics })
}

async fn listen(address: Option<SocketAddr>) -> io::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on {address}: {error}; choose another address or stop what uses it"),
        )
    })
}

impl Bound {
    /// Where pages and visitors are served.
    ///
    /// # Errors
    /// When the system can't tell.
    pub fn address(&self) -> io::Result<Option<SocketAddr>> {
        self.http.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Where metrics are served.
    ///
    /// # Errors
    /// When the system can't tell.
    pub fn metrics_address(&self) -> io::Result<Option<SocketAddr>> {
        self.metrics.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves `pages` (the widget's files and what else there is), `/irc`, `/healthz` and `/readyz` until `stop`; then
    /// visitors are told, and connections have 4 s to end.
    pub async fn serve(
        self,
        pages: Router,
        links: WebLinks,
        more: Option<MoreMetrics>,
        stop: CancellationToken,
    ) {
        let Self { config, http, metrics } = self;
        let gateway_config = GatewayConfig {
            daemon: config.daemon,
            webirc_password: config.webirc_password,
            bot: config.bot,
            limits: config.limits,
        };
        let gateway = Arc::new(Gateway::new(gateway_config, links.events, links.bot, stop.clone()));
        let tasks = TaskTracker::new();
        let site = Arc::new(Site {
            gateway: Arc::clone(&gateway),
            policy: config.site,
            trusted_proxies: config.trusted_proxies,
            tasks: tasks.clone(),
        });
        let for_all = links.status.clone();
        let ours = Router::new()
            .route("/irc", get(upgrade))
            .route("/healthz", get(async || health::alive()))
            .route("/readyz", get(async move || health::ready(&for_all)))
            .with_state(Arc::clone(&site));
        let router = pages.merge(ours).layer(axum::middleware::from_fn_with_state(Arc::clone(&site), gate));
        let most = config.limits.connections;
        let most = if most == 0 { Semaphore::MAX_PERMITS } else { most + SPARE_CONNECTIONS };
        if let Some(listener) = http {
            tasks.spawn(accept(listener, router, most, tasks.clone(), stop.clone()));
        }
        if let Some(listener) = metrics {
            let router = metrics_router(site, links.status, more);
            tasks.spawn(accept(listener, router, SPARE_CONNECTIONS, tasks.clone(), stop.clone()));
        }
        stop.cancelled().await;
        tasks.close();
        if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
            tracing::warn!("some web connections did not end in time");
        }
    }
}

struct Site {
    gateway: Arc<Gateway>,
    policy: SitePolicy,
    trusted_proxies: Vec<IpAddr>,
    tasks: TaskTracker,
}

/// The address at the other end of the TCP connection.
#[derive(Debug, Clone, Copy)]
struct Peer(SocketAddr);

async fn accept(
    listener: TcpListener,
    router: Router,
    most: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(most));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = stop.cancelled() => return,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, stop) = (router.clone(), stop.clone());
                tasks.spawn(async move {
                    let _room = permit;
                    serve_connection(stream, peer, router, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a web connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.layer(Extension(Peer(peer))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// What every request passes.
async fn gate(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let answer = match admit(&site.policy, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    with_security_headers(answer)
}

fn admit(policy: &SitePolicy, headers: &HeaderMap, uri: &Uri) -> Result<(), (StatusCode, String)> {
    let refused = |status, words: &dyn std::fmt::Display| (status, format!("{words}\n"));
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(Ok(host)), None) = (hosts.next().map(HeaderValue::to_str), hosts.next()) else {
        return Err(refused(StatusCode::BAD_REQUEST, &"one Host header is needed"));
    };
    policy.check_host(host).map_err(|stranger| refused(StatusCode::MISDIRECTED_REQUEST, &stranger))?;
    let is_websocket = headers.get(header::UPGRADE).is_some();
    if !is_websocket {
        return Ok(());
    }
    let origin = match headers.get(header::ORIGIN).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(origin)) => Some(origin),
        Some(Err(_)) => Some("null"),
    };
    let checked = if uri.path() == "/irc" {
        policy.check_visitor_origin(origin, host)
    } else {
        origin::check_same_origin(origin, host)
    };
    checked.map_err(|stranger| refused(StatusCode::FORBIDDEN, &stranger))
}

fn with_security_headers(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

async fn upgrade(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
    socket: WebSocketUpgrade,
) -> Response {
    let (socket, binary) = match agreed_protocol(&headers) {
        Some(name) => (with_protocol(socket, name), name == BINARY),
        None => (socket, false),
    };
    let visitor = Visitor {
        address: address(&site.trusted_proxies, peer, &headers),
        page: page(&headers, &uri),
        language: language(&headers),
        binary,
    };
    let waited_for = site.tasks.token();
    let gateway = Arc::clone(&site.gateway);
    socket
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(async move |socket| {
            let _waited_for = waited_for;
            gateway.serve(socket, visitor).await;
        })
}

/// Languages of a browser that are looked at.
const MOST_LANGUAGES: usize = 16;

const TEXT: &str = "text.ircv3.net";
const BINARY: &str = "binary.ircv3.net";

/// The first of the client's sub-protocols that we speak: the order is the client's preference.
fn agreed_protocol(headers: &HeaderMap) -> Option<&'static str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|name| [TEXT, BINARY].into_iter().find(|known| *known == name.trim()))
}

fn with_protocol(mut socket: WebSocketUpgrade, name: &'static str) -> WebSocketUpgrade {
    socket.set_selected_protocol(HeaderValue::from_static(name));
    socket
}

/// The visitor's address: the peer's, or what a trusted proxy says of it.
fn address(trusted: &[IpAddr], peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let mut address = peer.ip().to_canonical();
    let named: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    // Each proxy adds whom it saw at the end; what stands before the first stranger is hearsay.
    for name in named.iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        match name.trim().parse::<IpAddr>() {
            Ok(next) => address = next.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// Origin of the page, and its path where the client gives it as `/irc?page=/path`.
fn page(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    let path = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("page=")));
    let plain = |path: &&str| {
        path.len() <= 256
            && path.starts_with('/')
            && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte))
    };
    Some(format!("{origin}{}", path.filter(plain).unwrap_or_default()))
}

/// The language that the browser asks for first.
fn language(headers: &HeaderMap) -> Option<String> {
    const LONGEST: usize = 35;
    let wanted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let weighed = wanted.split(',').take(MOST_LANGUAGES).filter_map(|part| {
        let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight =
            weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok())?;
        Some((tag.trim(), weight))
    });
    let is_tag = |tag: &str| {
        let mut parts = tag.split('-');
        let first = parts.next().unwrap_or_default();
        tag.len() <= LONGEST
            && (2..=8).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    };
    let mut best: Option<(&str, f32)> = None;
    for (tag, weight) in weighed.filter(|(tag, weight)| is_tag(tag) && *weight > 0.0) {
        if best.is_none_or(|(_, most)| weight > most) {
            best = Some((tag, weight));
        }
    }
    best.map(|(tag, _)| tag.to_owned())
}

fn metrics_router(site: Arc<Site>, status: watch::Receiver<Status>, more: Option<MoreMetrics>) -> Router {
    let for_metrics = (Arc::clone(&site), status.clone());
    Router::new()
        .route("/healthz", get(async || health::alive()))
        .route("/readyz", get(async move || health::ready_with_reasons(&status)))
        .route(
            "/metrics",
            get(move || {
                let answer = metrics(&for_metrics.0, &for_metrics.1, more.as_ref());
                async { answer }
            }),
        )
        .layer(axum::middleware::from_fn_with_state(site, gate))
}

fn metrics(
    site: &Site,
    status: &watch::Receiver<Status>,
    more: Option<&MoreMetrics>,
) -> impl IntoResponse + use<> {
    let mut text = MetricsText::default();
    let is_ready = status.borrow().is_ready();
    text.gauge("bridgebot_ready", "Whether both sides are signed on", u64::from(is_ready));
    text.gauge("bridgebot_web_connections", "Visitors connected now", site.gateway.open() as u64);
    site.gateway.counts.write(&mut text);
    if let Some(more) = more {
        more(&mut text);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_page_only_origin_and_path_are_known() {
        let of = |origin: &str, uri: &str| {
            let headers = HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
            page(&headers, &uri.parse().unwrap())
        };
        let shop = |path: &str| Some(format!("https://xn--bcher-kva.example{path}"));
        for (uri, path) in [
            ("/irc", ""),
            ("/irc?page=/cart/a%26b", "/cart/a%26b"),
            ("/irc?x=1&page=/cart&token=secret", "/cart"),
            ("/irc?page=/cart?token=secret", ""),
            ("/irc?page=cart", ""),
            ("/irc?page=//evil.example/", "//evil.example/"),
            ("/irc?page=", ""),
        ] {
            assert_eq!(of("https://xn--bcher-kva.example", uri), shop(path), "{uri}");
        }
        assert_eq!(of("https://xn--bcher-kva.example", &format!("/irc?page=/{}", "x".repeat(256))), shop(""));
        assert_eq!(page(&HeaderMap::new(), &"/irc?page=/cart".parse().unwrap()), None);
    }
}
