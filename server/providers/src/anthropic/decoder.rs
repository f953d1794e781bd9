//! Answers of the Messages protocol, event by event or in one piece.

use marketplace::chat::{ChatEvent, Failure, FailureClass, Finish};

use super::{complaint, wire};
use crate::failure::{failure, malformed, truncated};
use crate::frame::Event;

#[derive(Debug, Default)]
pub struct Decoder {
    is_over: bool,
    usage: wire::Report,
    stop_reason: Option<String>,
    /// The content block that is the newest tool call.
    call_block: Option<u32>,
    calls: u32,
}

impl Decoder {
    /// What one event says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        let data = event.data.trim();
        // Some that imitate this protocol end with the marker of another.
        if self.is_over || data.is_empty() || data == "[DONE]" {
            return Vec::new();
        }
        match serde_json::from_str::<wire::Event>(data) {
            Ok(event) => self.take(event),
            Err(_) => {
                self.fail(malformed("an event is not JSON of the message event shape")).into_iter().collect()
            }
        }
    }

    /// What the end of the body says.
    pub fn finish(&mut self) -> Option<ChatEvent> {
        self.fail(truncated())
    }

    pub fn fail(&mut self, failure: Failure) -> Option<ChatEvent> {
        (!std::mem::replace(&mut self.is_over, true)).then_some(ChatEvent::Failed(failure))
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn take(&mut self, event: wire::Event) -> Vec<ChatEvent> {
        match event {
            wire::Event::MessageStart { message } => self.start(&message, wire::Report::of_input),
            wire::Event::ContentBlockStart { index, content_block } => {
                self.start_block(index, content_block).into_iter().collect()
            }
            wire::Event::ContentBlockDelta { index, delta } => self.grow(index, delta).into_iter().collect(),
            wire::Event::MessageDelta { delta, usage } => {
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                usage.map(|newer| self.report(newer)).into_iter().collect()
            }
            wire::Event::MessageStop => self.stop(),
            wire::Event::Error { error } => self.fail(complaint(None, &error)).into_iter().collect(),
            wire::Event::Other => Vec::new(),
        }
    }

    fn start(&mut self, message: &wire::Message, known: fn(wire::Report) -> wire::Report) -> Vec<ChatEvent> {
        let started =
            ChatEvent::Started { upstream_id: message.id.clone(), upstream_model: message.model.clone() };
        let usage = message.usage.map(|usage| self.report(known(usage)));
        // What was counted comes first, so that whoever hears of the beginning knows how long the prompt is.
        usage.into_iter().chain([started]).collect()
    }

    fn report(&mut self, newer: wire::Report) -> ChatEvent {
        self.usage = self.usage.updated(newer);
        ChatEvent::Usage(self.usage.usage())
    }

    fn start_block(&mut self, index: u32, block: wire::Block) -> Option<ChatEvent> {
        match block {
            wire::Block::Text { text } => (!text.is_empty()).then_some(ChatEvent::Text(text)),
            wire::Block::Thinking { thinking, .. } => {
                (!thinking.is_empty()).then_some(ChatEvent::Reasoning(thinking))
            }
            wire::Block::RedactedThinking { data } => Some(ChatEvent::Redacted(data)),
            wire::Block::ToolUse { id, name, .. } => {
                self.call_block = Some(index);
                self.calls += 1;
                Some(ChatEvent::ToolCall {
                    index: self.calls - 1,
                    id: Some(id),
                    name: Some(name),
                    arguments: String::new(),
                })
            }
            wire::Block::Other => None,
        }
    }

    fn grow(&mut self, index: u32, delta: wire::Delta) -> Option<ChatEvent> {
        match delta {
            wire::Delta::Text { text } => (!text.is_empty()).then_some(ChatEvent::Text(text)),
            wire::Delta::Thinking { thinking } => {
                (!thinking.is_empty()).then_some(ChatEvent::Reasoning(thinking))
            }
            wire::Delta::Signature { signature } => {
                (!signature.is_empty()).then_some(ChatEvent::Signature(signature))
            }
            wire::Delta::Input { partial_json } => {
                // Blocks come one after another; what belongs to no tool call of ours is a server tool's.
                let is_ours = self.call_block == Some(index) && !partial_json.is_empty();
                is_ours.then(|| ChatEvent::ToolCall {
                    index: self.calls - 1,
                    id: None,
                    name: None,
                    arguments: partial_json,
                })
            }
            wire::Delta::Other => None,
        }
    }

    fn stop(&mut self) -> Vec<ChatEvent> {
        let Some(native) = self.stop_reason.take() else {
            return self.fail(malformed("the answer stopped without a reason")).into_iter().collect();
        };
        let finish = match native.as_str() {
            "end_turn" | "stop_sequence" => Finish::Stop,
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "tool_use" => Finish::ToolCalls,
            "refusal" => Finish::ContentFilter,
            _ => Finish::Error,
        };
        let why = (finish == Finish::Error)
            .then(|| failure(FailureClass::MalformedStream, format!("the answer finished with {native:?}")));
        let failed = why.and_then(|failure| self.fail(failure));
        self.is_over = true;
        std::iter::once(ChatEvent::Finished { finish, native }).chain(failed).collect()
    }
}

/// Reads a message that came in one piece.
pub(super) fn whole(mut message: wire::Message) -> Result<Vec<ChatEvent>, Failure> {
    let mut decoder = Decoder { stop_reason: message.stop_reason.take(), ..Decoder::default() };
    let content = std::mem::take(&mut message.content);
    let mut events = decoder.start(&message, |usage| usage);
    for (index, mut block) in (0..).zip(content) {
        let rest = match &mut block {
            wire::Block::ToolUse { input, .. } if !input.is_null() => {
                Some(wire::Delta::Input { partial_json: input.to_string() })
            }
            wire::Block::Thinking { signature, .. } => {
                Some(wire::Delta::Signature { signature: std::mem::take(signature) })
            }
            _ => None,
        };
        events.extend(decoder.start_block(index, block));
        events.extend(rest.and_then(|rest| decoder.grow(index, rest)));
    }
    for event in decoder.stop() {
        if let ChatEvent::Failed(failure) = event {
            return Err(failure);
        }
        events.push(event);
    }
    Ok(events)
}
