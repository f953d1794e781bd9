//! What operators may see.

use marketplace::account::Role;
use marketplace::operator::Overview;

use crate::{Actor, Engine, Result};

impl Engine {
    /// The vendors that refuse our key, by name, and since when.
    pub async fn list_refusals(&self, actor: &Actor) -> Result<Vec<(String, String)>> {
        actor.require(&[Role::Admin, Role::Support, Role::Auditor])?;
        self.refresh_vendors().await?;
        let states = self.0.vendors.load().states();
        Ok(states.into_iter().filter_map(|vendor| Some((vendor.name, vendor.refused_since?))).collect())
    }

    pub async fn overview(&self, actor: &Actor) -> Result<Overview> {
        actor.require(&[Role::Admin, Role::Support, Role::Auditor])?;
        Ok(store::overview::get_overview(&self.0.db).await?)
    }
}
