//! Our request in the words of Cohere's chat protocol, or the name of the field it has no words for.

use marketplace::chat::{ChatRequest, Delivery, Failure, Message, Role};
use serde_json::Value;

use super::wire::{Called, CalledFunction, Format, ImageUrl, Request, Said, Thinking, Told};
use crate::asked::{self, Choice, Image, Sampling, Tool};
use crate::dialect::Outgoing;
use crate::failure::unsupported;

/// Fields for which this protocol has no words, and documents, which would be read beside the prompt that is paid for.
const UNSAYABLE: [&str; 4] = ["n", "thinking", "parallel_tool_calls", "documents"];

/// Writes a request. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    let given = |field: &str| asked::given(&request.options, field);
    let mut functions = asked::functions(&request.options)?;
    let choice = asked::tool_choice(&request.options)?.filter(|_| !functions.is_empty());
    if let Some(Choice::Named(name)) = choice {
        // No function can be named here. Whoever must call one and is offered a single one calls that.
        functions.retain(|function| function.name == name);
        if functions.is_empty() {
            return Err(unsupported("tool_choice", "names a function that is not offered"));
        }
    }
    let sent = Request {
        model: upstream_model,
        messages: request.messages.iter().map(told).collect::<Result<_, _>>()?,
        stream: request.stream == Delivery::Streamed,
        max_tokens: request.max_output_tokens,
        sampling: Sampling::of(request),
        p: given("top_p"),
        k: given("top_k"),
        stop_sequences: asked::stops(&request.options)?,
        response_format: format(asked::format(&request.options)?),
        thinking: asked::effort(&request.options)?.map(thinking).transpose()?,
        tools: functions.into_iter().map(Tool::from).collect(),
        tool_choice: choice.and_then(tool_choice),
    };
    Outgoing::json("/v2/chat", &sent)
}

fn format(format: asked::Format<'_>) -> Option<Format<'_>> {
    let json_schema = match format {
        asked::Format::Text => return None,
        asked::Format::Object => None,
        asked::Format::Schema(schema) => Some(schema),
    };
    Some(Format { kind: "json_object", json_schema })
}

/// Thinking is off or on here; there are no degrees.
fn thinking(effort: &str) -> Result<Thinking, Failure> {
    match effort {
        "none" => Ok(Thinking { kind: "disabled" }),
        "high" => Ok(Thinking { kind: "enabled" }),
        _ => Err(unsupported("reasoning_effort", "is none or high with this model's provider")),
    }
}

fn tool_choice(choice: Choice<'_>) -> Option<&'static str> {
    match choice {
        Choice::Auto => None,
        Choice::Required | Choice::Named(_) => Some("REQUIRED"),
        Choice::None => Some("NONE"),
    }
}

fn told(message: &Message) -> Result<Told<'_>, Failure> {
    Ok(match message.role {
        Role::System | Role::Developer => Told::System { content: said(message)? },
        Role::User => Told::User { content: said(message)? },
        Role::Assistant => {
            let calls = asked::calls(message)?.into_iter();
            Told::Assistant { content: said(message)?, tool_calls: calls.map(called).collect() }
        }
        Role::Tool => Told::Tool {
            tool_call_id: asked::tool_call_id(message)?,
            content: asked::only_text(&message.content)?,
        },
    })
}

fn said(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    let parts = asked::parts(&message.content)?.into_iter().map(|part| match part.said {
        asked::Said::Text(text) => Said::Text { text },
        asked::Said::Image(image) => Said::ImageUrl { image_url: ImageUrl { url: url(image) } },
    });
    Ok(parts.collect())
}

fn url(image: Image<'_>) -> String {
    match image {
        Image::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
        Image::Url(url) => url.to_owned(),
    }
}

fn called(call: asked::Call<'_>) -> Called<'_> {
    let function = CalledFunction { name: call.name, arguments: Value::to_string(&call.arguments) };
    Called { id: call.id, kind: "function", function }
}
