//! `/admin/*`: what operators see.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use marketplace::operator::Overview;

use super::ApiError;
use crate::auth::Asking;

pub async fn read_overview(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Overview>, ApiError> {
    Ok(Json(engine.overview(&actor).await?))
}
