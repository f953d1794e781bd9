//! The languages that vendors speak, behind one face.

use std::borrow::Cow;

use marketplace::chat::{ANTHROPIC_ONLY, ChatEvent, ChatRequest, Failure};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::unsupported;
use crate::frame::{Event, Framing};
use crate::{anthropic, cohere, google, ollama, openai, responses, tgi};

/// What the catalogue calls the protocol that a vendor speaks beside the chat protocol.
const RESPONSES: &str = "openai_responses";

/// How a vendor wants to be asked and how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    OpenAi(openai::Habits),
    /// Of a single model: its vendor speaks `OpenAi` everywhere else.
    Responses,
    Anthropic(anthropic::Version),
    Google,
    Cohere,
    Ollama,
    Tgi,
}

/// A request in a vendor's words, all but its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To be put behind the vendor's base address.
    pub path: Cow<'static, str>,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: Vec<u8>,
}

/// Reads one streamed answer.
#[derive(Debug)]
pub enum Decoder {
    OpenAi(openai::Decoder),
    Responses(responses::Decoder),
    Anthropic(anthropic::Decoder),
    Google(google::Decoder),
    Cohere(cohere::Decoder),
    Ollama(ollama::Decoder),
    Tgi(tgi::Decoder),
}

impl Outgoing {
    /// A request whose body is JSON.
    pub(crate) fn json(path: impl Into<Cow<'static, str>>, sent: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_vec(sent).map_err(|error| unsupported("request", &error.to_string()))?;
        Ok(Self { path: path.into(), headers: &[], body })
    }
}

impl Dialect {
    /// The language of one model, whose protocol may be another than its vendor's usual one.
    #[must_use]
    pub fn of_model(self, protocol: &str) -> Self {
        match self {
            Self::OpenAi(_) if protocol == RESPONSES => Self::Responses,
            usual => usual,
        }
    }

    /// The header that carries the key, and what stands before the key in it.
    pub fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenAi(_) | Self::Responses | Self::Cohere | Self::Ollama | Self::Tgi => {
                ("authorization", "Bearer ")
            }
            Self::Anthropic(_) => ("x-api-key", ""),
            // Google also takes the key in the address, from where it would find its way into logs.
            Self::Google => ("x-goog-api-key", ""),
        }
    }

    /// Whether the operator runs the server that speaks it: such a one asks for no key, and may have to load a model
    /// before it says anything.
    pub fn is_self_hosted(self) -> bool {
        matches!(self, Self::Ollama | Self::Tgi)
    }

    /// Whether several answers to one question can be asked for.
    pub fn offers_choices(self) -> bool {
        match self {
            Self::OpenAi(habits) => habits.several_choices,
            Self::Google => true,
            Self::Responses | Self::Anthropic(_) | Self::Cohere | Self::Ollama | Self::Tgi => false,
        }
    }

    /// Whether a model can be asked how likely each word was. Vendors of OpenAI's protocol say themselves which cannot.
    pub fn offers_logprobs(self, upstream_model: &str) -> bool {
        match self {
            Self::OpenAi(_) => true,
            Self::Google => google::offers_logprobs(upstream_model),
            Self::Responses | Self::Anthropic(_) | Self::Cohere | Self::Ollama | Self::Tgi => false,
        }
    }

    /// Whether a model can be told that it must call a function.
    pub fn offers_forced_calls(self) -> bool {
        !matches!(self, Self::Ollama | Self::Tgi)
    }

    /// Whether functions can be offered to a model.
    pub fn offers_tools(self) -> bool {
        self != Self::Tgi
    }

    /// What has a model think where nobody says how hard: the option, and what is said in it. `None` where it cannot be told.
    pub fn usual_thinking(self, upstream_model: &str) -> Option<(&'static str, Value)> {
        match self {
            Self::Anthropic(_) => {
                Some((ANTHROPIC_ONLY, json!({ "thinking": anthropic::usual_thinking(upstream_model) })))
            }
            // Off or on, and on is called so.
            Self::Cohere => Some(("reasoning_effort", "high".into())),
            Self::OpenAi(_) | Self::Responses | Self::Google | Self::Ollama => {
                Some(("reasoning_effort", "medium".into()))
            }
            Self::Tgi => None,
        }
    }

    pub fn framing(self) -> Framing {
        match self {
            Self::Ollama => Framing::Lines,
            Self::OpenAi(_)
            | Self::Responses
            | Self::Anthropic(_)
            | Self::Google
            | Self::Cohere
            | Self::Tgi => Framing::Events,
        }
    }

    pub fn encode(self, request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
        match self {
            Self::OpenAi(habits) => openai::encode(request, upstream_model, habits),
            Self::Responses => responses::encode(request, upstream_model),
            Self::Anthropic(version) => anthropic::encode(request, upstream_model, version),
            Self::Google => google::encode(request, upstream_model),
            Self::Cohere => cohere::encode(request, upstream_model),
            Self::Ollama => ollama::encode(request, upstream_model),
            Self::Tgi => tgi::encode(request),
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
            Self::Responses => responses::decode(status, headers, body),
            Self::Anthropic(_) => anthropic::decode(status, headers, body),
            Self::Google => google::decode(status, headers, body),
            Self::Cohere => cohere::decode(status, headers, body),
            Self::Ollama => ollama::decode(status, headers, body),
            Self::Tgi => tgi::decode(status, headers, body),
        }
    }

    /// Reads why there is no answer.
    pub fn refusal(self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        match self {
            Self::OpenAi(_) | Self::Responses => openai::refusal(status, headers, body),
            Self::Anthropic(_) => anthropic::refusal(status, headers, body),
            Self::Google => google::refusal(status, headers, body),
            Self::Cohere => cohere::refusal(status, headers, body),
            Self::Ollama => ollama::refusal(status, headers, body),
            Self::Tgi => tgi::refusal(status, headers, body),
        }
    }

    pub fn decoder(self) -> Decoder {
        match self {
            Self::OpenAi(_) => Decoder::OpenAi(openai::Decoder::default()),
            Self::Responses => Decoder::Responses(responses::Decoder::default()),
            Self::Anthropic(_) => Decoder::Anthropic(anthropic::Decoder::default()),
            Self::Google => Decoder::Google(google::Decoder::default()),
            Self::Cohere => Decoder::Cohere(cohere::Decoder::default()),
            Self::Ollama => Decoder::Ollama(ollama::Decoder::default()),
            Self::Tgi => Decoder::Tgi(tgi::Decoder::default()),
        }
    }
}

impl Decoder {
    /// What one event of the stream says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        match self {
            Self::OpenAi(decoder) => decoder.feed(event),
            Self::Responses(decoder) => decoder.feed(event),
            Self::Anthropic(decoder) => decoder.feed(event),
            Self::Google(decoder) => decoder.feed(event),
            Self::Cohere(decoder) => decoder.feed(event),
            Self::Ollama(decoder) => decoder.feed(event),
            Self::Tgi(decoder) => decoder.feed(event),
        }
    }

    /// What the end of the body says: a failure, unless the answer was complete or had failed before.
    pub fn finish(&mut self) -> Option<ChatEvent> {
        match self {
            Self::OpenAi(decoder) => decoder.finish(),
            Self::Responses(decoder) => decoder.finish(),
            Self::Anthropic(decoder) => decoder.finish(),
            Self::Google(decoder) => decoder.finish(),
            Self::Cohere(decoder) => decoder.finish(),
            Self::Ollama(decoder) => decoder.finish(),
            Self::Tgi(decoder) => decoder.finish(),
        }
    }

    /// Ends the answer with a failure from outside the stream, unless it was complete or had failed before.
    pub fn fail(&mut self, failure: Failure) -> Option<ChatEvent> {
        match self {
            Self::OpenAi(decoder) => decoder.fail(failure),
            Self::Responses(decoder) => decoder.fail(failure),
            Self::Anthropic(decoder) => decoder.fail(failure),
            Self::Google(decoder) => decoder.fail(failure),
            Self::Cohere(decoder) => decoder.fail(failure),
            Self::Ollama(decoder) => decoder.fail(failure),
            Self::Tgi(decoder) => decoder.fail(failure),
        }
    }

    /// Whether nothing more will be said.
    pub fn is_over(&self) -> bool {
        match self {
            Self::OpenAi(decoder) => decoder.is_over(),
            Self::Responses(decoder) => decoder.is_over(),
            Self::Anthropic(decoder) => decoder.is_over(),
            Self::Google(decoder) => decoder.is_over(),
            Self::Cohere(decoder) => decoder.is_over(),
            Self::Ollama(decoder) => decoder.is_over(),
            Self::Tgi(decoder) => decoder.is_over(),
        }
    }
}
