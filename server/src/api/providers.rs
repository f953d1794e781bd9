//! `/providers`: who sells models here, in OpenRouter's fields and ours.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use marketplace::health::Span;
use serde::Serialize;
use serde_json::{Value, json};

use super::ApiError;
use super::asked::Query;
use super::models::percent;
use super::page::{Page, Slice};
use crate::auth::Asking;
use crate::openapi::shapes;

#[derive(Serialize)]
pub struct Providers {
    #[serde(flatten)]
    page: Page<Value>,
    total: usize,
}

/// Who sells models here.
///
/// What nobody has told us of a vendor is `null`; what was measured is absent where nobody asked lately.
#[utoipa::path(get, path = "/providers", tag = "Models", params(Slice), responses((status = 200, body = shapes::Providers)), security(()))]
pub async fn list_providers(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(slice): Query<Slice>,
) -> Result<Json<Providers>, ApiError> {
    let lately = engine.health(&actor, Span::HalfHour).await.ok();
    let data: Vec<Value> = engine
        .sellers(&actor)
        .into_iter()
        .map(|(id, seller)| {
            let measured = lately.as_deref().and_then(|report| {
                report.vendors.iter().find(|vendor| vendor.provider == id).map(|vendor| &vendor.measured)
            });
            json!({
                "name": seller.name, "slug": id,
                "privacy_policy_url": null, "terms_of_service_url": null, "status_page_url": null,
                "headquarters": null, "datacenters": null,
                "available": seller.is_available, "models": seller.models, "available_models": seller.open,
                "uptime_last_30m": measured.and_then(|measured| measured.uptime_bps).map(percent),
            })
        })
        .collect();
    let total = data.len();
    Ok(Json(Providers { page: slice.cut(data), total }))
}
