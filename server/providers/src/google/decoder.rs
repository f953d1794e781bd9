//! Answers of the generateContent protocol, event by event or in one piece.

use marketplace::chat::{ChatEvent, Failure, FailureClass, Finish};

use super::{complaint, wire};
use crate::failure::{failure, malformed, truncated};
use crate::frame::Event;

#[derive(Debug, Default)]
pub struct Decoder {
    has_begun: bool,
    is_over: bool,
    calls: u32,
    /// The newest reason for the end. Some models give one in every event, so only the end of the body is the end.
    reason: Option<String>,
}

impl Decoder {
    /// What one event says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        let data = event.data.trim();
        if self.is_over || data.is_empty() || data == "[DONE]" {
            return Vec::new();
        }
        match serde_json::from_str(data) {
            Ok(reply) => self.take(reply),
            Err(_) => self.spoil(malformed("an event is not JSON of the generateContent shape")),
        }
    }

    /// What the end of the body says.
    pub fn finish(&mut self) -> Option<ChatEvent> {
        self.fail(truncated())
    }

    /// Once a reason for the end was given, nothing from outside spoils the answer any more.
    pub fn fail(&mut self, failure: Failure) -> Option<ChatEvent> {
        if std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        Some(match self.reason.take() {
            Some(native) => ChatEvent::Finished { finish: self.finish_of(&native), native },
            None => ChatEvent::Failed(failure),
        })
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn take(&mut self, reply: wire::Reply) -> Vec<ChatEvent> {
        if self.is_over {
            return Vec::new();
        }
        if let Some(error) = reply.error {
            return self.spoil(complaint(None, &error));
        }
        let mut events = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            events.push(ChatEvent::Started {
                upstream_id: reply.response_id,
                upstream_model: reply.model_version,
            });
        }
        let candidates = reply.candidates.unwrap_or_default();
        // A prompt that is refused has no candidates.
        let blocked = reply.prompt_feedback.and_then(|feedback| feedback.block_reason);
        if let Some(why) = blocked.filter(|_| candidates.is_empty()) {
            self.reason = Some(format!("{BLOCKED_PROMPT}{why}"));
        }
        // More than one candidate is never asked for, so any other is not ours.
        for candidate in candidates.into_iter().filter(|candidate| candidate.index == 0) {
            let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
            events.extend(parts.into_iter().filter_map(|part| self.part(part)));
            self.reason = candidate.finish_reason.or(self.reason.take());
        }
        let usage = reply.usage_metadata.and_then(|report| report.usage());
        events.extend(usage.map(ChatEvent::Usage));
        if let Some(native) = self.reason.take_if(|native| finish_of(native) == Finish::Error) {
            let failure = failure(class_of(&native), format!("the answer finished with {native:?}"));
            events.push(ChatEvent::Finished { finish: Finish::Error, native });
            events.extend(self.spoil(failure));
        }
        events
    }

    fn part(&mut self, part: wire::Part) -> Option<ChatEvent> {
        if let Some(call) = part.function_call {
            self.calls += 1;
            return Some(ChatEvent::ToolCall {
                index: self.calls - 1,
                id: call.id.filter(|id| !id.is_empty()),
                name: Some(call.name),
                arguments: call.args.map_or_else(String::new, |args| args.to_string()),
            });
        }
        let text = part.text.filter(|text| !text.is_empty())?;
        Some(if part.thought { ChatEvent::Reasoning(text) } else { ChatEvent::Text(text) })
    }

    /// An answer that calls functions gives no reason of its own for it.
    fn finish_of(&self, native: &str) -> Finish {
        match finish_of(native) {
            Finish::Stop if self.calls > 0 => Finish::ToolCalls,
            finish => finish,
        }
    }

    /// Ends the answer with a failure from within, which also spoils one that seemed complete.
    fn spoil(&mut self, failure: Failure) -> Vec<ChatEvent> {
        self.reason = None;
        self.fail(failure).into_iter().collect()
    }
}

/// Stands before the reason why a prompt was refused.
const BLOCKED_PROMPT: &str = "PROMPT:";

fn finish_of(native: &str) -> Finish {
    match native {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR" => Finish::ContentFilter,
        blocked if blocked.starts_with(BLOCKED_PROMPT) => Finish::ContentFilter,
        _ => Finish::Error,
    }
}

/// What went wrong with an answer that finished for a bad reason.
fn class_of(native: &str) -> FailureClass {
    match native {
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" | "MALFORMED_RESPONSE" => {
            FailureClass::ModelOutput
        }
        "OTHER" => FailureClass::ServerError,
        _ => FailureClass::MalformedStream,
    }
}
