//! Reading a text to be continued: all but the prompt is as in a chat.

use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

/// Fields that models which chat cannot be told.
const UNSAYABLE: [&str; 4] = ["suffix", "echo", "best_of", "logprobs"];

/// The same as a question in a chat.
pub fn as_chat(mut body: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    for field in UNSAYABLE {
        if body.remove(field).is_some_and(|value| !value.is_null() && !changes_nothing(field, &value)) {
            return Err(Fault::invalid(field, "is not sold here"));
        }
    }
    let prompt = take_prompt(&mut body)?;
    body.insert("messages".to_owned(), json!([{ "role": "user", "content": prompt }]));
    Ok(body)
}

/// Whether a value asks for what happens anyway.
fn changes_nothing(field: &str, value: &Value) -> bool {
    match field {
        "suffix" => value == "",
        "echo" => *value == json!(false),
        "best_of" => *value == json!(1),
        _ => false,
    }
}

/// One text: one call buys one answer. Numbers of one vendor's vocabulary mean nothing to another.
fn take_prompt(body: &mut Map<String, Value>) -> Result<String, Fault> {
    let refused = |reason| Err(Fault::invalid("prompt", reason));
    let prompt = match body.remove("prompt") {
        Some(Value::String(text)) => text,
        Some(Value::Array(mut texts)) if texts.len() == 1 => match texts.pop() {
            Some(Value::String(text)) => text,
            _ => return refused("must be text, not tokens"),
        },
        Some(Value::Array(_)) => return refused("must be one text: one call buys one answer"),
        None | Some(Value::Null) => return refused("is missing"),
        Some(_) => return refused("must be text"),
    };
    if prompt.is_empty() { refused("must not be empty") } else { Ok(prompt) }
}

#[cfg(test)]
mod tests {
    use marketplace::chat::Content;

    use super::*;
    use crate::api::chat::request::{self, Wanted};

    fn parsed(fields: Value) -> Result<Wanted, Fault> {
        let mut body = json!({"model": "openai/gpt-5-mini", "prompt": "Once"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        request::parse(as_chat(body.as_object().unwrap().clone())?)
    }

    #[test]
    fn the_prompt_becomes_the_one_message_of_the_user() {
        for prompt in [json!("Once"), json!(["Once"])] {
            let fields =
                json!({"prompt": prompt, "max_tokens": 9, "echo": false, "best_of": 1, "suffix": null});
            let wanted = parsed(fields).unwrap();
            assert_eq!(wanted.request.messages[0].content, Content::Text("Once".to_owned()));
            assert_eq!(wanted.request.max_output_tokens, Some(9));
            assert!(wanted.request.options.is_empty(), "{:?}", wanted.request.options);
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        for (field, value) in [
            ("prompt", json!(null)),
            ("prompt", json!("")),
            ("prompt", json!([1, 2])),
            ("prompt", json!([[1]])),
            ("prompt", json!(["a", "b"])),
            ("echo", json!(true)),
            ("best_of", json!(3)),
            ("logprobs", json!(5)),
            ("suffix", json!("end")),
        ] {
            let fault = parsed(json!({field: value})).err().unwrap();
            assert_eq!(fault.field.as_deref(), Some(field));
        }
    }
}
