//! Anthropic's messages.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{self, Ask, Content, Dialect, Frames, Message, Refusal};
use super::frame::Frame;
use super::reply::{Call, Finish, Reply, Usage};
use super::scenario::Scenario;

const VERSION_WITH_SAMPLING: &str = "2023-06-01";
const VERSION_WITHOUT_SAMPLING: &str = "2026-10-21";
const SIGNATURE: &str = "c2lnLXNpbXVsYXRlZA==";
const OVERLOADED: u16 = 529;

/// Anthropic's dialect.
#[derive(Debug)]
pub struct Anthropic;

#[derive(Debug, Deserialize)]
struct Request {
    model: Option<String>,
    max_tokens: Option<i64>,
    messages: Option<Vec<Message>>,
    system: Option<Content>,
    stop_sequences: Option<Vec<String>>,
    stream: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<i64>,
    tools: Option<Vec<Value>>,
    #[serde(default)]
    output_config: Value,
}

impl Dialect for Anthropic {
    const NAME: &'static str = "anthropic";
    const REQUEST_ID_HEADER: &'static str = "request-id";

    fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
        let own = headers.get("x-api-key").and_then(|key| key.to_str().ok());
        dialect::check_key(own.or_else(|| dialect::bearer(headers)))
    }

    fn read(_uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal> {
        let version = headers.get("anthropic-version").and_then(|version| version.to_str().ok());
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        request.check(version)?;
        let messages = request.messages.unwrap_or_default();
        let said = messages.iter().map(|message| &message.content);
        Ok(Ask {
            vendor: String::new(),
            choices: 1,
            logprobs: None,
            model: request.model.unwrap_or_default(),
            question: dialect::question(&messages),
            prompt_tokens: said.chain(&request.system).map(Content::tokens).sum(),
            max_tokens: request.max_tokens.map(i64::unsigned_abs),
            stops: request.stop_sequences.unwrap_or_default(),
            tool: request.tools.and_then(|tools| Some(tools.first()?["name"].as_str()?.to_owned())),
            schema: dialect::schema(&request.output_config["format"], "/schema"),
            stream: request.stream.unwrap_or_default(),
            include_usage: true,
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let mut content = Vec::new();
        if !reply.thoughts.is_empty() {
            let thinking = reply.thoughts.concat();
            content.push(json!({"type": "thinking", "thinking": thinking, "signature": SIGNATURE}));
        }
        if !reply.pieces.is_empty() {
            content.push(json!({"type": "text", "text": reply.pieces.concat()}));
        }
        if let Some(call) = &reply.call {
            let input: Value = serde_json::from_str(&call.arguments.concat()).unwrap_or_default();
            content.push(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input}));
        }
        let usage = reply.reported.map(|used| usage(used, used.completion));
        let mut body = message(reply, content, usage.clone());
        body["stop_reason"] = json!(stop_reason(reply.finish.as_ref()));
        body["stop_sequence"] = json!(stop_sequence(reply.finish.as_ref()));
        let frame = Frame::raw(body.to_string()).thinking(reply.thoughts.len() as u64);
        frame.carrying(reply.tokens()).showing(&(reply.thoughts.concat() + &reply.said())).reporting(usage)
    }

    fn stream(reply: Reply) -> Frames {
        // The answer has hardly begun when the first event reports its length.
        let usage = reply.reported.map(|used| usage(used, used.completion.signum()));
        let start = json!({"type": "message_start", "message": message(&reply, Vec::new(), usage.clone())});
        let opening = Frame::event(&start).reporting(usage);
        let closing = closing(&reply);
        let index = usize::from(!reply.thoughts.is_empty());
        let call = tool_block(index + usize::from(!reply.pieces.is_empty()), reply.call);
        let blocks = thinking_block(reply.thoughts).chain(text_block(index, reply.pieces)).chain(call);
        Box::new(std::iter::once(opening).chain(blocks).chain(closing))
    }

    fn fault(request_id: &str) -> Frame {
        Frame::event(&error("overloaded_error", "Overloaded", request_id))
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        let (status, kind, message) = match refusal {
            Refusal::Unauthorised => (StatusCode::UNAUTHORIZED, "authentication_error", "invalid x-api-key"),
            Refusal::Invalid { message, .. } => {
                (StatusCode::BAD_REQUEST, "invalid_request_error", message.as_str())
            }
            Refusal::RateLimited => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                "This request would exceed your organization rate limit.",
            ),
            Refusal::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "api_error", "Internal server error"),
            Refusal::Overloaded => {
                let status = StatusCode::from_u16(OVERLOADED).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                (status, "overloaded_error", "Overloaded")
            }
        };
        (status, error(kind, message, request_id))
    }

    fn models(vendor: &str) -> Value {
        let model = |size: &str| {
            let (id, name) = (format!("{vendor}-{size}"), format!("Simulated {size} model"));
            json!({"type": "model", "id": id, "display_name": name, "created_at": "2026-09-22T00:00:00Z"})
        };
        let (small, large) = (model("small"), model("large"));
        let (first, last) = (small["id"].clone(), large["id"].clone());
        json!({"data": [small, large], "has_more": false, "first_id": first, "last_id": last})
    }
}

impl Request {
    fn check(&self, version: Option<&str>) -> Result<(), Refusal> {
        let samples = self.temperature.is_some() || self.top_p.is_some() || self.top_k.is_some();
        match version {
            None => {
                return Err(Refusal::invalid("anthropic-version", "anthropic-version: header is required"));
            }
            Some(VERSION_WITH_SAMPLING) => {}
            Some(VERSION_WITHOUT_SAMPLING) if samples => {
                let message = "temperature, top_p and top_k are not supported in this version";
                return Err(Refusal::invalid("temperature", message));
            }
            Some(VERSION_WITHOUT_SAMPLING) => {}
            Some(other) => {
                let message = format!("anthropic-version: \"{other}\" is not a valid version");
                return Err(Refusal::invalid("anthropic-version", message));
            }
        }
        if self.model.as_deref().is_none_or(str::is_empty) {
            return Err(Refusal::invalid("model", "model: Field required"));
        }
        match self.max_tokens {
            None => return Err(Refusal::invalid("max_tokens", "max_tokens: Field required")),
            Some(max) if max < 1 => {
                let message = "max_tokens: Input should be greater than or equal to 1";
                return Err(Refusal::invalid("max_tokens", message));
            }
            Some(_) => {}
        }
        let messages = self.messages.as_deref().unwrap_or_default();
        if messages.first().is_none_or(|first| first.role != "user") {
            return Err(Refusal::invalid("messages", "messages: first message must use the \"user\" role"));
        }
        if messages.iter().any(|message| !["user", "assistant"].contains(&message.role.as_str())) {
            return Err(Refusal::invalid("messages", "messages: roles must be \"user\" or \"assistant\""));
        }
        Ok(())
    }
}

fn message(reply: &Reply, content: Vec<Value>, usage: Option<Value>) -> Value {
    let mut message = json!({
        "id": format!("msg_{}", reply.id),
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": content,
        "stop_reason": null,
        "stop_sequence": null,
    });
    reply.put_usage(&mut message, "usage", usage.as_ref());
    message
}

fn thinking_block(thoughts: Vec<String>) -> impl Iterator<Item = Frame> {
    let signature = json!({"type": "signature_delta", "signature": SIGNATURE});
    let closing = [delta(0, signature), block_stop(0)];
    let opening = [block_start(0, json!({"type": "thinking", "thinking": "", "signature": ""}))];
    let any = usize::from(!thoughts.is_empty());
    let thoughts = thoughts.into_iter();
    let deltas = thoughts.map(|thought| {
        delta(0, json!({"type": "thinking_delta", "thinking": &thought})).thinking(1).showing(&thought)
    });
    opening.into_iter().take(any).chain(deltas).chain(closing.into_iter().take(any * 2))
}

fn text_block(index: usize, pieces: Vec<String>) -> impl Iterator<Item = Frame> {
    let opening =
        [block_start(index, json!({"type": "text", "text": ""})), Frame::event(&json!({"type": "ping"}))];
    let any = usize::from(!pieces.is_empty());
    let pieces = pieces.into_iter();
    let deltas = pieces.map(move |piece| {
        delta(index, json!({"type": "text_delta", "text": &piece})).carrying(1).showing(&piece)
    });
    opening.into_iter().take(any * 2).chain(deltas).chain([block_stop(index)].into_iter().take(any))
}

fn tool_block(index: usize, call: Option<Call>) -> Vec<Frame> {
    let Some(call) = call else { return Vec::new() };
    let opening = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
    let pieces = call.arguments.iter().map(|piece| {
        delta(index, json!({"type": "input_json_delta", "partial_json": piece})).carrying(1).showing(piece)
    });
    std::iter::once(block_start(index, opening)).chain(pieces).chain([block_stop(index)]).collect()
}

fn block_start(index: usize, block: Value) -> Frame {
    Frame::event(&json!({"type": "content_block_start", "index": index, "content_block": block}))
}

fn delta(index: usize, delta: Value) -> Frame {
    Frame::event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

fn block_stop(index: usize) -> Frame {
    Frame::event(&json!({"type": "content_block_stop", "index": index}))
}

fn closing(reply: &Reply) -> Vec<Frame> {
    let finish = reply.finish.as_ref();
    let mut last = json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(finish), "stop_sequence": stop_sequence(finish)},
    });
    let usage = reply.reported.map(|used| usage(used, used.completion));
    reply.put_usage(&mut last, "usage", usage.as_ref());
    let mut half = last.clone();
    let last = Frame::event(&last).reporting(usage);
    let mut frames = match reply.scenario {
        Scenario::DoubleUsage => vec![last; 2],
        // Each report holds the one before it.
        Scenario::CumulativeUsage => {
            half["usage"]["output_tokens"] = json!(reply.used.completion / 2);
            vec![Frame::event(&half), last]
        }
        _ => vec![last],
    };
    frames.push(Frame::event(&json!({"type": "message_stop"})));
    frames
}

/// Here the cached part of a prompt stands beside the input, not inside it.
fn usage(used: Usage, output: i64) -> Value {
    let mut usage = json!({
        "input_tokens": used.prompt - used.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached,
        "output_tokens": output,
        "service_tier": "standard",
    });
    if used.reasoning != 0 && output == used.completion {
        usage["output_tokens_details"] = json!({"thinking_tokens": used.reasoning});
    }
    usage
}

fn stop_reason(finish: Option<&Finish>) -> Option<&'static str> {
    finish.map(|finish| match finish {
        Finish::Natural => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Stop(_) => "stop_sequence",
        Finish::ToolCall => "tool_use",
    })
}

fn stop_sequence(finish: Option<&Finish>) -> Option<&str> {
    match finish {
        Some(Finish::Stop(sequence)) => Some(sequence),
        _ => None,
    }
}

fn error(kind: &str, message: &str, request_id: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})
}
