//! A streamed answer in OpenAI's shape: `data:` chunks, the usage on request, `[DONE]`.

use std::collections::VecDeque;

use axum::response::sse::Event;
use engine::{Call, CallEvent, Serving};
use marketplace::chat::ChatEvent;
use serde_json::{Value, json};

use super::reply::{completion_id, now, tool_call_id, usage};
use crate::api::error::openai_error;
use crate::api::sale::{self, Line, with_served};

/// Turns events into the data of lines, from the one that says who speaks.
#[derive(Clone)]
pub struct Lines {
    id: String,
    created: i64,
    serving: Serving,
    usage_chunk: bool,
    has_begun: bool,
    ready: VecDeque<String>,
}

impl Lines {
    pub fn new(call: &Call, usage_chunk: bool) -> Self {
        let (id, created, serving) = (completion_id(call), now(), call.serving.clone());
        Self { id, created, serving, usage_chunk, has_begun: false, ready: VecDeque::new() }
    }

    /// The chunk that says who speaks. It is written when something has come, for until then that may change.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let delta = json!({ "role": "assistant", "content": "" });
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null, "logprobs": null }]);
        let chunk = with_served(self.chunk(choices, Value::Null), &self.serving.now());
        self.ready.push_back(chunk.to_string());
    }

    fn push(&mut self, delta: Value, finish: Value) {
        let choice = json!([{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }]);
        let chunk = self.chunk(choice, Value::Null);
        self.ready.push_back(chunk.to_string());
    }

    fn chunk(&self, choices: Value, usage: Value) -> Value {
        let served = self.serving.now();
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": served.model, "provider": served.provider_name, "choices": choices,
        });
        if self.usage_chunk {
            chunk["usage"] = usage;
        }
        chunk
    }
}

impl sale::Lines for Lines {
    fn keep_alive() -> Event {
        Event::default().comment("keep-alive")
    }

    fn next(&mut self) -> Option<Line> {
        self.ready.pop_front().map(|data| Line { name: None, data })
    }

    fn add(&mut self, event: CallEvent) {
        self.begin();
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
}
