//! Our request in the words of the Messages protocol, or the name of the field it has no words for.

use marketplace::chat::{ANTHROPIC_ONLY, ChatRequest, Delivery, Failure, Message, Role, THINKING_BLOCKS};
use serde_json::{Map, Value};

use super::Version;
use super::wire::{
    Options, OutputConfig, OutputFormat, Request, Said, Source, Speaker, Tool, ToolChoice, Turn,
};
use crate::asked::{self, Choice, Format, Function, Image};
use crate::dialect::Outgoing;
use crate::failure::unsupported;

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 4] = ["n", "presence_penalty", "frequency_penalty", "seed"];

/// Fields for which its newer version has none any more.
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

/// Writes a request as a message call. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest, upstream_model: &str, version: Version) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    if !version.takes_sampling {
        asked::refuse_unsayable(&request.options, &SAMPLING)?;
    }
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
        options: options(&request.options, version)?,
    };
    Ok(Outgoing { headers: version.headers, ..Outgoing::json("/v1/messages", &sent)? })
}

fn options(options: &Map<String, Value>, version: Version) -> Result<Options<'_>, Failure> {
    let given = |field: &str| asked::given(options, field);
    let temperature = given("temperature");
    let is_in_range = |value: &Value| value.as_f64().is_some_and(|value| (0.0..=1.0).contains(&value));
    if temperature.is_some_and(|value| !is_in_range(value)) {
        return Err(asked::not_offered("temperature"));
    }
    let tools: Vec<Tool<'_>> = asked::functions(options)?.into_iter().map(tool).collect();
    let one_at_a_time = given("parallel_tool_calls") == Some(&Value::Bool(false));
    let own = given(ANTHROPIC_ONLY);
    // What came in this protocol's own words.
    let own = |field: &str| own?.get(field).filter(|value| !value.is_null());
    let choice = asked::tool_choice(options)?.or(one_at_a_time.then_some(Choice::Auto));
    // What is left of these in the newer version changes nothing, and is refused all the same.
    let sampled = |field: &str| given(field).filter(|_| version.takes_sampling);
    let effort = asked::effort(options)?.map(effort).transpose()?.flatten();
    Ok(Options {
        temperature: sampled("temperature"),
        top_p: sampled("top_p"),
        top_k: sampled("top_k"),
        thinking: given("thinking").or(own("thinking")),
        stop_sequences: asked::stops(options)?,
        tool_choice: choice.filter(|_| !tools.is_empty()).map(|choice| tool_choice(choice, one_at_a_time)),
        tools,
        output_config: output_config(
            own("effort").and_then(Value::as_str).or(effort),
            asked::format(options)?,
        )?,
        cache_control: own("cache_control"),
    })
}

fn output_config<'a>(
    effort: Option<&'a str>,
    format: Format<'a>,
) -> Result<Option<OutputConfig<'a>>, Failure> {
    let format = match format {
        Format::Text => None,
        Format::Schema(schema) => Some(OutputFormat::JsonSchema { schema }),
        Format::Object => return Err(asked::not_offered("response_format")),
    };
    Ok((effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }))
}

/// Unless something is said there is no thinking.
fn effort(effort: &str) -> Result<Option<&str>, Failure> {
    match effort {
        "none" => Ok(None),
        "low" | "medium" | "high" => Ok(Some(effort)),
        _ => Err(asked::not_offered("reasoning_effort")),
    }
}

fn tool(function: Function<'_>) -> Tool<'_> {
    Tool {
        name: function.name,
        description: function.description,
        input_schema: function.schema(),
        strict: function.strict,
        cache_control: function.cache_control,
    }
}

fn tool_choice(choice: Choice<'_>, one_at_a_time: bool) -> ToolChoice<'_> {
    let (kind, name) = match choice {
        Choice::Auto => ("auto", None),
        Choice::Required => ("any", None),
        Choice::None => ("none", None),
        Choice::Named(name) => ("tool", Some(name)),
    };
    ToolChoice { kind, name, disable_parallel_tool_use: one_at_a_time && choice != Choice::None }
}

/// What the system says, and the turns of the others, each speaker's consecutive messages in one.
fn conversation(messages: &[Message]) -> Result<(Vec<Said<'_>>, Vec<Turn<'_>>), Failure> {
    let (mut system, mut turns) = (Vec::new(), Vec::<Turn>::new());
    for message in messages {
        let (role, said) = match message.role {
            Role::System | Role::Developer => {
                system.extend(said(message)?);
                continue;
            }
            Role::User => (Speaker::User, said(message)?),
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

fn said(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    let parts = asked::parts(&message.content)?.into_iter().map(|part| match part.said {
        asked::Said::Text(text) => Said::Text { text, cache_control: part.cache_control },
        asked::Said::Image(image) => Said::Image { source: source(image), cache_control: part.cache_control },
    });
    Ok(parts.collect())
}

fn source(image: Image<'_>) -> Source<'_> {
    match image {
        Image::Inline { media_type, data } => Source::Base64 { media_type, data },
        Image::Url(url) => Source::Url { url },
    }
}

fn answered(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    // What was thought comes before what was said of it, or the vendor does not take its own seal.
    let mut blocks = sealed(message)?;
    blocks.extend(said(message)?);
    let calls = asked::calls(message)?.into_iter();
    blocks.extend(calls.map(|call| Said::ToolUse { id: call.id, name: call.name, input: call.arguments }));
    Ok(blocks)
}

/// Thinking that this vendor sealed in an earlier answer.
fn sealed(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    let Some(blocks) = asked::given(&message.rest, THINKING_BLOCKS) else { return Ok(Vec::new()) };
    asked::list("messages.thinking_blocks", blocks)?
        .iter()
        .map(|block| match block["type"].as_str() {
            Some("thinking" | "redacted_thinking") => Ok(Said::Sealed(block)),
            _ => Err(unsupported("messages.thinking_blocks", "holds a block that is no thinking")),
        })
        .collect()
}

fn tool_result(message: &Message) -> Result<Said<'_>, Failure> {
    Ok(Said::ToolResult {
        tool_use_id: asked::tool_call_id(message)?,
        content: said(message)?,
        is_error: asked::given(&message.rest, "is_error"),
        cache_control: asked::given(&message.rest, "cache_control"),
    })
}
