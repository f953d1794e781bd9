//! A conversation with a model in our own words: what is asked and what comes back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::ModelId;
use crate::quote::PromptSize;
use crate::usage::Usage;

/// One request to a model. What billing and routing read has a name; the rest is carried as the caller wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    pub model: ModelId,
    pub messages: Vec<Message>,
    pub max_output_tokens: Option<u64>,
    pub stream: Delivery,
    /// Every other field of an OpenAI-shaped request: `temperature`, `tools`, `stop`, fields we do not know.
    pub options: Map<String, Value>,
}

/// The option that holds fields only vendors of Anthropic's dialect are told: `thinking`, `effort`, `cache_control`.
pub const ANTHROPIC_ONLY: &str = "anthropic";
/// The field of an assistant's message that holds blocks of thinking, sealed by the vendor that wrote them.
pub const THINKING_BLOCKS: &str = "thinking_blocks";

/// The field of a call that holds what only its vendor can read, such as `{"google": {"thought_signature": "…"}}`.
pub const EXTRA_CONTENT: &str = "extra_content";

/// The option that says that no vendor is to be asked who cannot be told all that is asked for.
pub const REQUIRE_PARAMETERS: &str = "require_parameters";

/// How many answers one call may ask for.
pub const CHOICES_MAX: u64 = 8;

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Streamed,
    Whole,
}

/// One message, in the OpenAI shape that nearly every client speaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    #[serde(default, skip_serializing_if = "Content::is_absent")]
    pub content: Content,
    /// `name`, `tool_calls`, `tool_call_id` and whatever else the caller sent.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    /// Parts such as `{"type": "text", …}` and `{"type": "image_url", …}`, as the caller wrote them.
    Parts(Vec<Map<String, Value>>),
    #[default]
    Absent,
}

/// What a model's answer is made of, whichever vendor sends it and however it is framed.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    /// The vendor began to answer: its own id for the call and the model it says it is.
    Started {
        upstream_id: Option<String>,
        upstream_model: Option<String>,
    },
    Text(String),
    Reasoning(String),
    /// The vendor's seal on the reasoning before it. Whoever goes on with this answer hands both back unread.
    Signature(String),
    /// Reasoning that the vendor shows to nobody, to be handed back unread like a seal.
    Redacted(String),
    Refusal(String),
    /// A piece of a tool call; pieces of one `index` belong together, `arguments` are to be joined.
    ToolCall {
        index: u32,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    },
    /// The vendor's seal on a call. Whoever goes on with this answer hands both back unread.
    CallSignature {
        index: u32,
        signature: String,
    },
    /// How likely the words were that come next, and which others might have stood there, as the vendor wrote it.
    Logprobs(Value),
    /// What belongs to another answer than the first, where several were asked for. It is never nested.
    Choice {
        index: u32,
        event: Box<ChatEvent>,
    },
    /// The newest report replaces earlier ones.
    Usage(Usage),
    Finished {
        finish: Finish,
        native: String,
    },
    /// The vendor said, in the middle of an answer, that it failed.
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Error,
}

impl Finish {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Error => "error",
        }
    }
}

/// Why a vendor did not answer, in terms a router can act on. The message is the vendor's and stays inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    pub message: String,
    pub retry_after_seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    InvalidRequest,
    ContextLength,
    Auth,
    QuotaExhausted,
    ModelNotFound,
    RateLimited,
    Overloaded,
    ServerError,
    Timeout,
    Content,
    ModelOutput,
    TruncatedStream,
    MalformedStream,
    /// Nothing of the request arrived there.
    Unreachable,
}

impl FailureClass {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::ContextLength => "context_length",
            Self::Auth => "auth",
            Self::QuotaExhausted => "quota_exhausted",
            Self::ModelNotFound => "model_not_found",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Content => "content",
            Self::ModelOutput => "model_output",
            Self::TruncatedStream => "truncated_stream",
            Self::MalformedStream => "malformed_stream",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether it speaks of the vendor, and not of what was asked.
    pub fn is_the_vendors(self) -> bool {
        !matches!(self, Self::InvalidRequest | Self::ContextLength | Self::Content | Self::ModelOutput)
    }

    /// Whether the vendor certainly did no work that it could bill.
    pub fn is_idle(self) -> bool {
        matches!(self, Self::Unreachable | Self::RateLimited | Self::Overloaded)
    }

    /// Whether somebody else may well answer the same request. The vendor may have worked for nothing, and bill it.
    pub fn is_passing(self) -> bool {
        self.is_idle()
            || matches!(
                self,
                Self::ServerError | Self::Timeout | Self::TruncatedStream | Self::MalformedStream
            )
    }
}

impl ChatEvent {
    /// The same, as part of one of several answers.
    #[must_use]
    pub fn in_choice(self, index: u32) -> Self {
        if index == 0 { self } else { Self::Choice { index, event: Box::new(self) } }
    }

    /// Which of several answers it is part of, and what it says there.
    pub fn of_choice(&self) -> (u32, &Self) {
        match self {
            Self::Choice { index, event } => (*index, event),
            event => (0, event),
        }
    }
}

impl Content {
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The text of the message; pictures and other parts are left out.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| part.get("text"))
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
            Self::Absent => String::new(),
        }
    }
}

impl Message {
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: Content::Text(text.into()), rest: Map::new() }
    }
}

impl ChatRequest {
    /// Whether there is something to be seen in it.
    pub fn shows_pictures(&self) -> bool {
        let is_picture = |part: &Map<String, Value>| part.get("type").is_some_and(|kind| kind == "image_url");
        self.messages
            .iter()
            .any(|message| matches!(&message.content, Content::Parts(parts) if parts.iter().any(is_picture)))
    }

    /// How many answers are asked for. Each may be as long as the limit says, and all are paid.
    pub fn choices(&self) -> u64 {
        self.options.get("n").and_then(Value::as_u64).unwrap_or(1).max(1)
    }

    /// Whether it is to be told how likely each word was.
    pub fn asks_for_logprobs(&self) -> bool {
        self.options.get("logprobs") == Some(&Value::Bool(true))
    }

    /// Whether an answer without what was asked for beside it is no answer.
    pub fn requires_parameters(&self) -> bool {
        self.options.get(REQUIRE_PARAMETERS) == Some(&Value::Bool(true))
    }

    /// The same request for those who do not tell how likely words were.
    #[must_use]
    pub fn without_logprobs(&self) -> Self {
        let mut plain = self.clone();
        plain.options.retain(|field, _| field != "logprobs" && field != "top_logprobs");
        plain
    }

    /// Whether there is something to be called.
    pub fn offers_tools(&self) -> bool {
        self.options.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
    }

    /// Whether something must be called, whatever the model would rather do.
    pub fn forces_a_call(&self) -> bool {
        let choice = self.options.get("tool_choice");
        self.offers_tools() && choice.is_some_and(|choice| choice == "required" || choice.is_object())
    }

    /// How many tokens the prompt can come to, tools and schemas included.
    pub fn prompt_size(&self) -> PromptSize {
        let mut size = PromptSize::empty();
        for message in &self.messages {
            let mut bytes: usize = message.rest.values().map(json_bytes).sum();
            match &message.content {
                Content::Text(text) => bytes += text.len(),
                Content::Parts(parts) => {
                    for part in parts {
                        if part.get("type").and_then(Value::as_str) == Some("image_url") {
                            size = size.with_image();
                        } else {
                            bytes += part.values().map(json_bytes).sum::<usize>();
                        }
                    }
                }
                Content::Absent => {}
            }
            size = size.with_message(bytes);
        }
        // Vendors put tools and schemas into the prompt in a form of their own, somewhat longer than what was sent.
        for field in ["tools", "functions", "response_format"] {
            if let Some(value) = self.options.get(field) {
                size = size.with_message(json_bytes(value) + 512);
            }
        }
        size
    }
}

fn json_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(json_bytes).sum::<usize>() + 2 * items.len() + 2,
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| key.len() + json_bytes(value) + 6).sum::<usize>() + 2
        }
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_keeps_fields_it_does_not_know() {
        let sent = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "a"}], "x_new": 1});
        let message: Message = serde_json::from_value(sent).unwrap();
        assert!(message.content.is_absent());
        assert_eq!(message.rest["x_new"], 1);
    }

    #[test]
    fn a_prompt_is_never_larger_than_its_bound() {
        let request = ChatRequest {
            model: ModelId::parse("openai/gpt-5-mini").unwrap(),
            messages: vec![Message::text(Role::User, "0123456789")],
            max_output_tokens: None,
            stream: Delivery::Whole,
            options: Map::new(),
        };
        assert_eq!(request.prompt_size().tokens_max, 16 + 8 + 10);
    }
}
