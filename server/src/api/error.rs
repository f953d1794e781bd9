//! A fault as an HTTP answer.

use axum::Json;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use marketplace::fault::{Advice, Code, Fault};
use serde_json::{Value, json};

use super::rate;

/// Names the call that an answer is about.
pub const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");
/// What every client of Anthropic's says, and no other.
pub const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// What is asked for in OpenAI's shape alone, whoever asks.
const OPENAI_ONLY: [&str; 5] = ["chat/completions", "completions", "responses", "embeddings", "images/"];

/// Whatever becomes a [`Fault`] can be answered with `?`.
#[derive(Debug)]
pub struct ApiError {
    fault: Fault,
    family: Family,
}

/// Who reads the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// RFC 9457, `application/problem+json`.
    Problem,
    /// `{"error": {…}}` as OpenAI's and OpenRouter's clients read it.
    OpenAi,
    /// `{"type": "error", "error": {…}, "request_id": …}` as Anthropic's clients read it.
    Anthropic,
}

/// The body of an error of Anthropic's family until it is told which request it is about.
#[derive(Clone)]
pub struct Unnamed(pub Value);

/// What a handler refused that does not know who reads it.
#[derive(Clone)]
struct Untold(Fault);

/// Tells a refusal of a handler that serves several families in the family of the address that was asked.
pub async fn in_family(request: Request<Body>, next: Next) -> Response {
    let family = Family::of(&request);
    let mut answer = next.run(request).await;
    match answer.extensions_mut().remove::<Untold>() {
        Some(Untold(fault)) if family != Family::Problem => ApiError::of(family, fault).into_response(),
        _ => answer,
    }
}

impl Family {
    /// The family that belongs to an address; where two share one, the client's version tells them apart.
    pub fn of<B>(request: &Request<B>) -> Self {
        // Beneath `nest` the address is cut; what was asked for stands beside it.
        let whole = request.extensions().get::<OriginalUri>().map(|original| &original.0);
        let path = whole.unwrap_or(request.uri()).path();
        let Some(rest) = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/v1/")) else {
            return Self::Problem;
        };
        let is_shared = path.starts_with("/v1/")
            || rest.starts_with("models")
            || rest.starts_with("datasets/")
            || [
                "key",
                "credits",
                "generation",
                "providers",
                "activity",
                "moderations",
                "auth/keys",
                "benchmarks",
            ]
            .contains(&rest)
            || rest.starts_with("audio/");
        match rest {
            // Known here alone, under both bases.
            _ if rest.starts_with("presets") => Self::Problem,
            _ if rest.starts_with("messages") => Self::Anthropic,
            _ if OPENAI_ONLY.iter().any(|path| rest.starts_with(path)) => Self::OpenAi,
            _ if is_shared && request.headers().contains_key(ANTHROPIC_VERSION) => Self::Anthropic,
            _ if is_shared => Self::OpenAi,
            _ => Self::Problem,
        }
    }
}

impl ApiError {
    pub fn of(family: Family, fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), family }
    }

    pub fn openai(fault: impl Into<Fault>) -> Self {
        Self::of(Family::OpenAi, fault)
    }

    pub fn anthropic(fault: impl Into<Fault>) -> Self {
        Self::of(Family::Anthropic, fault)
    }
}

impl<F: Into<Fault>> From<F> for ApiError {
    fn from(fault: F) -> Self {
        Self { fault: fault.into(), family: Family::Problem }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let fault = self.fault;
        let status = StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (body, kind) = match self.family {
            Family::Problem => (problem(&fault), "application/problem+json"),
            Family::OpenAi => (openai_error(&fault), "application/json"),
            Family::Anthropic => (anthropic_error(&fault), "application/json"),
        };
        let untold = (self.family == Family::Problem).then(|| Untold(fault.clone()));
        let unnamed = (self.family == Family::Anthropic).then(|| Unnamed(body.clone()));
        let mut answer = (status, Json(body)).into_response();
        if let Some(unnamed) = unnamed {
            answer.extensions_mut().insert(unnamed);
        }
        if let Some(untold) = untold {
            answer.extensions_mut().insert(untold);
        }
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let retry = if fault.code.retryable() { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(retry));
        if let Some(seconds) = fault.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(standing) = &fault.standing {
            rate::add_headers(headers, self.family, standing);
        }
        if let Some(id) = fault.call.and_then(|call| HeaderValue::from_str(&call.to_string()).ok()) {
            headers.insert(GENERATION_ID, id);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

fn problem(fault: &Fault) -> Value {
    let mut body = json!({
        "type": "about:blank",
        "title": fault.code.as_str(),
        "status": fault.code.status(),
        "detail": fault.message,
        "code": fault.code.as_str(),
    });
    add_details(&mut body, fault);
    body
}

/// Also the object that stands in a stream after which no status can be sent.
pub fn openai_error(fault: &Fault) -> Value {
    let mut metadata = json!({ "error_type": fault.code.as_str() });
    add_details(&mut metadata, fault);
    json!({ "error": {
        "message": fault.message,
        "type": openai_type(fault.code),
        "param": fault.field,
        "code": openai_code(fault),
        "metadata": metadata,
    } })
}

/// Also the object that stands in a stream after which no status can be sent.
pub fn anthropic_error(fault: &Fault) -> Value {
    let mut details = json!({ "error_code": fault.code.as_str() });
    add_details(&mut details, fault);
    json!({ "type": "error", "error": {
        "type": anthropic_type(fault.code),
        "message": fault.message,
        "details": details,
    } })
}

fn add_details(body: &mut Value, fault: &Fault) {
    if let Some(field) = &fault.field {
        body["field"] = json!(field);
    }
    if let Some(call) = &fault.call {
        body["generation_id"] = json!(call);
        body["receipt_url"] = json!(format!("/api/v1/receipts/{call}"));
    }
    if let Some(limited) = &fault.limited {
        body["rate_limit"] = rate::details(limited);
    }
    if let Some(shortfall) = &fault.shortfall {
        body["required_nanos"] = json!(shortfall.required_nanos.0.to_string());
        body["available_nanos"] = json!(shortfall.available_nanos.0.to_string());
        if let Some(advice) = &shortfall.advice {
            add_advice(body, advice);
        }
    }
}

/// Whose limit it is, when it begins anew, and what would fit.
fn add_advice(body: &mut Value, advice: &Advice) {
    body["limit"] = json!(advice.limit);
    if let Some(at) = &advice.resets_at {
        body["resets_at"] = json!(at);
    }
    if let Some(tokens) = advice.output_tokens_max {
        body["affordable_output_tokens"] = json!(tokens);
    }
    if let Some(cheapest) = &advice.cheapest {
        body["cheapest_model"] = json!({
            "id": cheapest.model,
            "required_nanos": cheapest.required_nanos.0.to_string(),
            "affordable_output_tokens": cheapest.output_tokens_max,
        });
    }
}

fn openai_type(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated | Code::KeyDisabled => "authentication_error",
        Code::PaymentRequired => "insufficient_quota",
        Code::PermissionDenied => "permission_error",
        Code::RateLimitExceeded => "rate_limit_error",
        Code::InvalidRequest
        | Code::NotFound
        | Code::WrongEndpoint
        | Code::MethodNotAllowed
        | Code::RequestTimeout
        | Code::PayloadTooLarge
        | Code::Unprocessable
        | Code::Conflict
        | Code::InProgress
        | Code::Interrupted
        | Code::NotKept => "invalid_request_error",
        _ => "server_error",
    }
}

fn anthropic_type(code: Code) -> &'static str {
    match code {
        Code::InvalidRequest | Code::Unprocessable | Code::MethodNotAllowed => "invalid_request_error",
        Code::Unauthenticated | Code::KeyDisabled => "authentication_error",
        Code::PaymentRequired => "billing_error",
        Code::PermissionDenied => "permission_error",
        Code::NotFound | Code::WrongEndpoint => "not_found_error",
        Code::Conflict | Code::InProgress | Code::Interrupted | Code::NotKept => "conflict_error",
        Code::PayloadTooLarge => "request_too_large",
        Code::RateLimitExceeded => "rate_limit_error",
        Code::Timeout | Code::RequestTimeout => "timeout_error",
        Code::ProviderOverloaded => "overloaded_error",
        Code::ProviderUnavailable | Code::Unavailable | Code::Internal => "api_error",
    }
}

fn openai_code(fault: &Fault) -> &'static str {
    match (fault.code, fault.field.as_deref()) {
        (Code::NotFound, Some("model")) => "model_not_found",
        (Code::Unauthenticated, _) => "invalid_api_key",
        (code, _) => code.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_family_of_errors() {
        let asked = |path: &str| Request::builder().uri(path.to_owned());
        for (path, with_version, without) in [
            ("/v1/messages", Family::Anthropic, Family::Anthropic),
            ("/api/v1/messages/count_tokens", Family::Anthropic, Family::Anthropic),
            ("/v1/models", Family::Anthropic, Family::OpenAi),
            ("/api/v1/models/a/b", Family::Anthropic, Family::OpenAi),
            ("/v1/files", Family::Anthropic, Family::OpenAi),
            ("/v1/chat/completions", Family::OpenAi, Family::OpenAi),
            ("/api/v1/embeddings", Family::OpenAi, Family::OpenAi),
            ("/api/v1/images/generations", Family::OpenAi, Family::OpenAi),
            ("/api/v1/keys", Family::Problem, Family::Problem),
            ("/v1/presets/brief", Family::Problem, Family::Problem),
            ("/models", Family::Problem, Family::Problem),
        ] {
            let versioned = asked(path).header(ANTHROPIC_VERSION, "2023-06-01").body(()).unwrap();
            let other = asked(path).body(()).unwrap();
            assert_eq!((Family::of(&versioned), Family::of(&other)), (with_version, without), "{path}");
        }
    }

    #[test]
    fn an_address_that_was_cut_keeps_its_family() {
        let mut request = Request::builder().uri("/chat/completions").body(()).unwrap();
        request.extensions_mut().insert(OriginalUri(http::Uri::from_static("/v1/chat/completions")));
        assert_eq!(Family::of(&request), Family::OpenAi);
    }
}
