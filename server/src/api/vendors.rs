//! `/admin/providers`: who can be asked, where they are, and the keys of ours at them, which are told to nobody.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use http::StatusCode;
use marketplace::operator::VendorState;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::Path;
use super::body::Body;
use crate::auth::Asking;

#[derive(Serialize)]
pub struct Vendors {
    data: Vec<VendorState>,
}

#[derive(Deserialize)]
pub struct NewVendor {
    id: String,
    name: String,
    base_url: String,
    reason: String,
}

#[derive(Deserialize)]
pub struct NewAddress {
    base_url: String,
    reason: String,
}

#[derive(Deserialize)]
pub struct NewKey {
    key: String,
    reason: String,
}

#[derive(Deserialize)]
pub struct Why {
    reason: String,
}

pub async fn list_vendors(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Vendors>, ApiError> {
    Ok(Json(Vendors { data: engine.list_vendors(&actor).await? }))
}

pub async fn add_vendor(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(new): Body<NewVendor>,
) -> Result<StatusCode, ApiError> {
    engine.add_vendor(&actor, (&new.id, &new.name), &new.base_url, &new.reason).await?;
    Ok(StatusCode::CREATED)
}

pub async fn move_vendor(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(new): Body<NewAddress>,
) -> Result<StatusCode, ApiError> {
    engine.move_vendor(&actor, &id, &new.base_url, &new.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn remove_vendor(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(why): Body<Why>,
) -> Result<StatusCode, ApiError> {
    engine.remove_vendor(&actor, &id, &why.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn set_vendor_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(new): Body<NewKey>,
) -> Result<StatusCode, ApiError> {
    engine.set_vendor_key(&actor, &id, new.key.into(), &new.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn clear_vendor_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(why): Body<Why>,
) -> Result<StatusCode, ApiError> {
    engine.clear_vendor_key(&actor, &id, &why.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
