//! A streamed answer in Anthropic's shape: named events, block by block, the usage before the last one.

use std::collections::VecDeque;

use axum::response::sse::Event;
use engine::{Call, CallEvent};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::id::ModelId;
use marketplace::receipt::Settlement;
use marketplace::usage::Usage;
use serde_json::{Value, json};

use super::ending::{Course, first_usage, usage};
use super::reply::{call_id, message_id};
use crate::api::error::anthropic_error;
use crate::api::sale::{self, Line};

/// Turns events into lines. What was asked and how long the prompt is come first.
#[derive(Clone)]
pub struct Lines {
    id: String,
    model: ModelId,
    estimate: u64,
    counted: Option<Usage>,
    has_begun: bool,
    blocks: Blocks,
    course: Course,
    ready: VecDeque<Line>,
}

/// The blocks of an answer, which clients know by their place.
#[derive(Clone, Debug, Default)]
struct Blocks {
    count: usize,
    open: Option<Kind>,
    /// The place of each tool call, by the vendor's number.
    calls: Vec<(u32, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Call(u32),
}

impl Lines {
    pub fn new(call: &Call, stops: Vec<String>) -> Self {
        Self {
            id: message_id(call),
            model: call.model.clone(),
            estimate: call.quote.input_tokens,
            counted: None,
            has_begun: false,
            blocks: Blocks::default(),
            course: Course { stops, ..Course::default() },
            ready: VecDeque::new(),
        }
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": first_usage(self.counted, self.estimate),
        });
        self.push("message_start", json!({ "message": message }));
    }

    fn hear(&mut self, event: ChatEvent) {
        if let ChatEvent::Usage(usage) = event {
            self.counted = Some(usage);
            return;
        }
        self.begin();
        match event {
            ChatEvent::Text(text) => self.say(&text),
            ChatEvent::Refusal(text) => {
                self.course.is_refusal = true;
                self.say(&text);
            }
            ChatEvent::Reasoning(text) => {
                self.think(json!({ "type": "thinking_delta", "thinking": text }));
            }
            ChatEvent::Signature(seal) => {
                self.think(json!({ "type": "signature_delta", "signature": seal }));
                // What is sealed is over.
                self.close();
            }
            ChatEvent::ToolCall { index, id, name, arguments } => {
                self.course.has_calls = true;
                let place = self.call(index, id, name);
                if !arguments.is_empty() {
                    self.grow(place, json!({ "type": "input_json_delta", "partial_json": arguments }));
                }
            }
            ChatEvent::Started { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Finished { .. }
            | ChatEvent::Failed(_) => {}
        }
    }

    fn say(&mut self, text: &str) {
        let place = self.open(Kind::Text, json!({ "type": "text", "text": "" }));
        self.grow(place, json!({ "type": "text_delta", "text": text }));
    }

    fn think(&mut self, delta: Value) {
        let place = self.open(Kind::Thinking, json!({ "type": "thinking", "thinking": "", "signature": "" }));
        self.grow(place, delta);
    }

    /// The place of a call. One that was closed already stays where it is: its pieces are joined by place.
    fn call(&mut self, index: u32, id: Option<String>, name: Option<String>) -> usize {
        if let Some((_, place)) = self.blocks.calls.iter().find(|(known, _)| *known == index) {
            return *place;
        }
        let (id, name) = (call_id(id.unwrap_or_default(), &self.id, index), name.unwrap_or_default());
        let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
        let place = self.open(Kind::Call(index), block);
        self.blocks.calls.push((index, place));
        place
    }

    /// The place of the open block of this kind; another kind is closed before.
    fn open(&mut self, kind: Kind, block: Value) -> usize {
        if self.blocks.open != Some(kind) {
            self.close();
            self.push("content_block_start", json!({ "index": self.blocks.count, "content_block": block }));
            self.blocks.open = Some(kind);
            self.blocks.count += 1;
        }
        self.blocks.count - 1
    }

    fn grow(&mut self, place: usize, delta: Value) {
        self.push("content_block_delta", json!({ "index": place, "delta": delta }));
    }

    fn close(&mut self) {
        if self.blocks.open.take().is_some() {
            self.push("content_block_stop", json!({ "index": self.blocks.count - 1 }));
        }
    }

    fn end(&mut self, settlement: &Settlement, finish: Finish, native: &str) {
        self.begin();
        self.close();
        let (reason, sequence) = self.course.stop(finish, native);
        let delta = json!({ "stop_reason": reason, "stop_sequence": sequence });
        self.push("message_delta", json!({ "delta": delta, "usage": usage(settlement) }));
        self.push("message_stop", json!({}));
    }

    fn push(&mut self, name: &'static str, mut data: Value) {
        data["type"] = json!(name);
        self.ready.push_back(Line { name: Some(name), data: data.to_string() });
    }
}

impl sale::Lines for Lines {
    fn keep_alive() -> Event {
        Event::default().event("ping").data(json!({ "type": "ping" }).to_string())
    }

    fn add(&mut self, event: CallEvent) {
        match event {
            CallEvent::Chat(event) => self.hear(event),
            CallEvent::Settled { settlement, finish, native } => self.end(&settlement, finish, &native),
            CallEvent::Failed { fault, .. } => self.push("error", anthropic_error(&fault)),
        }
    }

    fn next(&mut self) -> Option<Line> {
        self.ready.pop_front()
    }
}
