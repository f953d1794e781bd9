//! Work that no request waits for: writing progress down and closing the holds of servers that died.

use std::time::Duration;

use tracing::{info, warn};

use crate::Engine;

/// How often progress becomes durable.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);
const REAP_EVERY: Duration = Duration::from_secs(5);

impl Engine {
    pub(crate) fn start_background(&self) {
        let engine = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(CHECKPOINT_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                engine.checkpoint().await;
            }
        });
        let engine = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(REAP_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                match store::ledger::reap(&engine.0.db).await {
                    Ok(0) => {}
                    Ok(closed) => info!(closed, "closed {closed} holds whose server was gone"),
                    Err(cause) => warn!(%cause, "the reaper could not look for abandoned holds"),
                }
            }
        });
    }

    async fn checkpoint(&self) {
        let progress = self.0.running.progress();
        if progress.is_empty() {
            return;
        }
        match store::ledger::checkpoint(&self.0.db, self.0.instance, &progress).await {
            Ok(owned) => self.0.running.mark_durable(&progress, &owned),
            Err(cause) => warn!(%cause, "progress of {} calls could not be written down", progress.len()),
        }
    }
}
