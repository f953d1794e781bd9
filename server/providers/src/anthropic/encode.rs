//! Our request in the words of the Messages protocol, or the name of the field it has no words for.

use marketplace::chat::{
    ANTHROPIC_ONLY, ChatRequest, Content, Delivery, Failure, Message, Role, THINKING_BLOCKS,
};
use serde_json::{Map, Value, json};

use super::wire::{
    Options, OutputConfig, OutputFormat, Request, Said, Source, Speaker, Tool, ToolChoice, Turn,
};
use crate::dialect::Outgoing;
use crate::failure::unsupported;

/// Writes a request as a message call. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
    refuse_unsayable(&request.options)?;
    let (system, messages) = conversation(&request.messages)?;
    if messages.is_empty() {
        return Err(unsupported("messages", "needs at least one message that is not a system message"));
    }
    let sent = Request {
        model: upstream_model,
        max_tokens: request.max_output_tokens.ok_or_else(|| unsupported("max_tokens", "is required"))?,
        system,
        messages,
        stream: request.stream == Delivery::Streamed,
        options: options(&request.options)?,
    };
    let body = serde_json::to_vec(&sent).map_err(|error| unsupported("request", &error.to_string()))?;
    Ok(Outgoing { path: "/v1/messages", headers: &[("anthropic-version", "2023-06-01")], body })
}

/// Fields that ask for something this protocol cannot give, unless they ask for what happens anyway.
fn refuse_unsayable(options: &Map<String, Value>) -> Result<(), Failure> {
    for (field, value) in options {
        let changes_nothing = match field.as_str() {
            "n" => value.as_u64() == Some(1),
            "logprobs" => *value == json!(false),
            "top_logprobs" | "presence_penalty" | "frequency_penalty" => value.as_f64() == Some(0.0),
            "logit_bias" => value.as_object().is_some_and(Map::is_empty),
            "response_format" => value["type"] == "text" || schema(value).is_some(),
            "modalities" => *value == json!(["text"]),
            "temperature" => value.as_f64().is_some_and(|temperature| (0.0..=1.0).contains(&temperature)),
            "reasoning_effort" | "functions" | "function_call" | "audio" | "prediction"
            | "web_search_options" => false,
            _ => true,
        };
        if !changes_nothing && !value.is_null() {
            return Err(unsupported(field, "this value is not offered by this model's provider"));
        }
    }
    Ok(())
}

fn options(options: &Map<String, Value>) -> Result<Options<'_>, Failure> {
    let given = |field: &str| options.get(field).filter(|value| !value.is_null());
    let tools = match given("tools") {
        Some(tools) => list("tools", tools)?.iter().map(tool).collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    let own = Own(given(ANTHROPIC_ONLY));
    let one_at_a_time = given("parallel_tool_calls") == Some(&Value::Bool(false));
    let tool_choice = match given("tool_choice") {
        Some(choice) => Some(tool_choice(choice, one_at_a_time)?),
        None if one_at_a_time => {
            Some(ToolChoice { kind: "auto", name: None, disable_parallel_tool_use: true })
        }
        None => None,
    };
    Ok(Options {
        temperature: given("temperature"),
        top_p: given("top_p"),
        top_k: given("top_k"),
        thinking: given("thinking").or(own.get("thinking")),
        stop_sequences: match given("stop") {
            Some(Value::String(stop)) => vec![stop.as_str()],
            Some(stops) => list("stop", stops)?
                .iter()
                .map(|stop| stop.as_str().ok_or_else(|| unsupported("stop", "must be text")))
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        },
        tool_choice: tool_choice.filter(|_| !tools.is_empty()),
        tools,
        output_config: output_config(own.get("effort"), given("response_format")),
        cache_control: own.get("cache_control"),
    })
}

/// Fields that came in this protocol's own words.
struct Own<'a>(Option<&'a Value>);

impl<'a> Own<'a> {
    fn get(&self, field: &str) -> Option<&'a Value> {
        self.0?.get(field).filter(|value| !value.is_null())
    }
}

fn output_config<'a>(effort: Option<&'a Value>, format: Option<&'a Value>) -> Option<OutputConfig<'a>> {
    let format = format.and_then(schema).map(|schema| OutputFormat::JsonSchema { schema });
    (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format })
}

/// The schema that an answer is to follow.
fn schema(format: &Value) -> Option<&Value> {
    (format["type"] == "json_schema").then(|| format["json_schema"].get("schema")).flatten()
}

fn tool<'a>(tool: &'a Value) -> Result<Tool<'a>, Failure> {
    let function = &tool["function"];
    let Some(name) = function["name"].as_str() else {
        return Err(unsupported("tools", "only functions with a name are offered by this model's provider"));
    };
    let input_schema = match &function["parameters"] {
        Value::Null => json!({"type": "object", "properties": {}}),
        schema => schema.clone(),
    };
    let given = |value: &'a Value| Some(value).filter(|value| !value.is_null());
    Ok(Tool {
        name,
        description: function["description"].as_str(),
        input_schema,
        strict: given(&function["strict"]),
        cache_control: given(&tool["cache_control"]),
    })
}

fn tool_choice(choice: &Value, one_at_a_time: bool) -> Result<ToolChoice<'_>, Failure> {
    let (kind, name) = match (choice.as_str(), choice["function"]["name"].as_str()) {
        (Some("auto"), _) => ("auto", None),
        (Some("required"), _) => ("any", None),
        (Some("none"), _) => ("none", None),
        (None, Some(name)) => ("tool", Some(name)),
        _ => return Err(unsupported("tool_choice", "is none of auto, none, required or a function")),
    };
    Ok(ToolChoice { kind, name, disable_parallel_tool_use: one_at_a_time && kind != "none" })
}

/// What the system says, and the turns of the others, each speaker's consecutive messages in one.
fn conversation(messages: &[Message]) -> Result<(Vec<Said<'_>>, Vec<Turn<'_>>), Failure> {
    let (mut system, mut turns) = (Vec::new(), Vec::<Turn>::new());
    for message in messages {
        let (role, said) = match message.role {
            Role::System | Role::Developer => {
                system.extend(said(&message.content)?);
                continue;
            }
            Role::User => (Speaker::User, said(&message.content)?),
            Role::Tool => (Speaker::User, vec![tool_result(message)?]),
            Role::Assistant => (Speaker::Assistant, answered(message)?),
        };
        match turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(said),
            _ if said.is_empty() => {}
            _ => turns.push(Turn { role, content: said }),
        }
    }
    Ok((system, turns))
}

fn said(content: &Content) -> Result<Vec<Said<'_>>, Failure> {
    match content {
        Content::Absent => Ok(Vec::new()),
        // Empty text is refused by the vendor and says nothing.
        Content::Text(text) if text.is_empty() => Ok(Vec::new()),
        Content::Text(text) => Ok(vec![Said::Text { text, cache_control: None }]),
        Content::Parts(parts) => parts.iter().filter_map(|part| part_said(part).transpose()).collect(),
    }
}

fn part_said(part: &Map<String, Value>) -> Result<Option<Said<'_>>, Failure> {
    let cache_control = part.get("cache_control").filter(|value| !value.is_null());
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    match (kind, part.get(kind)) {
        ("text", Some(Value::String(text))) => {
            Ok((!text.is_empty()).then_some(Said::Text { text, cache_control }))
        }
        ("image_url", Some(image)) => {
            let url = image["url"].as_str().or(image.as_str()).unwrap_or_default();
            Ok(Some(Said::Image { source: source(url)?, cache_control }))
        }
        _ => Err(unsupported("messages.content", &format!("a part of type {kind:?} is not offered"))),
    }
}

fn source(url: &str) -> Result<Source<'_>, Failure> {
    if url.starts_with("https://") {
        return Ok(Source::Url { url });
    }
    url.strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"))
        .map(|(media_type, data)| Source::Base64 { media_type, data })
        .ok_or_else(|| unsupported("messages.content.image_url", "needs an https: or a base64 data: address"))
}

fn answered(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    // What was thought comes before what was said of it, or the vendor does not take its own seal.
    let mut blocks = sealed(message)?;
    blocks.extend(said(&message.content)?);
    match message.rest.get("tool_calls") {
        None | Some(Value::Null) => {}
        Some(calls) => {
            for call in list("messages.tool_calls", calls)? {
                blocks.push(tool_use(call)?);
            }
        }
    }
    Ok(blocks)
}

/// Thinking that this vendor sealed in an earlier answer.
fn sealed(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    match message.rest.get(THINKING_BLOCKS) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(blocks) => list("messages.thinking_blocks", blocks)?
            .iter()
            .map(|block| match block["type"].as_str() {
                Some("thinking" | "redacted_thinking") => Ok(Said::Sealed(block)),
                _ => Err(unsupported("messages.thinking_blocks", "holds a block that is no thinking")),
            })
            .collect(),
    }
}

fn tool_use(call: &Value) -> Result<Said<'_>, Failure> {
    let function = &call["function"];
    let (Some(id), Some(name)) = (call["id"].as_str(), function["name"].as_str()) else {
        return Err(unsupported("messages.tool_calls", "needs an id and a function with a name"));
    };
    let input = match function["arguments"].as_str().unwrap_or_default().trim() {
        "" => json!({}),
        arguments => serde_json::from_str(arguments)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| unsupported("messages.tool_calls", "has arguments that are no JSON object"))?,
    };
    Ok(Said::ToolUse { id, name, input })
}

fn tool_result(message: &Message) -> Result<Said<'_>, Failure> {
    let Some(tool_use_id) = message.rest.get("tool_call_id").and_then(Value::as_str) else {
        return Err(unsupported("messages.tool_call_id", "is required in a tool message"));
    };
    let given = |field: &str| message.rest.get(field).filter(|value| !value.is_null());
    Ok(Said::ToolResult {
        tool_use_id,
        content: said(&message.content)?,
        is_error: given("is_error"),
        cache_control: given("cache_control"),
    })
}

fn list<'a>(field: &str, value: &'a Value) -> Result<&'a Vec<Value>, Failure> {
    value.as_array().ok_or_else(|| unsupported(field, "must be a list"))
}
