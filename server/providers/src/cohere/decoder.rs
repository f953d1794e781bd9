//! Answers of the chat protocol, event by event or in one piece.

use marketplace::chat::{ChatEvent, Failure, FailureClass, Finish};

use super::wire;
use crate::failure::{failure, malformed, truncated};
use crate::frame::Event;

#[derive(Debug, Default)]
pub struct Decoder {
    is_over: bool,
}

impl Decoder {
    /// What one event says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        let data = event.data.trim();
        // Some installations end with the marker of another protocol.
        if self.is_over || data.is_empty() || data == "[DONE]" {
            return Vec::new();
        }
        match serde_json::from_str(data) {
            Ok(event) => self.take(event),
            Err(_) => {
                let failure = malformed("an event is not JSON of the chat event shape");
                self.fail(failure).into_iter().collect()
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
            wire::Event::MessageStart { id } => {
                vec![ChatEvent::Started { upstream_id: id, upstream_model: None }]
            }
            wire::Event::ContentStart { delta } | wire::Event::ContentDelta { delta } => {
                delta.message.content.and_then(said).into_iter().collect()
            }
            wire::Event::ToolPlanDelta { delta } => {
                delta.message.tool_plan.and_then(planned).into_iter().collect()
            }
            wire::Event::ToolCallStart { index, delta } | wire::Event::ToolCallDelta { index, delta } => {
                delta.message.tool_calls.map(|call| called(index, call)).into_iter().collect()
            }
            wire::Event::MessageEnd { delta } => self.end(delta),
            wire::Event::Other => Vec::new(),
        }
    }

    fn end(&mut self, end: wire::End) -> Vec<ChatEvent> {
        let usage = end.usage.and_then(|report| report.usage()).map(ChatEvent::Usage);
        let mut events: Vec<ChatEvent> = usage.into_iter().collect();
        let Some(native) = end.finish_reason else {
            events.extend(self.fail(malformed("the answer ended without a reason")));
            return events;
        };
        let finish = match native.as_str() {
            "COMPLETE" | "STOP_SEQUENCE" => Finish::Stop,
            "MAX_TOKENS" => Finish::Length,
            "TOOL_CALL" => Finish::ToolCalls,
            _ => Finish::Error,
        };
        let class = match native.as_str() {
            "ERROR" => FailureClass::ServerError,
            "TIMEOUT" => FailureClass::Timeout,
            _ => FailureClass::MalformedStream,
        };
        let why = end.error.unwrap_or_else(|| format!("the answer finished with {native:?}"));
        events.push(ChatEvent::Finished { finish, native });
        // A generation that fails ends like any other, and only its reason tells.
        if finish == Finish::Error {
            events.extend(self.fail(failure(class, why)));
        }
        self.is_over = true;
        events
    }
}

/// Reads an answer that came in one piece.
pub(super) fn whole(answer: wire::Answer) -> Result<Vec<ChatEvent>, Failure> {
    let message = answer.message;
    let mut events = vec![ChatEvent::Started { upstream_id: answer.id, upstream_model: None }];
    events.extend(message.tool_plan.and_then(planned));
    events.extend(message.content.unwrap_or_default().into_iter().filter_map(said));
    let calls = message.tool_calls.unwrap_or_default();
    events.extend((0..).zip(calls).map(|(index, call)| called(index, call)));
    for event in Decoder::default().end(answer.end) {
        if let ChatEvent::Failed(failure) = event {
            return Err(failure);
        }
        events.push(event);
    }
    Ok(events)
}

fn said(content: wire::Content) -> Option<ChatEvent> {
    let thought = content.thinking.filter(|text| !text.is_empty()).map(ChatEvent::Reasoning);
    thought.or(content.text.filter(|text| !text.is_empty()).map(ChatEvent::Text))
}

/// What is said before a call about why it is made is no part of the answer.
fn planned(plan: String) -> Option<ChatEvent> {
    (!plan.is_empty()).then_some(ChatEvent::Reasoning(plan))
}

fn called(index: u32, call: wire::Call) -> ChatEvent {
    ChatEvent::ToolCall {
        index,
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments.unwrap_or_default(),
    }
}
