//! Balance, top-ups, ledger and receipts, and the webhooks of payment processors.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use engine::{Engine, Route, SIGNATURE_HEADER, Subscribed};
use http::{HeaderMap, StatusCode};
use marketplace::billing::{Balance, LedgerLine, TopUp};
use marketplace::id::{CallId, TopUpId};
use marketplace::plan::Plan;
use marketplace::receipt::Receipt;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::{Path, Query};
use super::body::Body;
use super::idempotency::{Attempt, Sent, act};
use super::page::{Page, size};
use crate::auth::Asking;

const LINES_A_PAGE: u32 = 50;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"amount_usd": "10.00"}))]
pub struct NewTopUp {
    amount_usd: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"plan": "free"}))]
pub struct NewPlan {
    plan: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Chosen {
    plan: String,
    state: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct PlanList {
    data: Vec<Plan>,
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct Before {
    before: Option<i64>,
    limit: Option<u32>,
}

/// What is there, what is held for open calls, and what can be spent.
#[utoipa::path(get, path = "/api/v1/balance", tag = "Money", responses((status = 200, body = Balance)))]
pub async fn read_balance(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Balance>, ApiError> {
    Ok(Json(engine.balance(&actor).await?))
}

/// Begins a payment into the balance.
#[utoipa::path(post, path = "/api/v1/top-ups", tag = "Money", request_body = NewTopUp, responses((status = 201, body = TopUp)))]
pub async fn start_top_up(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body: new, once, .. }: Sent<NewTopUp>,
) -> Result<Response, ApiError> {
    let order = async move |attempt: Attempt| {
        let top_up = attempt.engine.start_top_up(&attempt.actor, &new.amount_usd).await?;
        Ok(attempt.keep((StatusCode::CREATED, Json(top_up)).into_response()).await)
    };
    Ok(act(Attempt::new(engine, actor), Route::TopUps, once, order).await?)
}

/// How far a payment has come.
#[utoipa::path(get, path = "/api/v1/top-ups/{id}", tag = "Money", params(("id" = TopUpId, Path)), responses((status = 200, body = TopUp)))]
pub async fn read_top_up(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<TopUp>, ApiError> {
    Ok(Json(engine.top_up(&actor, TopUpId::parse(&id)?).await?))
}

/// Every entry of the account, with the balance after it.
///
/// Newest first; the next page is `?before=` what is told as `next`, the last line's `version`.
#[utoipa::path(get, path = "/api/v1/ledger", tag = "Money", params(Before), responses((status = 200, body = Page<LedgerLine>)))]
pub async fn list_ledger(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(page): Query<Before>,
) -> Result<Json<Page<LedgerLine>>, ApiError> {
    let size = size(page.limit, LINES_A_PAGE);
    let lines = engine.ledger_page(&actor, page.before, size.and_one_more()).await?;
    Ok(Json(Page::of(lines, size, |last| last.version.to_string())))
}

/// What a call cost, line by line.
#[utoipa::path(get, path = "/api/v1/receipts/{id}", tag = "Money", params(("id" = CallId, Path)), responses((status = 200, body = Receipt)))]
pub async fn read_receipt(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(engine.receipt(&actor, CallId::parse(&id)?).await?))
}

/// The plans, their fees and limits.
#[utoipa::path(get, path = "/api/v1/plans", tag = "Money", responses((status = 200, body = PlanList)), security(()))]
pub async fn list_plans(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<PlanList>, ApiError> {
    Ok(Json(PlanList { data: engine.list_plans(&actor).await? }))
}

/// Chooses a plan.
///
/// A dearer plan begins and is paid at once; the free one follows when what was paid for has run out.
#[utoipa::path(put, path = "/api/v1/subscription", tag = "Money", request_body = NewPlan, responses((status = 200, body = Chosen)))]
pub async fn choose_plan(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(new): Body<NewPlan>,
) -> Result<Json<Chosen>, ApiError> {
    let state = match engine.subscribe(&actor, &new.plan).await? {
        Subscribed::Begun => "begun",
        Subscribed::Ending => "ending",
        _ => "running",
    };
    Ok(Json(Chosen { plan: new.plan, state }))
}

pub async fn receive_payment_event(
    State(engine): State<Engine>,
    Path(processor): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    engine.receive_payment_event(&processor, signature, &body).await?;
    Ok(StatusCode::OK)
}
