//! What calls are asked with. Fields that are not named here are passed on or ignored, never refused.

use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// A call in the form of OpenAI’s clients, with OpenRouter’s fields and ours.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "model": "openai/gpt-5-mini",
    "messages": [{ "role": "user", "content": "Name three harbours." }],
    "max_tokens": 200,
    "max_cost": "0.05",
}))]
pub struct ChatRequest {
    /// `author/slug`, with an end such as `:floor`, `:nitro` or `:thinking`; `@preset/name` where a preset names the model.
    pub model: String,
    /// The name of settings that were saved, for what is not said here.
    pub preset: Option<String>,
    pub messages: Vec<Message>,
    /// Asked in turn when the ones before fail.
    pub models: Option<Vec<String>>,
    #[schema(minimum = 1)]
    pub max_tokens: Option<u64>,
    /// The newer name, which counts where both are given.
    #[schema(minimum = 1)]
    pub max_completion_tokens: Option<u64>,
    pub stream: Option<bool>,
    pub stream_options: Option<StreamOptions>,
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    #[schema(minimum = 0, maximum = 1)]
    pub top_p: Option<f64>,
    pub stop: Option<Stop>,
    pub seed: Option<i64>,
    /// How many answers to give, where the vendor can.
    #[schema(minimum = 1, maximum = 8)]
    pub n: Option<u32>,
    /// Whether to tell how likely each word was, where the vendor can.
    pub logprobs: Option<bool>,
    #[schema(minimum = 0, maximum = 20)]
    pub top_logprobs: Option<u32>,
    pub tools: Option<Vec<Map<String, Value>>>,
    #[schema(value_type = Option<Object>)]
    pub tool_choice: Option<Value>,
    pub response_format: Option<Map<String, Value>>,
    pub provider: Option<ProviderPreferences>,
    pub reasoning: Option<ReasoningWish>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
    /// Names calls that belong together.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    pub run_id: Option<String>,
    /// The most that all calls of the run may cost; needs a `run_id`.
    #[schema(inline)]
    pub max_run_cost: Option<Dollars>,
    pub on_insufficient: Option<OnInsufficient>,
    /// Given by `POST /api/v1/quote`: the price that was told then holds.
    pub quote_id: Option<Uuid>,
}

#[derive(Debug, ToSchema)]
#[schema(as = ChatMessage)]
pub struct Message {
    pub role: Role,
    pub content: Option<Content>,
    pub tool_calls: Option<Vec<Map<String, Value>>>,
    pub tool_call_id: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = ChatRole, rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

/// Text, or parts such as `{"type": "text", …}` and `{"type": "image_url", …}`.
#[derive(Debug, ToSchema)]
#[schema(as = ChatContent)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Parts(Vec<Map<String, Value>>),
}

#[derive(Debug, ToSchema)]
pub struct StreamOptions {
    /// Ends the stream with the usage. Under `/api/v1` it always does.
    pub include_usage: Option<bool>,
}

#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum Stop {
    One(String),
    Several(Vec<String>),
}

/// Dollars with at most nine decimals, as text or as a number: the hard ceiling of what is charged.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum Dollars {
    Text(String),
    Number(f64),
}

/// What happens when the money does not reach for the answer that is asked for.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum OnInsufficient {
    Refuse,
    ClampOutput,
    CheaperModel,
}

/// Who may answer.
#[derive(Debug, ToSchema)]
pub struct ProviderPreferences {
    pub order: Option<Vec<String>>,
    pub only: Option<Vec<String>>,
    pub ignore: Option<Vec<String>>,
    pub allow_fallbacks: Option<bool>,
    pub sort: Option<ProviderSort>,
    pub max_price: Option<MaxPrice>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ProviderSort {
    Price,
    Latency,
    Throughput,
    /// Whoever leaves the fewest calls without an answer.
    Exacto,
}

/// How hard to think, as OpenRouter’s clients say it.
#[derive(Debug, ToSchema)]
pub struct ReasoningWish {
    /// The same as `reasoning_effort`, which counts where both are given.
    pub effort: Option<String>,
    /// For how many tokens, where the vendor counts them.
    #[schema(minimum = 1)]
    pub max_tokens: Option<u64>,
    pub enabled: Option<bool>,
}

/// The fields of a chat that a preset may say. Nothing else can be saved.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "model": "openai/gpt-5-mini", "temperature": 0.7, "max_tokens": 800 }))]
pub struct PresetConfig {
    pub model: Option<String>,
    pub models: Option<Vec<String>>,
    pub provider: Option<ProviderPreferences>,
    #[schema(minimum = 1)]
    pub max_tokens: Option<u64>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
    pub reasoning: Option<ReasoningWish>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<f64>,
    pub top_a: Option<f64>,
    pub min_p: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub repetition_penalty: Option<f64>,
    pub seed: Option<i64>,
    pub stop: Option<Stop>,
    pub verbosity: Option<String>,
}

/// Dollars for a million tokens.
#[derive(Debug, ToSchema)]
pub struct MaxPrice {
    #[schema(minimum = 0)]
    pub prompt: Option<f64>,
    #[schema(minimum = 0)]
    pub completion: Option<f64>,
}

/// A text to be continued. All other fields are those of a chat.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "model": "openai/gpt-5-mini", "prompt": "Three harbours are", "max_tokens": 200 }))]
pub struct CompletionRequest {
    pub model: String,
    #[schema(min_length = 1)]
    pub prompt: String,
    #[schema(minimum = 1)]
    pub max_tokens: Option<u64>,
    /// How many answers to give, where the vendor can.
    #[schema(minimum = 1, maximum = 8)]
    pub n: Option<u32>,
    pub stream: Option<bool>,
    pub stop: Option<Stop>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
}

/// Nothing is stored here: what was said before is sent again as `input`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "model": "openai/gpt-5-mini", "input": "Name three harbours.", "max_output_tokens": 200 }))]
pub struct ResponseRequest {
    pub model: String,
    pub input: ResponseInput,
    pub instructions: Option<String>,
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<u64>,
    pub stream: Option<bool>,
    pub tools: Option<Vec<Map<String, Value>>>,
    pub reasoning: Option<Map<String, Value>>,
    pub text: Option<Map<String, Value>>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
}

#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum ResponseInput {
    Text(String),
    Items(Vec<Map<String, Value>>),
}

/// A call in the form of Anthropic’s clients. A model without an author is Anthropic’s.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "model": "anthropic/claude-haiku-4-5",
    "max_tokens": 200,
    "messages": [{ "role": "user", "content": "Name three harbours." }],
}))]
pub struct MessageRequest {
    pub model: String,
    #[schema(minimum = 1)]
    pub max_tokens: u64,
    pub messages: Vec<Said>,
    pub system: Option<Content>,
    pub stream: Option<bool>,
    pub stop_sequences: Option<Vec<String>>,
    #[schema(minimum = 0, maximum = 1)]
    pub temperature: Option<f64>,
    #[schema(minimum = 0, maximum = 1)]
    pub top_p: Option<f64>,
    #[schema(minimum = 0)]
    pub top_k: Option<u64>,
    pub tools: Option<Vec<Map<String, Value>>>,
    pub tool_choice: Option<Map<String, Value>>,
    pub thinking: Option<Map<String, Value>>,
    pub metadata: Option<Map<String, Value>>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
}

#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "model": "anthropic/claude-haiku-4-5",
    "messages": [{ "role": "user", "content": "Name three harbours." }],
}))]
pub struct CountRequest {
    pub model: String,
    pub messages: Vec<Said>,
    pub system: Option<Content>,
    pub tools: Option<Vec<Map<String, Value>>>,
}

#[derive(Debug, ToSchema)]
#[schema(as = MessageTurn)]
pub struct Said {
    pub role: Side,
    pub content: Content,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Side {
    User,
    Assistant,
}

#[derive(Debug, ToSchema)]
#[schema(example = json!({ "model": "openai/text-embedding-3-small", "input": "The quick brown fox" }))]
pub struct EmbeddingRequest {
    pub model: String,
    pub input: EmbeddingInput,
    pub encoding_format: Option<EmbeddingFormat>,
    #[schema(minimum = 1)]
    pub dimensions: Option<u32>,
    /// Whether it is a question or what is looked through, where a model tells them apart.
    pub input_type: Option<EmbeddingPurpose>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
}

#[derive(Debug, ToSchema)]
#[schema(example = json!({ "model": "openai/omni-moderation-latest", "input": "Is the harbour open tonight?" }))]
pub struct ModerationRequest {
    pub model: Option<String>,
    pub input: ModerationInput,
}

/// A text, several of them, or parts such as `{"type": "text", …}` and `{"type": "image_url", …}`.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum ModerationInput {
    Text(String),
    Texts(Vec<String>),
    Parts(Vec<Map<String, Value>>),
}

/// A text, several of them, or lists of tokens.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum EmbeddingInput {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum EmbeddingFormat {
    Float,
    Base64,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum EmbeddingPurpose {
    SearchDocument,
    SearchQuery,
}

#[derive(Debug, ToSchema)]
#[schema(example = json!({ "model": "openai/gpt-image-2", "prompt": "A lighthouse at dusk", "size": "1024x1024" }))]
pub struct ImageRequest {
    pub model: String,
    pub prompt: String,
    pub negative_prompt: Option<String>,
    #[schema(minimum = 1)]
    pub n: Option<u32>,
    /// `1024x1024`; `auto` leaves it to the model.
    pub size: Option<String>,
    pub quality: Option<String>,
    #[schema(minimum = 0)]
    pub seed: Option<u32>,
    #[schema(inline)]
    pub max_cost: Option<Dollars>,
}
