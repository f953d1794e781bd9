//! Cohere's second chat.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{self, Ask, Dialect, Frames, Message, Refusal};
use super::frame::Frame;
use super::reply::{Call, Finish, Reply, Usage};
use super::scenario::Scenario;

const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
/// What the vendor puts before every prompt and bills to nobody.
const PREAMBLE_TOKENS: i64 = 66;

/// Cohere's dialect.
#[derive(Debug)]
pub struct Cohere;

#[derive(Debug, Deserialize)]
struct Request {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    max_tokens: Option<i64>,
    stop_sequences: Option<Vec<String>>,
    stream: Option<bool>,
    tools: Option<Vec<Value>>,
    #[serde(default)]
    response_format: Value,
}

impl Dialect for Cohere {
    const NAME: &'static str = "cohere";
    const REQUEST_ID_HEADER: &'static str = "x-request-id";

    fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
        dialect::check_key(dialect::bearer(headers))
    }

    fn read(_uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        request.check()?;
        let messages = request.messages.unwrap_or_default();
        Ok(Ask {
            vendor: String::new(),
            choices: 1,
            logprobs: None,
            model: request.model.unwrap_or_default(),
            question: dialect::question(&messages),
            prompt_tokens: messages.iter().map(|message| message.content.tokens()).sum(),
            max_tokens: request.max_tokens.map(i64::unsigned_abs),
            tool: dialect::first_function(request.tools.as_deref()),
            schema: dialect::schema(&request.response_format, "/json_schema"),
            stops: request.stop_sequences.unwrap_or_default(),
            stream: request.stream.unwrap_or_default(),
            include_usage: true,
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let (mut content, plan) = (Vec::new(), reply.pieces.concat());
        if !reply.thoughts.is_empty() {
            content.push(json!({"type": "thinking", "thinking": reply.thoughts.concat()}));
        }
        if !reply.pieces.is_empty() && reply.call.is_none() {
            content.push(json!({"type": "text", "text": plan}));
        }
        let usage = reply.reported.map(usage);
        let mut body = json!({
            "id": reply.id,
            "finish_reason": finish_reason(reply.finish.as_ref()),
            "message": {"role": "assistant", "content": content},
        });
        if let Some(called) = &reply.call {
            body["message"]["tool_plan"] = json!(plan);
            body["message"]["tool_calls"] = json!([call(called, &called.arguments.concat())]);
        }
        reply.put_usage(&mut body, "usage", usage.as_ref());
        let frame = Frame::raw(body.to_string()).thinking(reply.thoughts.len() as u64);
        frame.carrying(reply.tokens()).showing(&(reply.thoughts.concat() + &reply.said())).reporting(usage)
    }

    fn stream(reply: Reply) -> Frames {
        let message =
            json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []});
        let start = json!({"type": "message-start", "id": reply.id, "delta": {"message": message}});
        let closing = closing(&reply);
        let index = usize::from(!reply.thoughts.is_empty());
        let thoughts = block(0, "thinking", reply.thoughts);
        let thoughts = thoughts.map(|frame| Frame { reasoning_tokens: frame.tokens, ..frame });
        let (plan, texts) = match reply.call {
            Some(_) => (reply.pieces, Vec::new()),
            None => (Vec::new(), reply.pieces),
        };
        let texts = block(index, "text", texts);
        let said = std::iter::once(Frame::event(&start)).chain(thoughts).chain(texts);
        Box::new(said.chain(planned(plan)).chain(called(reply.call)).chain(closing))
    }

    /// The stream ends like any other; only its reason is another.
    fn fault(_request_id: &str) -> Frame {
        let delta = json!({"finish_reason": "ERROR", "error": "internal server error", "usage": null});
        Frame::event(&json!({"type": "message-end", "delta": delta}))
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        let (status, message) = match refusal {
            Refusal::Unauthorised => (StatusCode::UNAUTHORIZED, "invalid api token"),
            Refusal::Invalid { message, .. } => (StatusCode::BAD_REQUEST, message.as_str()),
            Refusal::RateLimited => (
                StatusCode::TOO_MANY_REQUESTS,
                "You are using a key that is limited to 20 API calls / minute.",
            ),
            Refusal::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
            Refusal::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "service unavailable, please try again"),
        };
        (status, json!({"id": request_id, "message": message}))
    }

    fn models(vendor: &str) -> Value {
        let model = |size: &str| json!({"name": format!("{vendor}-{size}"), "endpoints": ["chat"]});
        json!({"models": [model("small"), model("large")]})
    }
}

impl Request {
    fn check(&self) -> Result<(), Refusal> {
        if self.model.as_deref().is_none_or(str::is_empty) {
            return Err(Refusal::invalid("model", "invalid request: model is required"));
        }
        let messages = self.messages.as_deref().unwrap_or_default();
        if messages.is_empty() {
            return Err(Refusal::invalid("messages", "invalid request: messages must not be empty"));
        }
        if messages.iter().any(|message| !ROLES.contains(&message.role.as_str())) {
            return Err(Refusal::invalid("messages", "invalid request: unknown role"));
        }
        if self.max_tokens.is_some_and(|max| max < 1) {
            return Err(Refusal::invalid("max_tokens", "invalid request: max_tokens must be at least 1"));
        }
        Ok(())
    }
}

/// One part of the content, piece by piece. Nothing, if there is nothing to say.
fn block(index: usize, kind: &'static str, pieces: Vec<String>) -> impl Iterator<Item = Frame> {
    let content = |content: Value| json!({"message": {"content": content}});
    let start =
        json!({"type": "content-start", "index": index, "delta": content(json!({"type": kind, kind: ""}))});
    let end = json!({"type": "content-end", "index": index});
    let any = usize::from(!pieces.is_empty());
    let deltas = pieces.into_iter().map(move |piece| {
        let delta = content(json!({kind: &piece}));
        let delta = json!({"type": "content-delta", "index": index, "delta": delta});
        Frame::event(&delta).carrying(1).showing(&piece)
    });
    let [start, end] = [start, end].map(|event| std::iter::once(Frame::event(&event)).take(any));
    start.chain(deltas).chain(end)
}

/// Why a tool is called is told beside the answer.
fn planned(plan: Vec<String>) -> impl Iterator<Item = Frame> {
    plan.into_iter().map(|piece| {
        let delta = json!({"message": {"tool_plan": &piece}});
        Frame::event(&json!({"type": "tool-plan-delta", "delta": delta})).carrying(1).showing(&piece)
    })
}

fn called(called: Option<Call>) -> Vec<Frame> {
    let Some(called) = called else { return Vec::new() };
    let event = |kind: &str, call: Value| {
        Frame::event(&json!({"type": kind, "index": 0, "delta": {"message": {"tool_calls": call}}}))
    };
    let mut frames = vec![event("tool-call-start", call(&called, ""))];
    frames.extend(called.arguments.iter().map(|piece| {
        event("tool-call-delta", json!({"function": {"arguments": piece}})).carrying(1).showing(piece)
    }));
    frames.push(Frame::event(&json!({"type": "tool-call-end", "index": 0})));
    frames
}

fn call(call: &Call, arguments: &str) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
}

fn closing(reply: &Reply) -> Vec<Frame> {
    let usage = reply.reported.map(usage);
    let mut delta = json!({"finish_reason": finish_reason(reply.finish.as_ref())});
    reply.put_usage(&mut delta, "usage", usage.as_ref());
    let last = Frame::event(&json!({"type": "message-end", "delta": delta})).reporting(usage);
    let times = if reply.scenario == Scenario::DoubleUsage { 2 } else { 1 };
    vec![last; times]
}

/// Billed is less than was read. Counts are written with a point, as the vendor writes them.
fn usage(used: Usage) -> Value {
    let point = |count: i64| json!(count as f64);
    json!({
        "billed_units": {"input_tokens": point(used.prompt), "output_tokens": point(used.completion)},
        "tokens": {
            "input_tokens": point(used.prompt.saturating_add(PREAMBLE_TOKENS)), "output_tokens": point(used.completion),
        },
        "cached_tokens": point(used.cached),
    })
}

fn finish_reason(finish: Option<&Finish>) -> Option<&'static str> {
    finish.map(|finish| match finish {
        Finish::Natural => "COMPLETE",
        Finish::Length => "MAX_TOKENS",
        Finish::ToolCall => "TOOL_CALL",
        Finish::Stop(_) => "STOP_SEQUENCE",
    })
}
