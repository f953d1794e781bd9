//! Answers of the generateContent protocol, event by event or in one piece.

use std::collections::BTreeMap;

use marketplace::chat::{CHOICES_MAX, ChatEvent, Failure, FailureClass, Finish};

use super::{complaint, likelihood, wire};
use crate::failure::failure;
use crate::reading::Reader;

#[derive(Debug, Default)]
pub struct Content {
    has_begun: bool,
    /// Each answer of which something came: one, unless several were asked for.
    candidates: BTreeMap<u32, Candidate>,
}

/// What has to be known of one answer to read on in it.
#[derive(Debug, Default)]
struct Candidate {
    calls: u32,
    /// The newest reason for the end. Some models give one in every event, so only the end of the body is the end.
    reason: Option<String>,
}

impl Reader for Content {
    const SHAPE: &'static str = "generateContent";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(|reply| self.take(reply))
    }

    /// Once a reason for the end was given, nothing from outside spoils the answer any more.
    fn end(&mut self, failure: Failure) -> ChatEvent {
        let is_cut_off = self.candidates.values().any(|candidate| candidate.reason.is_none());
        let first = self.candidates.get(&0).filter(|_| !is_cut_off);
        first.and_then(Candidate::finished).unwrap_or(ChatEvent::Failed(failure))
    }
}

impl Content {
    pub(super) fn take(&mut self, reply: wire::Reply) -> Vec<ChatEvent> {
        if let Some(error) = reply.error {
            return vec![ChatEvent::Failed(complaint(None, &error))];
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
            self.candidates.entry(0).or_default().reason = Some(format!("{BLOCKED_PROMPT}{why}"));
        }
        // More are never asked for, so any other is not ours.
        for candidate in candidates.into_iter().filter(|candidate| u64::from(candidate.index) < CHOICES_MAX) {
            let index = candidate.index;
            let said = self.candidates.entry(index).or_default().take(candidate);
            events.extend(said.into_iter().map(|event| event.in_choice(index)));
        }
        let usage = reply.usage_metadata.and_then(|report| report.usage());
        events.extend(usage.map(ChatEvent::Usage));
        let failed = self.candidates.iter_mut().find_map(|(index, candidate)| {
            Some((*index, candidate.reason.take_if(|native| finish_of(native) == Finish::Error)?))
        });
        if let Some((index, native)) = failed {
            let failure = failure(class_of(&native), format!("the answer finished with {native:?}"));
            events.push(ChatEvent::Finished { finish: Finish::Error, native }.in_choice(index));
            events.push(ChatEvent::Failed(failure));
        }
        events
    }
}

impl Candidate {
    /// What is new of it. The end of the first is told at the end of all.
    fn take(&mut self, candidate: wire::Candidate) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        // How likely words were is told before them.
        events.extend(candidate.logprobs_result.and_then(likelihood::told).map(ChatEvent::Logprobs));
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            self.part(part, &mut events);
        }
        self.reason = candidate.finish_reason.or(self.reason.take());
        if candidate.index > 0 {
            events.extend(self.finished().filter(|end| !is_error(end)));
        }
        events
    }

    /// Its end, as far as a reason was given. A later one counts instead.
    fn finished(&self) -> Option<ChatEvent> {
        let native = self.reason.clone()?;
        Some(ChatEvent::Finished { finish: self.finish_of(&native), native })
    }

    fn part(&mut self, part: wire::Part, events: &mut Vec<ChatEvent>) {
        if let Some(call) = part.function_call {
            let index = self.calls;
            self.calls += 1;
            events.push(ChatEvent::ToolCall {
                index,
                id: call.id.filter(|id| !id.is_empty()),
                name: Some(call.name),
                arguments: call.args.map_or_else(String::new, |args| args.to_string()),
            });
            // A signature on words need not come back; one on a call must.
            let signature = part.thought_signature.filter(|signature| !signature.is_empty());
            events.extend(signature.map(|signature| ChatEvent::CallSignature { index, signature }));
            return;
        }
        let Some(text) = part.text.filter(|text| !text.is_empty()) else { return };
        events.push(if part.thought { ChatEvent::Reasoning(text) } else { ChatEvent::Text(text) });
    }

    /// An answer that calls functions gives no reason of its own for it.
    fn finish_of(&self, native: &str) -> Finish {
        match finish_of(native) {
            Finish::Stop if self.calls > 0 => Finish::ToolCalls,
            finish => finish,
        }
    }
}

fn is_error(end: &ChatEvent) -> bool {
    matches!(end, ChatEvent::Finished { finish: Finish::Error, .. })
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
