//! The control interface: HTTP with JSON. The README lists its requests.
//!
//! It is for test programs, not for browsers, and pages in one must not be able to use it: `Host` must name the
//! address that we listen on, an `Origin` is refused, and what changes something must come as `application/json`,
//! which a page can't send elsewhere without being asked for leave, which nobody gives. What a browser says another site
//! caused (`Sec-Fetch-Site`) is refused too, and no answer is kept, guessed at or shown inside another site's page.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::AccountConfig;
use crate::faults::Fault;
use crate::handle::{Handle, Stopped};

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    handle: Handle,
    stop: CancellationToken,
) {
    let served = axum::serve(listener, router(handle, address)).with_graceful_shutdown(async move {
        stop.cancelled().await;
    });
    if let Err(error) = served.await {
        tracing::warn!(%error, "the control interface ended");
    }
}

fn router(handle: Handle, address: SocketAddr) -> Router {
    Router::new()
        .route("/sessions", get(sessions))
        .route("/sessions/disconnect", post(disconnect))
        .route("/sessions/elsewhere", post(elsewhere))
        .route("/sessions/migrate", post(migrate))
        .route("/sessions/rate_limit", post(rate_limit))
        .route("/accounts", get(accounts).post(add_account))
        .route("/messages", get(messages))
        .route("/journal", get(journal))
        .route("/forget", post(forget))
        .route("/faults", get(faults).post(set_fault))
        .route("/faults/clear", post(clear_faults))
        .route("/clock", get(clock))
        .route("/clock/advance", post(advance))
        .with_state(handle)
        .layer(middleware::from_fn_with_state(address, guard))
}

/// Refuses what a page in a browser could have caused.
async fn guard(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    let mut response = match objection(&request, address) {
        Some((status, why)) => refusal(status, why),
        None => next.run(request).await,
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn objection(request: &Request, address: SocketAddr) -> Option<(StatusCode, &'static str)> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if !text(header::HOST).is_some_and(|host| names_us(host, address)) {
        return Some((StatusCode::MISDIRECTED_REQUEST, "the Host header names another server"));
    }
    if request.headers().contains_key(header::ORIGIN) {
        return Some((StatusCode::FORBIDDEN, "no page may use this"));
    }
    // What a person typed in is said to come from nowhere; other programs don't say.
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| !matches!(site, "none" | "same-origin")) {
        return Some((StatusCode::FORBIDDEN, "no other site may use this"));
    }
    let json = text(header::CONTENT_TYPE)
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    (!reads && !json).then_some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"))
}

/// Whether a `Host` header is our address, or `localhost` with our port. Where we listen on all addresses, any address
/// will do, but no other name: that is how a page would get here by rebinding its own.
fn names_us(host: &str, address: SocketAddr) -> bool {
    if let Ok(named) = host.parse::<SocketAddr>() {
        return named == address || (address.ip().is_unspecified() && named.port() == address.port());
    }
    let Some((name, port)) = host.split_once(':') else { return false };
    name.eq_ignore_ascii_case("localhost") && port.parse() == Ok(address.port())
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(serde_json::json!({ "error": why }))).into_response()
}

impl IntoResponse for Stopped {
    fn into_response(self) -> Response {
        refusal(StatusCode::SERVICE_UNAVAILABLE, &self.to_string())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    screen_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    screen_name: String,
    /// 1 to 5.
    #[serde(default = "Limited::messages")]
    class: u16,
}

impl Limited {
    const fn messages() -> u16 {
        3
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    id: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    milliseconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    screen_name: String,
    password: String,
    #[serde(default)]
    buddies: Vec<String>,
    #[serde(default)]
    bot: bool,
}

async fn sessions(State(handle): State<Handle>) -> Result<Response, Stopped> {
    Ok(Json(handle.sessions().await?).into_response())
}

async fn accounts(State(handle): State<Handle>) -> Result<Response, Stopped> {
    Ok(Json(handle.accounts().await?).into_response())
}

async fn messages(State(handle): State<Handle>) -> Result<Response, Stopped> {
    Ok(Json(handle.messages().await?).into_response())
}

async fn journal(State(handle): State<Handle>) -> Result<Response, Stopped> {
    Ok(Json(handle.journal().await?).into_response())
}

async fn forget(State(handle): State<Handle>) -> Result<StatusCode, Stopped> {
    handle.forget().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn faults(State(handle): State<Handle>) -> Result<Response, Stopped> {
    Ok(Json(handle.faults().await?).into_response())
}

async fn set_fault(
    State(handle): State<Handle>,
    Json(text): Json<serde_json::Value>,
) -> Result<Response, Stopped> {
    let fault: Fault = match serde_json::from_value(text) {
        Ok(fault) => fault,
        Err(error) => return Ok(refusal(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())),
    };
    Ok(match handle.set_fault(fault).await? {
        Some(id) => Json(serde_json::json!({ "id": id })).into_response(),
        None => refusal(StatusCode::INSUFFICIENT_STORAGE, "too many faults are set"),
    })
}

async fn clear_faults(State(handle): State<Handle>, Json(which): Json<Which>) -> Result<Response, Stopped> {
    let cleared = match which.id {
        Some(id) => handle.remove_fault(id).await?,
        None => handle.clear_faults().await.map(|()| true)?,
    };
    Ok(if cleared {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refusal(StatusCode::NOT_FOUND, "no such fault")
    })
}

async fn add_account(State(handle): State<Handle>, Json(new): Json<NewAccount>) -> Result<Response, Stopped> {
    let buddies = new.buddies.into_iter().map(oscar_im::ScreenName::new).collect();
    let account =
        AccountConfig { buddies, bot: new.bot, ..AccountConfig::new(new.screen_name, new.password) };
    Ok(if handle.add_account(account).await? {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refusal(StatusCode::UNPROCESSABLE_ENTITY, "that can't be a screen name")
    })
}

async fn clock(State(handle): State<Handle>) -> Json<serde_json::Value> {
    let clock = handle.clock();
    Json(serde_json::json!({ "unix": clock.now().unix, "manual": clock.is_manual() }))
}

async fn advance(State(handle): State<Handle>, Json(by): Json<Advance>) -> Result<Response, Stopped> {
    handle.advance(Duration::from_millis(by.milliseconds)).await?;
    Ok(clock(State(handle)).await.into_response())
}

async fn disconnect(State(handle): State<Handle>, Json(who): Json<Named>) -> Result<Response, Stopped> {
    Ok(found(handle.disconnect(&who.screen_name).await?))
}

async fn elsewhere(State(handle): State<Handle>, Json(who): Json<Named>) -> Result<Response, Stopped> {
    Ok(found(handle.sign_on_elsewhere(&who.screen_name).await?))
}

async fn migrate(State(handle): State<Handle>, Json(who): Json<Named>) -> Result<Response, Stopped> {
    Ok(found(handle.migrate(&who.screen_name).await?))
}

async fn rate_limit(State(handle): State<Handle>, Json(what): Json<Limited>) -> Result<Response, Stopped> {
    if !(1..=5).contains(&what.class) {
        return Ok(refusal(StatusCode::UNPROCESSABLE_ENTITY, "rate classes are 1 to 5"));
    }
    Ok(found(handle.limit_rate(&what.screen_name, what.class).await?))
}

fn found(found: bool) -> Response {
    if found {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refusal(StatusCode::NOT_FOUND, "no such account")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_address_and_localhost_are_us() {
        let address = "127.0.0.1:5191".parse().unwrap();
        assert!(names_us("127.0.0.1:5191", address));
        assert!(names_us("localhost:5191", address) && names_us("LocalHost:5191", address));
        assert!(names_us("[::1]:5191", "[::1]:5191".parse().unwrap()));
        for host in ["evil.example:5191", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:5191"] {
            assert!(!names_us(host, address), "{host}");
        }
        assert!(names_us("192.0.2.1:5191", "0.0.0.0:5191".parse().unwrap()));
    }
}
