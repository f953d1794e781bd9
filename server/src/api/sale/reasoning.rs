//! `reasoning`, as OpenRouter's clients say how hard to think, in the words of a chat.

use marketplace::chat::ANTHROPIC_ONLY;
use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

/// Whether the answer tells what was thought. It is paid for either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoughts {
    Told,
    Hidden,
}

/// How hard is said where a request says only that there is to be thinking.
const USUAL_EFFORT: &str = "medium";

/// Takes `reasoning` away and says the same as `reasoning_effort`, unless that is said too; a number of tokens is told to the
/// one vendor who counts them. No vendor is told the rest. Whether what is thought is to be told comes back.
pub fn take_reasoning(body: &mut Map<String, Value>) -> Result<Thoughts, Fault> {
    let older = match body.remove("include_reasoning") {
        None | Some(Value::Null | Value::Bool(true)) => Thoughts::Told,
        Some(Value::Bool(false)) => Thoughts::Hidden,
        Some(_) => return Err(Fault::invalid("include_reasoning", "must be true or false")),
    };
    let said = match body.remove("reasoning") {
        None | Some(Value::Null) => return Ok(older),
        Some(Value::Object(said)) => said,
        Some(_) => return Err(Fault::invalid("reasoning", "must be an object")),
    };
    let thoughts = match said.get("exclude") {
        None | Some(Value::Null) => older,
        Some(Value::Bool(false)) => Thoughts::Told,
        Some(Value::Bool(true)) => Thoughts::Hidden,
        Some(_) => return Err(Fault::invalid("reasoning.exclude", "must be true or false")),
    };
    let given = |field: &str| said.get(field).filter(|value| !value.is_null());
    let effort = match (given("effort"), given("max_tokens"), given("enabled").and_then(Value::as_bool)) {
        (Some(Value::String(effort)), ..) => Some(effort.as_str()),
        (Some(_), ..) => return Err(Fault::invalid("reasoning.effort", "must be a word such as low")),
        (None, _, Some(false)) => Some("none"),
        (None, None, Some(true)) => Some(USUAL_EFFORT),
        (None, ..) => None,
    };
    if body.get("reasoning_effort").is_some_and(|effort| !effort.is_null()) {
        return Ok(thoughts);
    }
    if let Some(effort) = effort {
        body.insert("reasoning_effort".to_owned(), effort.into());
    } else if let Some(most) = given("max_tokens") {
        let most = most.as_u64().filter(|most| *most > 0);
        let most = most
            .ok_or_else(|| Fault::invalid("reasoning.max_tokens", "must be a whole number of at least 1"))?;
        let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": most } });
        body.entry(ANTHROPIC_ONLY).or_insert(thinking);
    }
    Ok(thoughts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(body: Value) -> Result<Value, Fault> {
        let Value::Object(mut body) = body else { panic!("a test gave no object") };
        take_reasoning(&mut body)?;
        Ok(Value::Object(body))
    }

    #[test]
    fn reasoning_is_said_in_the_words_of_a_chat() {
        let by_tokens = json!({ "anthropic": { "thinking": { "type": "enabled", "budget_tokens": 2_000 } } });
        for (reasoning, words) in [
            (json!({ "effort": "low", "exclude": true }), json!({ "reasoning_effort": "low" })),
            (json!({ "enabled": true }), json!({ "reasoning_effort": "medium" })),
            (json!({ "enabled": false }), json!({ "reasoning_effort": "none" })),
            (json!({ "enabled": true, "max_tokens": 2_000 }), by_tokens.clone()),
            (json!({ "max_tokens": 2_000 }), by_tokens),
            (json!({ "summary": "auto" }), json!({})),
            (Value::Null, json!({})),
        ] {
            assert_eq!(taken(json!({ "reasoning": reasoning })), Ok(words), "{reasoning}");
        }
        let both = json!({ "reasoning": { "effort": "low" }, "reasoning_effort": "high" });
        assert_eq!(taken(both), Ok(json!({ "reasoning_effort": "high" })));
    }

    #[test]
    fn what_was_thought_is_told_unless_it_is_not_wanted() {
        for (body, thoughts) in [
            (json!({}), Thoughts::Told),
            (json!({ "reasoning": { "exclude": true } }), Thoughts::Hidden),
            (
                json!({ "reasoning": { "exclude": true, "effort": "low" }, "reasoning_effort": "high" }),
                Thoughts::Hidden,
            ),
            (json!({ "include_reasoning": false }), Thoughts::Hidden),
            (json!({ "include_reasoning": false, "reasoning": { "effort": "low" } }), Thoughts::Hidden),
            (json!({ "include_reasoning": false, "reasoning": { "exclude": false } }), Thoughts::Told),
        ] {
            let Value::Object(mut words) = body.clone() else { panic!("a test gave no object") };
            assert_eq!(take_reasoning(&mut words), Ok(thoughts), "{body}");
            assert!(!words.contains_key("include_reasoning"));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (field, reasoning) in [
            ("reasoning", json!("hard")),
            ("reasoning.effort", json!({ "effort": 3 })),
            ("reasoning.max_tokens", json!({ "max_tokens": 0 })),
            ("reasoning.exclude", json!({ "exclude": "yes" })),
        ] {
            let refused = taken(json!({ "reasoning": reasoning })).unwrap_err();
            assert_eq!(refused.field.as_deref(), Some(field));
        }
    }
}
