//! What the product is built with: no bug of ours.

use marketplace::price::Charge;
use sqlx::PgConnection;

use super::{Bug, Sale};
use crate::{Db, Result};

pub const fn is_on(_: Bug) -> bool {
    false
}

/// Leaves a schema that was just brought up to date as it is.
pub async fn plant(_: &mut PgConnection) -> Result<()> {
    Ok(())
}

pub async fn mischarge(_: &Db, _: Sale<'_>, charge: Charge) -> Charge {
    charge
}
