//! Reading a request for a response: put into the words of a chat, and then read as one.

use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

use super::input;
use crate::api::chat::request::{self, Wanted};

type Fields = Map<String, Value>;

/// What a response repeats of its request, and what stands there when nothing was asked.
const REPEATED: [(&str, &str); 14] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("service_tier", "\"default\""),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_logprobs", "null"),
    ("top_p", "null"),
    ("user", "null"),
];
/// What needs something to be kept here, or is somebody else's service, and why it is refused.
const UNSAYABLE: [(&str, &str); 4] = [
    ("previous_response_id", "cannot be used: responses are not stored here, so send the whole input again"),
    ("conversation", "cannot be used: responses are not stored here, so send the whole input again"),
    ("prompt", "cannot be used: there are no stored prompts here"),
    ("background", "cannot be used: a response is answered at once and not stored"),
];
/// What changes nothing here: nothing is stored, cut or looked up, and a response is one answer.
const WITHOUT_EFFECT: [&str; 9] = [
    "store",
    "metadata",
    "truncation",
    "include",
    "max_tool_calls",
    "logprobs",
    "top_logprobs",
    "stream_options",
    "n",
];

/// The chat that is wanted, and what its answer repeats.
pub fn parse(mut body: Fields) -> Result<(Wanted, Fields), Fault> {
    for (field, why) in UNSAYABLE {
        if body.remove(field).is_some_and(|value| !value.is_null() && value != false) {
            return Err(Fault::invalid(field, why));
        }
    }
    let told = repeated(&body);
    let input = body.remove("input").unwrap_or(Value::Null);
    let instructions = body.remove("instructions");
    let messages = input::messages(instructions.as_ref(), input)?;
    for field in WITHOUT_EFFECT {
        body.remove(field);
    }
    rename_limit(&mut body)?;
    rename_tools(&mut body)?;
    rename_format(&mut body)?;
    body.insert("messages".to_owned(), Value::Array(messages));
    Ok((request::parse(body)?, told))
}

fn repeated(body: &Fields) -> Fields {
    let usual = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let given = |field: &str| body.get(field).filter(|value| !value.is_null()).cloned();
    REPEATED
        .iter()
        .map(|(field, otherwise)| ((*field).to_owned(), given(field).unwrap_or_else(|| usual(otherwise))))
        .collect()
}

fn rename_limit(body: &mut Fields) -> Result<(), Fault> {
    // Read here, so that it is refused under the name it was sent by.
    if let Some(tokens) = crate::api::sale::take_tokens(body, "max_output_tokens")? {
        body.insert("max_completion_tokens".to_owned(), json!(tokens));
    }
    Ok(())
}

fn rename_tools(body: &mut Fields) -> Result<(), Fault> {
    let tools = match taken(body, "tools") {
        None => Vec::new(),
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err(Fault::invalid("tools", "must be a list")),
    };
    let tools = tools.into_iter().map(function).collect::<Result<Vec<Value>, Fault>>()?;
    let choice = match taken(body, "tool_choice") {
        Some(Value::Object(choice)) if choice.get("type").and_then(Value::as_str) == Some("function") => {
            Some(json!({ "type": "function", "function": { "name": choice.get("name") } }))
        }
        Some(Value::Object(_)) => {
            return Err(Fault::invalid("tool_choice", "must be auto, none, required or one function"));
        }
        choice => choice,
    };
    if tools.is_empty() {
        // Vendors refuse to be told how to use tools where there are none.
        body.remove("parallel_tool_calls");
        return Ok(());
    }
    body.insert("tools".to_owned(), Value::Array(tools));
    body.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    Ok(())
}

/// A tool of the caller's own; those that vendors carry out themselves have no price here.
fn function(tool: Value) -> Result<Value, Fault> {
    let kind = tool["type"].as_str().unwrap_or_default();
    if kind != "function" {
        return Err(Fault::invalid("tools", &format!("may be functions alone: {kind:?} is not sold here")));
    }
    let Value::Object(tool) = tool else { return Err(Fault::invalid("tools", "must be a list of objects")) };
    let function: Fields =
        tool.into_iter().filter(|(field, value)| field != "type" && !value.is_null()).collect();
    Ok(json!({ "type": "function", "function": function }))
}

fn rename_format(body: &mut Fields) -> Result<(), Fault> {
    let mut text = match taken(body, "text") {
        None => return Ok(()),
        Some(Value::Object(text)) => text,
        Some(_) => return Err(Fault::invalid("text", "must be an object")),
    };
    body.extend(taken(&mut text, "verbosity").map(|verbosity| ("verbosity".to_owned(), verbosity)));
    let mut format = match taken(&mut text, "format") {
        None => return Ok(()),
        Some(Value::Object(format)) => format,
        Some(_) => return Err(Fault::invalid("text.format", "must be an object")),
    };
    let wanted = match format.remove("type").as_ref().and_then(Value::as_str) {
        Some("text") => return Ok(()),
        Some("json_object") => json!({ "type": "json_object" }),
        Some("json_schema") => json!({ "type": "json_schema", "json_schema": format }),
        _ => return Err(Fault::invalid("text.format.type", "must be text, json_object or json_schema")),
    };
    body.insert("response_format".to_owned(), wanted);
    Ok(())
}

fn taken(fields: &mut Fields, field: &str) -> Option<Value> {
    fields.remove(field).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use marketplace::chat::{Content, Role};

    use super::*;

    fn parsed(fields: Value) -> Result<(Wanted, Fields), Fault> {
        let mut body = json!({ "model": "openai/gpt-5-mini", "input": "Hi" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        parse(body.as_object().unwrap().clone())
    }

    #[test]
    fn a_conversation_with_calls_becomes_that_of_a_chat() {
        let (wanted, _) = parsed(json!({
            "instructions": "Be brief.", "max_output_tokens": 9, "store": true, "metadata": { "a": "b" },
            "reasoning": { "effort": "low", "summary": "auto" }, "parallel_tool_calls": false,
            "text": { "format": { "type": "json_schema", "name": "x", "schema": {}, "strict": true } },
            "tools": [{ "type": "function", "name": "look", "parameters": {}, "strict": null }],
            "tool_choice": { "type": "function", "name": "look" },
            "input": [
                { "role": "user", "content": [
                    { "type": "input_text", "text": "What is this?" },
                    { "type": "input_image", "image_url": "https://example.org/a.png", "detail": "low" },
                ] },
                { "type": "reasoning", "id": "rs_1", "summary": [] },
                { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Wait." }] },
                { "type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}" },
                { "type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}" },
                { "type": "function_call_output", "call_id": "c1", "output": "a harbour" },
                { "type": "function_call_output", "call_id": "c2", "output": [{ "type": "input_text", "text": "a boat" }] },
            ],
        }))
        .unwrap();
        let request = wanted.request;
        let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Tool]);
        assert_eq!(request.messages[2].content, Content::Text("Wait.".to_owned()));
        assert_eq!(request.messages[2].rest["tool_calls"][1]["id"], "c2");
        assert_eq!(request.messages[4].content, Content::Text("a boat".to_owned()));
        let Content::Parts(parts) = &request.messages[1].content else { panic!("{:?}", request.messages[1]) };
        assert_eq!(
            json!(parts[1]["image_url"]),
            json!({ "url": "https://example.org/a.png", "detail": "low" })
        );
        assert_eq!(request.max_output_tokens, Some(9));
        let options = Value::Object(request.options);
        assert_eq!(options["tools"][0]["function"], json!({ "name": "look", "parameters": {} }));
        assert_eq!(options["tool_choice"]["function"]["name"], "look");
        assert_eq!(options["response_format"]["json_schema"]["name"], "x");
        assert_eq!(
            (&options["reasoning_effort"], &options["parallel_tool_calls"]),
            (&json!("low"), &json!(false))
        );
        assert!(["store", "metadata", "text", "reasoning"].iter().all(|field| options[field].is_null()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (field, value) in [
            ("previous_response_id", json!("resp_1")),
            ("conversation", json!("conv_1")),
            ("background", json!(true)),
            ("prompt", json!({ "id": "pmpt_1" })),
            ("input", json!(3)),
            ("input", json!([3])),
            ("input", json!([{ "role": "user", "content": 3 }])),
            ("input", json!([{ "type": "item_reference", "id": "msg_1" }])),
            ("input", json!([{ "type": "computer_call" }])),
            ("input", json!([{ "role": "user", "content": [{ "type": "input_image", "file_id": "f" }] }])),
            ("instructions", json!([])),
            ("max_output_tokens", json!(0)),
            ("tools", json!([{ "type": "web_search" }])),
            ("tool_choice", json!({ "type": "allowed_tools" })),
            ("text", json!("json")),
            ("text.format.type", json!(null)),
            ("service_tier", json!("priority")),
        ] {
            let fields = match field.split_once('.') {
                Some(_) => json!({ "text": { "format": { "type": "grammar" } } }),
                None => json!({ field: value }),
            };
            let fault = parsed(fields.clone()).err().unwrap_or_else(|| panic!("{fields} was taken"));
            assert_eq!(fault.field.as_deref(), Some(field), "{fault}");
        }
    }

    #[test]
    fn an_answer_repeats_what_was_asked_and_what_is_usual() {
        let (_, told) =
            parsed(json!({ "temperature": 0.2, "tools": null, "metadata": { "a": "b" } })).unwrap();
        assert_eq!((&told["temperature"], &told["tools"]), (&json!(0.2), &json!([])));
        assert_eq!((&told["metadata"], &told["tool_choice"]), (&json!({ "a": "b" }), &json!("auto")));
    }
}
