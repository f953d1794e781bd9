//! A whole answer in Anthropic's shape, put together from events.

use engine::{Call, Serving};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::receipt::Settlement;
use serde_json::{Map, Value, json};

use super::ending::{Course, usage};
use crate::api::sale::{self, with_served};

/// What has been said so far.
pub struct Reply {
    id: String,
    serving: Serving,
    blocks: Vec<Block>,
    course: Course,
}

enum Block {
    Text(String),
    Thinking { text: String, signature: String },
    Redacted(String),
    Call { index: u32, id: String, name: String, arguments: String },
}

impl Reply {
    pub fn new(call: &Call, stops: Vec<String>) -> Self {
        let course = Course { stops, ..Course::default() };
        Self { id: message_id(call), serving: call.serving.clone(), blocks: Vec::new(), course }
    }

    fn say(&mut self, piece: &str) {
        match self.blocks.last_mut() {
            Some(Block::Text(text)) => text.push_str(piece),
            _ => self.blocks.push(Block::Text(piece.to_owned())),
        }
    }

    fn think(&mut self, piece: &str, seal: &str) {
        match self.blocks.last_mut() {
            // What is sealed is over.
            Some(Block::Thinking { text, signature }) if signature.is_empty() => {
                text.push_str(piece);
                signature.push_str(seal);
            }
            _ => self.blocks.push(Block::Thinking { text: piece.to_owned(), signature: seal.to_owned() }),
        }
    }

    fn call(&mut self, wanted: u32, piece: (Option<String>, Option<String>, String)) {
        let is_same = |block: &Block| matches!(block, Block::Call { index, .. } if *index == wanted);
        if !self.blocks.iter().any(is_same) {
            let (id, name, arguments) = (String::new(), String::new(), String::new());
            self.blocks.push(Block::Call { index: wanted, id, name, arguments });
        }
        if let Some(Block::Call { id, name, arguments, .. }) =
            self.blocks.iter_mut().find(|block| is_same(block))
        {
            id.push_str(&piece.0.unwrap_or_default());
            name.push_str(&piece.1.unwrap_or_default());
            arguments.push_str(&piece.2);
        }
    }
}

impl sale::Reply for Reply {
    fn add(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Text(piece) => self.say(&piece),
            ChatEvent::Refusal(piece) => {
                self.course.is_refusal = true;
                self.say(&piece);
            }
            ChatEvent::Reasoning(piece) => self.think(&piece, ""),
            ChatEvent::Signature(seal) => self.think("", &seal),
            ChatEvent::Redacted(data) => self.blocks.push(Block::Redacted(data)),
            ChatEvent::ToolCall { index, id, name, arguments } => {
                self.course.has_calls = true;
                self.call(index, (id, name, arguments));
            }
            // A block of this shape has no place for it.
            ChatEvent::CallSignature { .. }
            | ChatEvent::Started { .. }
            | ChatEvent::Logprobs(_)
            | ChatEvent::Choice { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Finished { .. }
            | ChatEvent::Failed(_) => {}
        }
    }

    fn finish(self, settlement: &Settlement, finish: Finish, native: &str) -> Value {
        let (reason, sequence) = self.course.stop(finish, native);
        let content: Vec<Value> = self.blocks.into_iter().map(|block| block.written(&self.id)).collect();
        let served = self.serving.now();
        let answer = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": served.model, "content": content,
            "stop_reason": reason, "stop_sequence": sequence, "usage": usage(settlement),
        });
        with_served(answer, &served)
    }
}

impl Block {
    fn written(self, message: &str) -> Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "text": text }),
            Self::Thinking { text, signature } => {
                json!({ "type": "thinking", "thinking": text, "signature": signature })
            }
            Self::Redacted(data) => json!({ "type": "redacted_thinking", "data": data }),
            Self::Call { index, id, name, arguments } => {
                // Arguments that were cut off are no object, and half of them would be taken for all.
                let input: Map<String, Value> = serde_json::from_str(&arguments).unwrap_or_default();
                json!({ "type": "tool_use", "id": call_id(id, message, index), "name": name, "input": input })
            }
        }
    }
}

pub fn message_id(call: &Call) -> String {
    format!("msg_{}", call.id)
}

/// Clients answer a tool call by its id, which some vendors leave out.
pub fn call_id(given: String, message: &str, index: u32) -> String {
    if given.is_empty() { format!("{message}_call_{index}") } else { given }
}
