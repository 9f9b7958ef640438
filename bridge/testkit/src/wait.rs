//! Waiting for what a test expects: polled, with a deadline, and no longer than needed.

use std::time::{Duration, Instant};

/// How long a test waits for another program before it gives up: far more than an idle machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks `probe` until it gives something.
///
/// # Panics
/// After [`PATIENCE`], with `what` in the message.
#[allow(clippy::disallowed_methods)] // the deadline is real time: the other side is another program
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
