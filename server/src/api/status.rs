//! `/api/v1/status`: how well vendors answer, as measured here, and whether the books balance.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use marketplace::fault::Fault;
use marketplace::health::{HealthReport, Span};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::Query;
use crate::auth::Asking;

#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    #[serde(default)]
    span: Span,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Status {
    /// `None` where it cannot be known quickly.
    books: Option<Books>,
    #[serde(flatten)]
    health: HealthReport,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BooksGlance)]
struct Books {
    balanced: bool,
    stopped_since: Option<String>,
    last_check: Option<String>,
}

/// How well vendors answer, and whether the books balance.
#[utoipa::path(get, path = "/api/v1/status", tag = "Models", params(Wanted), responses((status = 200, body = Status)), security(()))]
pub async fn read_status(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    wanted: Result<Query<Wanted>, ApiError>,
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
