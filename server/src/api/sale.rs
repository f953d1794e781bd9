//! Selling an answer: one call, answered whole or as it comes, in the dialect of whoever asks.

mod record;
pub mod stream;
pub mod dollars;
mod terms;
mod routing;
mod cost;
mod told;
mod made;
mod preset;
mod reasoning;

use axum::Json;
use axum::response::sse;
use axum::response::{IntoResponse, Response};
use engine::{Asked, Call, CallEvent, Order, STOPPED};
use http::HeaderValue;
use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Finish};
use marketplace::fault::{Code, Fault};
use marketplace::receipt::Settlement;
use serde_json::Value;

pub use self::cost::with_cost;
pub use self::made::{Bill, Wares, hand_over};
pub use self::preset::{completed, with_preset};
pub use self::reasoning::{Thoughts, take_reasoning};
pub use self::routing::take_routing;
pub use self::terms::{Terms, take_delivery, take_tokens};
pub use self::told::with_served;
use super::error::GENERATION_ID;
use super::idempotency::Attempt;
use super::{ApiError, Family, rate, response_cache};

/// How answers are written for one family of clients.
pub trait Dialect: Send + 'static {
    const FAMILY: Family;
    type Reply: Reply;
    type Lines: Lines;

    fn reply(&self, call: &Call) -> Self::Reply;
    fn lines(&self, call: &Call) -> Self::Lines;
}

/// An answer in one piece, put together from events.
pub trait Reply: Send + 'static {
    fn add(&mut self, event: ChatEvent);
    fn finish(self, settlement: &Settlement, finish: Finish, native: &str) -> Value;
}

/// An answer as it comes: events become lines, some at once, some later.
pub trait Lines: Clone + Send + 'static {
    /// What is sent when there is nothing to say, so that the connection is not taken for dead.
    fn keep_alive() -> sse::Event;
    fn add(&mut self, event: CallEvent);
    fn next(&mut self) -> Option<Line>;
}

/// One event of a stream, to be sent or to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: Option<&'static str>,
    pub data: String,
}

impl Line {
    /// As it stands in a stream of events.
    pub fn written(&self) -> String {
        match self.name {
            Some(name) => format!("event: {name}\ndata: {}\n\n", self.data),
            None => format!("data: {}\n\n", self.data),
        }
    }
}

/// Makes the call, unless its answer is kept and wished for. Once it has begun, whatever comes of it is an answer.
pub async fn sell<D: Dialect>(
    attempt: Attempt,
    request: ChatRequest,
    terms: Terms,
    dialect: D,
) -> Result<Response, Fault> {
    let asked = Asked::chat(&request.model, &terms.routing.models);
    if let Some(answer) = response_cache::find(&attempt, &asked, D::FAMILY).await? {
        return Ok(answer);
    }
    let (delivery, wish) = (request.stream, attempt.cache.clone());
    let order = Order {
        request,
        conversation: None,
        cap: terms.max_cost,
        run: terms.run,
        id: attempt.call(),
        routing: terms.routing,
    };
    let call = attempt.engine.chat(&attempt.actor, order).await?;
    let id = HeaderValue::from_str(&call.id.to_string()).map_err(|_| Fault::not_found("The call"))?;
    let (serving, standing) = (call.serving.clone(), call.standing);
    let mut answer = match delivery {
        Delivery::Whole => {
            let reply = dialect.reply(&call);
            attempt.keep(whole::<D>(call, reply, &attempt).await.into_response()).await
        }
        Delivery::Streamed => {
            let (lines, parcel) = (dialect.lines(&call), call.parcel());
            let mut answer = stream::begin::<D>(call, lines, attempt).await.into_response();
            answer.extensions_mut().insert(parcel);
            answer
        }
    };
    answer.headers_mut().insert(GENERATION_ID, id);
    rate::add_headers(answer.headers_mut(), D::FAMILY, &standing);
    // A stream begins with its first event, and by then it is known who answers.
    told::add_headers(answer.headers_mut(), &serving.now());
    response_cache::add_miss(&mut answer, wish);
    Ok(answer)
}

/// Whether an answer came to its own end: any other is not told again.
fn is_whole(call: &Call, finish: Finish, native: &str) -> bool {
    let ran_short = finish == Finish::Length && call.is_shortened;
    finish != Finish::Error && native != STOPPED && !ran_short
}

async fn whole<D: Dialect>(
    mut call: Call,
    mut reply: D::Reply,
    attempt: &Attempt,
) -> Result<Json<Value>, ApiError> {
    while let Some(event) = call.next().await {
        match event {
            CallEvent::Chat(event) => reply.add(event),
            CallEvent::Settled { settlement, finish, native } => {
                let answer = reply.finish(&settlement, finish, &native);
                if attempt.cache.is_some() && is_whole(&call, finish, &native) {
                    response_cache::keep_answer(attempt, call.id, answer.clone()).await;
                }
                return Ok(Json(answer));
            }
            CallEvent::Failed { fault, .. } => return Err(ApiError::of(D::FAMILY, fault)),
        }
    }
    Err(ApiError::of(D::FAMILY, Fault::new(Code::Internal, "The call ended without a result")))
}
