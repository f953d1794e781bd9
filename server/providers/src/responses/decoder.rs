//! Answers of the protocol of responses, event by event or in one piece.

use marketplace::chat::{ChatEvent, Failure, Finish};
use serde_json::json;

use super::wire;
use crate::failure::malformed;
use crate::openai::complaint;
use crate::reading::Reader;

#[derive(Debug, Default)]
pub struct Items {
    has_begun: bool,
    calls: Vec<Call>,
    /// An error that was told by itself. The response that failed is told after it, and both are one failure.
    told: Option<Failure>,
}

#[derive(Debug)]
struct Call {
    /// Its place among all items; ours is its place among the calls.
    output_index: u32,
    said_bytes: usize,
}

impl Reader for Items {
    const SHAPE: &'static str = "response event";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(|event| self.take(event))
    }

    fn end(&mut self, failure: Failure) -> ChatEvent {
        ChatEvent::Failed(self.told.take().unwrap_or(failure))
    }
}

impl Items {
    fn take(&mut self, event: wire::Event) -> Vec<ChatEvent> {
        match event {
            wire::Event::Begun { response } => self.begin(&response).into_iter().collect(),
            wire::Event::Text { delta } => said(delta, ChatEvent::Text),
            wire::Event::Refusal { delta } => said(delta, ChatEvent::Refusal),
            wire::Event::Reasoning { delta } => said(delta, ChatEvent::Reasoning),
            wire::Event::Added { output_index, item } | wire::Event::Done { output_index, item } => {
                self.call(output_index, item).into_iter().collect()
            }
            wire::Event::Arguments { output_index, delta } => {
                self.arguments(output_index, delta).into_iter().collect()
            }
            wire::Event::Over { response } => {
                let mut events: Vec<ChatEvent> = self.begin(&response).into_iter().collect();
                self.over(response, &mut events);
                events
            }
            wire::Event::Error(body) => {
                self.told = Some(complaint(None, &body));
                Vec::new()
            }
            wire::Event::Other => Vec::new(),
        }
    }

    /// What an answer says that came in one piece.
    pub(super) fn take_whole(&mut self, answer: wire::Response) -> Vec<ChatEvent> {
        let mut answer = answer;
        let mut events: Vec<ChatEvent> = self.begin(&answer).into_iter().collect();
        for (output_index, item) in (0..).zip(std::mem::take(&mut answer.output)) {
            match item {
                wire::Item::Message { content: parts } | wire::Item::Reasoning { summary: parts } => {
                    events.extend(parts.into_iter().flat_map(written));
                }
                call => events.extend(self.call(output_index, call)),
            }
        }
        self.over(answer, &mut events);
        events
    }

    fn begin(&mut self, response: &wire::Response) -> Option<ChatEvent> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        is_first.then(|| ChatEvent::Started {
            upstream_id: response.id.clone(),
            upstream_model: response.model.clone(),
        })
    }

    /// A call as it begins, or what is missing of it when it is told whole.
    fn call(&mut self, output_index: u32, item: wire::Item) -> Option<ChatEvent> {
        let wire::Item::FunctionCall { call_id, name, arguments } = item else { return None };
        if let Some((index, call)) = self.known(output_index) {
            let rest = arguments.get(call.said_bytes..).filter(|rest| !rest.is_empty())?.to_owned();
            call.said_bytes = arguments.len();
            return Some(ChatEvent::ToolCall { index, id: None, name: None, arguments: rest });
        }
        let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.calls.push(Call { output_index, said_bytes: arguments.len() });
        Some(ChatEvent::ToolCall { index, id: Some(call_id), name: Some(name), arguments })
    }

    fn arguments(&mut self, output_index: u32, delta: String) -> Option<ChatEvent> {
        let (index, call) = self.known(output_index)?;
        call.said_bytes += delta.len();
        Some(ChatEvent::ToolCall { index, id: None, name: None, arguments: delta })
    }

    fn known(&mut self, output_index: u32) -> Option<(u32, &mut Call)> {
        (0..).zip(&mut self.calls).find(|(_, call)| call.output_index == output_index)
    }

    fn over(&mut self, response: wire::Response, events: &mut Vec<ChatEvent>) {
        let usage = response.usage.and_then(|report| report.usage());
        events.extend(usage.map(ChatEvent::Usage));
        let why = response.incomplete_details.and_then(|details| details.reason);
        let native = match (response.status, why) {
            (Some(status), Some(why)) if status == "incomplete" => format!("{status}:{why}"),
            (status, _) => status.unwrap_or_default(),
        };
        let finish = match native.as_str() {
            "completed" if !self.calls.is_empty() => Finish::ToolCalls,
            "completed" => Finish::Stop,
            "incomplete:max_output_tokens" => Finish::Length,
            "incomplete:content_filter" => Finish::ContentFilter,
            _ => Finish::Error,
        };
        let unknown = || malformed(&format!("the answer finished with {native:?}"));
        let failure = (finish == Finish::Error).then(|| {
            let told = response.error.map(|error| complaint(None, &json!({ "error": error })));
            told.or(self.told.take()).unwrap_or_else(unknown)
        });
        events.push(ChatEvent::Finished { finish, native });
        events.extend(failure.map(ChatEvent::Failed));
    }
}

fn said(text: String, event: fn(String) -> ChatEvent) -> Vec<ChatEvent> {
    if text.is_empty() { Vec::new() } else { vec![event(text)] }
}

fn written(part: wire::Part) -> Vec<ChatEvent> {
    match part {
        wire::Part::OutputText { text } => said(text, ChatEvent::Text),
        wire::Part::SummaryText { text } => said(text, ChatEvent::Reasoning),
        wire::Part::Refusal { refusal } => said(refusal, ChatEvent::Refusal),
        wire::Part::Other => Vec::new(),
    }
}
