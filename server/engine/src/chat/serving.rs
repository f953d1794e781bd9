//! Who answers a call, and how it came to that. It changes once at most, before anything of an answer is handed on.

use std::sync::{Arc, Mutex, PoisonError};

use marketplace::id::{ModelId, ProviderId};
use marketplace::route::Reason;
use serde::Serialize;

use crate::catalogue::OnSale;

/// A look at who answers, for as long as the call lasts and after.
#[derive(Clone, Debug)]
pub struct Serving(Arc<Mutex<Served>>);

/// Who answers, as clients are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Served {
    /// The model that answers: another than was asked for only if `models` named it.
    pub model: ModelId,
    pub provider: ProviderId,
    #[serde(skip)]
    pub provider_name: String,
    pub reason: Reason,
    /// Who was asked before, and failed.
    pub failed: Vec<FailedAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedAttempt {
    pub model: ModelId,
    pub provider: ProviderId,
    pub outcome: &'static str,
}

impl From<Served> for Serving {
    fn from(served: Served) -> Self {
        Self(Arc::new(Mutex::new(served)))
    }
}

impl Serving {
    pub(crate) fn new(on_sale: &OnSale, reason: Reason) -> Self {
        Self::from(Served {
            model: on_sale.model.id.clone(),
            provider: on_sale.model.provider.clone(),
            provider_name: on_sale.provider_name.clone(),
            reason,
            failed: Vec::new(),
        })
    }

    /// As it stands now. It is final once something of the answer has come.
    pub fn now(&self) -> Served {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one asked so far has failed, and this one is asked instead.
    pub(crate) fn turn_to(&self, on_sale: &OnSale, outcome: &'static str) {
        let mut served = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed =
            FailedAttempt { model: served.model.clone(), provider: served.provider.clone(), outcome };
        served.failed.push(failed);
        served.model = on_sale.model.id.clone();
        served.provider = on_sale.model.provider.clone();
        served.provider_name.clone_from(&on_sale.provider_name);
        served.reason = Reason::Failover;
    }
}

impl Served {
    /// How many vendors were asked, this one included.
    pub fn attempts(&self) -> usize {
        self.failed.len() + 1
    }
}
