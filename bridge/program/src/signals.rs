//! SIGTERM and SIGINT as a cancellation token, SIGHUP as a request to reload.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use std::sync::Arc;

/// What the operating system tells this process.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled at the first SIGTERM or SIGINT: stop accepting, drain, leave within 5 s.
    pub stop: CancellationToken,
    /// Notified at each SIGHUP; several before anybody looks count as one.
    pub reload: Arc<Notify>,
}

impl Signals {
    /// Starts to listen. Must be called inside a tokio runtime; the listening ends with it.
    ///
    /// # Errors
    /// When the operating system refuses a signal handler.
    pub fn listen() -> io::Result<Self> {
        let signals = Self { stop: CancellationToken::new(), reload: Arc::default() };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let Self { stop, reload } = signals.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => stop.cancel(),
                    _ = interrupt.recv() => stop.cancel(),
                    _ = hangup.recv() => reload.notify_one(),
                }
            }
        });
        Ok(signals)
    }
}
