//! Answers of the Messages protocol, event by event or in one piece.

use marketplace::chat::{ChatEvent, Finish};

use super::{complaint, wire};
use crate::failure::malformed;
use crate::reading::{Reader, finished};

#[derive(Debug, Default)]
pub struct Message {
    usage: wire::Report,
    stop_reason: Option<String>,
    /// The content block that is the newest tool call.
    call_block: Option<u32>,
    calls: u32,
}

impl Reader for Message {
    const SHAPE: &'static str = "message event";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(|event| self.take(event))
    }
}

impl Message {
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
            wire::Event::Error { error } => vec![ChatEvent::Failed(complaint(None, &error))],
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
            return vec![ChatEvent::Failed(malformed("the answer stopped without a reason"))];
        };
        let finish = match native.as_str() {
            "end_turn" | "stop_sequence" => Finish::Stop,
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "tool_use" => Finish::ToolCalls,
            "refusal" => Finish::ContentFilter,
            _ => Finish::Error,
        };
        finished(finish, native)
    }

    /// What a message says that came in one piece.
    pub(super) fn take_whole(&mut self, mut message: wire::Message) -> Vec<ChatEvent> {
        self.stop_reason = message.stop_reason.take();
        let content = std::mem::take(&mut message.content);
        let mut events = self.start(&message, |usage| usage);
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
            events.extend(self.start_block(index, block));
            events.extend(rest.and_then(|rest| self.grow(index, rest)));
        }
        events.extend(self.stop());
        events
    }
}
