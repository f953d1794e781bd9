//! What everybody may know: how much each model is asked, day by day.

use chrono::{Days, NaiveDate};
use marketplace::fault::Fault;
use store::ranking::Ranked;

use crate::spending::DAYS_MAX;
use crate::{Actor, Engine, Result};

impl Engine {
    /// Tokens by model from one UTC day to another, both included, as far as the days are over and added up.
    pub async fn model_ranking(
        &self,
        _actor: &Actor,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Vec<Ranked>> {
        if from > until {
            return Err(Fault::invalid("end_date", "must not be before start_date").into());
        }
        if from.checked_add_days(Days::new(DAYS_MAX)).is_some_and(|most| most <= until) {
            return Err(Fault::invalid("end_date", "may be a year after start_date at most").into());
        }
        Ok(store::ranking::list_ranked(&self.0.db, from, until).await?)
    }
}
