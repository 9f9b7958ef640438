//! A server on a thread of its own, for programs whose runtime has several: those would read two connections at once, and
//! what arrived first could be told second.

use std::io;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Bound, Listener};

/// Serves as [`Bound::serve_here`] does, elsewhere. Ends when it has ended; where this future is dropped, it stops.
pub(super) async fn serve(mut bound: Bound, stop: CancellationToken) {
    // Stopping is the same, and dropping this future stops it too.
    let stop = stop.child_token();
    let _dropped = stop.clone().drop_guard();
    let started = move || -> io::Result<oneshot::Receiver<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        move_listeners(&mut bound, &runtime)?;
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new().name("ircd-lite".into()).spawn(move || {
            runtime.block_on(bound.serve_here(stop));
            let _ = done.send(());
        })?;
        Ok(ended)
    };
    match started() {
        Ok(ended) => {
            let _ = ended.await;
        }
        Err(error) => tracing::error!(%error, "cannot start a thread to serve on"),
    }
}

/// A socket belongs to the runtime that waits for it.
fn move_listeners(bound: &mut Bound, runtime: &Runtime) -> io::Result<()> {
    let _entered = runtime.enter();
    let moved: io::Result<Vec<Listener>> = bound.listeners.drain(..).map(Listener::moved_here).collect();
    bound.listeners = moved?;
    Ok(())
}
