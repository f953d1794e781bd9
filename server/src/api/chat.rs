//! `POST /chat/completions`: OpenAI's dialect, whichever vendor answers.

mod request;
mod reply;
mod stream;
mod record;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use engine::{Call, CallEvent, Engine, Order, Route};
use http::HeaderValue;
use marketplace::chat::Delivery;
use marketplace::fault::{Code, Fault};
use serde_json::{Map, Value};

use self::reply::Reply;
use self::request::Wanted;
use super::ApiError;
use super::error::GENERATION_ID;
use super::idempotency::{Attempt, Sent, act};
use crate::auth::Asking;

pub async fn complete(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body, once }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let wanted = request::parse(body).map_err(ApiError::openai)?;
    let buy = |attempt| buy(attempt, wanted);
    act(Attempt::new(engine, actor), Route::Chat, once, buy).await.map_err(ApiError::openai)
}

/// Makes the call. Once it has begun, whatever comes of it is an answer.
async fn buy(attempt: Attempt, wanted: Wanted) -> Result<Response, Fault> {
    let Wanted { request, usage_chunk, max_cost, run } = wanted;
    let delivery = request.stream;
    let order = Order { request, conversation: None, cap: max_cost, run, id: attempt.call() };
    let call = attempt.engine.chat(&attempt.actor, order).await?;
    let id = HeaderValue::from_str(&call.id.to_string()).map_err(|_| Fault::not_found("The call"))?;
    let mut answer = match delivery {
        Delivery::Whole => attempt.keep(whole(call).await.into_response()).await,
        Delivery::Streamed => stream::begin(call, usage_chunk, attempt).await.into_response(),
    };
    answer.headers_mut().insert(GENERATION_ID, id);
    Ok(answer)
}

async fn whole(mut call: Call) -> Result<Json<Value>, ApiError> {
    let mut reply = Reply::new(&call);
    while let Some(event) = call.next().await {
        match event {
            CallEvent::Chat(event) => reply.add(event),
            CallEvent::Settled { settlement, finish, native } => {
                return Ok(Json(reply.finish(&settlement, finish, &native)));
            }
            CallEvent::Failed { fault, .. } => return Err(ApiError::openai(fault)),
        }
    }
    Err(ApiError::openai(Fault::new(Code::Internal, "The call ended without a result")))
}
