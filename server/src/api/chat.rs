//! `POST /chat/completions`: OpenAI's dialect, whichever vendor answers.

pub mod request;
pub mod reply;
mod choice;
pub mod stream;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use engine::{Call, Engine, Route};
use http::Uri;
use marketplace::preset::Shape;
use serde_json::{Map, Value};

use self::reply::Reply;
use self::stream::Lines;
use super::idempotency::{Attempt, Sent, act};
use super::sale::{self, Thoughts, completed, sell};
use super::{ApiError, Family};
use crate::auth::Asking;
use crate::openapi::shapes;

/// Answers a chat.
#[utoipa::path(post, path = "/chat/completions", tag = "Calls", request_body = shapes::ChatRequest, responses((status = 200, content((shapes::ChatAnswer = "application/json"), (String = "text/event-stream")))))]
pub async fn complete(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    OriginalUri(uri): OriginalUri,
    Sent { body, once, cache }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let buy = async move |mut attempt: Attempt| {
        let body = completed(&mut attempt, body, Shape::Chat).await?;
        let wanted = request::parse(body)?;
        let usage_chunk = wanted.usage_chunk || tells_usage_unasked(&uri);
        let dialect = OpenAi { usage_chunk, thoughts: wanted.thoughts };
        sell(attempt, wanted.request, wanted.terms, dialect).await
    };
    act(Attempt::new(engine, actor).with(cache), Route::Chat, once, buy).await.map_err(ApiError::openai)
}

/// OpenRouter's clients, who are given this base, read the usage of every stream and do not ask for it.
pub fn tells_usage_unasked(uri: &Uri) -> bool {
    uri.path().starts_with("/api/")
}

struct OpenAi {
    usage_chunk: bool,
    thoughts: Thoughts,
}

impl sale::Dialect for OpenAi {
    const FAMILY: Family = Family::OpenAi;
    type Reply = Reply;
    type Lines = Lines;

    fn reply(&self, call: &Call) -> Reply {
        Reply::new(call, self.thoughts)
    }

    fn lines(&self, call: &Call) -> Lines {
        Lines::new(call, self.usage_chunk, self.thoughts)
    }
}
