//! `POST /completions`: the old form, which continues a text. A chat model is asked, and its answer is the continuation.

mod request;
mod stream;

use std::collections::BTreeMap;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use engine::{Call, Engine, Route, Serving};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::preset::Shape;
use marketplace::receipt::Settlement;
use serde_json::{Map, Value, json};

use self::stream::Lines;
use super::chat::reply::{completion_id, now, usage};
use super::chat::{self, tells_usage_unasked};
use super::idempotency::{Attempt, Sent, act};
use super::sale::{self, completed, sell, with_served};
use super::{ApiError, Family};
use crate::auth::Asking;
use crate::openapi::shapes;

/// Continues a text, in the older form.
#[utoipa::path(post, path = "/completions", tag = "Calls", request_body = shapes::CompletionRequest, responses((status = 200, content((shapes::CompletionAnswer = "application/json"), (String = "text/event-stream")))))]
pub async fn complete(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    OriginalUri(uri): OriginalUri,
    Sent { body, once, cache }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let once = once.map(|once| once.in_dialect(b"completions"));
    let buy = async move |mut attempt: Attempt| {
        let body = request::as_chat(body)?;
        let body = completed(&mut attempt, body, Shape::Chat).await?;
        let wanted = chat::request::parse(body)?;
        let dialect = Continuing { usage_chunk: wanted.usage_chunk || tells_usage_unasked(&uri) };
        sell(attempt, wanted.request, wanted.terms, dialect).await
    };
    act(Attempt::new(engine, actor).with(cache), Route::Chat, once, buy).await.map_err(ApiError::openai)
}

struct Continuing {
    usage_chunk: bool,
}

impl sale::Dialect for Continuing {
    const FAMILY: Family = Family::OpenAi;
    type Reply = Reply;
    type Lines = Lines;

    fn reply(&self, call: &Call) -> Reply {
        Reply {
            id: completion_id(call.id),
            serving: call.serving.clone(),
            created: now(),
            choices: BTreeMap::from([(0, Continuation::default())]),
        }
    }

    fn lines(&self, call: &Call) -> Lines {
        Lines::new(call, self.usage_chunk)
    }
}

/// What has been said so far. Only text continues a text.
struct Reply {
    id: String,
    serving: Serving,
    created: i64,
    /// One, unless several were asked for.
    choices: BTreeMap<u32, Continuation>,
}

#[derive(Default)]
struct Continuation {
    text: String,
    /// Its own end. The first has that of the call.
    end: Option<(Finish, String)>,
}

impl sale::Reply for Reply {
    fn add(&mut self, event: ChatEvent) {
        let (index, event) = match event {
            ChatEvent::Choice { index, event } => (index, *event),
            event => (0, event),
        };
        let choice = self.choices.entry(index).or_default();
        match event {
            ChatEvent::Text(piece) | ChatEvent::Refusal(piece) => choice.text.push_str(&piece),
            ChatEvent::Finished { finish, native } => choice.end = Some((finish, native)),
            _ => {}
        }
    }

    fn finish(self, settlement: &Settlement, finish: Finish, native: &str) -> Value {
        let served = self.serving.now();
        let choices = self.choices.into_iter().map(|(at, choice)| {
            let (finish, native) = choice.end.unwrap_or_else(|| (finish, native.to_owned()));
            json!({
                "index": at, "text": choice.text, "logprobs": null, "finish_reason": finish.as_str(),
                "native_finish_reason": native,
            })
        });
        let answer = json!({
            "id": self.id, "object": "text_completion", "created": self.created, "model": served.model,
            "choices": choices.collect::<Vec<_>>(),
            "usage": usage(settlement),
        });
        with_served(answer, &served)
    }
}
