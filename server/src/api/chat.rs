//! `POST /chat/completions`: OpenAI's dialect, whichever vendor answers.

mod request;
mod reply;
mod stream;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use engine::{Call, CallEvent, Engine, Order};
use http::{HeaderName, HeaderValue};
use marketplace::chat::Delivery;
use marketplace::fault::Fault;
use serde_json::{Map, Value};

use self::reply::Reply;
use super::ApiError;
use super::body::Body;
use crate::auth::Asking;

const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");

pub async fn complete(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(body): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let wanted = request::parse(body).map_err(ApiError::openai)?;
    let delivery = wanted.request.stream;
    let order = Order { request: wanted.request, conversation: None, cap: wanted.max_cost, run: wanted.run };
    let call = engine.chat(&actor, order).await.map_err(ApiError::openai)?;
    let id = HeaderValue::from_str(&call.id.to_string())
        .map_err(|_| ApiError::openai(Fault::not_found("The call")))?;
    let mut answer = match delivery {
        Delivery::Whole => whole(call).await?.into_response(),
        Delivery::Streamed => stream::begin(call, wanted.usage_chunk).await?,
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
    Err(ApiError::openai(Fault::new(marketplace::fault::Code::Internal, "The call ended without a result")))
}
