//! Where an account's money went, and who there is to spend it at.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use marketplace::fault::Fault;
use marketplace::id::ProviderId;
use marketplace::model::publisher_name;
use store::spending::Spent;
use tracing::{info, warn};

use crate::{Actor, Engine, Result};

/// As many days are told at once.
pub const DAYS_MAX: u64 = 366;

/// A vendor as everybody may know it.
#[derive(Clone, Debug, Default)]
pub struct Seller {
    pub name: String,
    /// Whether it can be asked now.
    pub is_available: bool,
    /// Offers of models, and those of them that can be bought now.
    pub models: usize,
    pub open: usize,
}

impl Engine {
    /// What the caller's account spent from one UTC day to another, both included.
    pub async fn spending(&self, actor: &Actor, from: NaiveDate, until: NaiveDate) -> Result<Vec<Spent>> {
        let account = actor.account()?;
        let wrong = |problem: &str| Fault::invalid("until", problem);
        let end = until.checked_add_days(Days::new(1)).ok_or_else(|| wrong("is too late"))?;
        if from > until {
            return Err(wrong("must not be before from").into());
        }
        if from.checked_add_days(Days::new(DAYS_MAX)).is_some_and(|most| most < end) {
            return Err(wrong("may be a year after from at most").into());
        }
        Ok(store::spending::list_spent(&self.0.db, account, from, end).await?)
    }

    /// Adds up the days that are over and were not added up yet.
    pub(crate) async fn add_up_days(&self) {
        loop {
            match store::spending::add_up_day(&self.0.db).await {
                Ok(Some(day)) => info!(%day, "added up the calls of a day"),
                Ok(None) => return,
                Err(cause) => return warn!(%cause, "the calls of a day could not be added up"),
            }
        }
    }

    /// Everybody who sells models here, in the order of their ids.
    pub fn sellers(&self, _actor: &Actor) -> BTreeMap<ProviderId, Seller> {
        let (catalogue, vendors) = (self.0.catalogue.load(), self.0.vendors.load());
        let mut sellers: BTreeMap<ProviderId, Seller> = BTreeMap::new();
        for (provider, is_open) in catalogue.sellers() {
            let seller = sellers.entry(provider.clone()).or_insert_with(|| {
                let known = vendors.registry.find(&provider);
                Seller {
                    name: known
                        .as_ref()
                        .map_or_else(|| publisher_name(&provider.0), |known| known.vendor.name.to_owned()),
                    is_available: known.is_some_and(|known| known.is_available()),
                    ..Seller::default()
                }
            });
            seller.models += 1;
            seller.open += usize::from(is_open);
        }
        sellers
    }
}
