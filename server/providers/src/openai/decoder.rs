//! Streamed answers of the OpenAI chat protocol, event by event.

use std::collections::BTreeMap;

use marketplace::chat::{CHOICES_MAX, ChatEvent, Failure, FailureClass, Finish};
use serde_json::Value;

use super::complaint::complaint;
use super::wire;
use crate::failure::{failure, malformed, truncated};
use crate::frame::Event;

#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    /// Each answer of which something came: one, unless several were asked for.
    choices: BTreeMap<u32, Spoken>,
}

/// What has to be known of one answer to read on in it.
#[derive(Debug, Default)]
struct Spoken {
    /// Index and id of the tool call spoken of last.
    last_call: Option<(u32, Option<String>)>,
    has_begun: bool,
    is_finished: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Answering,
    /// A reason for the end was given, of each answer; usage may follow.
    Finished,
    /// Finished and `[DONE]`.
    Over,
    Failed,
}

impl Decoder {
    /// What one event says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        let data = event.data.trim();
        if self.is_over() || data.is_empty() {
            return Vec::new();
        }
        if data == "[DONE]" {
            // Said after a finish it ends the answer; said before, it proves nothing.
            if self.state == State::Finished {
                self.state = State::Over;
            }
            return Vec::new();
        }
        if event.name.as_deref() == Some("error") {
            let body = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
            return self.fail(complaint(None, &body)).into_iter().collect();
        }
        match serde_json::from_str::<wire::Chunk>(data) {
            Ok(chunk) if chunk.object.as_deref() == Some("error") => {
                let body = serde_json::from_str(data).unwrap_or_default();
                self.fail(complaint(None, &body)).into_iter().collect()
            }
            Ok(chunk) => self.take(chunk),
            Err(_) => {
                let failure = malformed("an event is not JSON of the chat completion shape");
                self.fail(failure).into_iter().collect()
            }
        }
    }

    /// What the end of the body says.
    pub fn finish(&mut self) -> Option<ChatEvent> {
        self.fail(truncated())
    }

    pub fn fail(&mut self, failure: Failure) -> Option<ChatEvent> {
        if matches!(self.state, State::Finished | State::Over | State::Failed) {
            return None;
        }
        self.state = State::Failed;
        Some(ChatEvent::Failed(failure))
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over | State::Failed)
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Finished | State::Over)
    }

    pub(super) fn take(&mut self, chunk: wire::Chunk) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        let choices = chunk.choices.unwrap_or_default();
        let error = chunk.error.as_ref().or(chunk.x_groq.as_ref().and_then(|groq| groq.error.as_ref()));
        let failure = error.map(|error| complaint(chunk.status_code, error));
        if self.state == State::Waiting && !(failure.is_some() && choices.is_empty()) {
            self.state = State::Answering;
            events.push(ChatEvent::Started {
                upstream_id: chunk.id.filter(|id| !id.is_empty()),
                upstream_model: chunk.model.filter(|model| !model.is_empty()),
            });
        }
        let mut reasons = Vec::new();
        // More are never asked for, so any other is not ours.
        for choice in choices.into_iter().filter(|choice| u64::from(choice.index) < CHOICES_MAX) {
            let (index, mut said) = (choice.index, Vec::new());
            // How likely words were is told before them.
            said.extend(choice.logprobs.filter(|logprobs| !logprobs.is_null()).map(ChatEvent::Logprobs));
            let spoken = self.choices.entry(index).or_default();
            spoken.take_delta(choice.delta.unwrap_or_default(), &mut said);
            said.extend(choice.text.filter(|text| !text.is_empty()).map(ChatEvent::Text));
            spoken.has_begun |= !said.is_empty();
            events.extend(said.into_iter().map(|event| event.in_choice(index)));
            reasons.extend(choice.finish_reason.map(|reason| (index, reason)));
        }
        if self.state == State::Finished && !self.is_finished() {
            // Some vendors write one answer after the other.
            self.state = State::Answering;
        }
        let report = chunk.usage.or(chunk.x_groq.and_then(|groq| groq.usage));
        events.extend(report.and_then(|report| report.usage()).map(ChatEvent::Usage));
        for (index, native) in reasons {
            self.take_finish(index, native, failure.clone(), &mut events);
        }
        if let Some(failure) = failure.filter(|_| self.state != State::Failed) {
            // An error after a finish spoils what seemed complete.
            self.state = State::Failed;
            events.push(ChatEvent::Failed(failure));
        }
        events
    }

    /// Whether there is a first answer and none was left unfinished.
    fn is_finished(&self) -> bool {
        let is_over = |spoken: &Spoken| spoken.is_finished || !spoken.has_begun;
        self.choices.get(&0).is_some_and(|first| first.is_finished) && self.choices.values().all(is_over)
    }

    fn take_finish(
        &mut self,
        index: u32,
        native: String,
        told: Option<Failure>,
        events: &mut Vec<ChatEvent>,
    ) {
        let spoken = self.choices.entry(index).or_default();
        if self.state == State::Failed || std::mem::replace(&mut spoken.is_finished, true) {
            return;
        }
        let finish = match native.as_str() {
            "stop" | "eos" => Finish::Stop,
            "length" => Finish::Length,
            "tool_calls" | "function_call" => Finish::ToolCalls,
            "content_filter" => Finish::ContentFilter,
            _ => Finish::Error,
        };
        if self.is_finished() {
            self.state = State::Finished;
        }
        let why = (finish == Finish::Error).then(|| told.unwrap_or_else(|| failed_finish(&native)));
        events.push(ChatEvent::Finished { finish, native }.in_choice(index));
        if let Some(failure) = why {
            self.state = State::Failed;
            events.push(ChatEvent::Failed(failure));
        }
    }
}

impl Spoken {
    fn take_delta(&mut self, delta: wire::Delta, events: &mut Vec<ChatEvent>) {
        let thought = delta.reasoning_content.filter(|text| !text.is_empty()).or(delta.reasoning);
        events.extend(thought.filter(|text| !text.is_empty()).map(ChatEvent::Reasoning));
        if let Some(written) = delta.content {
            take_written(written, ChatEvent::Text, events);
        }
        events.extend(delta.refusal.filter(|text| !text.is_empty()).map(ChatEvent::Refusal));
        for call in delta.tool_calls.unwrap_or_default() {
            events.push(self.tool_call(call));
        }
        if let Some(function) = delta.function_call {
            events.push(self.tool_call(wire::Call { index: None, id: None, function: Some(function) }));
        }
    }

    fn tool_call(&mut self, call: wire::Call) -> ChatEvent {
        let id = call.id.filter(|id| !id.is_empty());
        let index = call.index.unwrap_or_else(|| match &self.last_call {
            None => 0,
            Some((last, last_id)) if id.is_none() || id == *last_id => *last,
            Some((last, _)) => last.saturating_add(1),
        });
        let known_id = match self.last_call.take() {
            Some((last, last_id)) if last == index => last_id,
            _ => None,
        };
        self.last_call = Some((index, id.clone().or(known_id)));
        let function = call.function.unwrap_or_default();
        let arguments = match function.arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(object) => object.to_string(),
        };
        ChatEvent::ToolCall { index, id, name: function.name.filter(|name| !name.is_empty()), arguments }
    }
}

fn take_written(written: wire::Written, event: fn(String) -> ChatEvent, events: &mut Vec<ChatEvent>) {
    match written {
        wire::Written::Text(text) if text.is_empty() => {}
        wire::Written::Text(text) => events.push(event(text)),
        wire::Written::Parts(parts) => {
            for part in parts {
                match part {
                    wire::Part::Text { text } => take_written(wire::Written::Text(text), event, events),
                    wire::Part::Thinking { thinking } => take_written(thinking, ChatEvent::Reasoning, events),
                    wire::Part::Other => {}
                }
            }
        }
    }
}

fn failed_finish(native: &str) -> Failure {
    let class = match native {
        "insufficient_system_resource" => FailureClass::Overloaded,
        "error" => FailureClass::ServerError,
        _ => FailureClass::MalformedStream,
    };
    failure(class, format!("the answer finished with {native:?}"))
}
