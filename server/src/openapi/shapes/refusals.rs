//! How each family of clients is told that something did not work.

use marketplace::id::CallId;
use marketplace::money::Nanos;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// RFC 9457, for our own addresses.
#[derive(Debug, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened, in a sentence.
    pub detail: String,
    #[schema(example = "payment_required")]
    pub code: String,
    #[serde(flatten)]
    pub details: RefusalDetails,
}

/// As clients of OpenAI and OpenRouter read it.
#[derive(Debug, ToSchema)]
pub struct OpenAiError {
    pub error: OpenAiFault,
}

#[derive(Debug, ToSchema)]
pub struct OpenAiFault {
    pub message: String,
    #[serde(rename = "type")]
    #[schema(example = "insufficient_quota")]
    pub kind: String,
    /// The field at fault.
    pub param: Option<String>,
    #[schema(example = "payment_required")]
    pub code: String,
    pub metadata: OpenAiMetadata,
}

#[derive(Debug, ToSchema)]
pub struct OpenAiMetadata {
    pub error_type: String,
    #[serde(flatten)]
    pub details: RefusalDetails,
}

/// As clients of Anthropic read it.
#[derive(Debug, ToSchema)]
pub struct AnthropicError {
    #[serde(rename = "type")]
    #[schema(example = "error")]
    pub kind: String,
    pub error: AnthropicFault,
    pub request_id: Option<String>,
}

#[derive(Debug, ToSchema)]
pub struct AnthropicFault {
    #[serde(rename = "type")]
    #[schema(example = "billing_error")]
    pub kind: String,
    pub message: String,
    pub details: AnthropicDetails,
}

#[derive(Debug, ToSchema)]
pub struct AnthropicDetails {
    pub error_code: String,
    #[serde(flatten)]
    pub details: RefusalDetails,
}

/// What is known besides: the field at fault, the call, the limit that was reached, and what would fit.
#[derive(Debug, ToSchema)]
pub struct RefusalDetails {
    pub field: Option<String>,
    pub generation_id: Option<CallId>,
    pub receipt_url: Option<String>,
    pub rate_limit: Option<Map<String, Value>>,
    pub required_nanos: Option<Nanos>,
    pub available_nanos: Option<Nanos>,
    /// Whose limit it is: `balance`, `key`, `account`, `conversation`, `run`, `max_cost` or `quote`.
    pub limit: Option<String>,
    pub resets_at: Option<String>,
    pub affordable_output_tokens: Option<u64>,
    pub cheapest_model: Option<CheapestModel>,
}

#[derive(Debug, ToSchema)]
pub struct CheapestModel {
    pub id: String,
    pub required_nanos: Nanos,
    pub affordable_output_tokens: u64,
}
