//! A streamed answer in Anthropic's shape: named events, block by block, the usage before the last one.

use std::collections::VecDeque;

use axum::response::sse::Event;
use engine::{Call, CallEvent, Serving};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::id::ModelId;
use marketplace::receipt::Settlement;
use marketplace::usage::Usage;
use serde_json::{Value, json};

use super::ending::{Course, first_usage, usage};
use super::reply::{call_id, message_id};
use crate::api::error::anthropic_error;
use crate::api::sale::{self, Line, with_served};

/// Turns events into lines. What was asked and how long the prompt is come first.
#[derive(Clone)]
pub struct Lines {
    id: String,
    model: ModelId,
    serving: Option<Serving>,
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
        let lines = Self::of(message_id(call), call.model.clone(), call.quote.input_tokens, stops);
        Self { serving: Some(call.serving.clone()), ..lines }
    }

    fn of(id: String, model: ModelId, estimate: u64, stops: Vec<String>) -> Self {
        Self {
            id,
            model,
            serving: None,
            estimate,
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
        let served = self.serving.as_ref().map(Serving::now);
        let model = served.as_ref().map_or(&self.model, |served| &served.model);
        let message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": first_usage(self.counted, self.estimate),
        });
        let message = match &served {
            Some(served) => with_served(message, served),
            None => message,
        };
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
            ChatEvent::Redacted(data) => {
                self.close();
                self.open(Kind::Thinking, json!({ "type": "redacted_thinking", "data": data }));
                self.close();
            }
            ChatEvent::ToolCall { index, id, name, arguments } => {
                self.course.has_calls = true;
                let place = self.call(index, id, name);
                if !arguments.is_empty() {
                    self.grow(place, json!({ "type": "input_json_delta", "partial_json": arguments }));
                }
            }
            // A block of this shape has no place for it.
            ChatEvent::CallSignature { .. }
            | ChatEvent::Started { .. }
            | ChatEvent::Logprobs(_)
            | ChatEvent::Choice { .. }
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

#[cfg(test)]
mod tests {
    use marketplace::fault::{Code, Fault};
    use marketplace::money::Nanos;

    use super::*;
    use crate::api::sale::Lines as _;

    /// The lines of an answer, each as its name and its data, checked to agree.
    fn said(events: Vec<ChatEvent>) -> Vec<Value> {
        let mut lines = Lines::of("msg_1".to_owned(), ModelId::parse("a/b").unwrap(), 7, Vec::new());
        let fault = Fault::new(Code::ProviderOverloaded, "Too much");
        let failed = CallEvent::Failed { fault, released: Nanos::ZERO, settlement: None };
        events.into_iter().map(CallEvent::Chat).chain([failed]).for_each(|event| lines.add(event));
        let line = |line: Line| {
            let data: Value = serde_json::from_str(&line.data).unwrap();
            assert_eq!(line.name, data["type"].as_str());
            data
        };
        std::iter::from_fn(move || lines.next()).map(line).collect()
    }

    fn piece(index: u32, name: Option<&str>, arguments: &str) -> ChatEvent {
        let (id, name) = (name.map(|name| format!("id of {name}")), name.map(str::to_owned));
        ChatEvent::ToolCall { index, id, name, arguments: arguments.to_owned() }
    }

    /// Each event as its kind and its place.
    fn outline(said: &[Value]) -> Vec<(&str, Option<u64>)> {
        said.iter().map(|event| (event["type"].as_str().unwrap(), event["index"].as_u64())).collect()
    }

    #[test]
    fn each_kind_of_content_is_a_block_of_its_own() {
        let said = said(vec![
            ChatEvent::Started { upstream_id: None, upstream_model: None },
            ChatEvent::Reasoning("Hm".to_owned()),
            ChatEvent::Reasoning("m.".to_owned()),
            ChatEvent::Signature("c2ln".to_owned()),
            ChatEvent::Redacted("b3BhcXVl".to_owned()),
            ChatEvent::Text("I'll".to_owned()),
            ChatEvent::Text(" look.".to_owned()),
            piece(0, Some("f"), ""),
            piece(0, None, "{}"),
        ]);
        let expected = [
            ("message_start", None),
            ("content_block_start", Some(0)),
            ("content_block_delta", Some(0)),
            ("content_block_delta", Some(0)),
            ("content_block_delta", Some(0)),
            ("content_block_stop", Some(0)),
            ("content_block_start", Some(1)),
            ("content_block_stop", Some(1)),
            ("content_block_start", Some(2)),
            ("content_block_delta", Some(2)),
            ("content_block_delta", Some(2)),
            ("content_block_stop", Some(2)),
            ("content_block_start", Some(3)),
            ("content_block_delta", Some(3)),
            ("error", None),
        ];
        assert_eq!(outline(&said), expected);
        assert_eq!(said[0]["message"]["usage"]["input_tokens"], 7);
        assert_eq!(said[4]["delta"], json!({ "type": "signature_delta", "signature": "c2ln" }));
        let call = json!({ "type": "tool_use", "id": "id of f", "name": "f", "input": {} });
        assert_eq!(said[12]["content_block"], call);
        assert_eq!(said[14]["error"]["type"], "overloaded_error");
    }

    #[test]
    fn a_piece_of_an_earlier_call_goes_to_its_place() {
        let said = said(vec![
            piece(0, Some("f"), "{"),
            piece(1, Some("g"), "{"),
            piece(0, None, "}"),
            piece(1, None, "}"),
        ]);
        let places: Vec<u64> = said
            .iter()
            .filter(|event| event["type"] == "content_block_delta")
            .filter_map(|event| event["index"].as_u64())
            .collect();
        assert_eq!(places, [0, 1, 0, 1]);
    }

    #[test]
    fn what_the_vendor_counted_is_told_at_the_beginning() {
        let counted = Usage { input_tokens: Some(40), cached_input_tokens: Some(30), ..Usage::default() };
        let said = said(vec![
            ChatEvent::Usage(counted),
            ChatEvent::Started { upstream_id: None, upstream_model: None },
        ]);
        let usage = &said[0]["message"]["usage"];
        assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(10), &json!(30)));
    }
}
