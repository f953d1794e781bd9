//! A fault as an HTTP answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use marketplace::fault::{Code, Fault};
use serde_json::{Value, json};

/// Names the call that an answer is about.
pub const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");

/// Whatever becomes a [`Fault`] can be answered with `?`.
#[derive(Debug)]
pub struct ApiError {
    fault: Fault,
    family: Family,
}

/// Who reads the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// RFC 9457, `application/problem+json`.
    Problem,
    /// `{"error": {…}}` as OpenAI's and OpenRouter's clients read it.
    OpenAi,
}

impl ApiError {
    /// The family that belongs to an address.
    pub fn for_path(path: &str, fault: Fault) -> Self {
        let rest = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/v1/"));
        let compatible = path.starts_with("/v1/")
            || rest.is_some_and(|rest| {
                rest.starts_with("chat/completions")
                    || rest.starts_with("models")
                    || ["key", "credits", "generation"].contains(&rest)
            });
        Self { fault, family: if compatible { Family::OpenAi } else { Family::Problem } }
    }

    pub fn openai(fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), family: Family::OpenAi }
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
        };
        let mut answer = (status, Json(body)).into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let retry = if fault.code.retryable() { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(retry));
        if let Some(seconds) = fault.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(id) = fault.call.and_then(|call| HeaderValue::from_str(&call.to_string()).ok()) {
            headers.insert(GENERATION_ID, id);
        }
        if fault.code == Code::Unauthenticated {
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

fn add_details(body: &mut Value, fault: &Fault) {
    if let Some(field) = &fault.field {
        body["field"] = json!(field);
    }
    if let Some(call) = &fault.call {
        body["generation_id"] = json!(call);
        body["receipt_url"] = json!(format!("/api/v1/receipts/{call}"));
    }
    if let Some(shortfall) = &fault.shortfall {
        body["required_nanos"] = json!(shortfall.required_nanos.0.to_string());
        body["available_nanos"] = json!(shortfall.available_nanos.0.to_string());
    }
}

fn openai_type(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "authentication_error",
        Code::PaymentRequired => "insufficient_quota",
        Code::PermissionDenied => "permission_error",
        Code::RateLimitExceeded => "rate_limit_error",
        Code::InvalidRequest
        | Code::NotFound
        | Code::PayloadTooLarge
        | Code::Unprocessable
        | Code::Conflict
        | Code::InProgress
        | Code::Interrupted
        | Code::NotKept => "invalid_request_error",
        _ => "server_error",
    }
}

fn openai_code(fault: &Fault) -> &'static str {
    match (fault.code, fault.field.as_deref()) {
        (Code::NotFound, Some("model")) => "model_not_found",
        (Code::Unauthenticated, _) => "invalid_api_key",
        (code, _) => code.as_str(),
    }
}
