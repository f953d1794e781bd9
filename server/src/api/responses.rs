//! `POST /responses`: OpenAI's newer dialect with typed events. What is sold is the same as in a chat; nothing is stored.

mod request;
mod input;
mod course;
mod item;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use engine::{Call, CallEvent, Engine, Route};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::fault::{Code, Fault};
use marketplace::preset::Shape;
use marketplace::receipt::Settlement;
use serde_json::{Map, Value};

use self::course::Course;
use super::asked::Path;
use super::idempotency::{Attempt, Sent, act};
use super::sale::{self, Line, completed, sell};
use super::{ApiError, Family};
use crate::auth::Asking;
use crate::openapi::shapes;

/// Answers in the newer form of OpenAI’s clients, with typed events.
#[utoipa::path(post, path = "/responses", tag = "Calls", request_body = shapes::ResponseRequest, responses((status = 200, content((shapes::ResponseAnswer = "application/json"), (String = "text/event-stream")))))]
pub async fn create(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body, once, cache }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let once = once.map(|once| once.in_dialect(b"responses"));
    let buy = async move |mut attempt: Attempt| {
        let body = completed(&mut attempt, body, Shape::Responses).await?;
        let (wanted, told) = request::parse(body)?;
        sell(attempt, wanted.request, wanted.terms, Responding { told }).await
    };
    act(Attempt::new(engine, actor).with(cache), Route::Chat, once, buy).await.map_err(ApiError::openai)
}

/// Answers are not kept: what was charged is, and can be read as a receipt.
pub async fn find(Path(id): Path<String>) -> ApiError {
    let message = format!("{id} is not kept: responses are answered once and not stored here");
    ApiError::openai(Fault { field: Some("response_id".to_owned()), ..Fault::new(Code::NotFound, message) })
}

/// What answers repeat of the request.
struct Responding {
    told: Map<String, Value>,
}

impl sale::Dialect for Responding {
    const FAMILY: Family = Family::OpenAi;
    type Reply = Reply;
    type Lines = Course;

    fn reply(&self, call: &Call) -> Reply {
        Reply(self.lines(call))
    }

    fn lines(&self, call: &Call) -> Course {
        Course::new(call, self.told.clone())
    }
}

/// A response in one piece: what the stream would end with.
struct Reply(Course);

impl sale::Reply for Reply {
    fn add(&mut self, event: ChatEvent) {
        self.0.hear(event);
        self.0.forget_lines();
    }

    fn finish(mut self, settlement: &Settlement, finish: Finish, _native: &str) -> Value {
        self.0.close(finish);
        self.0.outcome(settlement, finish)
    }
}

impl sale::Lines for Course {
    fn keep_alive() -> Event {
        Event::default().comment("keep-alive")
    }

    fn next(&mut self) -> Option<Line> {
        self.next_line()
    }

    fn add(&mut self, event: CallEvent) {
        match event {
            CallEvent::Chat(event) => self.hear(event),
            CallEvent::Settled { settlement, finish, .. } => self.end(&settlement, finish),
            CallEvent::Failed { fault, settlement, .. } => self.fail(&fault, settlement.as_deref()),
        }
    }
}
