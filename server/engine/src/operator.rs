//! What operators may see and do.

use marketplace::account::Role;
use marketplace::operator::Overview;

use crate::{Actor, Engine, Result};

impl Engine {
    pub async fn overview(&self, actor: &Actor) -> Result<Overview> {
        actor.require(&[Role::Admin, Role::Support, Role::Auditor])?;
        Ok(store::overview::get_overview(&self.0.db).await?)
    }

    /// Every broken invariant of the books, at most so many.
    pub async fn verify_books(&self, actor: &Actor) -> Result<Vec<store::books::Violation>> {
        actor.require(&[Role::Admin, Role::Auditor])?;
        Ok(store::books::list_violations(&self.0.db, 100).await?)
    }
}
