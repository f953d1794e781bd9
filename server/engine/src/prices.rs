//! Prices that wait to be approved, and taking over those in force as they begin.

use std::time::Duration;

use marketplace::account::Role;
use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, PriceId};
use marketplace::operator::PriceChange;
use store::price::{Decided, PriceVersion};
use tracing::{debug, info, warn};

use crate::{Actor, Engine, Result};

/// Nobody reads further back on a page.
const VERSIONS_MAX: i64 = 50;
/// How soon a running server knows what another one, or a command, made of prices.
const NEWS_EVERY: Duration = Duration::from_millis(500);

impl Engine {
    /// What a model cost before, costs now and is to cost, newest first.
    pub async fn price_history(&self, _actor: &Actor, model: &ModelId) -> Result<Vec<PriceVersion>> {
        Ok(store::price::list_versions(&self.0.db, model, VERSIONS_MAX).await?)
    }

    /// The changes by more than a fifth that wait to be approved; until then the old prices are in force.
    pub async fn list_waiting_prices(&self, actor: &Actor) -> Result<Vec<PriceChange>> {
        actor.require(&[Role::Admin, Role::Support, Role::Auditor])?;
        Ok(store::price::list_waiting(&self.0.db).await?)
    }

    /// Puts a waiting price in force at its time, on this server at once where that has come; calls under way keep the
    /// price they began with.
    pub async fn approve_price(&self, actor: &Actor, id: PriceId) -> Result<()> {
        actor.require(&[Role::Admin])?;
        decided(store::price::approve_price(&self.0.db, id, &actor.label()).await?)?;
        info!(price.id = %id, "a price was approved");
        self.refresh_prices().await
    }

    /// Turns a waiting price down; the same change is not proposed again.
    pub async fn reject_price(&self, actor: &Actor, id: PriceId) -> Result<()> {
        actor.require(&[Role::Admin])?;
        Ok(decided(store::price::reject_price(&self.0.db, id, &actor.label()).await?)?)
    }

    /// Takes over the prices in force, which an operator or another server may have changed.
    pub(crate) async fn refresh_prices(&self) -> Result<()> {
        let _one = self.0.prices_renewing.lock().await;
        let prices = store::price::list_standing(&self.0.db).await?;
        // Somebody else may be listing local models just now, which must not be lost.
        let vendors = self.0.vendors.load();
        self.0.catalogue.rcu(|catalogue| catalogue.at_prices(prices.clone(), &vendors.registry));
        Ok(())
    }

    /// Takes prices over as they begin: looks often, and just when the next one does.
    pub(crate) async fn follow_prices(self) {
        let mut known = None;
        loop {
            let wait = match store::price::get_news(&self.0.db).await {
                Ok(news) => {
                    if known != Some(news.version) && self.try_to_refresh_prices().await {
                        known = Some(news.version);
                    }
                    news.next_in.map_or(NEWS_EVERY, |next| next.min(NEWS_EVERY))
                }
                Err(cause) => {
                    debug!(%cause, "news of prices could not be read");
                    NEWS_EVERY
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// The same, where nobody waits for the outcome; says whether it was done.
    pub(crate) async fn try_to_refresh_prices(&self) -> bool {
        let done = self.refresh_prices().await;
        done.inspect_err(|cause| warn!(%cause, "the prices in force could not be read")).is_ok()
    }
}

fn decided(outcome: Decided) -> std::result::Result<(), Fault> {
    match outcome {
        Decided::Approved | Decided::Rejected => Ok(()),
        Decided::Already => Err(Fault::new(Code::Conflict, "This price was decided or withdrawn already")),
        Decided::Unknown => Err(Fault::not_found("This price")),
    }
}
