//! What everybody may know of a day: tokens by model, and nothing of an account.

use chrono::NaiveDate;
use marketplace::id::ModelId;

use crate::{Db, Error, Result};

/// Tokens of one model on one day, in whole thousands; those of all that are not named, where there is no model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    pub day: NaiveDate,
    pub model: Option<ModelId>,
    pub tokens: u64,
}

/// The days from one to another, both included, the newest first; within a day the most used model first, the rest last.
pub async fn list_ranked(db: &Db, from: NaiveDate, until: NaiveDate) -> Result<Vec<Ranked>> {
    let rows = sqlx::query!(
        "select day, model_id, tokens from model_day where day between $1 and $2 order by day desc, place",
        from,
        until,
    )
    .fetch_all(db.people())
    .await?;
    rows.into_iter()
        .map(|row| {
            let model = row.model_id.as_deref().map(ModelId::parse).transpose();
            let model = model.map_err(|_| Error::Unreadable("model_day.model_id"))?;
            Ok(Ranked { day: row.day, model, tokens: row.tokens.unsigned_abs() })
        })
        .collect()
}
