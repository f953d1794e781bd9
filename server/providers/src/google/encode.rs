//! Our request in the words of the generateContent protocol, or the name of the field it has no words for.

use marketplace::chat::{ChatRequest, Delivery, Failure, Message, Role};
use serde_json::{Value, json};

use super::wire::{
    Blob, Called, Calling, Function, Generation, Request, Returned, Said, Speaker, System, Thinking,
    ToolConfig, Tools, Turn,
};
use crate::asked::{self, Choice, Format};
use crate::dialect::Outgoing;
use crate::failure::unsupported;

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 2] = ["thinking", "parallel_tool_calls"];

/// Models of the third generation refuse a turn of theirs whose calls come back without the signature they had, which
/// not all callers keep. This word in its stead tells them not to look.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Writes a request. The model and the manner of answering are named by the path, not in the body.
pub fn encode(request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    let (system, contents) = conversation(&request.messages, upstream_model)?;
    if contents.is_empty() {
        return Err(unsupported("messages", "needs at least one message that is not a system message"));
    }
    let functions = asked::functions(&request.options)?;
    let choice = asked::tool_choice(&request.options)?.filter(|_| !functions.is_empty());
    let tools = (!functions.is_empty())
        .then(|| Tools { function_declarations: functions.into_iter().map(function).collect() });
    let sent = Request {
        system_instruction: (!system.is_empty()).then_some(System { parts: system }),
        contents,
        generation_config: generation(request, upstream_model)?,
        tools: tools.into_iter().collect(),
        tool_config: choice.map(tool_config),
    };
    let manner = match request.stream {
        Delivery::Streamed => "streamGenerateContent?alt=sse",
        Delivery::Whole => "generateContent",
    };
    Outgoing::json(format!("/models/{upstream_model}:{manner}"), &sent)
}

fn generation<'a>(request: &'a ChatRequest, model: &str) -> Result<Generation<'a>, Failure> {
    let given = |field: &str| asked::given(&request.options, field);
    let format = asked::format(&request.options)?;
    let effort = asked::effort(&request.options)?;
    let choices = request.choices();
    let tells_likelihood = request.asks_for_logprobs() && offers_logprobs(model);
    Ok(Generation {
        candidate_count: (choices > 1).then_some(choices),
        max_output_tokens: request.max_output_tokens,
        temperature: given("temperature"),
        top_p: given("top_p"),
        top_k: given("top_k"),
        seed: given("seed"),
        presence_penalty: given("presence_penalty"),
        frequency_penalty: given("frequency_penalty"),
        stop_sequences: asked::stops(&request.options)?,
        response_mime_type: (!matches!(format, Format::Text)).then_some("application/json"),
        response_json_schema: match format {
            Format::Schema(schema) => Some(schema),
            Format::Text | Format::Object => None,
        },
        thinking_config: effort.map(|effort| thinking(effort, model)).transpose()?,
        response_logprobs: tells_likelihood.then_some(true),
        logprobs: given("top_logprobs").filter(|most| tells_likelihood && **most != json!(0)),
    })
}

/// The second generation measures thinking in tokens, later ones in words, of which none means none.
fn thinking<'a>(effort: &'a str, model: &str) -> Result<Thinking<'a>, Failure> {
    let (thinking_budget, thinking_level) = match (is_second_generation(model), effort) {
        (true, "none") => (Some(0), None),
        (true, "minimal" | "low") => (Some(1_024), None),
        (true, "medium") => (Some(8_192), None),
        (true, "high") => (Some(24_576), None),
        (false, "minimal" | "low" | "medium" | "high") => (None, Some(effort)),
        _ => return Err(asked::not_offered("reasoning_effort")),
    };
    Ok(Thinking { include_thoughts: thinking_budget != Some(0), thinking_budget, thinking_level })
}

/// Models after the second generation refuse to tell how likely their words were.
pub fn offers_logprobs(model: &str) -> bool {
    is_second_generation(model)
}

fn is_second_generation(model: &str) -> bool {
    model.starts_with("gemini-2")
}

fn function(function: asked::Function<'_>) -> Function<'_> {
    Function {
        name: function.name,
        description: function.description,
        parameters_json_schema: function.parameters,
    }
}

fn tool_config(choice: Choice<'_>) -> ToolConfig<'_> {
    let (mode, name) = match choice {
        Choice::Auto => ("AUTO", None),
        Choice::Required => ("ANY", None),
        Choice::None => ("NONE", None),
        Choice::Named(name) => ("ANY", Some(name)),
    };
    let allowed_function_names = name.map(|name| [name]);
    ToolConfig { function_calling_config: Calling { mode, allowed_function_names } }
}

/// What the system says, and the turns of the others, each speaker's consecutive messages in one.
fn conversation<'a>(messages: &'a [Message], model: &str) -> Result<(Vec<Said<'a>>, Vec<Turn<'a>>), Failure> {
    let (mut system, mut turns) = (Vec::new(), Vec::<Turn>::new());
    for (at, message) in messages.iter().enumerate() {
        let (role, parts) = match message.role {
            Role::System | Role::Developer => {
                system.extend(said(message)?);
                continue;
            }
            Role::User => (Speaker::User, said(message)?),
            Role::Tool => (Speaker::User, vec![returned(&messages[..at], message)?]),
            Role::Assistant => (Speaker::Model, answered(message, model)?),
        };
        match turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.extend(parts),
            _ if parts.is_empty() => {}
            _ => turns.push(Turn { role, parts }),
        }
    }
    Ok((system, turns))
}

fn said(message: &Message) -> Result<Vec<Said<'_>>, Failure> {
    let parts = asked::parts(&message.content)?.into_iter().map(|part| match part.said {
        asked::Said::Text(text) => Ok(Said::Text { text }),
        asked::Said::Image(image) => {
            let (mime_type, data) = asked::only_inline(image)?;
            Ok(Said::Image { inline_data: Blob { mime_type, data } })
        }
    });
    parts.collect()
}

fn answered<'a>(message: &'a Message, model: &str) -> Result<Vec<Said<'a>>, Failure> {
    let mut parts = said(message)?;
    let calls = asked::calls(message)?;
    // Of calls made at once only the first is signed, and the others must stay unsigned.
    let is_signed = calls.iter().any(|call| call.signature.is_some());
    let instead = (!is_signed && !is_second_generation(model)).then_some(NO_SIGNATURE);
    parts.extend(calls.into_iter().map(|call| Said::Called {
        thought_signature: call.signature.or(instead),
        function_call: Called { name: call.name, args: call.arguments },
    }));
    Ok(parts)
}

/// A result has to be an object; one that is something else becomes the only field of one.
fn returned<'a>(before: &'a [Message], message: &'a Message) -> Result<Said<'a>, Failure> {
    let name = asked::called_function(before, message)?;
    let text = asked::only_text(&message.content)?;
    let response = match serde_json::from_str::<Value>(&text) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!({"result": text}),
    };
    Ok(Said::Returned { function_response: Returned { name, response } })
}
