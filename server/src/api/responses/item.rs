//! One item of a response's output: a message, a thought or a call, as it grows and when it is done.

use marketplace::chat::EXTRA_CONTENT;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Reasoning,
    Text,
    Refusal,
    /// By the vendor's number.
    Call(u32),
}

#[derive(Clone, Debug)]
pub struct Item {
    pub kind: Kind,
    pub id: String,
    /// What was said, thought or refused; of a call its arguments.
    pub text: String,
    /// Of a call: how its result must name it.
    pub call_id: String,
    pub name: String,
    /// What only the vendor of a call can read, to be handed back with it.
    pub seal: Option<Value>,
    pub is_done: bool,
}

impl Item {
    pub fn new(kind: Kind, response: &str, place: usize) -> Self {
        let prefix = match kind {
            Kind::Reasoning => "rs",
            Kind::Text | Kind::Refusal => "msg",
            Kind::Call(_) => "fc",
        };
        let id = format!("{prefix}_{}_{place}", response.trim_start_matches("resp_"));
        let (text, call_id, name) = (String::new(), String::new(), String::new());
        Self { kind, id, text, call_id, name, seal: None, is_done: false }
    }

    /// The item as it stands.
    pub fn told(&self, status: &str) -> Value {
        let parts: Vec<Value> = self.part().into_iter().filter(|_| !self.text.is_empty()).collect();
        match self.kind {
            Kind::Reasoning => {
                json!({ "id": self.id, "type": "reasoning", "status": status, "summary": [], "content": parts })
            }
            Kind::Text | Kind::Refusal => json!({
                "id": self.id, "type": "message", "status": status, "role": "assistant", "content": parts,
            }),
            Kind::Call(_) => {
                let mut call = json!({
                    "id": self.id, "type": "function_call", "status": status, "call_id": self.call_id,
                    "name": self.name, "arguments": self.text,
                });
                if let Some(seal) = &self.seal {
                    call[EXTRA_CONTENT] = seal.clone();
                }
                call
            }
        }
    }

    /// What the item has in it; a call has no parts.
    pub fn part(&self) -> Option<Value> {
        match self.kind {
            Kind::Reasoning => Some(json!({ "type": "reasoning_text", "text": self.text })),
            Kind::Text => {
                Some(json!({ "type": "output_text", "text": self.text, "annotations": [], "logprobs": [] }))
            }
            Kind::Refusal => Some(json!({ "type": "refusal", "refusal": self.text })),
            Kind::Call(_) => None,
        }
    }

    /// The events that tell a piece of it, and that it is whole.
    pub fn events(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Reasoning => ("response.reasoning_text.delta", "response.reasoning_text.done"),
            Kind::Text => ("response.output_text.delta", "response.output_text.done"),
            Kind::Refusal => ("response.refusal.delta", "response.refusal.done"),
            Kind::Call(_) => {
                ("response.function_call_arguments.delta", "response.function_call_arguments.done")
            }
        }
    }

    /// Where the whole text stands in the event that ends it.
    pub fn field(&self) -> &'static str {
        match self.kind {
            Kind::Reasoning | Kind::Text => "text",
            Kind::Refusal => "refusal",
            Kind::Call(_) => "arguments",
        }
    }
}
