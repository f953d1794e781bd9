//! `/admin/prices`: changes that wait for an operator.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use marketplace::id::PriceId;
use marketplace::operator::PriceChange;
use serde::Serialize;

use super::ApiError;
use super::asked::Path;
use crate::auth::Asking;

#[derive(Serialize)]
pub struct Waiting {
    data: Vec<PriceChange>,
}

#[derive(Serialize)]
pub struct Decided {
    id: PriceId,
    state: &'static str,
}

pub async fn list_waiting_prices(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Waiting>, ApiError> {
    Ok(Json(Waiting { data: engine.list_waiting_prices(&actor).await? }))
}

pub async fn approve_price(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<Decided>, ApiError> {
    let id = PriceId::parse(&id)?;
    engine.approve_price(&actor, id).await?;
    Ok(Json(Decided { id, state: "approved" }))
}

pub async fn reject_price(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<Decided>, ApiError> {
    let id = PriceId::parse(&id)?;
    engine.reject_price(&actor, id).await?;
    Ok(Json(Decided { id, state: "rejected" }))
}
