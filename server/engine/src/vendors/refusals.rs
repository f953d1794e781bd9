//! Vendors that refuse our key: noted once for all servers, until they answer again or get another key.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use marketplace::id::ProviderId;
use tracing::{error, info, warn};

use crate::Engine;

/// Those that any server knows to refuse.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeSet<String>>);

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn take_over(&self, refused: &[ProviderId]) {
        *self.lock() = refused.iter().map(|id| id.0.clone()).collect();
    }

    pub fn list(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }
}

impl Engine {
    /// Tells the operator that a vendor refuses our key; `key_version` is of the one it was asked with, if stored.
    pub(crate) fn note_refused_key(&self, vendor: &ProviderId, key_version: Option<i64>) {
        if !self.0.refusals.lock().insert(vendor.0.clone()) {
            return;
        }
        error!(vendor.id = %vendor, "{vendor} refuses our key: its models cannot be sold until it has another, see /admin/vendors");
        let (engine, vendor) = (self.clone(), vendor.clone());
        tokio::spawn(async move {
            if let Err(cause) = store::vendor::note_refusal(&engine.0.db, &vendor, key_version).await {
                warn!(%cause, "a refused key could not be noted");
                engine.0.refusals.lock().remove(&vendor.0);
            }
        });
    }

    pub(crate) fn note_accepted_key(&self, vendor: &ProviderId) {
        if !self.0.refusals.lock().remove(&vendor.0) {
            return;
        }
        info!(vendor.id = %vendor, "{vendor} accepts our key again");
        let (engine, vendor) = (self.clone(), vendor.clone());
        tokio::spawn(async move {
            if let Err(cause) = store::vendor::note_acceptance(&engine.0.db, &vendor).await {
                warn!(%cause, "that a key is accepted again could not be noted");
            }
        });
    }
}
