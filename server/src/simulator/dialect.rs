//! What the simulator needs to know to speak as a vendor does.

use std::collections::VecDeque;
use std::iter;

use axum::http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::frame::Frame;
use super::reply::Reply;
use super::tokens;

/// What every chat vendor adds to a message for its role and its ends.
const TOKENS_PER_MESSAGE: u64 = 4;

/// The key that no simulated vendor accepts.
const WRONG_KEY: &str = "wrong";

/// The frames of one answer, made as they are sent.
pub type Frames = Box<dyn Iterator<Item = Frame> + Send>;

/// Several answers, told by turns.
pub fn by_turns(several: Vec<Frames>) -> Frames {
    let mut waiting = VecDeque::from(several);
    Box::new(iter::from_fn(move || {
        while let Some(mut frames) = waiting.pop_front() {
            if let Some(frame) = frames.next() {
                waiting.push_back(frames);
                return Some(frame);
            }
        }
        None
    }))
}

/// A vendor's wire format: reading what is asked, writing what is answered.
pub trait Dialect: 'static {
    const NAME: &'static str;
    /// The response header that carries the vendor's own name for the request.
    const REQUEST_ID_HEADER: &'static str;
    /// What a stream says it is.
    const STREAM_TYPE: &'static str = "text/event-stream; charset=utf-8";

    /// Refuses a caller without a good key.
    fn authorise(headers: &HeaderMap) -> Result<(), Refusal>;
    /// Reads a request, refusing what the vendor would refuse.
    fn read(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal>;
    /// The answer as one body.
    fn whole(reply: &Reply) -> Frame;
    /// The answer as a stream of events.
    fn stream(reply: Reply) -> Frames;
    /// A header that tells something of an answer in one piece which does not stand in it.
    fn beside(_reply: &Reply) -> Option<(&'static str, String)> {
        None
    }
    /// An error inside a stream that began well.
    fn fault(request_id: &str) -> Frame;
    /// An error instead of an answer.
    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value);
    /// The list of what is for sale.
    fn models(vendor: &str) -> Value;
}

/// What was asked, whatever the dialect.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Who is played.
    pub vendor: String,
    pub model: String,
    /// The last message of the user.
    pub question: String,
    pub prompt_tokens: u64,
    /// Of each answer.
    pub max_tokens: Option<u64>,
    /// How many answers are wanted; none is one.
    pub choices: u64,
    /// Whether it is to be told how likely each word was, and how many others beside it.
    pub logprobs: Option<u64>,
    pub stops: Vec<String>,
    /// The first tool that is offered.
    pub tool: Option<String>,
    /// What the answer must look like; an empty one wants any object.
    pub schema: Option<Value>,
    pub stream: bool,
    /// Whether a stream shall report usage, where the dialect leaves that to the caller.
    pub include_usage: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Unauthorised,
    Invalid { param: Option<&'static str>, message: String },
    RateLimited,
    Broken,
    Overloaded,
}

impl Refusal {
    /// Refuses one parameter.
    pub fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { param: Some(param), message: message.into() }
    }

    /// Refuses a body that cannot be read at all.
    pub fn unreadable(cause: &serde_json::Error) -> Self {
        Self::Invalid {
            param: None,
            message: format!("We could not parse the JSON body of your request: {cause}"),
        }
    }
}

/// One message of a conversation; all dialects write it alike, but for one that calls the content parts.
#[derive(Debug, Deserialize)]
pub struct Message {
    pub role: String,
    #[serde(default, alias = "parts")]
    pub content: Content,
}

/// The text of a message: bare, in parts, or absent.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Parts(Vec<Part>),
    #[default]
    None,
}

/// A part of a message. Only text counts; pictures and tool results are passed over.
#[derive(Debug, Deserialize)]
pub struct Part {
    #[serde(default)]
    text: String,
}

impl Content {
    /// All text of the message.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().map(|part| part.text.as_str()).collect(),
            Self::None => String::new(),
        }
    }

    /// What the message costs.
    pub fn tokens(&self) -> u64 {
        tokens::count(&self.text()) + TOKENS_PER_MESSAGE
    }
}

/// The last message of the user, which is what the answer is about.
pub fn question(messages: &[Message]) -> String {
    messages
        .iter()
        .rfind(|message| message.role == "user")
        .map(|message| message.content.text())
        .unwrap_or_default()
}

/// The first function that is offered, as most vendors write it.
pub fn first_function(tools: Option<&[Value]>) -> Option<String> {
    Some(tools?.first()?["function"]["name"].as_str()?.to_owned())
}

/// The schema inside a wish for JSON, which may be for any object.
pub fn schema(format: &Value, place: &str) -> Option<Value> {
    match format["type"].as_str() {
        Some("json_schema" | "json_object" | "json") => {
            Some(format.pointer(place).cloned().unwrap_or_else(|| Value::Object(Map::new())))
        }
        _ => None,
    }
}

/// The key sent as a bearer token, if there is one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Any key will do, except none and the wrong one.
pub fn check_key(key: Option<&str>) -> Result<(), Refusal> {
    match key.map(str::trim) {
        None | Some("" | WRONG_KEY) => Err(Refusal::Unauthorised),
        Some(_) => Ok(()),
    }
}
