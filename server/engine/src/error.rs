//! What a failure means, and the one place where it becomes what callers are told.

use marketplace::chat::{Failure, FailureClass};
use marketplace::fault::{Code, Fault};
use marketplace::preset::PRESETS_MAX;
use marketplace::rate::Standing;
use tracing::error;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something the caller may be told as it is.
    #[error("{0}")]
    Fault(Fault),
    #[error("the store failed: {0}")]
    Store(store::Error),
    #[error("{provider} failed: {}", failure.message)]
    Provider { provider: String, failure: Failure },
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
    #[error("{0}")]
    MasterKey(String),
    #[error("the catalogue is wrong: {0}")]
    Catalogue(String),
    #[error("a seal of the books cannot be read or written: {0}")]
    Seal(String),
    #[error("letters cannot be sent: {0}")]
    Letters(&'static str),
    #[error("the test gateway could not deliver its webhook: {0}")]
    Gateway(String),
}

impl Error {
    /// Of a call that was counted in its minute, of which so much is left.
    pub(crate) fn counted(self, standing: Standing) -> Self {
        Self::Fault(Fault { standing: Some(Box::new(standing)), ..self.into() })
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Seal(error.to_string())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::EmailTaken => Self::Fault(Fault {
                field: Some("email".to_owned()),
                ..Fault::new(Code::Conflict, "This address already has an account; sign in instead")
            }),
            store::Error::TooManyPresets => Self::Fault(Fault::new(
                Code::Conflict,
                format!("An account may have {PRESETS_MAX} presets; delete one first"),
            )),
            store::Error::BelowSpent => Self::Fault(Fault {
                field: Some("limit_nanos".to_owned()),
                ..Fault::new(Code::Conflict, "This limit is below what was spent or is held under it already")
            }),
            store::Error::ForPeople => Self::Fault(Fault::new(
                Code::PermissionDenied,
                "A key that manages keys is changed by a person only; sign in instead",
            )),
            store::Error::NotFound => Self::Fault(Fault::not_found("This")),
            other => Self::Store(other),
        }
    }
}

impl From<Error> for Fault {
    fn from(cause: Error) -> Self {
        match cause {
            Error::Fault(fault) => fault,
            Error::Provider { provider, failure } => from_failure(&provider, &failure),
            Error::Store(store::Error::Database(cause)) => {
                error!(cause = %cause, "the database did not do as asked");
                let message =
                    "The books cannot be reached right now; nothing was charged. Try again in a moment";
                Self { retry_after_seconds: Some(2), ..Self::new(Code::Unavailable, message) }
            }
            other => {
                error!(cause = %other, "a request failed inside");
                Self::new(Code::Internal, "Something went wrong on our side; nothing was charged")
            }
        }
    }
}

/// A vendor's failure in our words. Its own text is passed on only where it speaks of the caller's request.
pub(crate) fn from_failure(provider: &str, failure: &Failure) -> Fault {
    let fault = match failure.class {
        FailureClass::InvalidRequest | FailureClass::ContextLength => {
            Fault::new(Code::InvalidRequest, format!("{provider} refused the request: {}", failure.message))
        }
        FailureClass::Content => {
            Fault::new(Code::PermissionDenied, format!("{provider} declined this content"))
        }
        FailureClass::Auth => {
            error!(provider, "the provider refused the operator's key");
            Fault::new(Code::ProviderUnavailable, format!("The operator's key was refused by {provider}"))
        }
        FailureClass::QuotaExhausted => {
            error!(provider, "the operator's account at the provider is exhausted");
            Fault::new(Code::ProviderUnavailable, format!("{provider} cannot be used right now"))
        }
        FailureClass::ModelNotFound => {
            Fault::new(Code::NotFound, format!("{provider} no longer serves this model"))
        }
        FailureClass::RateLimited => {
            Fault::new(Code::RateLimitExceeded, format!("{provider} is limiting our requests; wait a moment"))
        }
        FailureClass::Overloaded => Fault::new(Code::ProviderOverloaded, format!("{provider} is overloaded")),
        FailureClass::Timeout => Fault::new(Code::Timeout, format!("{provider} did not answer in time")),
        FailureClass::Unreachable => {
            Fault::new(Code::ProviderUnavailable, format!("{provider} cannot be reached"))
        }
        FailureClass::ServerError
        | FailureClass::ModelOutput
        | FailureClass::TruncatedStream
        | FailureClass::MalformedStream => {
            Fault::new(Code::ProviderUnavailable, format!("{provider} failed to finish its answer"))
        }
    };
    Fault { retry_after_seconds: failure.retry_after_seconds, ..fault }
}
