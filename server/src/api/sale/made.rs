//! Handing over what comes in one piece and is no conversation, in OpenAI's shape.

use axum::Json;
use axum::response::{IntoResponse, Response};
use engine::{Made, Making};
use http::HeaderValue;
use marketplace::fault::Fault;
use marketplace::id::{CallId, ModelId};
use marketplace::receipt::Settlement;
use serde::Serialize;
use serde_json::Value;

use crate::api::error::GENERATION_ID;
use crate::api::idempotency::Attempt;
use crate::api::{ApiError, Family, rate, response_cache};

/// Which call it was, and what it came to.
#[derive(Clone, Debug)]
pub struct Bill {
    pub id: CallId,
    pub model: ModelId,
    pub settlement: Settlement,
    /// Whether what was used is counted in pictures rather than tokens.
    pub by_the_picture: bool,
}

/// What is handed over, with a report of what was used for it.
pub trait Wares: Serialize {
    fn usage(&mut self) -> &mut Value;
}

impl Wares for Value {
    fn usage(&mut self) -> &mut Value {
        &mut self["usage"]
    }
}

/// Waits until it is made and paid. The call has begun, so whatever comes of it is an answer.
pub async fn hand_over<T, B: Wares>(
    attempt: Attempt,
    making: Making<T>,
    write: impl FnOnce(T, Bill) -> B,
) -> Result<Response, Fault> {
    let (id, model, by_the_picture) = (making.id, making.model.clone(), making.by_the_picture);
    let standing = making.standing;
    let name = HeaderValue::from_str(&id.to_string()).map_err(|_| Fault::not_found("The call"))?;
    let answer = match making.finish().await {
        Ok(Made { made, settlement }) => {
            let wares = write(made, Bill { id, model, settlement, by_the_picture });
            let answer = Json(&wares).into_response();
            response_cache::keep_wares(&attempt, id, wares).await;
            answer
        }
        Err(fault) => ApiError::openai(fault).into_response(),
    };
    let mut answer = attempt.keep(answer).await;
    response_cache::add_miss(&mut answer, attempt.cache);
    answer.headers_mut().insert(GENERATION_ID, name);
    rate::add_headers(answer.headers_mut(), Family::OpenAi, &standing);
    Ok(answer)
}
