//! Work that no request waits for: writing progress down, closing the holds of servers that died, forgetting old answers,
//! telling how well vendors answer.

use std::time::{Duration, Instant};

use marketplace::money::Nanos;
use store::ledger::Follower;
use tracing::{error, info, warn};

use crate::Engine;
use crate::watch::Happened;

/// How often progress becomes durable.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);
/// How soon what no call came for is given back after its time.
const PUT_BACK_EVERY: Duration = Duration::from_millis(500);
/// New calls use a changed key, address or vendor this soon, on every server.
const VENDORS_EVERY: Duration = Duration::from_millis(500);
/// Keys that were changed are refused within a second, on every server: see `keys/ring.rs`.
const KEYS_EVERY: Duration = Duration::from_millis(250);
const REAP_EVERY: Duration = Duration::from_secs(5);
const REST_EVERY: Duration = Duration::from_secs(5);
const CHECK_EVERY: Duration = Duration::from_secs(10);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
/// How soon a model that is put on a server of the operator's own is for sale.
const DISCOVER_EVERY: Duration = Duration::from_secs(60);
/// How soon a Valkey that was lost is seen to answer again.
const VALKEY_EVERY: Duration = Duration::from_secs(1);
const HEALTH_EVERY: Duration = Duration::from_secs(60);
const FOLD_EVERY: Duration = Duration::from_secs(3_600);
const RECONCILE_EVERY: Duration = Duration::from_secs(3_600);

impl Engine {
    pub(crate) fn start_background(&self) {
        self.every(CHECKPOINT_EVERY, |engine| async move { engine.checkpoint().await });
        self.every(PUT_BACK_EVERY, |engine| async move {
            if let Err(cause) = store::ledger::put_back_idle(&engine.0.db).await {
                warn!(%cause, "what no call came for could not be put back; its lease runs out by itself");
            }
        });
        self.every(VENDORS_EVERY, |engine| async move { engine.watch_vendors().await });
        tokio::spawn(self.clone().follow_prices());
        self.every(KEYS_EVERY, |engine| async move { engine.watch_keys().await });
        self.every(REAP_EVERY, |engine| async move {
            match store::ledger::reap(&engine.0.db, engine.0.instance).await {
                Ok(0) => {}
                Ok(closed) => {
                    engine.0.watch.note_many(Happened::HoldReaped, closed.unsigned_abs());
                    info!(closed, "closed {closed} holds whose server was gone");
                }
                Err(cause) => warn!(%cause, "the reaper could not look for abandoned holds"),
            }
        });
        self.every(REST_EVERY, |engine| async move { engine.rest_hasher() });
        self.every(CHECK_EVERY, |engine| async move { engine.check_recent().await });
        self.every(HOUSEKEEPING_EVERY, |engine| async move { engine.keep_house().await });
        // Apart, for a long history takes its time and the seals must not wait for it.
        self.every(HOUSEKEEPING_EVERY, |engine| async move {
            if let Err(cause) = engine.check_whole_daily().await {
                warn!(%cause, "the whole history could not be checked");
            }
        });
        // Apart too, for a server that does not answer is waited for.
        self.every(DISCOVER_EVERY, |engine| async move { engine.try_to_find_local_models().await });
        if self.0.rates.valkey().is_some() {
            self.every(VALKEY_EVERY, |engine| async move {
                if let Some(valkey) = engine.0.rates.valkey() {
                    valkey.go_back().await;
                }
            });
        }
        self.every(HEALTH_EVERY, |engine| async move { engine.keep_health().await });
        self.every(FOLD_EVERY, |engine| async move { engine.fold_health().await });
        self.every(FOLD_EVERY, |engine| async move { engine.add_up_days().await });
        self.every(RECONCILE_EVERY, |engine| async move { engine.watch_reports().await });
    }

    /// Does something again and again, never twice at once.
    fn every<F, Fut>(&self, period: Duration, work: F)
    where
        F: Fn(Engine) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let engine = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                work(engine.clone()).await;
            }
        });
    }

    /// Seals the books, forgets kept answers and quotes that are over, takes back grants that have run out and renews plans.
    async fn keep_house(&self) {
        if let Err(cause) = self.seal_books().await {
            error!(%cause, "the books could not be sealed");
        }
        if let Err(cause) = store::idempotency::delete_expired(&self.0.db).await {
            warn!(%cause, "kept answers that are over could not be deleted");
        }
        if let Err(cause) = store::quote::delete_expired(&self.0.db).await {
            warn!(%cause, "quotes that are over could not be deleted");
        }
        if let Err(cause) = store::correction::sweep_grants(&self.0.db).await {
            warn!(%cause, "grants that have run out could not be taken back");
        }
        if let Err(cause) = store::plan::renew_subscriptions(&self.0.db).await {
            warn!(%cause, "plans could not be renewed");
        }
        self.0.rates.forget(Instant::now());
        if let Err(cause) = store::rate::forget(&self.0.db).await {
            warn!(%cause, "minutes that are over could not be forgotten");
        }
        if let Err(cause) = store::known_key::forget_changes(&self.0.db).await {
            warn!(%cause, "changes of keys that all have heard of could not be forgotten");
        }
    }

    /// Sets money aside for the call that is likely to follow this one, while nobody waits for it.
    pub(crate) async fn set_aside_next(self, follower: Follower, available: Nanos) {
        if let Err(cause) = store::ledger::set_aside_next(&self.0.db, &follower, available).await {
            warn!(%cause, "nothing could be set aside for the next call, which asks for itself");
        }
    }

    /// Gives back what is set aside for calls that will not come to this server any more.
    pub async fn put_all_back(&self) {
        if let Err(cause) = store::ledger::put_all_back(&self.0.db).await {
            warn!(%cause, "what is set aside could not be put back; its lease runs out by itself");
        }
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
