//! OpenAI's responses, in which a conversation is a list of items.

use axum::http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::{self, Ask, Dialect, Frames, Message, Refusal};
use super::frame::Frame;
use super::openai::OpenAi;
use super::reply::{Call, Finish, Reply, Usage};
use super::truth::since_epoch;

/// The dialect of responses.
#[derive(Debug)]
pub struct Responses;

#[derive(Debug, Deserialize)]
struct Request {
    model: Option<String>,
    #[serde(default)]
    input: Vec<Item>,
    max_output_tokens: Option<i64>,
    #[serde(default)]
    text: Value,
    #[serde(default)]
    tools: Vec<Value>,
    #[serde(default)]
    stream: bool,
}

/// A message, or a call or its result, which are no question.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    Message(Message),
    Other(serde::de::IgnoredAny),
}

impl Dialect for Responses {
    const NAME: &'static str = "openai_responses";
    const REQUEST_ID_HEADER: &'static str = "x-request-id";

    fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
        OpenAi::authorise(headers)
    }

    fn read(_uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Ask, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        let messages: Vec<Message> = request.input.into_iter().filter_map(Item::message).collect();
        if messages.is_empty() {
            return Err(Refusal::invalid("input", "Invalid 'input': expected at least one message."));
        }
        let Some(model) = request.model.filter(|model| !model.is_empty()) else {
            return Err(Refusal::invalid("model", "you must provide a model parameter"));
        };
        if request.max_output_tokens.is_some_and(|max| max < 1) {
            return Err(Refusal::invalid("max_output_tokens", "Invalid 'max_output_tokens': expected >= 1."));
        }
        Ok(Ask {
            vendor: String::new(),
            choices: 1,
            logprobs: None,
            model,
            question: dialect::question(&messages),
            prompt_tokens: messages.iter().map(|message| message.content.tokens()).sum(),
            max_tokens: request.max_output_tokens.map(i64::unsigned_abs),
            stops: Vec::new(),
            tool: request.tools.first().and_then(|tool| Some(tool["name"].as_str()?.to_owned())),
            schema: dialect::schema(&request.text["format"], "/schema"),
            stream: request.stream,
            include_usage: true,
        })
    }

    fn whole(reply: &Reply) -> Frame {
        let usage = reply.reported.map(usage);
        let mut body = response(reply, status(reply.finish.as_ref()));
        let mut output = vec![message(&reply.pieces.concat())];
        output.extend(reply.call.as_ref().map(|call| called(call, &call.arguments.concat())));
        body["output"] = json!(output);
        reply.put_usage(&mut body, "usage", usage.as_ref());
        let frame = Frame::raw(body.to_string()).thinking(reply.thoughts.len() as u64);
        frame.carrying(reply.tokens()).showing(&reply.said()).reporting(usage)
    }

    /// Thoughts are done before the first event and are not shown.
    fn stream(reply: Reply) -> Frames {
        let start = json!({"type": "response.created", "response": response(&reply, "in_progress")});
        let start = Frame::event(&start).thinking(reply.thoughts.len() as u64);
        let item = json!({"type": "response.output_item.added", "output_index": 0, "item": message("")});
        let closing = closing(&reply);
        let call = calling(reply.call.as_ref());
        let pieces = reply.pieces.into_iter().map(|piece| {
            let delta = json!({
                "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": &piece,
            });
            Frame::event(&delta).carrying(1).showing(&piece)
        });
        Box::new([start, Frame::event(&item)].into_iter().chain(pieces).chain(call).chain(closing))
    }

    fn fault(request_id: &str) -> Frame {
        let message = format!("An error occurred while processing your request {request_id}.");
        Frame::event(&json!({"type": "error", "code": "server_error", "message": message, "param": null}))
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        OpenAi::refuse(refusal, request_id)
    }

    fn models(vendor: &str) -> Value {
        OpenAi::models(vendor)
    }
}

impl Item {
    fn message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Other(_) => None,
        }
    }
}

fn response(reply: &Reply, status: &str) -> Value {
    let is_cut = status == "incomplete";
    json!({
        "id": format!("resp_{}", reply.id), "object": "response", "created_at": since_epoch().as_secs(),
        "model": reply.model, "status": status, "error": null, "output": [],
        "incomplete_details": is_cut.then(|| json!({"reason": "max_output_tokens"})),
    })
}

fn message(text: &str) -> Value {
    let content = if text.is_empty() { json!([]) } else { json!([{"type": "output_text", "text": text}]) };
    json!({"id": "msg_1", "type": "message", "role": "assistant", "content": content})
}

fn called(call: &Call, arguments: &str) -> Value {
    json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments})
}

fn calling(call: Option<&Call>) -> Vec<Frame> {
    let Some(call) = call else { return Vec::new() };
    let opening = json!({"type": "response.output_item.added", "output_index": 1, "item": called(call, "")});
    let pieces = call.arguments.iter().map(|piece| {
        let delta =
            json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": piece});
        Frame::event(&delta).carrying(1).showing(piece)
    });
    std::iter::once(Frame::event(&opening)).chain(pieces).collect()
}

/// An answer without a reason for its end has no last event.
fn closing(reply: &Reply) -> Option<Frame> {
    let status = status(Some(reply.finish.as_ref()?));
    let usage = reply.reported.map(usage);
    let mut response = response(reply, status);
    reply.put_usage(&mut response, "usage", usage.as_ref());
    let last = json!({"type": format!("response.{status}"), "response": response});
    Some(Frame::event(&last).reporting(usage))
}

fn status(finish: Option<&Finish>) -> &'static str {
    match finish {
        Some(Finish::Length) => "incomplete",
        _ => "completed",
    }
}

fn usage(used: Usage) -> Value {
    json!({
        "input_tokens": used.prompt,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": 0},
        "output_tokens": used.completion,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.prompt.saturating_add(used.completion),
    })
}
