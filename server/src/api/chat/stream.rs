//! A streamed answer in OpenAI's shape: `data:` chunks, the usage on request, `[DONE]`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use engine::{Call, CallEvent};
use futures_util::stream;
use http::{HeaderName, HeaderValue};
use marketplace::chat::ChatEvent;
use marketplace::id::ModelId;
use serde_json::{Value, json};

use super::record;
use super::reply::{completion_id, now, tool_call_id, usage};
use crate::api::ApiError;
use crate::api::error::openai_error;
use crate::api::idempotency::Attempt;

const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Waits for the first event, so that a refusal is an ordinary status, then streams the rest.
pub async fn begin(call: Call, usage_chunk: bool, attempt: Attempt) -> Result<Response, ApiError> {
    let mut lines = Lines::new(&call, usage_chunk);
    let left = attempt.left.clone();
    let mut call = match attempt.claim {
        Some(_) => record::begin(call, lines.clone(), attempt),
        None => call,
    };
    let first = tokio::select! {
        first = call.next() => first,
        // Nobody reads this; dropping the call is what counts.
        () = left.cancelled() => None,
    };
    match first {
        Some(CallEvent::Failed { fault, .. }) => return Err(ApiError::openai(fault)),
        Some(event) => lines.add(event),
        None => {}
    }
    let events = stream::unfold((call, lines), |(mut call, mut lines)| async move {
        loop {
            if let Some(data) = lines.next() {
                return Some((Ok::<_, Infallible>(Event::default().data(data)), (call, lines)));
            }
            let event = call.next().await?;
            lines.add(event);
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let mut answer = Sse::new(events).keep_alive(keep_alive).into_response();
    // Proxies that buffer would hold the answer back.
    answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(answer)
}

/// Turns events into the data of lines, from the one that says who speaks.
#[derive(Clone)]
pub struct Lines {
    id: String,
    created: i64,
    model: ModelId,
    usage_chunk: bool,
    ready: VecDeque<String>,
}

impl Lines {
    pub fn new(call: &Call, usage_chunk: bool) -> Self {
        let (id, created, model) = (completion_id(call), now(), call.model.clone());
        let mut lines = Self { id, created, model, usage_chunk, ready: VecDeque::new() };
        lines.push(json!({ "role": "assistant", "content": "" }), Value::Null);
        lines
    }

    pub fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    pub fn add(&mut self, event: CallEvent) {
        match event {
            CallEvent::Chat(ChatEvent::Text(text)) => self.push(json!({ "content": text }), Value::Null),
            CallEvent::Chat(ChatEvent::Reasoning(text)) => {
                self.push(json!({ "reasoning": text }), Value::Null)
            }
            CallEvent::Chat(ChatEvent::Refusal(text)) => self.push(json!({ "refusal": text }), Value::Null),
            CallEvent::Chat(ChatEvent::ToolCall { index, id, name, arguments }) => {
                let mut call = json!({ "index": index, "function": { "arguments": arguments } });
                // The piece with the name is the first.
                let made_up = || name.is_some().then(|| tool_call_id(&self.id, index));
                if let Some(id) = id.or_else(made_up) {
                    call["id"] = json!(id);
                    call["type"] = json!("function");
                }
                if let Some(name) = name {
                    call["function"]["name"] = json!(name);
                }
                self.push(json!({ "tool_calls": [call] }), Value::Null);
            }
            CallEvent::Chat(_) => {}
            CallEvent::Settled { settlement, finish, .. } => {
                self.push(json!({}), json!(finish.as_str()));
                if self.usage_chunk {
                    let chunk = self.chunk(json!([]), usage(&settlement));
                    self.ready.push_back(chunk.to_string());
                }
                self.ready.push_back("[DONE]".to_owned());
            }
            CallEvent::Failed { fault, .. } => {
                let choice = json!([{ "index": 0, "delta": {}, "finish_reason": "error" }]);
                let mut chunk = self.chunk(choice, Value::Null);
                chunk["error"] = openai_error(&fault)["error"].take();
                self.ready.push_back(chunk.to_string());
            }
        }
    }

    fn push(&mut self, delta: Value, finish: Value) {
        let choice = json!([{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }]);
        let chunk = self.chunk(choice, Value::Null);
        self.ready.push_back(chunk.to_string());
    }

    fn chunk(&self, choices: Value, usage: Value) -> Value {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices,
        });
        if self.usage_chunk {
            chunk["usage"] = usage;
        }
        chunk
    }
}
