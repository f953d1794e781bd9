//! What a caller asks in the OpenAI shape, read once for all vendors that have words of their own.

mod borrowed;

use marketplace::chat::{Content, EXTRA_CONTENT, Failure, Message, Role};
use serde_json::{Map, Value, json};

pub use self::borrowed::{Sampling, Tool};
use crate::failure::unsupported;

/// A piece of a message.
pub struct Part<'a> {
    pub said: Said<'a>,
    pub cache_control: Option<&'a Value>,
}

pub enum Said<'a> {
    Text(&'a str),
    Image(Image<'a>),
}

pub enum Image<'a> {
    /// In base64.
    Inline {
        media_type: &'a str,
        data: &'a str,
    },
    Url(&'a str),
}

/// A function that the model may call.
pub struct Function<'a> {
    pub name: &'a str,
    pub description: Option<&'a str>,
    /// A JSON schema.
    pub parameters: Option<&'a Value>,
    /// Whether calls must follow the schema to the letter.
    pub strict: Option<&'a Value>,
    pub cache_control: Option<&'a Value>,
}

impl Function<'_> {
    /// The schema of what it takes, for vendors that want one also where it takes nothing.
    pub fn schema(&self) -> Value {
        self.parameters.cloned().unwrap_or_else(|| json!({"type": "object", "properties": {}}))
    }
}

/// A call that the model made in an earlier turn.
pub struct Call<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// Always an object.
    pub arguments: Value,
    /// Google's, which it wants back with the call.
    pub signature: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    Auto,
    Required,
    None,
    Named(&'a str),
}

/// What the answer has to look like.
pub enum Format<'a> {
    Text,
    Object,
    Schema(&'a Value),
}

/// What none of these vendors can be asked for.
const NEVER: [&str; 7] =
    ["logit_bias", "modalities", "functions", "function_call", "audio", "prediction", "web_search_options"];

const NOT_OFFERED: &str = "this value is not offered by this model's provider";

/// Refuses what cannot be said to any of these vendors, or not to this one, and would change the answer.
pub fn refuse_unsayable(options: &Map<String, Value>, to_this_one: &[&str]) -> Result<(), Failure> {
    refuse_given(options, &NEVER)?;
    refuse_given(options, to_this_one)
}

/// Refuses these fields, unless they ask for what happens anyway.
pub fn refuse_given(options: &Map<String, Value>, fields: &[&str]) -> Result<(), Failure> {
    for field in fields {
        if given(options, field).is_some_and(|value| !changes_nothing(field, value)) {
            return Err(not_offered(field));
        }
    }
    Ok(())
}

pub fn not_offered(field: &str) -> Failure {
    unsupported(field, NOT_OFFERED)
}

/// Whether a value asks for what happens anyway.
fn changes_nothing(field: &str, value: &Value) -> bool {
    match field {
        "n" => value.as_u64() == Some(1),
        "temperature" | "top_p" => value.as_f64() == Some(1.0),
        "presence_penalty" | "frequency_penalty" => value.as_f64() == Some(0.0),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "response_format" => value["type"] == "text",
        "modalities" => *value == json!(["text"]),
        "parallel_tool_calls" => *value == json!(true),
        "tools" => *value == json!([]),
        _ => false,
    }
}

/// An option, where null is as good as absent.
pub fn given<'a>(options: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    options.get(field).filter(|value| !value.is_null())
}

pub fn stops(options: &Map<String, Value>) -> Result<Vec<&str>, Failure> {
    match given(options, "stop") {
        Some(Value::String(stop)) => Ok(vec![stop.as_str()]),
        Some(stops) => list("stop", stops)?
            .iter()
            .map(|stop| stop.as_str().ok_or_else(|| unsupported("stop", "must be text")))
            .collect(),
        None => Ok(Vec::new()),
    }
}

pub fn functions(options: &Map<String, Value>) -> Result<Vec<Function<'_>>, Failure> {
    given(options, "tools")
        .map_or(Ok(Vec::new()), |tools| list("tools", tools)?.iter().map(function).collect())
}

fn function<'a>(tool: &'a Value) -> Result<Function<'a>, Failure> {
    let function = &tool["function"];
    let Some(name) = function["name"].as_str() else {
        return Err(unsupported("tools", "only functions with a name are offered by this model's provider"));
    };
    let given = |value: &'a Value| Some(value).filter(|value| !value.is_null());
    Ok(Function {
        name,
        description: function["description"].as_str(),
        parameters: given(&function["parameters"]),
        strict: given(&function["strict"]),
        cache_control: given(&tool["cache_control"]),
    })
}

pub fn tool_choice(options: &Map<String, Value>) -> Result<Option<Choice<'_>>, Failure> {
    let Some(choice) = given(options, "tool_choice") else { return Ok(None) };
    match (choice.as_str(), choice["function"]["name"].as_str()) {
        (Some("auto"), _) => Ok(Some(Choice::Auto)),
        (Some("required"), _) => Ok(Some(Choice::Required)),
        (Some("none"), _) => Ok(Some(Choice::None)),
        (None, Some(name)) => Ok(Some(Choice::Named(name))),
        _ => Err(unsupported("tool_choice", "is none of auto, none, required or a function")),
    }
}

pub fn format(options: &Map<String, Value>) -> Result<Format<'_>, Failure> {
    let Some(format) = given(options, "response_format") else { return Ok(Format::Text) };
    match (format["type"].as_str(), &format["json_schema"]["schema"]) {
        (Some("text"), _) => Ok(Format::Text),
        (Some("json_object"), _) => Ok(Format::Object),
        (Some("json_schema"), schema @ Value::Object(_)) => Ok(Format::Schema(schema)),
        (Some("json_schema"), _) => Err(unsupported("response_format", "needs a json_schema with a schema")),
        _ => Err(not_offered("response_format")),
    }
}

/// How much is to be thought: a word such as `low`.
pub fn effort(options: &Map<String, Value>) -> Result<Option<&str>, Failure> {
    given(options, "reasoning_effort")
        .map(|effort| effort.as_str().ok_or_else(|| not_offered("reasoning_effort")))
        .transpose()
}

/// What a message says. Empty text says nothing, and some vendors refuse it.
pub fn parts(content: &Content) -> Result<Vec<Part<'_>>, Failure> {
    match content {
        Content::Absent => Ok(Vec::new()),
        Content::Text(text) if text.is_empty() => Ok(Vec::new()),
        Content::Text(text) => Ok(vec![Part { said: Said::Text(text), cache_control: None }]),
        Content::Parts(parts) => parts.iter().filter_map(|fields| part(fields).transpose()).collect(),
    }
}

fn part(fields: &Map<String, Value>) -> Result<Option<Part<'_>>, Failure> {
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
    let said = match (kind, fields.get(kind)) {
        ("text", Some(Value::String(text))) if text.is_empty() => return Ok(None),
        ("text", Some(Value::String(text))) => Said::Text(text),
        ("image_url", Some(image)) => Said::Image(self::image(image)?),
        _ => {
            let reason = format!("a part of type {kind:?} is not offered");
            return Err(unsupported("messages.content", &reason));
        }
    };
    Ok(Some(Part { said, cache_control: given(fields, "cache_control") }))
}

fn image(image: &Value) -> Result<Image<'_>, Failure> {
    let url = image["url"].as_str().or(image.as_str()).unwrap_or_default();
    if url.starts_with("https://") {
        return Ok(Image::Url(url));
    }
    url.strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"))
        .map(|(media_type, data)| Image::Inline { media_type, data })
        .ok_or_else(|| unsupported("messages.content.image_url", "needs an https: or a base64 data: address"))
}

/// For vendors that fetch nothing themselves.
pub fn only_inline(image: Image<'_>) -> Result<(&str, &str), Failure> {
    match image {
        Image::Inline { media_type, data } => Ok((media_type, data)),
        Image::Url(_) => Err(unsupported(
            "messages.content.image_url",
            "this model's provider needs a base64 data: address",
        )),
    }
}

/// For vendors that read messages as text alone.
pub fn only_text(content: &Content) -> Result<String, Failure> {
    let texts = parts(content)?.into_iter().map(|part| match part.said {
        Said::Text(text) => Ok(text),
        Said::Image(_) => Err(unsupported("messages.content", "only text is offered here")),
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// The one message of the user, for protocols that continue a text: a conversation would need its model's template.
pub fn plain_prompt(messages: &[Message]) -> Result<String, Failure> {
    match messages {
        [message] if message.role == Role::User => only_text(&message.content),
        _ => {
            Err(unsupported("messages", "must be a single one of the user: this model continues plain text"))
        }
    }
}

/// The calls that a message of the assistant makes.
pub fn calls(message: &Message) -> Result<Vec<Call<'_>>, Failure> {
    match given(&message.rest, "tool_calls") {
        Some(calls) => list("messages.tool_calls", calls)?.iter().map(call).collect(),
        None => Ok(Vec::new()),
    }
}

fn call(call: &Value) -> Result<Call<'_>, Failure> {
    let function = &call["function"];
    let (Some(id), Some(name)) = (call["id"].as_str(), function["name"].as_str()) else {
        return Err(unsupported("messages.tool_calls", "needs an id and a function with a name"));
    };
    let arguments = match function["arguments"].as_str().unwrap_or_default().trim() {
        "" => json!({}),
        arguments => serde_json::from_str(arguments)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| unsupported("messages.tool_calls", "has arguments that are no JSON object"))?,
    };
    let signature = call[EXTRA_CONTENT]["google"]["thought_signature"].as_str();
    Ok(Call { id, name, arguments, signature })
}

/// The call whose result a tool message brings.
pub fn tool_call_id(message: &Message) -> Result<&str, Failure> {
    let id = given(&message.rest, "tool_call_id").and_then(Value::as_str);
    id.ok_or_else(|| unsupported("messages.tool_call_id", "is required in a tool message"))
}

/// The function whose result a tool message brings, found in the messages before it: only the call names it.
pub fn called_function<'a>(before: &'a [Message], message: &Message) -> Result<&'a str, Failure> {
    let id = tool_call_id(message)?;
    let calls =
        before.iter().rev().filter_map(|earlier| earlier.rest.get("tool_calls")?.as_array()).flatten();
    let called = calls.filter(|call| call["id"] == id).find_map(|call| call["function"]["name"].as_str());
    called.ok_or_else(|| unsupported("messages.tool_call_id", "belongs to no call in the messages before it"))
}

pub fn list<'a>(field: &str, value: &'a Value) -> Result<&'a Vec<Value>, Failure> {
    value.as_array().ok_or_else(|| unsupported(field, "must be a list"))
}
