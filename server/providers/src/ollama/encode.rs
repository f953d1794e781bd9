//! Our request in the words of Ollama's chat protocol, or the name of the field it has no words for.

use marketplace::chat::{ChatRequest, Delivery, Failure, Message, Role};

use super::wire::{Called, CalledFunction, Format, Options, Request, Think, Told};
use crate::asked::{self, Choice, Said, Sampling, Tool};
use crate::dialect::Outgoing;

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 3] = ["n", "thinking", "parallel_tool_calls"];

/// The smallest window in tokens that a model is loaded with when nothing is said.
const USUAL_WINDOW: u64 = 4_096;

/// Writes a request. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    let messages = &request.messages;
    let sent = Request {
        model: upstream_model,
        messages: messages
            .iter()
            .enumerate()
            .map(|(at, message)| told(&messages[..at], message))
            .collect::<Result<_, _>>()?,
        stream: request.stream == Delivery::Streamed,
        options: options(request)?,
        format: match asked::format(&request.options)? {
            asked::Format::Text => None,
            asked::Format::Object => Some(Format::Named("json")),
            asked::Format::Schema(schema) => Some(Format::Schema(schema)),
        },
        think: asked::effort(&request.options)?.map(think).transpose()?,
        tools: tools(request)?,
    };
    Outgoing::json("/api/chat", &sent)
}

fn options(request: &ChatRequest) -> Result<Options<'_>, Failure> {
    let given = |field: &str| asked::given(&request.options, field);
    let needed = request.prompt_size().tokens_max.saturating_add(request.max_output_tokens.unwrap_or(0));
    Ok(Options {
        num_predict: request.max_output_tokens,
        // A prompt that is larger than the window loses its beginning, and nobody is told. The size is rounded up
        // because a model is loaded anew for every other one.
        num_ctx: (needed > USUAL_WINDOW).then(|| needed.checked_next_power_of_two()).flatten(),
        sampling: Sampling::of(request),
        top_p: given("top_p"),
        top_k: given("top_k"),
        stop: asked::stops(&request.options)?,
    })
}

fn think(effort: &str) -> Result<Think<'_>, Failure> {
    match effort {
        "none" => Ok(Think::Never(false)),
        "low" | "medium" | "high" => Ok(Think::Level(effort)),
        _ => Err(asked::not_offered("reasoning_effort")),
    }
}

/// The model alone decides whether to call a function; all one can do is not to offer any.
fn tools(request: &ChatRequest) -> Result<Vec<Tool<'_>>, Failure> {
    let functions = asked::functions(&request.options)?;
    match asked::tool_choice(&request.options)? {
        None | Some(Choice::Auto) => Ok(functions.into_iter().map(Tool::from).collect()),
        Some(Choice::None) => Ok(Vec::new()),
        Some(Choice::Required | Choice::Named(_)) if functions.is_empty() => Ok(Vec::new()),
        Some(Choice::Required | Choice::Named(_)) => Err(asked::not_offered("tool_choice")),
    }
}

fn told<'a>(before: &'a [Message], message: &'a Message) -> Result<Told<'a>, Failure> {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for part in asked::parts(&message.content)? {
        match part.said {
            Said::Text(text) => texts.push(text),
            Said::Image(image) => images.push(asked::only_inline(image)?.1),
        }
    }
    let calls = asked::calls(message)?.into_iter();
    let tool_name = (message.role == Role::Tool).then(|| asked::called_function(before, message));
    Ok(Told {
        role,
        content: texts.join("\n"),
        images,
        tool_calls: calls.map(called).collect(),
        tool_name: tool_name.transpose()?,
    })
}

fn called(call: asked::Call<'_>) -> Called<'_> {
    Called { function: CalledFunction { name: call.name, arguments: call.arguments } }
}
