//! Prices that wait to be approved, and taking over those in force.

use marketplace::account::Role;
use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, PriceId};
use marketplace::operator::PriceChange;
use store::price::{Decided, PriceVersion};
use tracing::{info, warn};

use crate::{Actor, Engine, Result};

/// Nobody reads further back on a page.
const VERSIONS_MAX: i64 = 50;

impl Engine {
    /// What a model cost before and costs now, newest first.
    pub async fn price_history(&self, _actor: &Actor, model: &ModelId) -> Result<Vec<PriceVersion>> {
        Ok(store::price::list_versions(&self.0.db, model, VERSIONS_MAX).await?)
    }

    /// The changes by more than a fifth that wait to be approved; until then the old prices are in force.
    pub async fn list_waiting_prices(&self, actor: &Actor) -> Result<Vec<PriceChange>> {
        actor.require(&[Role::Admin, Role::Support, Role::Auditor])?;
        Ok(store::price::list_waiting(&self.0.db).await?)
    }

    /// Puts a waiting price in force, on this server at once; calls under way keep the price they began with.
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
        let in_force = store::price::list_in_force(&self.0.db).await?;
        // Somebody else may be listing local models just now, which must not be lost.
        let vendors = self.0.vendors.load();
        self.0.catalogue.rcu(|catalogue| catalogue.at_prices(in_force.clone(), &vendors.registry));
        Ok(())
    }

    /// The same, where nobody waits for the outcome.
    pub(crate) async fn try_to_refresh_prices(&self) {
        if let Err(cause) = self.refresh_prices().await {
            warn!(%cause, "the prices in force could not be read");
        }
    }
}

fn decided(outcome: Decided) -> std::result::Result<(), Fault> {
    match outcome {
        Decided::Approved | Decided::Rejected => Ok(()),
        Decided::Already => Err(Fault::new(Code::Conflict, "This price was decided or withdrawn already")),
        Decided::Unknown => Err(Fault::not_found("This price")),
    }
}
