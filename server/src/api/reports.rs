//! `/admin/providers/{id}/reports` and `/admin/reconciliation`: what providers bill, beside what is booked.

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use engine::Engine;
use marketplace::fault::Fault;
use marketplace::operator::{Reconciled, ReportTaken};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::{Path, Query};
use super::body::Text;
use crate::auth::Asking;

#[derive(Deserialize)]
pub struct Days {
    from: NaiveDate,
    to: NaiveDate,
}

#[derive(Serialize)]
pub struct Rows {
    data: Vec<Reconciled>,
}

/// Takes `text/csv` with the header `day,model,amount_usd`.
pub async fn import_report(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(provider): Path<String>,
    Text(csv): Text,
) -> Result<Json<ReportTaken>, ApiError> {
    Ok(Json(engine.import_provider_report(&actor, &provider, &csv).await?))
}

/// UTC days, both included.
pub async fn read_reconciliation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    days: Result<Query<Days>, ApiError>,
) -> Result<Json<Rows>, ApiError> {
    let Query(Days { from, to }) =
        days.map_err(|_| Fault::invalid("from", "and to must be days such as 2026-11-24"))?;
    Ok(Json(Rows { data: engine.reconciliation(&actor, from, to).await? }))
}
