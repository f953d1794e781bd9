//! A whole answer in OpenAI's shape, put together from events.

use engine::{Call, Serving};
use marketplace::chat::{ChatEvent, EXTRA_CONTENT, Finish};
use marketplace::id::CallId;
use marketplace::receipt::Settlement;
use serde_json::{Value, json};

use crate::api::sale::{self, with_cost, with_served};

/// What has been said so far.
#[derive(Debug)]
pub struct Reply {
    id: String,
    serving: Serving,
    created: i64,
    text: String,
    reasoning: String,
    refusal: String,
    tool_calls: Vec<ToolCall>,
}

#[derive(Debug)]
struct ToolCall {
    index: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

impl Reply {
    pub fn new(call: &Call) -> Self {
        Self::of(call.id, call.serving.clone())
    }

    pub fn of(call: CallId, serving: Serving) -> Self {
        Self {
            id: completion_id(call),
            serving,
            created: now(),
            text: String::new(),
            reasoning: String::new(),
            refusal: String::new(),
            tool_calls: Vec::new(),
        }
    }
}

impl sale::Reply for Reply {
    fn add(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Text(piece) => self.text.push_str(&piece),
            ChatEvent::Reasoning(piece) => self.reasoning.push_str(&piece),
            ChatEvent::Refusal(piece) => self.refusal.push_str(&piece),
            ChatEvent::ToolCall { index, id, name, arguments } => {
                let at = match self.tool_calls.iter().position(|call| call.index == index) {
                    Some(at) => at,
                    None => {
                        let (id, name, arguments) = (String::new(), String::new(), String::new());
                        self.tool_calls.push(ToolCall { index, id, name, arguments, signature: None });
                        self.tool_calls.len() - 1
                    }
                };
                let call = &mut self.tool_calls[at];
                call.id.push_str(&id.unwrap_or_default());
                call.name.push_str(&name.unwrap_or_default());
                call.arguments.push_str(&arguments);
            }
            ChatEvent::CallSignature { index, signature } => {
                if let Some(call) = self.tool_calls.iter_mut().find(|call| call.index == index) {
                    call.signature = Some(signature);
                }
            }
            ChatEvent::Started { .. }
            | ChatEvent::Signature(_)
            | ChatEvent::Redacted(_)
            | ChatEvent::Usage(_)
            | ChatEvent::Finished { .. }
            | ChatEvent::Failed(_) => {}
        }
    }

    fn finish(self, settlement: &Settlement, finish: Finish, native: &str) -> Value {
        let given = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
        let mut message = json!({
            "role": "assistant", "content": given(self.text), "refusal": given(self.refusal),
        });
        if !self.reasoning.is_empty() {
            message["reasoning"] = json!(self.reasoning);
        }
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.into_iter().map(|call| {
                let id = if call.id.is_empty() { tool_call_id(&self.id, call.index) } else { call.id };
                let function = json!({"name": call.name, "arguments": call.arguments});
                let mut told = json!({"id": id, "type": "function", "function": function});
                if let Some(signature) = call.signature {
                    told[EXTRA_CONTENT] = of_google(&signature);
                }
                told
            });
            message["tool_calls"] = calls.collect();
        }
        let served = self.serving.now();
        let answer = json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": served.model,
            "choices": [{
                "index": 0, "message": message, "finish_reason": finish.as_str(), "native_finish_reason": native,
                "logprobs": null,
            }],
            "usage": usage(settlement),
        });
        with_served(answer, &served)
    }
}

/// What was used and what it cost.
pub fn usage(settlement: &Settlement) -> Value {
    let tokens = &settlement.usage;
    let counted = json!({
        "prompt_tokens": tokens.input_total(),
        "completion_tokens": tokens.output_total(),
        "total_tokens": tokens.input_total() + tokens.output_total(),
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached_input, "cache_write_tokens": tokens.cache_write + tokens.cache_write_1h,
        },
        "completion_tokens_details": { "reasoning_tokens": tokens.reasoning },
    });
    with_cost(counted, settlement)
}

/// A seal on a call as Google's own endpoint of this shape tells it, and as it is taken back.
pub fn of_google(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// An id for a call that its vendor gave none: the result must be able to name it.
pub fn tool_call_id(completion: &str, index: u32) -> String {
    format!("call-{completion}-{index}")
}

pub fn completion_id(call: CallId) -> String {
    format!("gen-{call}")
}

pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
