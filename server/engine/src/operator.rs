//! What operators may see.

use marketplace::account::Role;
use marketplace::operator::Overview;

use crate::{Actor, Engine, Result};

impl Engine {
    pub async fn overview(&self, actor: &Actor) -> Result<Overview> {
        actor.require(&[Role::Admin, Role::Support, Role::Auditor])?;
        Ok(store::overview::get_overview(&self.0.db).await?)
    }
}
