//! A conversation as vendors of the OpenAI chat protocol take it: without the words that only Anthropic has.

use std::borrow::Cow;
use std::collections::BTreeMap;

use marketplace::chat::{Content, EXTRA_CONTENT, Message, Role, THINKING_BLOCKS};
use serde_json::{Map, Value};

use super::Habits;
use super::wire::Told;

const CACHE_MARK: &str = "cache_control";
/// Fields of a message that these vendors refuse.
const NOT_TOLD: [&str; 4] = [THINKING_BLOCKS, "is_error", CACHE_MARK, EXTRA_CONTENT];

/// Each message as it is told. A tool may answer only in words here, so its pictures follow as the user's.
pub(super) fn told(messages: &[Message], habits: Habits) -> Vec<Told<'_>> {
    let (mut all, mut pictures) = (Vec::with_capacity(messages.len()), Vec::new());
    for message in messages {
        let mut content = unmarked(&message.content);
        if message.role == Role::Tool {
            content = without_pictures(content, &mut pictures);
        } else {
            all.extend(shown(&mut pictures));
        }
        let role = match message.role {
            Role::Developer if !habits.knows_developer => Role::System,
            role => role,
        };
        let rest = message.rest.iter().filter(|(field, _)| !NOT_TOLD.contains(&field.as_str()));
        let rest = rest.map(|(field, value)| match field.as_str() {
            "tool_calls" => ("tool_calls", without(EXTRA_CONTENT, value)),
            field => (field, Cow::Borrowed(value)),
        });
        all.push(Told { role, content, rest: rest.collect() });
    }
    all.extend(shown(&mut pictures));
    all
}

/// Tools without the marks that only Anthropic's caches know.
pub(super) fn unmarked_tools(tools: &Value) -> Cow<'_, Value> {
    without(CACHE_MARK, tools)
}

/// The list without a field that is another vendor's, in all that stands in it.
fn without<'a>(field: &str, list: &'a Value) -> Cow<'a, Value> {
    match list {
        Value::Array(all) if all.iter().any(|one| one.get(field).is_some()) => {
            let mut list = list.clone();
            for one in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                one.remove(field);
            }
            Cow::Owned(list)
        }
        _ => Cow::Borrowed(list),
    }
}

/// Marks are why text came in parts, and some vendors read no parts: without the marks it is one text again.
fn unmarked(content: &Content) -> Cow<'_, Content> {
    match content {
        Content::Parts(parts) if parts.iter().any(|part| part.contains_key(CACHE_MARK)) => {
            if parts.iter().all(|part| is(part, "text")) {
                return Cow::Owned(Content::Text(content.text()));
            }
            let mut parts = parts.clone();
            for part in &mut parts {
                part.remove(CACHE_MARK);
            }
            Cow::Owned(Content::Parts(parts))
        }
        _ => Cow::Borrowed(content),
    }
}

fn without_pictures<'a>(
    content: Cow<'a, Content>,
    pictures: &mut Vec<Map<String, Value>>,
) -> Cow<'a, Content> {
    match &*content {
        Content::Parts(parts) if parts.iter().any(|part| is(part, "image_url")) => {
            pictures.extend(parts.iter().filter(|part| is(part, "image_url")).cloned());
            Cow::Owned(Content::Text(content.text()))
        }
        _ => content,
    }
}

fn shown<'a>(pictures: &mut Vec<Map<String, Value>>) -> Option<Told<'a>> {
    let parts = std::mem::take(pictures);
    (!parts.is_empty()).then(|| Told {
        role: Role::User,
        content: Cow::Owned(Content::Parts(parts)),
        rest: BTreeMap::new(),
    })
}

fn is(part: &Map<String, Value>, kind: &str) -> bool {
    part.get("type").and_then(Value::as_str) == Some(kind)
}
