//! Ollama's chat: lines of JSON instead of events.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{self, Ask, Dialect, Frames, Message, Refusal};
use super::frame::Frame;
use super::reply::{Call, Finish, Reply, Usage};
use super::scenario::Scenario;

const CREATED_AT: &str = "2026-11-22T08:00:00.123456789Z";
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

/// Ollama's dialect.
#[derive(Debug)]
pub struct Ollama;

#[derive(Debug, Deserialize)]
struct Request {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    #[serde(default)]
    options: Options,
    /// What is not said is streamed.
    stream: Option<bool>,
    tools: Option<Vec<Value>>,
    /// A schema, or the word `json`.
    format: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    num_predict: Option<i64>,
    stop: Option<Vec<String>>,
}

impl Dialect for Ollama {
    const NAME: &'static str = "ollama";
    const REQUEST_ID_HEADER: &'static str = "x-request-id";
    const STREAM_TYPE: &'static str = "application/x-ndjson";

    /// It runs on one's own machine and asks for no key.
    fn authorise(_headers: &HeaderMap) -> Result<(), Refusal> {
        Ok(())
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
            // A negative number is no bound.
            max_tokens: request.options.num_predict.and_then(|max| u64::try_from(max).ok()),
            tool: dialect::first_function(request.tools.as_deref()),
            schema: request.format.map(|format| if format.is_object() { format } else { json!({}) }),
            stops: request.options.stop.unwrap_or_default(),
            stream: request.stream.unwrap_or(true),
            include_usage: true,
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let mut message = json!({"role": "assistant", "content": reply.pieces.concat()});
        if !reply.thoughts.is_empty() {
            message["thinking"] = json!(reply.thoughts.concat());
        }
        if let Some(call) = &reply.call {
            message["tool_calls"] = calls(call);
        }
        let usage = reported(reply);
        let body = done(line(&reply.model, message), reply, usage.as_ref());
        let frame = Frame::raw(body.to_string()).thinking(reply.thoughts.len() as u64);
        frame.carrying(reply.tokens()).showing(&(reply.thoughts.concat() + &reply.said())).reporting(usage)
    }

    fn stream(reply: Reply) -> Frames {
        let usage = reported(&reply);
        let empty = json!({"role": "assistant", "content": ""});
        let last = frame(&done(line(&reply.model, empty), &reply, usage.as_ref())).reporting(usage);
        let (model, again, caller) = (reply.model.clone(), reply.model.clone(), reply.model);
        let thoughts = reply.thoughts.into_iter().map(move |piece| {
            let message = json!({"role": "assistant", "content": "", "thinking": &piece});
            frame(&line(&model, message)).thinking(1).showing(&piece)
        });
        let texts = reply.pieces.into_iter().map(move |piece| {
            let message = json!({"role": "assistant", "content": &piece});
            frame(&line(&again, message)).carrying(1).showing(&piece)
        });
        // A call is told whole.
        let call = reply.call.map(|call| {
            let message = json!({"role": "assistant", "content": "", "tool_calls": calls(&call)});
            let tokens = call.arguments.len() as u64;
            frame(&line(&caller, message)).carrying(tokens).showing(&call.arguments.concat())
        });
        let times = if reply.scenario == Scenario::DoubleUsage { 2 } else { 1 };
        Box::new(thoughts.chain(texts).chain(call).chain(vec![last; times]))
    }

    fn fault(_request_id: &str) -> Frame {
        frame(&json!({"error": "an error was encountered while running the model"}))
    }

    fn refuse(refusal: &Refusal, _request_id: &str) -> (StatusCode, Value) {
        let (status, message) = match refusal {
            Refusal::Unauthorised => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Refusal::Invalid { message, .. } => (StatusCode::BAD_REQUEST, message.as_str()),
            Refusal::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Refusal::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "llama runner process has terminated"),
            Refusal::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "server busy, please try again. maximum pending requests exceeded",
            ),
        };
        (status, json!({"error": message}))
    }

    /// Which there are can change while it runs, and is told by `local`.
    fn models(_vendor: &str) -> Value {
        json!({"models": []})
    }
}

impl Request {
    fn check(&self) -> Result<(), Refusal> {
        if self.model.as_deref().is_none_or(str::is_empty) {
            return Err(Refusal::invalid("model", "model is required"));
        }
        let messages = self.messages.as_deref().unwrap_or_default();
        if messages.is_empty() {
            return Err(Refusal::invalid("messages", "the simulator loads no models"));
        }
        if messages.iter().any(|message| !ROLES.contains(&message.role.as_str())) {
            return Err(Refusal::invalid("messages", "unknown role"));
        }
        Ok(())
    }
}

/// Calls have no ids here, and their arguments are no text.
fn calls(call: &Call) -> Value {
    let arguments: Value = serde_json::from_str(&call.arguments.concat()).unwrap_or_default();
    json!([{"function": {"name": call.name, "arguments": arguments}}])
}

fn frame(line: &Value) -> Frame {
    Frame::raw(format!("{line}\n"))
}

fn line(model: &str, message: Value) -> Value {
    json!({"model": model, "created_at": CREATED_AT, "message": message, "done": false})
}

fn done(mut line: Value, reply: &Reply, usage: Option<&Value>) -> Value {
    line["done"] = json!(true);
    if let Some(reason) = done_reason(reply.finish.as_ref()) {
        line["done_reason"] = json!(reason);
    }
    for (name, count) in usage.and_then(Value::as_object).into_iter().flatten() {
        line[name] = count.clone();
    }
    line
}

/// A prompt that is still in memory is not read again and not counted.
fn reported(reply: &Reply) -> Option<Value> {
    let counts = |used: Usage| match reply.scenario {
        Scenario::Cached => json!({"eval_count": used.completion}),
        _ => json!({"prompt_eval_count": used.prompt, "eval_count": used.completion}),
    };
    let said_to_be_absent = || {
        (reply.scenario == Scenario::NullUsage)
            .then(|| json!({"prompt_eval_count": null, "eval_count": null}))
    };
    reply.reported.map(counts).or_else(said_to_be_absent)
}

fn done_reason(finish: Option<&Finish>) -> Option<&'static str> {
    finish.map(|finish| match finish {
        Finish::Natural | Finish::Stop(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCall => "stop",
    })
}
