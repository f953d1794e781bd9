//! `/admin/*`: what operators see and change, and the state of the books, which anybody may read.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use engine::{Adjusted, BooksState, Engine, LocalModels, Seal};
use http::StatusCode;
use marketplace::fault::Fault;
use marketplace::id::{AccountId, ModelId};
use marketplace::money::Nanos;
use marketplace::operator::Overview;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ApiError;
use super::asked::Path;
use super::body::Body;
use crate::auth::Asking;
use crate::openapi::shapes;

#[derive(Deserialize)]
pub struct NewAdjustment {
    amount_usd: String,
    reason: String,
}

#[derive(Deserialize)]
pub struct NewGrant {
    amount_usd: String,
    expires_at: DateTime<Utc>,
    reason: String,
}

#[derive(Serialize)]
pub struct Decided {
    id: Uuid,
    state: &'static str,
}

#[derive(Serialize)]
pub struct Verification {
    balanced: bool,
    broken: Vec<Broken>,
}

#[derive(Serialize)]
pub struct Broken {
    invariant: String,
    subject: String,
    detail: String,
}

#[derive(Serialize)]
pub struct Found {
    data: Vec<ModelId>,
    /// Servers that did not answer.
    silent: Vec<String>,
}

pub async fn read_overview(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Overview>, ApiError> {
    Ok(Json(engine.overview(&actor).await?))
}

/// Whether the books balance, and the key that signs seals and statements.
#[utoipa::path(get, path = "/api/v1/books", tag = "Money", responses((status = 200, body = shapes::Books)), security(()))]
pub async fn read_books(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<BooksState>, ApiError> {
    Ok(Json(engine.books_state(&actor).await?))
}

/// A sealed block, signed: who kept its hash can see that the books were not written anew.
#[utoipa::path(get, path = "/api/v1/books/blocks/{number}", tag = "Money", params(("number" = i64, Path)), responses((status = 200, body = shapes::Seal)), security(()))]
pub async fn read_block(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(number): Path<String>,
) -> Result<Json<Seal>, ApiError> {
    let number = number.parse().map_err(|_| Fault::not_found("This block"))?;
    Ok(Json(engine.book_seal(&actor, number).await?))
}

/// Checks the whole history; when nothing is broken, paid calls may begin again.
pub async fn verify_books(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Verification>, ApiError> {
    let found = engine.verify_books(&actor, |_| {}).await?;
    let broken: Vec<Broken> = found
        .into_iter()
        .map(|one| Broken { invariant: one.invariant, subject: one.subject, detail: one.detail })
        .collect();
    Ok(Json(Verification { balanced: broken.is_empty(), broken }))
}

/// Looks at once which models stand ready on the operator's own servers, instead of at the next turn.
pub async fn find_local_models(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Found>, ApiError> {
    let LocalModels { models, silent } = engine.find_local_models(&actor).await?;
    Ok(Json(Found { data: models, silent }))
}

pub async fn adjust_balance(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(account): Path<String>,
    Body(new): Body<NewAdjustment>,
) -> Result<(StatusCode, Json<Decided>), ApiError> {
    let amount = signed_usd(&new.amount_usd)?;
    let (id, outcome) =
        engine.adjust_balance(&actor, AccountId::parse(&account)?, amount, &new.reason).await?;
    let status = if outcome == Adjusted::Waiting { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, Json(Decided { id, state: state(outcome) })))
}

pub async fn approve_adjustment(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<Uuid>,
) -> Result<Json<Decided>, ApiError> {
    let outcome = engine.approve_adjustment(&actor, id).await?;
    Ok(Json(Decided { id, state: state(outcome) }))
}

pub async fn reject_adjustment(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<Uuid>,
) -> Result<Json<Decided>, ApiError> {
    let outcome = engine.reject_adjustment(&actor, id).await?;
    Ok(Json(Decided { id, state: state(outcome) }))
}

pub async fn give_promo(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(account): Path<String>,
    Body(new): Body<NewGrant>,
) -> Result<(StatusCode, Json<Decided>), ApiError> {
    let amount = Nanos::parse_usd(&new.amount_usd)?;
    let id =
        engine.give_promo(&actor, AccountId::parse(&account)?, amount, new.expires_at, &new.reason).await?;
    Ok((StatusCode::CREATED, Json(Decided { id, state: "posted" })))
}

fn state(outcome: Adjusted) -> &'static str {
    match outcome {
        Adjusted::Posted => "posted",
        Adjusted::Rejected => "rejected",
        _ => "proposed",
    }
}

/// Dollars that may be taken as well as given.
fn signed_usd(text: &str) -> Result<Nanos, Fault> {
    match text.trim().strip_prefix('-') {
        Some(rest) => Ok(Nanos(-Nanos::parse_usd(rest)?.0)),
        None => Nanos::parse_usd(text),
    }
}
