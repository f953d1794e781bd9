//! The one error of server functions: a fault, and nothing else, leaves the server.

use std::fmt;

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::Bytes;
use leptos::server_fn::codec::JsonEncoding;
use marketplace::fault::{Code, Fault};
use serde::{Deserialize, Serialize};

use crate::json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppError(pub Fault);

impl AppError {
    /// Whether one field of a form is what is wrong.
    pub fn is_about(&self, field: &str) -> bool {
        self.0.field.as_deref() == Some(field)
    }
}

impl<F: Into<Fault>> From<F> for AppError {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn de(data: Bytes) -> Self {
        // Pages read all else that comes from the server the same way.
        str::from_utf8(&data)
            .ok()
            .and_then(|text| json::read(text).ok())
            .unwrap_or_else(|| Self::from_server_fn_error(ServerFnErrorErr::Deserialization(String::new())))
    }

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => {
                Self(Fault::new(Code::InvalidRequest, "The form was not filled in as expected"))
            }
            ServerFnErrorErr::Request(_) => Self(Fault::new(
                Code::Unavailable,
                "The server could not be reached; nothing was changed. Try again",
            )),
            _ => Self(Fault::new(Code::Internal, "Something went wrong on the server; nothing was charged")),
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AppError {}
