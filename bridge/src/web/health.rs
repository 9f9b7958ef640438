//! `/healthz`, `/readyz` and `/metrics`. Whether we are ready everybody may know; why not, only who may read metrics.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

/// How one side stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SideStatus {
    /// Signed on.
    Up,
    /// Not signed on, and why, in words.
    Down(String),
}

/// How both sides stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The IRC daemon.
    pub irc: SideStatus,
    /// The OSCAR server; up when at least one account is.
    pub oscar: SideStatus,
}

impl Default for Status {
    fn default() -> Self {
        let down = || SideStatus::Down("not signed on yet".to_owned());
        Self { irc: down(), oscar: down() }
    }
}

impl Status {
    /// Whether both sides are signed on.
    pub fn is_ready(&self) -> bool {
        self.irc == SideStatus::Up && self.oscar == SideStatus::Up
    }

    fn reasons(&self) -> String {
        let side = |name: &str, status: &SideStatus| match status {
            SideStatus::Up => format!("{name}: signed on\n"),
            SideStatus::Down(reason) => format!("{name}: {reason}\n"),
        };
        side("irc", &self.irc) + &side("oscar", &self.oscar)
    }
}

/// `/healthz`: the process answers.
pub(super) fn alive() -> &'static str {
    "alive\n"
}

/// `/readyz` for everybody.
pub(super) fn ready(status: &watch::Receiver<Status>) -> Response {
    let is_ready = status.borrow().is_ready();
    (code(is_ready), if is_ready { "ready\n" } else { "not ready\n" }).into_response()
}

/// `/readyz` on the listener for metrics.
pub(super) fn ready_with_reasons(status: &watch::Receiver<Status>) -> Response {
    let status = status.borrow().clone();
    (code(status.is_ready()), status.reasons()).into_response()
}

fn code(is_ready: bool) -> StatusCode {
    if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
