//! `/api/v1/status`: how well vendors answer, as measured here, and whether the books balance.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use engine::Engine;
use marketplace::fault::Fault;
use marketplace::health::{HealthReport, Span};
use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::auth::Asking;

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    span: Span,
}

#[derive(Serialize)]
pub struct Status {
    /// `None` where it cannot be known quickly.
    books: Option<Books>,
    #[serde(flatten)]
    health: HealthReport,
}

#[derive(Serialize)]
struct Books {
    balanced: bool,
    stopped_since: Option<String>,
    last_check: Option<String>,
}

pub async fn read_status(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Status>, ApiError> {
    let Query(Wanted { span }) =
        wanted.map_err(|_| Fault::invalid("span", "must be half_hour, day or month"))?;
    let health = engine.health(&actor, span).await?;
    let books = engine.books_glance(&actor).await.map(|state| Books {
        balanced: state.balanced,
        stopped_since: state.stopped_since,
        last_check: state.last_check,
    });
    Ok(Json(Status { books, health: HealthReport::clone(&health) }))
}
