//! The generate protocol of Text Generation Inference, which takes one plain prompt and continues it.

mod local;

use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Failure, FailureClass, Finish};
use marketplace::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::local::{INFO, decode_info};
use crate::asked::{self, Format};
use crate::dialect::Outgoing;
use crate::failure::{
    class_of_status, failure, if_readable, malformed, retry_after_seconds, unsupported, wait_seconds,
    without_words,
};
use crate::reading::{self, Reader, Reading, finished};

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 6] =
    ["n", "tools", "thinking", "parallel_tool_calls", "reasoning_effort", "presence_penalty"];

/// Writes a request. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    let sent = Request { inputs: asked::plain_prompt(&request.messages)?, parameters: parameters(request)? };
    let path = match request.stream {
        Delivery::Streamed => "/generate_stream",
        Delivery::Whole => "/generate",
    };
    Outgoing::json(path, &sent)
}

fn parameters(request: &ChatRequest) -> Result<Parameters<'_>, Failure> {
    let given = |field: &str| asked::given(&request.options, field);
    // What leaves the choice of words as it is must not be said: zero and one are out of bounds.
    let unless = |field: &str, neutral: f64| given(field).filter(|value| value.as_f64() != Some(neutral));
    Ok(Parameters {
        max_new_tokens: request.max_output_tokens,
        temperature: unless("temperature", 0.0),
        top_p: unless("top_p", 1.0),
        top_k: unless("top_k", 0.0),
        frequency_penalty: unless("frequency_penalty", 0.0),
        seed: given("seed"),
        stop: asked::stops(&request.options)?,
        grammar: match asked::format(&request.options)? {
            Format::Text => None,
            Format::Object => return Err(unsupported("response_format", "needs a json_schema here")),
            Format::Schema(value) => Some(Grammar { kind: "json", value }),
        },
        details: true,
        return_full_text: false,
    })
}

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    // Some installations put the answer into a list.
    let answer = match body.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice::<[Piece; 1]>(body).map(|[answer]| answer),
        _ => serde_json::from_slice(body),
    };
    let mut answer = answer.map_err(|_| malformed("the answer is not JSON of the generate shape"))?;
    if answer.error.is_some() {
        return Err(refusal(status, headers, body));
    }
    // How long the prompt was is told beside a whole answer, not in it.
    let prompt = headers.get("x-prompt-tokens").and_then(|count| count.to_str().ok()?.parse().ok());
    if let Some(details) = &mut answer.details {
        details.input_length = details.input_length.or(prompt);
    }
    reading::whole(|text: &mut Text| text.take(answer))
}

/// Reads why there is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    if !body["error"].is_string() {
        return without_words(status, headers);
    }
    // A model that is being loaded says for how long still.
    let loading = || wait_seconds(&body["estimated_time"].as_f64()?.to_string());
    Failure {
        retry_after_seconds: retry_after_seconds(headers).or_else(loading),
        ..complaint((!status.is_success()).then_some(status), &body)
    }
}

fn complaint(status: Option<StatusCode>, body: &Value) -> Failure {
    let message = body["error"].as_str().unwrap_or("the vendor gave no reason");
    let class = match body["error_type"].as_str().unwrap_or_default() {
        "validation" if message.contains("must be <=") && message.contains("tokens") => {
            FailureClass::ContextLength
        }
        "validation" => FailureClass::InvalidRequest,
        "overloaded" => FailureClass::Overloaded,
        "generation" | "incomplete_generation" => FailureClass::ServerError,
        _ => match status.map(|status| status.as_u16()) {
            // There is no limit for a caller, only one for all of them.
            Some(429) => FailureClass::Overloaded,
            Some(status) => class_of_status(status),
            None => FailureClass::ServerError,
        },
    };
    failure(class, message)
}

pub type Decoder = Reading<Text>;

/// What has been said so far.
#[derive(Debug, Default)]
pub struct Text {
    has_begun: bool,
    said_bytes: usize,
}

impl Reader for Text {
    const SHAPE: &'static str = "generate";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(|piece| self.take(piece))
    }
}

impl Text {
    fn take(&mut self, piece: Piece) -> Vec<ChatEvent> {
        if let Some(error) = piece.error {
            let body = serde_json::json!({"error": error, "error_type": piece.error_type});
            return vec![ChatEvent::Failed(complaint(None, &body))];
        }
        let mut events = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            events.push(ChatEvent::Started { upstream_id: None, upstream_model: None });
        }
        let token = piece.token.filter(|token| !token.special).map(|token| token.text);
        // The whole text is the one that counts: what is missing of it when it comes is said then.
        let rest = piece.generated_text.as_ref().and_then(|whole| {
            let said = self.said_bytes + token.as_ref().map_or(0, String::len);
            whole.get(said..).map(str::to_owned)
        });
        for text in [token, rest].into_iter().flatten().filter(|text| !text.is_empty()) {
            self.said_bytes += text.len();
            events.push(ChatEvent::Text(text));
        }
        if let Some(details) = piece.details.filter(|_| piece.generated_text.is_some()) {
            let usage = Usage {
                input_tokens: details.input_length,
                output_tokens: details.generated_tokens,
                ..Usage::default()
            };
            events.extend((usage != Usage::default()).then_some(ChatEvent::Usage(usage)));
            events.extend(done(details.finish_reason));
        }
        events
    }
}

fn done(native: String) -> Vec<ChatEvent> {
    let finish = match native.as_str() {
        "eos_token" | "stop_sequence" => Finish::Stop,
        "length" => Finish::Length,
        _ => Finish::Error,
    };
    finished(finish, native)
}

#[derive(Serialize)]
struct Request<'a> {
    inputs: String,
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_new_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grammar: Option<Grammar<'a>>,
    details: bool,
    return_full_text: bool,
}

#[derive(Serialize)]
struct Grammar<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a Value,
}

/// One event of a stream, or a whole answer.
#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    token: Option<Token>,
    #[serde(default)]
    generated_text: Option<String>,
    #[serde(default)]
    details: Option<Details>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    error_type: Option<Value>,
}

#[derive(Deserialize)]
struct Token {
    text: String,
    /// Whether it marks something, such as the end, and is no part of the text.
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Details {
    finish_reason: String,
    #[serde(default, deserialize_with = "if_readable")]
    generated_tokens: Option<i64>,
    #[serde(default, deserialize_with = "if_readable")]
    input_length: Option<i64>,
}
