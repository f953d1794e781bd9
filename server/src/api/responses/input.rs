//! The input of a response, put into the messages of a chat.

use marketplace::chat::EXTRA_CONTENT;
use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

type Fields = Map<String, Value>;

/// What is asked, after the instructions.
pub fn messages(instructions: Option<&Value>, input: Value) -> Result<Vec<Value>, Fault> {
    let mut messages = Vec::new();
    match instructions {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => messages.push(json!({ "role": "system", "content": text })),
        Some(_) => return Err(Fault::invalid("instructions", "must be text")),
    }
    match input {
        Value::String(text) => messages.push(json!({ "role": "user", "content": text })),
        Value::Array(items) => {
            for (place, item) in items.into_iter().enumerate() {
                let Value::Object(item) = item else { return Err(wrong(place, "must be an object")) };
                add(&mut messages, place, item)?;
            }
        }
        _ => return Err(Fault::invalid("input", "must be text or a list of items")),
    }
    Ok(messages)
}

fn wrong(place: usize, problem: &str) -> Fault {
    let field = format!("input[{place}]");
    Fault { field: Some("input".to_owned()), ..Fault::invalid(&field, problem) }
}

fn add(messages: &mut Vec<Value>, place: usize, mut item: Fields) -> Result<(), Fault> {
    let kind = match item.get("type") {
        None | Some(Value::Null) => "message".to_owned(),
        Some(kind) => kind.as_str().unwrap_or_default().to_owned(),
    };
    match kind.as_str() {
        "message" => {
            let role = text(&mut item, place, "role")?;
            let content = item.remove("content").unwrap_or(Value::Null);
            messages.push(json!({ "role": role, "content": said(content, place)? }));
        }
        "function_call" => {
            let call = call(&mut item, place)?;
            match messages.last_mut().filter(|last| last["role"] == "assistant") {
                Some(last) if last["tool_calls"].is_array() => {
                    last["tool_calls"].as_array_mut().into_iter().for_each(|calls| calls.push(call.clone()));
                }
                Some(last) => last["tool_calls"] = json!([call]),
                None => messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] })),
            }
        }
        "function_call_output" => {
            let id = text(&mut item, place, "call_id")?;
            let output = item.remove("output").unwrap_or(Value::Null);
            messages.push(json!({ "role": "tool", "tool_call_id": id, "content": said(output, place)? }));
        }
        // Thoughts are told, and no vendor wants them back in this form.
        "reasoning" => {}
        "item_reference" => return Err(wrong(place, "names an item that is not kept here; send it in full")),
        _ => return Err(wrong(place, &format!("is a {kind}, which is not sold here"))),
    }
    Ok(())
}

fn call(item: &mut Fields, place: usize) -> Result<Value, Fault> {
    let (id, name) = (text(item, place, "call_id")?, text(item, place, "name")?);
    let function = json!({ "name": name, "arguments": text(item, place, "arguments")? });
    let mut call = json!({ "id": id, "type": "function", "function": function });
    if let Some(seal) = item.remove(EXTRA_CONTENT).filter(|seal| !seal.is_null()) {
        call[EXTRA_CONTENT] = seal;
    }
    Ok(call)
}

/// Text stays text, and so does a single part of it.
fn said(content: Value, place: usize) -> Result<Value, Fault> {
    let parts = match content {
        Value::String(text) => return Ok(Value::String(text)),
        Value::Array(parts) => parts,
        _ => return Err(wrong(place, "needs text or a list of parts")),
    };
    let mut told = Vec::with_capacity(parts.len());
    for part in parts {
        let Value::Object(part) = part else { return Err(wrong(place, "has a part that is no object")) };
        told.push(self::part(part, place)?);
    }
    match told.as_mut_slice() {
        [only] if only["type"] == "text" => Ok(only["text"].take()),
        _ => Ok(Value::Array(told)),
    }
}

fn part(mut part: Fields, place: usize) -> Result<Value, Fault> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "input_text" | "output_text" | "text" | "reasoning_text" => {
            Ok(json!({ "type": "text", "text": text(&mut part, place, "text")? }))
        }
        "refusal" => Ok(json!({ "type": "text", "text": text(&mut part, place, "refusal")? })),
        "input_image" => {
            let Some(Value::String(url)) = part.remove("image_url") else {
                return Err(wrong(place, "has a picture without an image_url; files are not kept here"));
            };
            let mut image = json!({ "url": url });
            if let Some(detail) = part.remove("detail").filter(|detail| !detail.is_null()) {
                image["detail"] = detail;
            }
            Ok(json!({ "type": "image_url", "image_url": image }))
        }
        "input_audio" => Ok(Value::Object(part)),
        "input_file" => {
            let data = text(&mut part, place, "file_data")?;
            let name = part.remove("filename").filter(|name| !name.is_null());
            Ok(json!({ "type": "file", "file": { "filename": name, "file_data": data } }))
        }
        _ => Err(wrong(place, &format!("has a part of type {kind}, which is not sold here"))),
    }
}

fn text(fields: &mut Fields, place: usize, field: &str) -> Result<String, Fault> {
    match fields.remove(field) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(wrong(place, &format!("needs {field} as text"))),
    }
}
