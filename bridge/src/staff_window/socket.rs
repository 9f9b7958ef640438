//! The WebSocket of the page: JSON in and out, with bounds.
//!
//! What the page sends waits in a channel of 64 (full: its socket is not read, TCP pushes back); what it is told waits
//! in one of 256 (full: the OSCAR session is not read).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use oscar_im::ScreenName;
use program::Secret;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::messages::{FromPage, ToPage};
use super::session;
use crate::connect::Endpoint;

/// Longest message of the page: a long text with JSON's escapes.
const LONGEST: usize = 64 * 1024;
/// A page that takes nothing for so long is gone.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Pings keep middle boxes from closing a quiet socket, and find pages that vanished.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Who the window signs on as, and where.
#[derive(Debug, Clone)]
pub struct StaffWindow {
    /// The OSCAR server.
    pub endpoint: Endpoint,
    /// The staff member.
    pub screen_name: ScreenName,
    /// The password.
    pub password: Secret,
    /// Cancelled when the program stops.
    pub stop: CancellationToken,
}

/// `/staff/socket`.
pub fn router(window: StaffWindow) -> Router {
    Router::new().route("/staff/socket", any(upgrade)).with_state(Arc::new(window))
}

async fn upgrade(State(window): State<Arc<StaffWindow>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * LONGEST)
        .max_message_size(LONGEST)
        .max_frame_size(LONGEST)
        .on_upgrade(move |socket| serve(socket, window))
}

async fn serve(socket: WebSocket, window: Arc<StaffWindow>) {
    let (to_session, from_page) = mpsc::channel(64);
    let (to_page, mut for_page) = mpsc::channel(256);
    let stop = window.stop.child_token();
    let session = session::run(&window, from_page, to_page, stop.clone());
    let (mut sink, mut stream) = socket.split();
    let reading = async {
        while let Some(Ok(message)) = stream.next().await {
            let Message::Text(text) = message else { continue };
            // What we can't read is from a newer page, or nonsense; both are left out.
            let Ok(message) = serde_json::from_str::<FromPage>(&text) else { continue };
            if to_session.send(message).await.is_err() {
                break;
            }
        }
    };
    let writing = async {
        loop {
            let message = tokio::select! {
                message = for_page.recv() => match message {
                    Some(message) => text(&message),
                    None => break,
                },
                () = tokio::time::sleep(PING_EVERY) => Message::Ping(Bytes::new()),
            };
            if !matches!(timeout(WRITE_DEADLINE, sink.send(message)).await, Ok(Ok(()))) {
                break;
            }
        }
        let _ = timeout(WRITE_DEADLINE, sink.close()).await;
    };
    let page = async {
        tokio::select! {
            () = reading => {}
            () = writing => {}
        }
        // The session signs off and ends, then so do we.
        stop.cancel();
    };
    tokio::join!(session, page);
}

fn text(message: &ToPage) -> Message {
    // Strings and numbers always have a JSON form.
    Message::text(serde_json::to_string(message).unwrap_or_default())
}
