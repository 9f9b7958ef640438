//! `bridgebot run`: the production bridge.

use std::path::{Path, PathBuf};

use program::{Failure, Signals};
use tokio::sync::mpsc;

use crate::config;
use crate::hub::HubControl;
use crate::supervisor;

/// Runs until SIGTERM or SIGINT.
pub(super) async fn run(path: PathBuf, signals: Signals) -> Result<(), Failure> {
    let config = config::load(&path)?;
    let bridge = supervisor::bind(config).await?;
    let controls = bridge.controls();
    program::ready::announce(&bridge.addresses());
    let reloading = async {
        loop {
            signals.reload.notified().await;
            reload(&path, &controls).await;
        }
    };
    tokio::select! {
        served = bridge.serve(web_widget::router(), signals.stop.clone()) => served,
        () = reloading => Ok(()),
    }
}

/// Takes over what can change while we run; a broken file changes nothing.
async fn reload(path: &Path, controls: &mpsc::Sender<HubControl>) {
    match config::load(path) {
        Ok(config) => {
            tracing::info!(
                staff = config.staff.handles.len(),
                "configuration read again; the staff list is in force, other changes need a restart"
            );
            let _ = controls.send(HubControl::Staff(config.staff.handles)).await;
        }
        Err(failure) => tracing::error!("the configuration was not taken over: {failure}"),
    }
}
