//! The languages that vendors speak, behind one face.

use marketplace::chat::{ChatEvent, ChatRequest, Failure};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::frame::Event;
use crate::{anthropic, openai};

/// How a vendor wants to be asked and how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    OpenAi(openai::Habits),
    Anthropic,
}

/// A request in a vendor's words, all but its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To be put behind the vendor's base address.
    pub path: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: Vec<u8>,
}

/// Reads one streamed answer.
#[derive(Debug)]
pub enum Decoder {
    OpenAi(openai::Decoder),
    Anthropic(anthropic::Decoder),
}

impl Dialect {
    /// The header that carries the key, and what stands before the key in it.
    pub fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenAi(_) => ("authorization", "Bearer "),
            Self::Anthropic => ("x-api-key", ""),
        }
    }

    pub fn encode(self, request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
        match self {
            Self::OpenAi(habits) => openai::encode(request, upstream_model, habits),
            Self::Anthropic => anthropic::encode(request, upstream_model),
        }
    }

    /// Reads an answer that came in one piece.
    pub fn decode(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Vec<ChatEvent>, Failure> {
        match self {
            Self::OpenAi(_) => openai::decode(status, headers, body),
            Self::Anthropic => anthropic::decode(status, headers, body),
        }
    }

    /// Reads why there is no answer.
    pub fn refusal(self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        match self {
            Self::OpenAi(_) => openai::refusal(status, headers, body),
            Self::Anthropic => anthropic::refusal(status, headers, body),
        }
    }

    pub fn decoder(self) -> Decoder {
        match self {
            Self::OpenAi(_) => Decoder::OpenAi(openai::Decoder::default()),
            Self::Anthropic => Decoder::Anthropic(anthropic::Decoder::default()),
        }
    }
}

impl Decoder {
    /// What one event of the stream says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        match self {
            Self::OpenAi(decoder) => decoder.feed(event),
            Self::Anthropic(decoder) => decoder.feed(event),
        }
    }

    /// What the end of the body says: a failure, unless the answer was complete or had failed before.
    pub fn finish(&mut self) -> Option<ChatEvent> {
        match self {
            Self::OpenAi(decoder) => decoder.finish(),
            Self::Anthropic(decoder) => decoder.finish(),
        }
    }

    /// Ends the answer with a failure from outside the stream, unless it was complete or had failed before.
    pub fn fail(&mut self, failure: Failure) -> Option<ChatEvent> {
        match self {
            Self::OpenAi(decoder) => decoder.fail(failure),
            Self::Anthropic(decoder) => decoder.fail(failure),
        }
    }

    /// Whether nothing more will be said.
    pub fn is_over(&self) -> bool {
        match self {
            Self::OpenAi(decoder) => decoder.is_over(),
            Self::Anthropic(decoder) => decoder.is_over(),
        }
    }
}
