//! What may leave the server when something goes wrong: a code, a sentence and the next step.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CallId, ModelId};
use crate::rate::{Limited, Standing};

/// The kinds of trouble a caller can meet. Each has one HTTP status, see [`Code::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    InvalidRequest,
    Unauthenticated,
    /// The key is known, and refused until it is enabled again.
    KeyDisabled,
    PaymentRequired,
    PermissionDenied,
    NotFound,
    /// The model is here, and does something else than what is asked of it.
    WrongEndpoint,
    /// The address is there, and answers to other methods.
    MethodNotAllowed,
    Conflict,
    /// The same request, known by its `Idempotency-Key`, is being answered now.
    InProgress,
    /// The same request was broken off; it is never begun a second time.
    Interrupted,
    /// The same request was answered, and the answer is no longer there to be repeated.
    NotKept,
    /// The request itself did not arrive in time.
    RequestTimeout,
    PayloadTooLarge,
    Unprocessable,
    RateLimitExceeded,
    ProviderUnavailable,
    ProviderOverloaded,
    Timeout,
    Unavailable,
    Internal,
}

impl Code {
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Unauthenticated | Self::KeyDisabled => 401,
            Self::PaymentRequired => 402,
            Self::PermissionDenied => 403,
            Self::NotFound | Self::WrongEndpoint => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Conflict | Self::InProgress | Self::Interrupted | Self::NotKept => 409,
            Self::PayloadTooLarge => 413,
            Self::Unprocessable => 422,
            Self::RateLimitExceeded => 429,
            Self::Internal => 500,
            Self::ProviderUnavailable => 502,
            Self::Unavailable => 503,
            Self::Timeout => 504,
            Self::ProviderOverloaded => 529,
        }
    }

    /// Whether the same request may succeed later without being changed.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::InProgress
                | Self::RequestTimeout
                | Self::RateLimitExceeded
                | Self::ProviderUnavailable
                | Self::ProviderOverloaded
                | Self::Timeout
                | Self::Unavailable
        )
    }

    /// The word used for this code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "authentication",
            Self::KeyDisabled => "key_disabled",
            Self::PaymentRequired => "payment_required",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::WrongEndpoint => "wrong_endpoint",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::InProgress => "in_progress",
            Self::Interrupted => "interrupted",
            Self::NotKept => "not_kept",
            Self::RequestTimeout => "request_timeout",
            Self::PayloadTooLarge => "payload_too_large",
            Self::Unprocessable => "unprocessable",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderOverloaded => "provider_overloaded",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// Everything that is said about a failure outside the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub code: Code,
    pub message: String,
    /// The field or parameter at fault, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What an empty balance needs and has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<Box<Shortfall>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// The call whose receipt says what was charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The limit that was reached. Pages are told of it by the message alone.
    #[serde(skip)]
    pub limited: Option<Box<Limited>>,
    /// What is left of the minute, where the call was counted in it.
    #[serde(skip)]
    pub standing: Option<Box<Standing>>,
}

/// Why a paid call was refused, in money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    #[serde(with = "crate::money::as_text")]
    pub required_nanos: crate::money::Nanos,
    #[serde(with = "crate::money::as_text")]
    pub available_nanos: crate::money::Nanos,
    /// Programs are told; pages say it in words.
    #[serde(skip)]
    pub advice: Option<Box<Advice>>,
}

/// Whose limit stands in the way of a call, and how to come to an answer all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// `balance`, `key`, `account`, `conversation`, `run`, `max_cost` or `quote`.
    pub limit: &'static str,
    /// When the limit begins anew, if it does.
    pub resets_at: Option<String>,
    /// The longest answer of the model asked for that fits; zero where its prompt alone does not.
    pub output_tokens_max: Option<u64>,
    /// The cheapest model that would do what is asked, if one fits.
    pub cheapest: Option<Cheapest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheapest {
    pub model: ModelId,
    /// For the whole answer that was asked for.
    pub required_nanos: crate::money::Nanos,
    /// The longest answer that fits.
    pub output_tokens_max: u64,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            shortfall: None,
            retry_after_seconds: None,
            call: None,
            limited: None,
            standing: None,
        }
    }

    /// A value that cannot be used: `Fault::invalid("email", "needs an @")`.
    pub fn invalid(field: &str, problem: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(Code::InvalidRequest, format!("{field} {problem}"))
        }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("{what} was not found"))
    }

    pub fn sign_in() -> Self {
        Self::new(Code::Unauthenticated, "Please sign in first")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
