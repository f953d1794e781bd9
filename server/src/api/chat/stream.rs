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
use serde_json::{Value, json};

use super::reply::{completion_id, now, usage};
use crate::api::ApiError;
use crate::api::error::openai_error;

const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Waits for the first event, so that a refusal is an ordinary status, then streams the rest.
pub async fn begin(mut call: Call, usage_chunk: bool) -> Result<Response, ApiError> {
    let first = match call.next().await {
        Some(CallEvent::Failed { fault, .. }) => return Err(ApiError::openai(fault)),
        first => first,
    };
    let mut chunks = Chunks::new(call, usage_chunk);
    chunks.push(json!({ "role": "assistant", "content": "" }), Value::Null);
    if let Some(event) = first {
        chunks.add(event);
    }
    let events = stream::unfold(chunks, |mut chunks| async move {
        let data = chunks.next().await?;
        Some((Ok::<_, Infallible>(Event::default().data(data)), chunks))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let mut answer = Sse::new(events).keep_alive(keep_alive).into_response();
    // Proxies that buffer would hold the answer back.
    answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(answer)
}

/// Turns events into lines. Dropping it, when the client hangs up, drops the call and so stops it.
struct Chunks {
    call: Call,
    id: String,
    created: i64,
    usage_chunk: bool,
    ready: VecDeque<String>,
}

impl Chunks {
    fn new(call: Call, usage_chunk: bool) -> Self {
        Self { id: completion_id(&call), created: now(), usage_chunk, ready: VecDeque::new(), call }
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            let event = self.call.next().await?;
            self.add(event);
        }
    }

    fn add(&mut self, event: CallEvent) {
        match event {
            CallEvent::Chat(ChatEvent::Text(text)) => self.push(json!({ "content": text }), Value::Null),
            CallEvent::Chat(ChatEvent::Reasoning(text)) => {
                self.push(json!({ "reasoning": text }), Value::Null)
            }
            CallEvent::Chat(ChatEvent::Refusal(text)) => self.push(json!({ "refusal": text }), Value::Null),
            CallEvent::Chat(ChatEvent::ToolCall { index, id, name, arguments }) => {
                let mut call = json!({ "index": index, "function": { "arguments": arguments } });
                if let Some(id) = id {
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
            "model": self.call.model, "choices": choices,
        });
        if self.usage_chunk {
            chunk["usage"] = usage;
        }
        chunk
    }
}
