//! Text Generation Inference: a plain text is continued.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{self, Ask, Content, Dialect, Frames, Refusal};
use super::frame::Frame;
use super::reply::{Finish, Reply, Usage};
use super::scenario::Scenario;

/// The one model that the simulated server was started with.
const MODEL: &str = "simulated/continuation-7b";
const TOKENS_MAX: u64 = 8_192;

/// The dialect of Text Generation Inference.
#[derive(Debug)]
pub struct Tgi;

#[derive(Debug, Deserialize)]
struct Request {
    inputs: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    max_new_tokens: Option<i64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: Option<Vec<String>>,
    #[serde(default)]
    grammar: Value,
    #[serde(default)]
    details: bool,
}

impl Dialect for Tgi {
    const NAME: &'static str = "tgi";
    const REQUEST_ID_HEADER: &'static str = "x-request-id";

    /// It runs on one's own machine and asks for no key.
    fn authorise(_headers: &HeaderMap) -> Result<(), Refusal> {
        Ok(())
    }

    fn read(uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        request.check()?;
        let stream = uri.path().ends_with("/generate_stream");
        Ok(Ask {
            vendor: String::new(),
            choices: 1,
            logprobs: None,
            model: MODEL.to_owned(),
            prompt_tokens: Content::Text(request.inputs.clone()).tokens(),
            question: request.inputs,
            max_tokens: request.parameters.max_new_tokens.map(i64::unsigned_abs),
            stops: request.parameters.stop.unwrap_or_default(),
            tool: None,
            schema: dialect::schema(&request.parameters.grammar, "/value"),
            stream,
            include_usage: stream || request.parameters.details,
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let mut body = json!({"generated_text": reply.pieces.concat()});
        if let Some(mut details) = details(reply) {
            // How long the prompt was stands beside the answer.
            if let Some(told) = details.as_object_mut() {
                told.remove("input_length");
            }
            body["details"] = details;
        }
        let frame = Frame::raw(body.to_string()).thinking(reply.thoughts.len() as u64);
        frame.carrying(reply.tokens()).showing(&reply.pieces.concat()).reporting(reply.reported.map(usage))
    }

    fn beside(reply: &Reply) -> Option<(&'static str, String)> {
        reply.reported.map(|used| ("x-prompt-tokens", used.prompt.to_string()))
    }

    fn stream(reply: Reply) -> Frames {
        // Only words are shown: what is thought is waited for.
        let opening = Frame::raw(":\n\n").thinking(reply.thoughts.len() as u64);
        let mut last = token(reply.pieces.len(), "</s>");
        last["token"]["special"] = json!(true);
        if let Some(details) = details(&reply) {
            last["generated_text"] = json!(reply.pieces.concat());
            last["details"] = details;
        }
        let last = event(&last).reporting(reply.reported.map(usage));
        let times = if reply.scenario == Scenario::DoubleUsage { 2 } else { 1 };
        let pieces = reply.pieces.into_iter().enumerate();
        let pieces = pieces.map(|(at, piece)| event(&token(at, &piece)).carrying(1).showing(&piece));
        Box::new(std::iter::once(opening).chain(pieces).chain(vec![last; times]))
    }

    fn fault(_request_id: &str) -> Frame {
        event(&error("Request failed during generation: Server error: simulated", "generation"))
    }

    fn refuse(refusal: &Refusal, _request_id: &str) -> (StatusCode, Value) {
        match refusal {
            Refusal::Unauthorised => {
                (StatusCode::UNAUTHORIZED, json!({"error": "Authorization header is not valid"}))
            }
            Refusal::Invalid { message, .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                error(&format!("Input validation error: {message}"), "validation"),
            ),
            Refusal::RateLimited | Refusal::Overloaded => {
                (StatusCode::TOO_MANY_REQUESTS, error("Model is overloaded", "overloaded"))
            }
            Refusal::Broken => (
                StatusCode::FAILED_DEPENDENCY,
                error("Request failed during generation: Server error: simulated", "generation"),
            ),
        }
    }

    /// What it says of itself.
    fn models(_vendor: &str) -> Value {
        json!({
            "model_id": MODEL, "model_sha": "e12fbd3e0a0e5a0d4a5b", "model_pipeline_tag": "text-generation",
            "max_input_tokens": TOKENS_MAX - 1, "max_total_tokens": TOKENS_MAX, "router": "text-generation-router",
            "version": "3.3.6",
        })
    }
}

impl Request {
    fn check(&self) -> Result<(), Refusal> {
        if self.inputs.is_empty() {
            return Err(Refusal::invalid("inputs", "`inputs` cannot be empty"));
        }
        if self.parameters.max_new_tokens.is_some_and(|max| max < 1) {
            return Err(Refusal::invalid("max_new_tokens", "`max_new_tokens` must be strictly positive"));
        }
        if self.parameters.temperature.is_some_and(|temperature| temperature <= 0.0) {
            return Err(Refusal::invalid("temperature", "`temperature` must be strictly positive"));
        }
        if self.parameters.top_p.is_some_and(|top_p| top_p <= 0.0 || top_p >= 1.0) {
            return Err(Refusal::invalid("top_p", "`top_p` must be > 0.0 and < 1.0"));
        }
        Ok(())
    }
}

/// No space stands behind the colon here.
fn event(value: &Value) -> Frame {
    Frame::raw(format!("data:{value}\n\n"))
}

fn token(at: usize, text: &str) -> Value {
    let token = json!({"id": 100 + at, "text": text, "logprob": -0.25, "special": false});
    json!({"index": at + 1, "token": token, "generated_text": null, "details": null})
}

/// Absent if there is no reason for the end.
fn details(reply: &Reply) -> Option<Value> {
    let reason = match reply.finish.as_ref()? {
        Finish::Natural | Finish::ToolCall => "eos_token",
        Finish::Stop(_) => "stop_sequence",
        Finish::Length => "length",
    };
    let mut details = json!({"finish_reason": reason, "seed": null});
    for (name, count) in reply.reported.map(usage).as_ref().and_then(Value::as_object).into_iter().flatten() {
        details[name] = count.clone();
    }
    Some(details)
}

fn usage(used: Usage) -> Value {
    json!({"input_length": used.prompt, "generated_tokens": used.completion})
}

fn error(message: &str, kind: &str) -> Value {
    json!({"error": message, "error_type": kind})
}
