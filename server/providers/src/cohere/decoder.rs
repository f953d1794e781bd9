//! Answers of the chat protocol, event by event or in one piece.

use marketplace::chat::{ChatEvent, FailureClass, Finish};

use super::wire;
use crate::failure::{failure, malformed};
use crate::reading::Reader;

/// Nothing has to be remembered from one event to the next.
#[derive(Debug, Default)]
pub struct Chat;

impl Reader for Chat {
    const SHAPE: &'static str = "chat event";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(take)
    }
}

fn take(event: wire::Event) -> Vec<ChatEvent> {
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
        wire::Event::MessageEnd { delta } => end(delta),
        wire::Event::Other => Vec::new(),
    }
}

fn end(end: wire::End) -> Vec<ChatEvent> {
    let usage = end.usage.and_then(|report| report.usage()).map(ChatEvent::Usage);
    let mut events: Vec<ChatEvent> = usage.into_iter().collect();
    let Some(native) = end.finish_reason else {
        events.push(ChatEvent::Failed(malformed("the answer ended without a reason")));
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
        events.push(ChatEvent::Failed(failure(class, why)));
    }
    events
}

/// What an answer says that came in one piece.
pub(super) fn take_whole(answer: wire::Answer) -> Vec<ChatEvent> {
    let message = answer.message;
    let mut events = vec![ChatEvent::Started { upstream_id: answer.id, upstream_model: None }];
    events.extend(message.tool_plan.and_then(planned));
    events.extend(message.content.unwrap_or_default().into_iter().filter_map(said));
    let calls = message.tool_calls.unwrap_or_default();
    events.extend((0..).zip(calls).map(|(index, call)| called(index, call)));
    events.extend(end(answer.end));
    events
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
