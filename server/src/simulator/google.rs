//! Google's generateContent.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::dialect::{self, Ask, Content, Dialect, Frames, Message, Refusal};
use super::frame::Frame;
use super::likelihood;
use super::reply::{Call, Finish, Reply, Usage};
use super::scenario::Scenario;

/// Stands on every call, and must come back with it.
const SIGNATURE: &str = "c2lnLXNpbXVsYXRlZA==";
const CANDIDATES_MAX: u64 = 8;
/// Of how many words it tells at each place how likely they were.
const TOP_MAX: u64 = 20;
/// May stand in its place.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Google's dialect.
#[derive(Debug)]
pub struct Google;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    contents: Option<Vec<Message>>,
    system_instruction: Option<Instruction>,
    #[serde(default)]
    generation_config: Generation,
    #[serde(default)]
    tools: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Instruction {
    parts: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generation {
    max_output_tokens: Option<i64>,
    stop_sequences: Option<Vec<String>>,
    temperature: Option<f64>,
    candidate_count: Option<u64>,
    #[serde(default)]
    response_logprobs: bool,
    logprobs: Option<u64>,
    response_mime_type: Option<String>,
    response_json_schema: Option<Value>,
}

impl Dialect for Google {
    const NAME: &'static str = "google";
    const REQUEST_ID_HEADER: &'static str = "x-request-id";

    fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
        dialect::check_key(headers.get("x-goog-api-key").and_then(|key| key.to_str().ok()))
    }

    fn read(uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        request.check()?;
        let (model, stream) = called(uri)?;
        refuse_unsigned(body, &model)?;
        let logprobs = request.generation_config.logprobs(&model)?;
        let contents = request.contents.unwrap_or_default();
        let system = request.system_instruction.map(|instruction| instruction.parts);
        let said = contents.iter().map(|message| &message.content);
        Ok(Ask {
            vendor: String::new(),
            model,
            question: dialect::question(&contents),
            prompt_tokens: said.chain(&system).map(Content::tokens).sum(),
            max_tokens: request.generation_config.max_output_tokens.map(i64::unsigned_abs),
            choices: request.generation_config.candidate_count.unwrap_or(1),
            logprobs,
            tool: request
                .tools
                .first()
                .and_then(|tools| tools["functionDeclarations"][0]["name"].as_str().map(str::to_owned)),
            schema: request.generation_config.schema(),
            stops: request.generation_config.stop_sequences.unwrap_or_default(),
            stream,
            include_usage: true,
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let usage = reply.reported.map(usage);
        let names = Names::of(reply);
        let mut body = names.chunk(reply.all().zip(0..).map(whole).collect(), None);
        reply.put_usage(&mut body, "usageMetadata", usage.as_ref());
        let thoughts: String = reply.all().flat_map(|one| &one.thoughts).map(String::as_str).collect();
        let frame = Frame::raw(body.to_string()).thinking(reply.thinking());
        frame.carrying(reply.tokens()).showing(&(thoughts + &reply.said())).reporting(usage)
    }

    fn stream(mut reply: Reply) -> Frames {
        let names = Names::of(&reply);
        let closing = closing(&reply, &names);
        let others = std::mem::take(&mut reply.others);
        let ends = others.iter().zip(1..).map(|(other, index)| {
            let last = candidate(index, vec![json!({"text": ""})], finish_reason(other.finish.as_ref()));
            Frame::data(&names.chunk(vec![last], None))
        });
        let ends: Vec<Frame> = ends.collect();
        let told = std::iter::once(reply).chain(others).zip(0..).map(|one| told(&names, one));
        Box::new(dialect::by_turns(told.collect()).chain(ends).chain(closing))
    }

    /// Not an event: the body goes on as if it had been an error from the start.
    fn fault(_request_id: &str) -> Frame {
        let error = error(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "An internal error has occurred.");
        Frame::raw(format!("{error:#}\n"))
    }

    fn refuse(refusal: &Refusal, _request_id: &str) -> (StatusCode, Value) {
        let (status, word, message) = match refusal {
            Refusal::Unauthorised => (
                StatusCode::BAD_REQUEST,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
            ),
            Refusal::Invalid { message, .. } => {
                (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message.as_str())
            }
            Refusal::RateLimited => {
                (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", "You exceeded your current quota.")
            }
            Refusal::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "An internal error has occurred.")
            }
            Refusal::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "The model is overloaded. Please try again later.",
            ),
        };
        let mut body = error(status, word, message);
        body["error"]["details"] = match refusal {
            Refusal::Unauthorised => json!([{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]),
            Refusal::RateLimited => json!([{"retryDelay": "2s"}]),
            _ => json!([]),
        };
        (status, body)
    }

    fn models(vendor: &str) -> Value {
        let model = |size: &str| {
            let name = format!("models/{vendor}-{size}");
            json!({"name": name, "supportedGenerationMethods": ["generateContent", "streamGenerateContent"]})
        };
        json!({"models": [model("small"), model("large")]})
    }
}

impl Request {
    fn check(&self) -> Result<(), Refusal> {
        let contents = self.contents.as_deref().unwrap_or_default();
        if contents.is_empty() {
            return Err(Refusal::invalid("contents", "contents is not specified"));
        }
        if contents.iter().any(|turn| !["user", "model"].contains(&turn.role.as_str())) {
            return Err(Refusal::invalid("contents", "Please use a valid role: user, model."));
        }
        let config = &self.generation_config;
        if config.max_output_tokens.is_some_and(|max| max < 1) {
            return Err(Refusal::invalid("maxOutputTokens", "max_output_tokens must be positive."));
        }
        if config.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(Refusal::invalid("temperature", "temperature must be from 0 to 2."));
        }
        if config.candidate_count.is_some_and(|count| !(1..=CANDIDATES_MAX).contains(&count)) {
            return Err(Refusal::invalid("candidateCount", "candidate_count must be from 1 to 8."));
        }
        Ok(())
    }
}

impl Generation {
    /// How many others are to be told of each word, where a model tells how likely words were.
    fn logprobs(&self, model: &str) -> Result<Option<u64>, Refusal> {
        if self.logprobs.is_some_and(|top| top > TOP_MAX || !self.response_logprobs) {
            let message = "logprobs must be from 0 to 20, and response_logprobs be set.";
            return Err(Refusal::invalid("logprobs", message));
        }
        if self.response_logprobs && !model.starts_with("gemini-2") {
            let message = format!("Logprobs is not enabled for models/{model}");
            return Err(Refusal::invalid("responseLogprobs", message));
        }
        Ok(self.response_logprobs.then(|| self.logprobs.unwrap_or(0)))
    }

    /// A schema alone is not enough: it must be said that JSON is wanted.
    fn schema(&self) -> Option<Value> {
        let wants_json = self.response_mime_type.as_deref() == Some("application/json");
        wants_json.then(|| self.response_json_schema.clone().unwrap_or_else(|| json!({})))
    }
}

/// A call is told whole, and signed.
fn call(call: &Call) -> Value {
    let arguments: Value = serde_json::from_str(&call.arguments.concat()).unwrap_or_default();
    json!({"functionCall": {"name": call.name, "args": arguments}, "thoughtSignature": SIGNATURE})
}

/// Since the third generation a call that comes back must be signed, and of several the first.
fn refuse_unsigned(body: &[u8], model: &str) -> Result<(), Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
    let turns = body["contents"].as_array().into_iter().flatten();
    let first_calls = turns
        .filter_map(|turn| turn["parts"].as_array()?.iter().find(|part| part["functionCall"].is_object()));
    for call in first_calls.filter(|_| !model.starts_with("gemini-2")) {
        if ![SIGNATURE, NO_SIGNATURE].map(Value::from).contains(&call["thoughtSignature"]) {
            let name = &call["functionCall"]["name"];
            let message =
                format!("Function call {name} is missing a thought_signature in functionCall parts.");
            return Err(Refusal::invalid("contents", message));
        }
    }
    Ok(())
}

/// Model and manner stand in the path, as `models/MODEL:generateContent`.
fn called(uri: &Uri) -> Result<(String, bool), Refusal> {
    let unknown = || Refusal::invalid("model", "The simulator knows no such method.");
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let (model, method) = last.rsplit_once(':').ok_or_else(unknown)?;
    match (method, uri.query()) {
        ("generateContent", _) => Ok((model.to_owned(), false)),
        ("streamGenerateContent", Some("alt=sse")) => Ok((model.to_owned(), true)),
        ("streamGenerateContent", _) => Err(Refusal::invalid("alt", "The simulator streams events only.")),
        _ => Err(unknown()),
    }
}

/// What every event of an answer says of itself.
#[derive(Debug, Clone)]
struct Names {
    model: String,
    id: String,
}

impl Names {
    fn of(reply: &Reply) -> Self {
        Self { model: reply.model.clone(), id: reply.id.clone() }
    }

    fn chunk(&self, candidates: Vec<Value>, usage: Option<Value>) -> Value {
        let mut chunk = json!({"candidates": candidates, "modelVersion": self.model, "responseId": self.id});
        if let Some(usage) = usage {
            chunk["usageMetadata"] = usage;
        }
        chunk
    }
}

fn candidate(index: u32, parts: Vec<Value>, reason: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": index});
    if let Some(reason) = reason {
        candidate["finishReason"] = json!(reason);
    }
    candidate
}

/// One answer of a body.
fn whole((reply, index): (&Reply, u32)) -> Value {
    let mut parts = Vec::new();
    if !reply.thoughts.is_empty() {
        parts.push(json!({"text": reply.thoughts.concat(), "thought": true}));
    }
    if !reply.pieces.is_empty() {
        parts.push(json!({"text": reply.pieces.concat()}));
    }
    parts.extend(reply.call.as_ref().map(call));
    let mut told = candidate(index, parts, finish_reason(reply.finish.as_ref()));
    if let Some(top) = reply.logprobs {
        told["logprobsResult"] = likelihood::told_by_google(&reply.pieces, top);
    }
    told
}

/// One answer of a stream, all but its end.
fn told(names: &Names, (reply, index): (Reply, u32)) -> Frames {
    let (scenario, used, logprobs) = (reply.scenario, reply.used, reply.logprobs);
    // Each event of the first reports what was used up to then.
    let counted = move |thoughts: usize, all: usize| {
        let signed = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let so_far = Usage { completion: signed(all), reasoning: signed(thoughts), ..used };
        scenario.report(so_far).filter(|_| index == 0).map(usage)
    };
    let names = names.clone();
    let call = reply.call.as_ref().map(|called| {
        let chunk = names.chunk(vec![candidate(index, vec![call(called)], None)], None);
        Frame::data(&chunk).carrying(called.arguments.len() as u64).showing(&called.arguments.concat())
    });
    let thought = reply.thoughts.len();
    let pieces = reply.thoughts.into_iter().chain(reply.pieces).enumerate();
    let pieces = pieces.map(move |(at, piece)| {
        let is_thought = at < thought;
        let usage = counted(thought.min(at + 1), at + 1);
        let mut part = json!({"text": &piece});
        if is_thought {
            part["thought"] = json!(true);
        }
        let mut told = candidate(index, vec![part], None);
        if let Some(top) = logprobs.filter(|_| !is_thought) {
            told["logprobsResult"] = likelihood::told_by_google(std::slice::from_ref(&piece), top);
        }
        let frame = Frame::data(&names.chunk(vec![told], usage.clone()));
        let frame = if is_thought { frame.thinking(1) } else { frame.carrying(1) };
        frame.showing(&piece).reporting(usage)
    });
    Box::new(pieces.chain(call))
}

fn closing(reply: &Reply, names: &Names) -> Vec<Frame> {
    let usage = reply.reported.map(usage);
    let end = candidate(0, vec![json!({"text": ""})], finish_reason(reply.finish.as_ref()));
    let mut last = names.chunk(vec![end], None);
    reply.put_usage(&mut last, "usageMetadata", usage.as_ref());
    let last = Frame::data(&last).reporting(usage);
    let times = if reply.scenario == Scenario::DoubleUsage { 2 } else { 1 };
    vec![last; times]
}

/// Thoughts are counted beside the answer, and what is zero is not said.
fn usage(used: Usage) -> Value {
    let counts = [
        ("promptTokenCount", used.prompt),
        ("cachedContentTokenCount", used.cached),
        ("candidatesTokenCount", used.completion - used.reasoning),
        ("thoughtsTokenCount", used.reasoning),
        ("totalTokenCount", used.prompt.saturating_add(used.completion)),
    ];
    let said = counts.into_iter().filter(|(_, count)| *count != 0);
    Value::Object(said.map(|(name, count)| (name.to_owned(), json!(count))).collect::<Map<_, _>>())
}

/// A stop sequence is no reason of its own.
fn finish_reason(finish: Option<&Finish>) -> Option<&'static str> {
    finish.map(|finish| match finish {
        Finish::Natural | Finish::Stop(_) => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::ToolCall => "STOP",
    })
}

fn error(status: StatusCode, word: &str, message: &str) -> Value {
    json!({"error": {"code": status.as_u16(), "message": message, "status": word}})
}
