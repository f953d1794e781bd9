//! `POST /messages`: Anthropic's dialect, whichever vendor answers.

mod request;
mod turns;
mod tools;
mod reply;
mod stream;
mod ending;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use engine::{Call, Engine, Route};
use marketplace::preset::Shape;
use serde_json::{Map, Value, json};

use self::reply::Reply;
use self::stream::Lines;
use super::body::Body;
use super::idempotency::{Attempt, Sent, act};
use super::sale::{self, completed, sell, with_preset};
use super::{ApiError, Family};
use crate::auth::Asking;
use crate::openapi::shapes;

pub use self::request::model_id;

/// Answers a chat in the form of Anthropic’s clients.
#[utoipa::path(post, path = "/messages", tag = "Calls", request_body = shapes::MessageRequest, responses((status = 200, content((shapes::MessageAnswer = "application/json"), (String = "text/event-stream")))))]
pub async fn create(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body, once, cache }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let once = once.map(|once| once.in_dialect(b"messages"));
    let buy = async move |mut attempt: Attempt| {
        let body = completed(&mut attempt, body, Shape::Messages).await?;
        let wanted = request::parse(body)?;
        sell(attempt, wanted.request, wanted.terms, Anthropic { stops: wanted.stops }).await
    };
    // Keys are shared with the other dialect: both buy the same thing, and under one key it is bought once.
    act(Attempt::new(engine, actor).with(cache), Route::Chat, once, buy).await.map_err(ApiError::anthropic)
}

/// How many tokens a prompt is likely to have.
///
/// Our estimate: what counts is what the vendor counts when it is asked.
#[utoipa::path(post, path = "/messages/count_tokens", tag = "Calls", request_body = shapes::CountRequest, responses((status = 200, body = shapes::Counted)))]
pub async fn count_tokens(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Value>, ApiError> {
    let body = with_preset(&engine, &actor, body, Shape::Messages).await;
    let mut body = body.map_err(ApiError::anthropic)?;
    let (prompt, _) = request::take_prompt(&mut body).map_err(ApiError::anthropic)?;
    actor.account().map_err(ApiError::anthropic)?;
    engine.model_named(&actor, &prompt.model).map_err(ApiError::anthropic)?;
    Ok(Json(json!({ "input_tokens": prompt.prompt_size().likely_tokens, "estimated": true })))
}

/// What answers are written with.
struct Anthropic {
    stops: Vec<String>,
}

impl sale::Dialect for Anthropic {
    const FAMILY: Family = Family::Anthropic;
    type Reply = Reply;
    type Lines = Lines;

    fn reply(&self, call: &Call) -> Reply {
        Reply::new(call, self.stops.clone())
    }

    fn lines(&self, call: &Call) -> Lines {
        Lines::new(call, self.stops.clone())
    }
}
