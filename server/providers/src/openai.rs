//! The chat protocol of OpenAI, which most vendors speak with an accent.

mod complaint;
mod completion;
mod decoder;
mod told;
mod wire;

use std::borrow::Cow;

use marketplace::chat::{ANTHROPIC_ONLY, ChatEvent, ChatRequest, Delivery, Failure, REQUIRE_PARAMETERS};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

pub(crate) use self::complaint::complaint;
pub use self::complaint::refusal;
pub use self::completion::encode as encode_completion;
pub use self::decoder::Decoder;
use crate::asked;
use crate::dialect::Outgoing;
use crate::failure::malformed;
use crate::reading::unfailed;

/// Where vendors of this protocol differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    pub output_limit: OutputLimit,
    /// Whether usage comes in a stream only if asked for. Some vendors send it always and refuse the question.
    pub asks_for_usage: bool,
    /// Whether the role `developer` is known; elsewhere it is called `system`.
    pub knows_developer: bool,
    /// What the seed of an answer is called.
    pub seed: &'static str,
    /// Whether it writes several answers to one question. Some refuse that, and some leave it undone without a word.
    pub several_choices: bool,
}

/// The field that bounds the answer. Some vendors refuse the one, some the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputLimit {
    MaxTokens,
    MaxCompletionTokens,
}

/// Fields that are said elsewhere in the request or that only concern us.
const NOT_FORWARDED: [&str; 19] = [
    ANTHROPIC_ONLY,
    REQUIRE_PARAMETERS,
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "quote_id",
    "max_cost",
    "run_id",
    "on_insufficient",
    "provider",
    "models",
    "usage",
    "transforms",
    "plugins",
    "route",
    "session_id",
];

/// Writes a request in the words of a vendor with these habits.
pub fn encode(request: &ChatRequest, upstream_model: &str, habits: Habits) -> Result<Outgoing, Failure> {
    // Pictures and sounds in an answer would be paid for and lost.
    asked::refuse_given(&request.options, &["modalities"])?;
    if !habits.several_choices {
        asked::refuse_given(&request.options, &["n"])?;
    }
    let streamed = request.stream == Delivery::Streamed;
    let limit = |field| request.max_output_tokens.filter(|_| habits.output_limit == field);
    let sent = wire::Request {
        model: upstream_model,
        messages: told::told(&request.messages, habits),
        stream: streamed,
        stream_options: (streamed && habits.asks_for_usage)
            .then_some(wire::StreamOptions { include_usage: true }),
        max_tokens: limit(OutputLimit::MaxTokens),
        max_completion_tokens: limit(OutputLimit::MaxCompletionTokens),
        options: request
            .options
            .iter()
            .filter(|(field, _)| !NOT_FORWARDED.contains(&field.as_str()))
            .map(|(field, value)| match field.as_str() {
                "tools" => ("tools", told::unmarked_tools(value)),
                "seed" => (habits.seed, Cow::Borrowed(value)),
                field => (field, Cow::Borrowed(value)),
            })
            .collect(),
    };
    Outgoing::json("/chat/completions", &sent)
}

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let mut answer: wire::Chunk = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the chat completion shape"))?;
    if answer.error.is_some() {
        return Err(refusal(status, headers, body));
    }
    // A whole answer is a single chunk whose delta is the message.
    for choice in answer.choices.iter_mut().flatten() {
        choice.delta = choice.message.take();
        for (index, call) in (0..).zip(choice.delta.iter_mut().flat_map(wire::Delta::calls_mut)) {
            call.index.get_or_insert(index);
        }
    }
    let mut decoder = Decoder::default();
    let events = decoder.take(answer);
    match unfailed(events) {
        Ok(_) if !decoder.is_complete() => Err(malformed("the answer has no finished choice")),
        read => read,
    }
}
