//! What calls are answered with. Fields that a vendor did not send are absent or null.

use marketplace::id::{CallId, ModelId, PriceId, ProviderId};
use marketplace::money::Nanos;
use marketplace::usage::UsageSource;
use serde_json::{Map, Value};
use utoipa::ToSchema;

#[derive(Debug, ToSchema)]
pub struct ChatAnswer {
    pub id: String,
    #[schema(example = "chat.completion")]
    pub object: String,
    pub created: i64,
    pub model: ModelId,
    pub choices: Vec<ChatChoice>,
    pub usage: ChatUsage,
    /// The name of the vendor that answered.
    pub provider: String,
    pub mercato: Served,
}

#[derive(Debug, ToSchema)]
pub struct ChatChoice {
    pub index: u32,
    pub message: AnswerMessage,
    pub finish_reason: String,
    /// The vendor’s own word for it.
    pub native_finish_reason: String,
    #[schema(value_type = Option<Object>)]
    pub logprobs: Option<Value>,
}

#[derive(Debug, ToSchema)]
pub struct AnswerMessage {
    #[schema(example = "assistant")]
    pub role: String,
    pub content: Option<String>,
    pub refusal: Option<String>,
    pub reasoning: Option<String>,
    pub tool_calls: Option<Vec<Map<String, Value>>>,
}

/// Cached tokens stand inside `prompt_tokens`, as OpenAI counts them.
#[derive(Debug, ToSchema)]
pub struct ChatUsage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    pub prompt_tokens_details: PromptDetails,
    pub completion_tokens_details: CompletionDetails,
    #[serde(flatten)]
    pub cost: Cost,
}

#[derive(Debug, ToSchema)]
pub struct PromptDetails {
    pub cached_tokens: u64,
    pub cache_write_tokens: u64,
}

#[derive(Debug, ToSchema)]
pub struct CompletionDetails {
    pub reasoning_tokens: u64,
}

/// What a call cost; the charge is durable when this is written.
#[derive(Debug, ToSchema)]
pub struct Cost {
    /// Dollars, as clients expect a number. The exact amounts stand beside it.
    pub cost: f64,
    pub cost_details: CostDetails,
    /// Dollars. Not where an answer is told again for nothing.
    pub balance_after: Option<String>,
}

/// `charge = provider_cost + commission`, always.
#[derive(Debug, ToSchema)]
pub struct CostDetails {
    pub charge_nanos: Nanos,
    pub provider_cost_nanos: Nanos,
    pub commission_nanos: Nanos,
    /// In ten thousandths of the charge.
    #[schema(example = 3000)]
    pub commission_bps: u16,
    pub hold_nanos: Nanos,
    pub released_nanos: Nanos,
    pub usage_source: UsageSource,
    /// The price it was charged at, as quotes and receipts name it. Not where an answer is told again for nothing.
    pub price_version: Option<PriceId>,
    #[schema(example = "USD")]
    pub currency: String,
}

/// Who answered, why, and who was asked before.
#[derive(Debug, ToSchema)]
pub struct Served {
    pub model: ModelId,
    pub provider: ProviderId,
    #[schema(example = "only_offer")]
    pub reason: String,
    pub failed: Vec<FailedAttempt>,
    pub attempts: u32,
}

#[derive(Debug, ToSchema)]
pub struct FailedAttempt {
    pub model: ModelId,
    pub provider: ProviderId,
    pub outcome: String,
}

#[derive(Debug, ToSchema)]
pub struct CompletionAnswer {
    pub id: String,
    #[schema(example = "text_completion")]
    pub object: String,
    pub created: i64,
    pub model: ModelId,
    pub choices: Vec<CompletionChoice>,
    pub usage: ChatUsage,
    pub provider: String,
    pub mercato: Served,
}

#[derive(Debug, ToSchema)]
pub struct CompletionChoice {
    pub index: u32,
    pub text: String,
    pub finish_reason: String,
    pub native_finish_reason: String,
    #[schema(value_type = Option<Object>)]
    pub logprobs: Option<Value>,
}

/// It also repeats what was asked for, as OpenAI’s does.
#[derive(Debug, ToSchema)]
pub struct ResponseAnswer {
    pub id: String,
    #[schema(example = "response")]
    pub object: String,
    pub created_at: i64,
    #[schema(example = "completed")]
    pub status: String,
    pub error: Option<Map<String, Value>>,
    pub incomplete_details: Option<Map<String, Value>>,
    pub model: ModelId,
    pub output: Vec<Map<String, Value>>,
    pub usage: ResponseUsage,
    pub provider: String,
    pub mercato: Served,
}

#[derive(Debug, ToSchema)]
pub struct ResponseUsage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub total_tokens: u64,
    #[serde(flatten)]
    pub cost: Cost,
}

#[derive(Debug, ToSchema)]
pub struct MessageAnswer {
    pub id: String,
    #[serde(rename = "type")]
    #[schema(example = "message")]
    pub kind: String,
    #[schema(example = "assistant")]
    pub role: String,
    pub model: ModelId,
    /// Blocks of the types `text`, `tool_use`, `thinking` and `redacted_thinking`.
    pub content: Vec<Map<String, Value>>,
    pub stop_reason: String,
    pub stop_sequence: Option<String>,
    pub usage: MessageUsage,
    pub provider: String,
    pub mercato: Served,
}

/// Here the cached part of a prompt stands beside `input_tokens`, not inside it, as Anthropic counts.
#[derive(Debug, ToSchema)]
pub struct MessageUsage {
    pub input_tokens: u64,
    pub cache_creation_input_tokens: u64,
    pub cache_read_input_tokens: u64,
    pub output_tokens: u64,
    #[serde(flatten)]
    pub cost: Cost,
}

#[derive(Debug, ToSchema)]
pub struct Counted {
    pub input_tokens: u64,
    /// Always: what is charged is what the vendor counts.
    pub estimated: bool,
}

#[derive(Debug, ToSchema)]
pub struct Images {
    pub id: String,
    pub created: i64,
    pub model: ModelId,
    #[schema(example = "png")]
    pub output_format: Option<String>,
    pub data: Vec<Image>,
    pub usage: ImageUsage,
}

#[derive(Debug, ToSchema)]
pub struct Image {
    pub b64_json: String,
    pub seed: Option<u64>,
    /// The vendor blurred it, and bills it all the same.
    pub filtered: Option<bool>,
}

#[derive(Debug, ToSchema)]
pub struct ImageUsage {
    pub pictures: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub total_tokens: u64,
    #[serde(flatten)]
    pub cost: Cost,
}

#[derive(Debug, ToSchema)]
pub struct EmbeddingUsage {
    pub prompt_tokens: u64,
    pub total_tokens: u64,
    #[serde(flatten)]
    pub cost: Cost,
}

/// One call in OpenRouter’s words, and its receipt in ours.
#[derive(Debug, ToSchema)]
pub struct Generation {
    pub data: GenerationFacts,
}

#[derive(Debug, ToSchema)]
pub struct GenerationFacts {
    pub id: CallId,
    pub model: ModelId,
    pub provider_name: String,
    pub total_cost: f64,
    pub upstream_inference_cost: f64,
    pub tokens_prompt: u64,
    pub tokens_completion: u64,
    /// In OpenAI’s words, where it is one of them.
    pub finish_reason: Option<String>,
    pub native_finish_reason: String,
    /// Milliseconds from asking the vendor to the end of the answer.
    pub generation_time: Option<i64>,
    pub cancelled: bool,
    pub created_at: String,
    pub receipt: marketplace::receipt::Receipt,
}

#[derive(Debug, ToSchema)]
pub struct Moderation {
    pub id: String,
    pub model: String,
    /// One for each text, as the vendor gave it: `flagged`, `categories`, `category_scores`.
    pub results: Vec<Map<String, Value>>,
    pub usage: Map<String, Value>,
}
