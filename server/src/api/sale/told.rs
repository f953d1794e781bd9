//! Who answered and why, as headers and beside the answer: the same in every dialect.

use engine::Served;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const PROVIDER: HeaderName = HeaderName::from_static("x-mercato-provider");
const REASON: HeaderName = HeaderName::from_static("x-mercato-reason");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-mercato-attempts");

pub fn add_headers(headers: &mut HeaderMap, served: &Served) {
    if let Ok(provider) = HeaderValue::from_str(&served.provider.0) {
        headers.insert(PROVIDER, provider);
    }
    headers.insert(REASON, HeaderValue::from_static(served.reason.as_str()));
    headers.insert(ATTEMPTS, HeaderValue::from(served.attempts()));
}

/// Adds the vendor's name as other marketplaces do, and ours in full.
pub fn with_served(mut answer: Value, served: &Served) -> Value {
    answer["provider"] = json!(served.provider_name);
    answer["mercato"] = json!(served);
    answer["mercato"]["attempts"] = json!(served.attempts());
    answer
}
