//! The course of a response: events become typed, numbered lines, and at any time the response as it stands.

use std::collections::VecDeque;

use engine::{Call, Serving};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::fault::Fault;
use marketplace::receipt::Settlement;
use serde_json::{Map, Value, json};

use super::item::{Item, Kind};
use crate::api::chat::reply::{now, of_google, tool_call_id};
use crate::api::error::openai_error;
use crate::api::sale::{Line, with_cost, with_served};

#[derive(Clone, Debug)]
pub struct Course {
    id: String,
    created: i64,
    serving: Serving,
    /// What the response repeats of its request.
    told: Map<String, Value>,
    items: Vec<Item>,
    has_begun: bool,
    number: u64,
    ready: VecDeque<Line>,
}

impl Course {
    pub fn new(call: &Call, told: Map<String, Value>) -> Self {
        let id = format!("resp_{}", call.id.0.simple());
        Self {
            id,
            created: now(),
            serving: call.serving.clone(),
            told,
            items: Vec::new(),
            has_begun: false,
            number: 0,
            ready: VecDeque::new(),
        }
    }

    pub fn next_line(&mut self) -> Option<Line> {
        self.ready.pop_front()
    }

    /// Of a response in one piece nobody reads the lines.
    pub fn forget_lines(&mut self) {
        self.ready.clear();
    }

    pub fn hear(&mut self, event: ChatEvent) {
        self.begin();
        match event {
            ChatEvent::Text(piece) => self.grow(Kind::Text, &piece),
            ChatEvent::Reasoning(piece) => self.grow(Kind::Reasoning, &piece),
            ChatEvent::Refusal(piece) => self.grow(Kind::Refusal, &piece),
            ChatEvent::ToolCall { index, id, name, arguments } => self.call(index, id, name, &arguments),
            ChatEvent::CallSignature { index, signature } => {
                let call = self.items.iter_mut().find(|item| item.kind == Kind::Call(index));
                if let Some(call) = call {
                    call.seal = Some(of_google(&signature));
                }
            }
            ChatEvent::Started { .. }
            | ChatEvent::Signature(_)
            | ChatEvent::Redacted(_)
            | ChatEvent::Logprobs(_)
            | ChatEvent::Choice { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Finished { .. }
            | ChatEvent::Failed(_) => {}
        }
    }

    /// Ends what was said. Calls are ended last, for their pieces may come mixed.
    pub fn close(&mut self, finish: Finish) {
        self.begin();
        let status = if is_cut(finish) { "incomplete" } else { "completed" };
        for place in 0..self.items.len() {
            self.end_item(place, status);
        }
    }

    pub fn end(&mut self, settlement: &Settlement, finish: Finish) {
        self.close(finish);
        let name = if is_cut(finish) { "response.incomplete" } else { "response.completed" };
        let response = self.outcome(settlement, finish);
        self.push(name, json!({ "response": response }));
    }

    pub fn fail(&mut self, fault: &Fault, settlement: Option<&Settlement>) {
        self.begin();
        let error = openai_error(fault)["error"].take();
        let (code, message) = (&error["code"], &error["message"]);
        self.push("error", json!({ "code": code, "message": message, "param": error["param"] }));
        let mut response = self.response("failed", settlement);
        response["error"] = json!({ "code": code, "message": message, "metadata": error["metadata"] });
        self.push("response.failed", json!({ "response": response }));
    }

    /// The response as its last event and a plain answer have it.
    pub fn outcome(&self, settlement: &Settlement, finish: Finish) -> Value {
        let reason = match finish {
            Finish::Length => Some("max_output_tokens"),
            Finish::ContentFilter => Some("content_filter"),
            Finish::Stop | Finish::ToolCalls | Finish::Error => None,
        };
        let status = if reason.is_some() { "incomplete" } else { "completed" };
        let mut response = self.response(status, Some(settlement));
        response["incomplete_details"] = reason.map_or(Value::Null, |reason| json!({ "reason": reason }));
        response
    }

    /// The two events that say who answers, once that is certain.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        for name in ["response.created", "response.in_progress"] {
            let response = self.response("in_progress", None);
            self.push(name, json!({ "response": response }));
        }
    }

    fn response(&self, status: &str, settlement: Option<&Settlement>) -> Value {
        let served = self.serving.now();
        let items: Vec<Value> = match status {
            "in_progress" => Vec::new(),
            "completed" => self.items.iter().map(|item| item.told("completed")).collect(),
            _ => self.items.iter().map(|item| item.told("incomplete")).collect(),
        };
        let mut response = Value::Object(self.told.clone());
        let own = json!({
            "id": self.id, "object": "response", "created_at": self.created, "status": status, "error": null,
            "incomplete_details": null, "model": served.model, "output": items, "previous_response_id": null,
            "store": false, "background": false, "truncation": "disabled",
            "usage": settlement.map(usage),
        });
        if let (Some(response), Value::Object(own)) = (response.as_object_mut(), own) {
            response.extend(own);
        }
        with_served(response, &served)
    }

    fn grow(&mut self, kind: Kind, piece: &str) {
        let place = match self.items.last() {
            Some(last) if last.kind == kind && !last.is_done => self.items.len() - 1,
            _ => self.open(kind, |_| {}),
        };
        self.say(place, piece);
    }

    fn call(&mut self, index: u32, id: Option<String>, name: Option<String>, arguments: &str) {
        let known = self.items.iter().position(|item| item.kind == Kind::Call(index) && !item.is_done);
        let place = known.unwrap_or_else(|| {
            let id = id.unwrap_or_else(|| tool_call_id(&self.id, 0, index));
            self.open(Kind::Call(index), |call| {
                (call.call_id, call.name) = (id, name.unwrap_or_default());
            })
        });
        if !arguments.is_empty() {
            self.say(place, arguments);
        }
    }

    /// Begins an item. Whatever is not a call is then over.
    fn open(&mut self, kind: Kind, fill: impl FnOnce(&mut Item)) -> usize {
        for place in 0..self.items.len() {
            if !matches!(self.items[place].kind, Kind::Call(_)) {
                self.end_item(place, "completed");
            }
        }
        let place = self.items.len();
        let mut item = Item::new(kind, &self.id, place);
        fill(&mut item);
        let (id, part, told) = (item.id.clone(), item.part(), item.told("in_progress"));
        self.items.push(item);
        self.push("response.output_item.added", json!({ "output_index": place, "item": told }));
        if let Some(part) = part {
            let added = json!({ "item_id": id, "output_index": place, "content_index": 0, "part": part });
            self.push("response.content_part.added", added);
        }
        place
    }

    fn say(&mut self, place: usize, piece: &str) {
        let Some(item) = self.items.get_mut(place) else { return };
        item.text.push_str(piece);
        let (name, _) = item.events();
        let mut delta = json!({ "item_id": item.id, "output_index": place, "delta": piece });
        add_place(&mut delta, item.kind);
        self.push(name, delta);
    }

    fn end_item(&mut self, place: usize, status: &str) {
        let Some(item) = self.items.get_mut(place).filter(|item| !item.is_done) else { return };
        item.is_done = true;
        let (_, name) = item.events();
        let mut done = json!({ "item_id": item.id, "output_index": place });
        done[item.field()] = json!(item.text);
        add_place(&mut done, item.kind);
        if matches!(item.kind, Kind::Call(_)) {
            done["name"] = json!(item.name);
        }
        let (id, part, told) = (item.id.clone(), item.part(), item.told(status));
        self.push(name, done);
        if let Some(part) = part {
            let over = json!({ "item_id": id, "output_index": place, "content_index": 0, "part": part });
            self.push("response.content_part.done", over);
        }
        self.push("response.output_item.done", json!({ "output_index": place, "item": told }));
    }

    fn push(&mut self, name: &'static str, mut event: Value) {
        event["type"] = json!(name);
        event["sequence_number"] = json!(self.number);
        self.number += 1;
        self.ready.push_back(Line { name: Some(name), data: event.to_string() });
    }
}

fn is_cut(finish: Finish) -> bool {
    matches!(finish, Finish::Length | Finish::ContentFilter)
}

/// Where a piece stands within its item; a call has no parts.
fn add_place(event: &mut Value, kind: Kind) {
    if !matches!(kind, Kind::Call(_)) {
        event["content_index"] = json!(0);
    }
    if kind == Kind::Text {
        event["logprobs"] = json!([]);
    }
}

fn usage(settlement: &Settlement) -> Value {
    let tokens = &settlement.usage;
    let counted = json!({
        "input_tokens": tokens.input_total(),
        "input_tokens_details": {
            "cached_tokens": tokens.cached_input, "cache_write_tokens": tokens.cache_write + tokens.cache_write_1h,
        },
        "output_tokens": tokens.output_total(),
        "output_tokens_details": { "reasoning_tokens": tokens.reasoning },
        "total_tokens": tokens.input_total() + tokens.output_total(),
    });
    with_cost(counted, settlement)
}
