//! Vendors with words of their own: what they are asked, and what they answer that no fixture shows.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod answers;
mod asked;
mod unsaid;

use marketplace::chat::{ChatRequest, Delivery, FailureClass};
use marketplace::id::ModelId;
use providers::{Dialect, Outgoing};
use serde_json::{Map, Value, json};

pub const DIALECTS: [Dialect; 4] = [Dialect::Google, Dialect::Cohere, Dialect::Ollama, Dialect::Tgi];

pub fn request(messages: Value, options: Value) -> ChatRequest {
    ChatRequest {
        model: ModelId::parse("author/model").unwrap(),
        messages: serde_json::from_value(messages).unwrap(),
        max_output_tokens: Some(77),
        stream: Delivery::Whole,
        options: serde_json::from_value::<Map<String, Value>>(options).unwrap(),
    }
}

pub fn hello() -> Value {
    json!([{"role": "user", "content": "Hello"}])
}

/// A conversation in which a function was called twice, with a picture.
pub fn called() -> Value {
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    json!([
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Rhyme."},
        {"role": "user", "content": [
            {"type": "text", "text": "Weather here?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        ]},
        {"role": "assistant", "content": null, "tool_calls": [
            call("a", "weather", "{\"city\": \"Paris\"}"), call("b", "ping", ""),
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "{\"sky\": \"grey\"}"},
        {"role": "tool", "tool_call_id": "b", "content": "pong"},
        {"role": "user", "content": "So?"},
    ])
}

pub fn encode_for(dialect: Dialect, model: &str, request: &ChatRequest) -> Result<Outgoing, String> {
    dialect.encode(request, model).map_err(|failure| {
        assert_eq!(failure.class, FailureClass::InvalidRequest);
        failure.message
    })
}

pub fn encode(dialect: Dialect, request: &ChatRequest) -> Result<Value, String> {
    encode_for(dialect, "upstream-model", request).map(|sent| serde_json::from_slice(&sent.body).unwrap())
}
