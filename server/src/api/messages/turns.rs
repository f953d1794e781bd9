//! A conversation in Anthropic's blocks, put into our messages.

use marketplace::chat::{Content, Message, Role, THINKING_BLOCKS};
use marketplace::fault::Fault;
use serde::Deserialize;
use serde_json::{Map, Value, json};

type Block = Map<String, Value>;

const CACHE_MARK: &str = "cache_control";

#[derive(Deserialize)]
struct Turn {
    role: Speaker,
    content: Said,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Assistant,
    System,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "content must be a string or a list of blocks")]
enum Said {
    Text(String),
    Blocks(Vec<Block>),
}

/// What the system says, above the conversation.
pub fn system(said: Option<Value>) -> Result<Vec<Message>, Fault> {
    let Some(said) = said else { return Ok(Vec::new()) };
    let said = serde_json::from_value(said)
        .map_err(|_| Fault::invalid("system", "must be a string or a list of text blocks"))?;
    Ok(vec![message(Role::System, content(said)?)])
}

pub fn conversation(turns: Value) -> Result<Vec<Message>, Fault> {
    let turns: Vec<Turn> = serde_json::from_value(turns)
        .map_err(|error| Fault::invalid("messages", &format!("cannot be read: {error}")))?;
    let mut messages = Vec::with_capacity(turns.len());
    for Turn { role, content: said } in turns {
        match (role, said) {
            (Speaker::User, Said::Blocks(blocks)) => asked(blocks, &mut messages)?,
            (Speaker::Assistant, Said::Blocks(blocks)) => messages.push(answered(blocks)?),
            (Speaker::User, said) => messages.push(message(Role::User, content(said)?)),
            (Speaker::Assistant, said) => messages.push(message(Role::Assistant, content(said)?)),
            (Speaker::System, said) => messages.push(message(Role::System, content(said)?)),
        }
    }
    Ok(messages)
}

/// A user's turn: what tools answered stands in messages of its own.
fn asked(blocks: Vec<Block>, messages: &mut Vec<Message>) -> Result<(), Fault> {
    let mut own = Vec::new();
    for block in blocks {
        if kind(&block) != "tool_result" {
            own.push(block);
            continue;
        }
        if !own.is_empty() {
            messages.push(message(Role::User, content(Said::Blocks(std::mem::take(&mut own)))?));
        }
        messages.push(tool_result(block)?);
    }
    if !own.is_empty() {
        messages.push(message(Role::User, content(Said::Blocks(own))?));
    }
    Ok(())
}

fn tool_result(mut block: Block) -> Result<Message, Fault> {
    let id = text(&mut block, "tool_use_id")?;
    let said = match block.remove("content").filter(|said| !said.is_null()) {
        None => Said::Text(String::new()),
        Some(said) => serde_json::from_value(said)
            .map_err(|_| wrong("a tool_result has content that is neither a string nor a list of blocks"))?,
    };
    let mut result = message(Role::Tool, content(said)?);
    result.rest.insert("tool_call_id".to_owned(), Value::String(id));
    if block.get("is_error") == Some(&Value::Bool(true)) {
        result.rest.insert("is_error".to_owned(), Value::Bool(true));
    }
    if let Some(mark) = mark(&mut block) {
        result.rest.insert(CACHE_MARK.to_owned(), mark);
    }
    Ok(result)
}

/// An assistant's turn: what it thought and which tools it called stand beside what it said.
fn answered(blocks: Vec<Block>) -> Result<Message, Fault> {
    let (mut said, mut thought, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for mut block in blocks {
        match kind(&block) {
            "tool_use" => {
                let (id, name) = (text(&mut block, "id")?, text(&mut block, "name")?);
                let input = block.remove("input").filter(Value::is_object).unwrap_or_else(|| json!({}));
                let function = json!({ "name": name, "arguments": input.to_string() });
                calls.push(json!({ "id": id, "type": "function", "function": function }));
            }
            // Nobody takes thinking back without a seal, and vendors that do not seal do not want it back.
            "thinking" if block.get("signature").and_then(Value::as_str).is_none_or(str::is_empty) => {}
            "thinking" | "redacted_thinking" => {
                block.remove(CACHE_MARK);
                thought.push(Value::Object(block));
            }
            _ => said.push(block),
        }
    }
    let content = if said.is_empty() { Content::Absent } else { content(Said::Blocks(said))? };
    let mut answer = message(Role::Assistant, content);
    for (field, list) in [("tool_calls", calls), (THINKING_BLOCKS, thought)] {
        if !list.is_empty() {
            answer.rest.insert(field.to_owned(), Value::Array(list));
        }
    }
    Ok(answer)
}

/// Text stays one text where it can: not every vendor reads parts.
fn content(said: Said) -> Result<Content, Fault> {
    let blocks = match said {
        Said::Text(text) => return Ok(Content::Text(text)),
        Said::Blocks(blocks) => blocks,
    };
    let mut parts = blocks.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    if let [only] = parts.as_mut_slice()
        && !only.contains_key(CACHE_MARK)
        && let Some(Value::String(text)) = only.get_mut("text").map(Value::take)
    {
        return Ok(Content::Text(text));
    }
    Ok(Content::Parts(parts))
}

fn part(mut block: Block) -> Result<Map<String, Value>, Fault> {
    let mut part = Map::new();
    match kind(&block) {
        "text" => {
            part.insert("type".to_owned(), json!("text"));
            part.insert("text".to_owned(), Value::String(text(&mut block, "text")?));
        }
        "image" => {
            part.insert("type".to_owned(), json!("image_url"));
            part.insert("image_url".to_owned(), json!({ "url": address(block.remove("source"))? }));
        }
        other => return Err(wrong(&format!("a block of type {other:?} cannot be sent from here"))),
    }
    part.extend(mark(&mut block).map(|mark| (CACHE_MARK.to_owned(), mark)));
    Ok(part)
}

/// A picture as one address.
fn address(source: Option<Value>) -> Result<String, Fault> {
    let source = source.unwrap_or_default();
    match (source["type"].as_str(), source["media_type"].as_str(), source["data"].as_str()) {
        (Some("base64"), Some(media_type), Some(data)) if media_type.starts_with("image/") => {
            Ok(format!("data:{media_type};base64,{data}"))
        }
        (Some("url"), ..) if source["url"].is_string() => {
            Ok(source["url"].as_str().unwrap_or_default().to_owned())
        }
        _ => Err(wrong("an image needs a source of type base64, with media_type and data, or of type url")),
    }
}

fn kind(block: &Block) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn text(block: &mut Block, field: &str) -> Result<String, Fault> {
    match block.remove(field) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(wrong(&format!("a block of type {:?} needs a {field}", kind(block)))),
    }
}

fn mark(block: &mut Block) -> Option<Value> {
    block.remove(CACHE_MARK).filter(|mark| !mark.is_null())
}

fn message(role: Role, content: Content) -> Message {
    Message { role, content, rest: Map::new() }
}

fn wrong(problem: &str) -> Fault {
    Fault::invalid("messages", &format!("cannot be read: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(turns: Value) -> Value {
        serde_json::to_value(conversation(turns).unwrap()).unwrap()
    }

    #[test]
    fn a_turn_of_a_user_is_parted_into_words_and_what_tools_answered() {
        let turns = json!([{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "Rain", "cache_control": {"type": "ephemeral"}},
            {"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": [{"type": "text", "text": "No"}]},
            {"type": "tool_result", "tool_use_id": "c"},
            {"type": "text", "text": "So?"},
        ]}]);
        let expected = json!([
            {"role": "tool", "content": "Rain", "tool_call_id": "a", "cache_control": {"type": "ephemeral"}},
            {"role": "tool", "content": "No", "tool_call_id": "b", "is_error": true},
            {"role": "tool", "content": "", "tool_call_id": "c"},
            {"role": "user", "content": "So?"},
        ]);
        assert_eq!(read(turns), expected);
    }

    #[test]
    fn a_turn_of_the_assistant_keeps_its_calls_and_its_sealed_thinking() {
        let sealed = json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"});
        let turns = json!([{"role": "assistant", "content": [
            sealed,
            {"type": "thinking", "thinking": "Unsealed.", "signature": ""},
            {"type": "text", "text": "I'll look."},
            {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Paris"}},
        ]}]);
        let call = json!({
            "id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"},
        });
        let expected = json!([{
            "role": "assistant", "content": "I'll look.", "tool_calls": [call], "thinking_blocks": [sealed],
        }]);
        assert_eq!(read(turns), expected);
    }

    #[test]
    fn pictures_and_marks_make_parts() {
        let turns = json!([{"role": "user", "content": [
            {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        ]}]);
        let expected = json!([{"role": "user", "content": [
            {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]}]);
        assert_eq!(read(turns), expected);
    }

    #[test]
    fn a_block_we_have_no_words_for_is_named() {
        for block in [
            json!({"type": "document", "source": {}}),
            json!({"type": "image", "source": {"type": "file", "file_id": "f"}}),
            json!({"type": "text"}),
            json!({"type": "tool_result"}),
            json!({}),
        ] {
            let refused = conversation(json!([{"role": "user", "content": [block]}])).unwrap_err();
            assert_eq!(refused.field.as_deref(), Some("messages"), "{refused}");
        }
    }
}
