//! OpenAI's chat completions, which most vendors speak.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{self, Ask, Dialect, Frames, Message, Refusal};
use super::frame::Frame;
use super::likelihood;
use super::reply::{Call, Finish, Reply, Usage};
use super::scenario::Scenario;
use super::truth::since_epoch;

/// Vendors answer with a dated snapshot of the model that was asked for.
const SNAPSHOT: &str = "-2026-09-22";
const FINGERPRINT: &str = "fp_simulated";
const ROLES: [&str; 6] = ["developer", "system", "user", "assistant", "tool", "function"];
const STOPS_MAX: usize = 4;
const CHOICES_MAX: u64 = 128;
const TOP_MAX: u64 = 20;

/// OpenAI's chat dialect.
#[derive(Debug)]
pub struct OpenAi;

#[derive(Debug, Deserialize)]
struct Request {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    temperature: Option<f64>,
    n: Option<u64>,
    logprobs: Option<bool>,
    top_logprobs: Option<u64>,
    stop: Option<Stops>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    tools: Option<Vec<Value>>,
    #[serde(default)]
    response_format: Value,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stops {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Dialect for OpenAi {
    const NAME: &'static str = "openai";
    const REQUEST_ID_HEADER: &'static str = "x-request-id";

    fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
        dialect::check_key(dialect::bearer(headers))
    }

    fn read(_uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        request.check()?;
        let messages = request.messages.unwrap_or_default();
        let stream = request.stream.unwrap_or_default();
        Ok(Ask {
            vendor: String::new(),
            model: request.model.unwrap_or_default(),
            question: dialect::question(&messages),
            prompt_tokens: messages.iter().map(|message| message.content.tokens()).sum(),
            max_tokens: request.max_completion_tokens.or(request.max_tokens).map(i64::unsigned_abs),
            choices: request.n.unwrap_or(1),
            logprobs: request.logprobs.filter(|told| *told).map(|_| request.top_logprobs.unwrap_or(0)),
            stops: match request.stop {
                None => Vec::new(),
                Some(Stops::One(stop)) => vec![stop],
                Some(Stops::Several(stops)) => stops,
            },
            tool: dialect::first_function(request.tools.as_deref()),
            schema: dialect::schema(&request.response_format, "/json_schema/schema"),
            stream,
            include_usage: !stream
                || request.stream_options.and_then(|o| o.include_usage).unwrap_or_default(),
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let usage = reply.reported.map(usage);
        let mut body = envelope(reply, "chat.completion");
        body["choices"] = reply.all().zip(0..).map(choice).collect();
        reply.put_usage(&mut body, "usage", usage.as_ref());
        let frame = Frame::raw(body.to_string()).thinking(reply.thinking());
        frame.carrying(reply.tokens()).showing(&reply.said()).reporting(usage)
    }

    fn stream(reply: Reply) -> Frames {
        let chunk = chunk(&reply);
        let closing = closing(&chunk, &reply);
        let mut reply = reply;
        let others = std::mem::take(&mut reply.others);
        let told = std::iter::once(reply).chain(others).zip(0..).map(|one| told(&chunk, one));
        Box::new(dialect::by_turns(told.collect()).chain(closing))
    }

    fn fault(_request_id: &str) -> Frame {
        Frame::data(&error(
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            None,
            None,
        ))
    }

    fn refuse(refusal: &Refusal, _request_id: &str) -> (StatusCode, Value) {
        match refusal {
            Refusal::Unauthorised => (
                StatusCode::UNAUTHORIZED,
                error("Incorrect API key provided.", "invalid_request_error", None, Some("invalid_api_key")),
            ),
            Refusal::Invalid { param, message } => {
                (StatusCode::BAD_REQUEST, error(message, "invalid_request_error", *param, None))
            }
            Refusal::RateLimited => (
                StatusCode::TOO_MANY_REQUESTS,
                error(
                    "Rate limit reached. Please try again in 2s.",
                    "tokens",
                    None,
                    Some("rate_limit_exceeded"),
                ),
            ),
            Refusal::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                error("The server had an error while processing your request.", "server_error", None, None),
            ),
            Refusal::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                error(
                    "The engine is currently overloaded, please try again later.",
                    "service_unavailable_error",
                    None,
                    Some("server_is_overloaded"),
                ),
            ),
        }
    }

    fn models(vendor: &str) -> Value {
        let model = |size: &str| {
            let id = format!("{vendor}-{size}");
            json!({"id": id, "object": "model", "created": since_epoch().as_secs(), "owned_by": vendor})
        };
        json!({"object": "list", "data": [model("small"), model("large")]})
    }
}

impl Request {
    fn check(&self) -> Result<(), Refusal> {
        if self.model.as_deref().is_none_or(str::is_empty) {
            return Err(Refusal::invalid("model", "you must provide a model parameter"));
        }
        let messages = self.messages.as_deref().unwrap_or_default();
        if messages.is_empty() {
            return Err(Refusal::invalid(
                "messages",
                "Invalid 'messages': empty array. Expected at least one message.",
            ));
        }
        if let Some(stranger) = messages.iter().find(|message| !ROLES.contains(&message.role.as_str())) {
            return Err(Refusal::invalid("messages", format!("Invalid value: '{}'.", stranger.role)));
        }
        if self.max_tokens.is_some() && self.max_completion_tokens.is_some() {
            let message =
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
            return Err(Refusal::invalid("max_tokens", message));
        }
        if self.max_tokens.or(self.max_completion_tokens).is_some_and(|max| max < 1) {
            return Err(Refusal::invalid("max_tokens", "Invalid 'max_tokens': expected a value >= 1."));
        }
        if self.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(Refusal::invalid(
                "temperature",
                "Invalid 'temperature': expected a value from 0 to 2.",
            ));
        }
        if self.n.is_some_and(|n| !(1..=CHOICES_MAX).contains(&n)) {
            return Err(Refusal::invalid("n", "Invalid 'n': expected a value from 1 to 128."));
        }
        if self.top_logprobs.is_some_and(|top| top > TOP_MAX || self.logprobs != Some(true)) {
            let message = "Invalid 'top_logprobs': expected at most 20, and 'logprobs' to be true.";
            return Err(Refusal::invalid("top_logprobs", message));
        }
        if matches!(&self.stop, Some(Stops::Several(stops)) if stops.len() > STOPS_MAX) {
            return Err(Refusal::invalid("stop", "Invalid 'stop': expected at most 4 sequences."));
        }
        if self.stream_options.is_some() && self.stream != Some(true) {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            return Err(Refusal::invalid("stream_options", message));
        }
        Ok(())
    }
}

fn envelope(reply: &Reply, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{}", reply.id),
        "object": object,
        "created": since_epoch().as_secs(),
        "model": snapshot(&reply.model),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    })
}

fn chunk(reply: &Reply) -> Value {
    let mut chunk = envelope(reply, "chat.completion.chunk");
    if reply.include_usage {
        chunk["usage"] = Value::Null;
    }
    chunk
}

/// One answer of a body.
fn choice((reply, index): (&Reply, u32)) -> Value {
    let content = reply.pieces.concat();
    let mut choice = json!({
        "index": index,
        "message": {"role": "assistant", "content": content, "refusal": null, "annotations": []},
        "logprobs": reply.logprobs.map(|top| likelihood::told(&reply.pieces, top)),
        "finish_reason": finish_reason(reply.finish.as_ref()),
    });
    if let Some(call) = &reply.call {
        let mut whole = opened(call);
        whole["function"]["arguments"] = json!(call.arguments.concat());
        choice["message"]["tool_calls"] = json!([whole]);
    }
    choice
}

/// One answer of a stream.
fn told(chunk: &Value, (reply, index): (Reply, u32)) -> Frames {
    let chunk = chunk.clone();
    // Reasoning is done before the first chunk and is not shown.
    let role = delta(&chunk, index, json!({"role": "assistant", "content": "", "refusal": null}));
    let opening = Frame::data(&role).thinking(reply.thoughts.len() as u64);
    let last = finished(&chunk, index, &reply);
    let call = called(&chunk, index, reply.call);
    let so_far = (reply.scenario == Scenario::CumulativeUsage && reply.include_usage).then_some(reply.used);
    let (pieces, logprobs) = (reply.pieces.into_iter().zip(1..), reply.logprobs);
    let pieces = pieces.map(move |(piece, said)| {
        let mut chunk = delta(&chunk, index, json!({"content": &piece}));
        if let Some(top) = logprobs {
            chunk["choices"][0]["logprobs"] = likelihood::told(std::slice::from_ref(&piece), top);
        }
        if let Some(used) = so_far {
            chunk["usage"] = usage(Usage { completion: used.reasoning + said, ..used });
        }
        Frame::data(&chunk).carrying(1).showing(&piece)
    });
    Box::new(std::iter::once(opening).chain(pieces).chain(call).chain([last]))
}

fn finished(chunk: &Value, index: u32, reply: &Reply) -> Frame {
    let mut finish = delta(chunk, index, json!({}));
    finish["choices"][0]["finish_reason"] = json!(finish_reason(reply.finish.as_ref()));
    let usage = reply.reported.filter(|_| reply.include_usage).map(usage);
    if let (Scenario::DoubleUsage, Some(usage)) = (reply.scenario, usage) {
        finish["usage"] = usage;
    }
    Frame::data(&finish)
}

fn delta(chunk: &Value, index: u32, delta: Value) -> Value {
    let mut chunk = chunk.clone();
    chunk["choices"] = json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": null}]);
    chunk
}

/// A call without its arguments.
fn opened(call: &Call) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}})
}

fn called(chunk: &Value, index: u32, call: Option<Call>) -> Vec<Frame> {
    let Some(call) = call else { return Vec::new() };
    let mut opening = opened(&call);
    opening["index"] = json!(0);
    let opening = Frame::data(&delta(chunk, index, json!({"tool_calls": [opening]})));
    let pieces = call.arguments.iter().map(|piece| {
        let more = json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
        Frame::data(&delta(chunk, index, more)).carrying(1).showing(piece)
    });
    std::iter::once(opening).chain(pieces).collect()
}

fn closing(chunk: &Value, reply: &Reply) -> Vec<Frame> {
    let usage = reply.reported.filter(|_| reply.include_usage).map(usage);
    let mut frames = Vec::new();
    if usage.is_some() || reply.scenario == Scenario::NullUsage {
        let mut last = chunk.clone();
        last["choices"] = json!([]);
        reply.put_usage(&mut last, "usage", usage.as_ref());
        frames.push(Frame::data(&last).reporting(usage));
    }
    frames.push(Frame::raw("data: [DONE]\n\n"));
    frames
}

fn usage(used: Usage) -> Value {
    json!({
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.prompt.saturating_add(used.completion),
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0, "cache_write_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn finish_reason(finish: Option<&Finish>) -> Option<&'static str> {
    finish.map(|finish| match finish {
        Finish::Natural | Finish::Stop(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCall => "tool_calls",
    })
}

fn snapshot(model: &str) -> String {
    if model.ends_with(SNAPSHOT) { model.to_owned() } else { format!("{model}{SNAPSHOT}") }
}

fn error(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}
