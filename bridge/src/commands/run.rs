//! `bridgebot run`: the production bridge.

use std::path::{Path, PathBuf};

use program::{Failure, Signals};
use tokio::sync::mpsc;

use crate::config::checked::StorePlace;
use crate::config::restart::needs_restart;
use crate::config::{self, Config};
use crate::hub::HubControl;
use crate::supervisor;

/// Runs until SIGTERM or SIGINT.
pub(super) async fn run(path: PathBuf, signals: Signals) -> Result<(), Failure> {
    let config = config::load(&path)?;
    let running = config.clone();
    let bridge = supervisor::bind(config).await?;
    if running.store.place == StorePlace::Memory {
        tracing::warn!(
            "the store is in memory: what was said and what is owed is lost when the bridge stops"
        );
    }
    let controls = bridge.controls();
    program::ready::announce(&bridge.addresses());
    let reloading = async {
        loop {
            signals.reload.notified().await;
            reload(&path, &running, &controls).await;
        }
    };
    tokio::select! {
        served = bridge.serve(web_widget::router(), signals.stop.clone()) => served,
        () = reloading => Ok(()),
    }
}

/// Takes over what can change while we run, and says what can't; a broken file changes nothing.
async fn reload(path: &Path, running: &Config, controls: &mpsc::Sender<HubControl>) {
    let config = match config::load(path) {
        Ok(config) => config,
        Err(failure) => {
            tracing::error!("the configuration was not taken over: {failure}");
            return;
        }
    };
    let settings = supervisor::hub_settings(&config);
    if controls.send(HubControl::Settings(Box::new(settings))).await.is_err() {
        return;
    }
    tracing::info!(
        staff = config.staff.handles.len(),
        "configuration read again; staff, departments, routing, hours, wording and retention are in force"
    );
    let waiting = needs_restart(running, &config);
    if !waiting.is_empty() {
        tracing::warn!("changed as well, and in force after a restart only: {}", waiting.join(", "));
    }
}
