//! The catalogue and the account as compatible clients read them.

use marketplace::id::{ModelId, ProviderId};
use marketplace::scope::Scope;
use marketplace::search::Facets;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// With the header `anthropic-version` the list is in Anthropic’s form.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum ModelList {
    Ours(Box<Catalogue>),
    Anthropic(AnthropicModels),
}

#[derive(Debug, ToSchema)]
pub struct Catalogue {
    #[schema(example = "list")]
    pub object: String,
    pub data: Vec<ListedModel>,
    pub total: u64,
    /// Absent where the list is not cut into pages.
    pub page: Option<u32>,
    pub pages: Option<u32>,
    pub facets: Facets,
}

#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum Model {
    Ours(Box<ListedModel>),
    Anthropic(AnthropicModel),
}

/// OpenAI’s, OpenRouter’s and our fields at once.
#[derive(Debug, ToSchema)]
pub struct ListedModel {
    pub id: ModelId,
    #[schema(example = "model")]
    pub object: String,
    pub owned_by: String,
    pub created: i64,
    pub canonical_slug: ModelId,
    pub name: String,
    pub description: String,
    pub context_length: Option<u64>,
    pub architecture: Architecture,
    pub pricing: Option<Pricing>,
    pub top_provider: Map<String, Value>,
    pub supported_parameters: Vec<String>,
    /// A day.
    pub expiration_date: Option<String>,
    /// Whether it can be called here now.
    pub available: bool,
    pub unavailable_because: Option<String>,
    pub kind: String,
    pub status: String,
    pub provider: ProviderId,
    pub free: bool,
    pub replacement: Option<String>,
    /// Nano-dollars for a million tokens, as the vendor asks for them.
    pub provider_price: Option<marketplace::price::Price>,
    /// Prices that are known and have not begun, the next first.
    pub later_prices: Vec<LaterPrice>,
    pub commission_bps: u16,
    pub endpoints: Vec<Map<String, Value>>,
}

#[derive(Debug, ToSchema)]
pub struct LaterPrice {
    #[schema(example = "2027-01-01T00:00:00Z")]
    pub from: String,
    pub pricing: Pricing,
    pub provider_price: marketplace::price::Price,
    pub free: bool,
}

#[derive(Debug, ToSchema)]
pub struct Architecture {
    pub modality: String,
    pub input_modalities: Vec<String>,
    pub output_modalities: Vec<String>,
}

/// Dollars for a single token or picture as decimal text, with the fee in them.
#[derive(Debug, ToSchema)]
pub struct Pricing {
    #[schema(example = "0.000000357142858")]
    pub prompt: String,
    pub completion: String,
    pub request: String,
    pub image: Option<String>,
    pub input_cache_read: Option<String>,
    pub input_cache_write: Option<String>,
    pub internal_reasoning: Option<String>,
}

#[derive(Debug, ToSchema)]
pub struct AnthropicModels {
    pub data: Vec<AnthropicModel>,
    pub has_more: bool,
    pub first_id: Option<String>,
    pub last_id: Option<String>,
}

#[derive(Debug, ToSchema)]
pub struct AnthropicModel {
    #[serde(rename = "type")]
    #[schema(example = "model")]
    pub kind: String,
    pub id: ModelId,
    pub display_name: String,
    pub lifecycle: String,
    pub created_at: String,
    pub max_input_tokens: Option<u64>,
    pub max_tokens: Option<u64>,
    pub retires_at: Option<String>,
}

#[derive(Debug, ToSchema)]
pub struct Count {
    pub data: Counter,
}

#[derive(Debug, ToSchema)]
pub struct Counter {
    pub count: u64,
}

#[derive(Debug, ToSchema)]
pub struct Endpoints {
    pub data: ModelEndpoints,
}

#[derive(Debug, ToSchema)]
pub struct ModelEndpoints {
    pub id: ModelId,
    pub name: String,
    pub created: i64,
    pub description: String,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, ToSchema)]
pub struct Endpoint {
    pub name: String,
    pub model_id: ModelId,
    pub provider_name: String,
    pub tag: ProviderId,
    pub context_length: Option<u64>,
    pub max_completion_tokens: Option<u64>,
    pub pricing: Option<Pricing>,
    pub available: bool,
    /// Per cent, absent where nobody asked lately.
    pub uptime_last_30m: Option<f64>,
    pub uptime_last_1d: Option<f64>,
}

#[derive(Debug, ToSchema)]
pub struct Stats {
    pub data: ModelStats,
}

#[derive(Debug, ToSchema)]
pub struct ModelStats {
    pub id: ModelId,
    pub name: String,
    pub spans: Vec<SpanStats>,
}

#[derive(Debug, ToSchema)]
pub struct SpanStats {
    pub span: marketplace::health::Span,
    pub from: String,
    pub until: String,
    pub offers: Vec<Map<String, Value>>,
}

#[derive(Debug, ToSchema)]
pub struct Providers {
    pub data: Vec<Seller>,
    pub total: u64,
    pub has_more: bool,
    /// Where the next page begins; `null` when this is the last.
    pub next: Option<String>,
}

#[derive(Debug, ToSchema)]
pub struct Seller {
    pub name: String,
    pub slug: ProviderId,
    pub available: bool,
    pub models: u64,
    pub available_models: u64,
    /// Per cent, absent where nobody asked lately.
    pub uptime_last_30m: Option<f64>,
}

#[derive(Debug, ToSchema)]
pub struct OwnKey {
    pub data: OwnKeyFacts,
}

/// Dollars, as OpenRouter’s clients read them. No `limit` means none.
#[derive(Debug, ToSchema)]
pub struct OwnKeyFacts {
    pub label: String,
    pub limit: Option<f64>,
    pub limit_remaining: Option<f64>,
    pub limit_reset: Option<String>,
    pub usage: f64,
    pub usage_daily: f64,
    pub usage_weekly: f64,
    pub usage_monthly: f64,
    /// Set aside for calls that go on, and not yet spent.
    pub held: f64,
    /// There are no keys of your own at vendors: always `false`, and 0 below.
    pub include_byok_in_limit: bool,
    pub byok_usage: f64,
    pub byok_usage_daily: f64,
    pub byok_usage_weekly: f64,
    pub byok_usage_monthly: f64,
    /// Of the key’s own, if it has one: `requests` in an `interval`.
    pub rate_limit: Option<Map<String, Value>>,
    pub expires_at: Option<String>,
    pub is_free_tier: bool,
    pub is_management_key: bool,
    pub scopes: Vec<Scope>,
    pub models: Option<Vec<String>>,
    pub requests_a_minute: Option<i32>,
    pub tokens_a_minute: Option<i64>,
}

#[derive(Debug, ToSchema)]
pub struct Credits {
    pub data: CreditFacts,
}

/// Dollars. The difference is the balance.
#[derive(Debug, ToSchema)]
pub struct CreditFacts {
    pub total_credits: f64,
    pub total_usage: f64,
}

#[derive(Debug, ToSchema)]
pub struct Activity {
    pub data: Vec<ActiveDay>,
}

#[derive(Debug, ToSchema)]
pub struct ActiveDay {
    pub date: String,
    pub model: ModelId,
    pub provider_name: String,
    pub usage: f64,
    pub requests: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
}

/// The state of the books.
#[derive(Debug, ToSchema)]
pub struct Books {
    pub balanced: bool,
    /// Since when paid calls are refused; they never go on over books that do not add up.
    pub stopped_since: Option<String>,
    pub last_check: Option<String>,
    pub entries_checked: Option<i64>,
    pub last_whole_check: Option<String>,
    pub entries_in_whole_check: Option<i64>,
    pub block: Option<i64>,
    pub block_hash: Option<String>,
    pub sealed_at: Option<String>,
    /// Ed25519, in base64.
    pub public_key: String,
}

#[derive(Debug, ToSchema)]
pub struct Seal {
    pub block: i64,
    pub entries: i64,
    pub hash: String,
    pub sealed_at: String,
    /// Over `mercato-seal|block|entries|hash|sealed_at`.
    pub signature: String,
}
