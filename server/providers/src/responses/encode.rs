//! Our request in the words of the protocol of responses, or the name of the field it has no words for.

use marketplace::chat::{ChatRequest, Delivery, Failure, Message, Role};
use serde_json::Value;

use super::wire::{Choice, Format, Function, Reasoning, Request, Said, Text, Told};
use crate::asked::{self, Image};
use crate::dialect::Outgoing;

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 7] =
    ["n", "stop", "seed", "thinking", "top_k", "presence_penalty", "frequency_penalty"];
/// What a schema is called that nobody named. This vendor wants a name.
const UNNAMED: &str = "answer";

/// Writes a request. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    let given = |field: &str| asked::given(&request.options, field);
    let tools: Vec<_> = asked::functions(&request.options)?.into_iter().map(function).collect();
    let choice = asked::tool_choice(&request.options)?.filter(|_| !tools.is_empty());
    let mut input = Vec::new();
    for message in &request.messages {
        told(message, &mut input)?;
    }
    let sent = Request {
        model: upstream_model,
        input,
        stream: request.stream == Delivery::Streamed,
        store: false,
        max_output_tokens: request.max_output_tokens,
        temperature: given("temperature"),
        top_p: given("top_p"),
        parallel_tool_calls: given("parallel_tool_calls").filter(|_| !tools.is_empty()),
        reasoning: asked::effort(&request.options)?.map(|effort| Reasoning { effort }),
        text: format(request)?.map(|format| Text { format }),
        tools,
        tool_choice: choice.map(tool_choice),
        user: given("user"),
    };
    Outgoing::json("/responses", &sent)
}

fn format(request: &ChatRequest) -> Result<Option<Format<'_>>, Failure> {
    Ok(match asked::format(&request.options)? {
        asked::Format::Text => None,
        asked::Format::Object => Some(Format::JsonObject),
        asked::Format::Schema(schema) => {
            let asked = &request.options["response_format"]["json_schema"];
            let strict = Some(&asked["strict"]).filter(|strict| !strict.is_null());
            Some(Format::JsonSchema { name: asked["name"].as_str().unwrap_or(UNNAMED), schema, strict })
        }
    })
}

fn function(function: asked::Function<'_>) -> Function<'_> {
    Function {
        kind: "function",
        parameters: function.schema(),
        strict: function.strict.and_then(Value::as_bool).unwrap_or(false),
        name: function.name,
        description: function.description,
    }
}

fn tool_choice(choice: asked::Choice<'_>) -> Choice<'_> {
    match choice {
        asked::Choice::Auto => Choice::Word("auto"),
        asked::Choice::Required => Choice::Word("required"),
        asked::Choice::None => Choice::Word("none"),
        asked::Choice::Named(name) => Choice::Named { kind: "function", name },
    }
}

/// A message becomes an item, and each of its calls another one.
fn told<'a>(message: &'a Message, items: &mut Vec<Told<'a>>) -> Result<(), Failure> {
    let role = match message.role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => {
            let (call_id, output) = (asked::tool_call_id(message)?, asked::only_text(&message.content)?);
            items.push(Told::Returned { kind: "function_call_output", call_id, output });
            return Ok(());
        }
    };
    let parts = asked::parts(&message.content)?.into_iter();
    let content: Vec<_> = parts.map(|part| said(part.said, message.role)).collect();
    if !content.is_empty() {
        items.push(Told::Message { role, content });
    }
    for call in asked::calls(message)? {
        let arguments = call.arguments.to_string();
        items.push(Told::Called { kind: "function_call", call_id: call.id, name: call.name, arguments });
    }
    Ok(())
}

fn said(said: asked::Said<'_>, role: Role) -> Said<'_> {
    match said {
        asked::Said::Text(text) if role == Role::Assistant => Said::OutputText { text },
        asked::Said::Text(text) => Said::InputText { text },
        asked::Said::Image(Image::Url(url)) => Said::InputImage { image_url: url.to_owned() },
        asked::Said::Image(Image::Inline { media_type, data }) => {
            Said::InputImage { image_url: format!("data:{media_type};base64,{data}") }
        }
    }
}
