//! Answers of Ollama, line by line or in one piece.

use marketplace::chat::{ChatEvent, Finish};
use marketplace::usage::Usage;
use serde_json::Value;

use super::{complaint, wire};
use crate::reading::{Reader, finished};

#[derive(Debug, Default)]
pub struct Chat {
    has_begun: bool,
    calls: u32,
}

impl Reader for Chat {
    const SHAPE: &'static str = "chat response";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(|line| self.take(line))
    }
}

impl Chat {
    pub(super) fn take(&mut self, line: wire::Line) -> Vec<ChatEvent> {
        if let Some(error) = line.error {
            let message = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            return vec![ChatEvent::Failed(complaint(None, &message))];
        }
        let mut events = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            events.push(ChatEvent::Started { upstream_id: None, upstream_model: line.model });
        }
        let message = line.message.unwrap_or_default();
        let thought = message.thinking.filter(|text| !text.is_empty());
        events.extend(thought.map(ChatEvent::Reasoning));
        events.extend(message.content.filter(|text| !text.is_empty()).map(ChatEvent::Text));
        for call in message.tool_calls.unwrap_or_default() {
            events.push(self.call(call));
        }
        if line.done {
            // The prompt is not counted where it was still in memory, so its count may be the only one missing.
            let usage = Usage {
                input_tokens: line.prompt_eval_count,
                output_tokens: line.eval_count,
                ..Usage::default()
            };
            events.extend((usage != Usage::default()).then_some(ChatEvent::Usage(usage)));
            events.extend(self.done(line.done_reason));
        }
        events
    }

    fn call(&mut self, call: wire::Call) -> ChatEvent {
        self.calls += 1;
        ChatEvent::ToolCall {
            index: self.calls - 1,
            id: call.id.filter(|id| !id.is_empty()),
            name: Some(call.function.name),
            arguments: match call.function.arguments {
                Value::Null => String::new(),
                Value::String(text) => text,
                object => object.to_string(),
            },
        }
    }

    /// Old versions say that they are done and not why.
    fn done(&self, reason: Option<String>) -> Vec<ChatEvent> {
        let native = reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| "done".to_owned());
        let finish = match native.as_str() {
            "stop" | "done" if self.calls > 0 => Finish::ToolCalls,
            // Asked nothing, it only loads or unloads the model.
            "stop" | "done" | "load" | "unload" => Finish::Stop,
            "length" => Finish::Length,
            _ => Finish::Error,
        };
        finished(finish, native)
    }
}
