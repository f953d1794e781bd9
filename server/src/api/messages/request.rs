//! Reading a request in Anthropic's shape and putting it into ours. What has a price we do not know is refused; what
//! we do not know at all is left out, for it was meant for another vendor than the one that may answer.

use engine::Routing;
use marketplace::chat::{ANTHROPIC_ONLY, ChatRequest, Delivery};
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use serde_json::{Map, Value, json};

use super::{tools, turns};
use crate::api::sale::{Terms, take_delivery, take_reasoning, take_routing, take_tokens};

/// Fields that can change the price, and the values that do not.
const PRICED_APART: [(&str, &[&str]); 5] = [
    ("service_tier", &["auto", "standard_only"]),
    ("speed", &["standard"]),
    ("inference_geo", &["global"]),
    ("container", &[]),
    ("mcp_servers", &[]),
];

pub struct Wanted {
    pub request: ChatRequest,
    pub terms: Terms,
    pub stops: Vec<String>,
}

pub fn parse(mut body: Map<String, Value>) -> Result<Wanted, Fault> {
    refuse_unpriced(&body)?;
    let max_tokens = take_tokens(&mut body, "max_tokens")?;
    let max_tokens = max_tokens.ok_or_else(|| Fault::invalid("max_tokens", "is missing"))?;
    let stream = take_delivery(&mut body)?;
    let stops = stops(&mut body)?;
    let (mut request, routing) = take_prompt(&mut body)?;
    let terms = Terms::take(&mut body, routing)?;
    request.max_output_tokens = Some(max_tokens);
    request.stream = stream;
    if !stops.is_empty() {
        request.options.insert("stop".to_owned(), json!(stops));
    }
    for field in ["temperature", "top_p", "top_k"] {
        if let Some(value) = given(&mut body, field) {
            if !value.is_number() {
                return Err(Fault::invalid(field, "must be a number"));
            }
            request.options.insert(field.to_owned(), value);
        }
    }
    take_own(&mut body, &mut request.options)?;
    take_thinking(&mut body, &mut request.options)?;
    Ok(Wanted { request, terms, stops })
}

/// What stands in the prompt, which is all that counting needs, and who may read it.
pub fn take_prompt(body: &mut Map<String, Value>) -> Result<(ChatRequest, Routing), Fault> {
    let (model, routing) = take_routing(body, model_id)?;
    let said = body.remove("messages").ok_or_else(|| Fault::invalid("messages", "is missing"))?;
    let mut messages = turns::system(given(body, "system"))?;
    messages.extend(turns::conversation(said)?);
    let mut options = Map::new();
    tools::add(given(body, "tools"), given(body, "tool_choice"), &mut options)?;
    let request = ChatRequest { model, messages, max_output_tokens: None, stream: Delivery::Whole, options };
    Ok((request, routing))
}

/// A model's id. Clients of Anthropic's name its models without their author.
pub fn model_id(text: &str) -> Result<ModelId, Fault> {
    if text.contains('/') { ModelId::parse(text) } else { ModelId::parse(&format!("anthropic/{text}")) }
}

fn stops(body: &mut Map<String, Value>) -> Result<Vec<String>, Fault> {
    match given(body, "stop_sequences") {
        None => Ok(Vec::new()),
        Some(stops) => serde_json::from_value(stops)
            .map_err(|_| Fault::invalid("stop_sequences", "must be a list of strings")),
    }
}

/// How to think and where to cache: hints that its own vendor takes and that all others answer without.
fn take_own(body: &mut Map<String, Value>, options: &mut Map<String, Value>) -> Result<(), Fault> {
    let mut own = Map::new();
    for field in ["thinking", "cache_control"] {
        if let Some(value) = object(body, field)? {
            own.insert(field.to_owned(), Value::Object(value));
        }
    }
    if let Some(mut config) = object(body, "output_config")? {
        own.extend(given(&mut config, "effort").map(|effort| ("effort".to_owned(), effort)));
        if let Some(format) = given(&mut config, "format") {
            options.insert("response_format".to_owned(), response_format(&format)?);
        }
    }
    if !own.is_empty() {
        options.insert(ANTHROPIC_ONLY.to_owned(), Value::Object(own));
    }
    object(body, "metadata")?;
    Ok(())
}

/// What OpenRouter's clients say of it, unless it is said in the family's own words.
fn take_thinking(body: &mut Map<String, Value>, options: &mut Map<String, Value>) -> Result<(), Fault> {
    let own = options.get(ANTHROPIC_ONLY);
    let is_said = own.is_some_and(|own| ["thinking", "effort"].iter().any(|field| !own[*field].is_null()));
    let mut words: Map<String, Value> =
        given(body, "reasoning").map(|it| ("reasoning".to_owned(), it)).into_iter().collect();
    take_reasoning(&mut words)?;
    if !is_said {
        join(options, words);
    }
    Ok(())
}

/// Adds what is not there; what is told to one vendor alone stands together.
fn join(options: &mut Map<String, Value>, more: Map<String, Value>) {
    for (field, value) in more {
        match (options.get_mut(&field), value) {
            (Some(Value::Object(there)), Value::Object(value)) => there.extend(value),
            (_, value) => {
                options.insert(field, value);
            }
        }
    }
}

fn response_format(format: &Value) -> Result<Value, Fault> {
    match (format["type"].as_str(), &format["schema"]) {
        (Some("json_schema"), schema @ Value::Object(_)) => Ok(json!({
            "type": "json_schema", "json_schema": { "name": "answer", "strict": true, "schema": schema },
        })),
        _ => Err(Fault::invalid("output_config.format", "must be of type json_schema and have a schema")),
    }
}

/// What the vendor charges beside the token prices that the hold is made of is not sold.
fn refuse_unpriced(body: &Map<String, Value>) -> Result<(), Fault> {
    for (field, usual) in PRICED_APART {
        let wanted = body.get(field).filter(|value| !value.is_null() && **value != json!([]));
        if wanted.is_some_and(|value| !value.as_str().is_some_and(|value| usual.contains(&value))) {
            return Err(Fault::invalid(field, "asks for something that has no price here"));
        }
    }
    Ok(())
}

fn given(body: &mut Map<String, Value>, field: &str) -> Option<Value> {
    body.remove(field).filter(|value| !value.is_null())
}

fn object(body: &mut Map<String, Value>, field: &str) -> Result<Option<Map<String, Value>>, Fault> {
    match given(body, field) {
        None => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(_) => Err(Fault::invalid(field, "must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use marketplace::money::Nanos;

    use super::*;

    fn parsed(more: Value) -> Result<Wanted, Fault> {
        let mut body = json!({
            "model": "openai/gpt-5-mini", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}],
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        let Value::Object(body) = body else { panic!("a test gave no object") };
        parse(body)
    }

    #[test]
    fn what_has_another_name_is_renamed_and_what_nobody_knows_is_left_out() {
        let wanted = parsed(json!({
            "stop_sequences": ["END"], "temperature": 0.5, "top_k": 3, "stream": true, "metadata": {"user_id": "u"},
            "service_tier": "auto", "context_management": {"edits": []}, "thinking": {"type": "adaptive"},
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
            "max_cost": "0.05",
        }))
        .unwrap();
        assert_eq!(wanted.terms.max_cost, Some(Nanos(50_000_000)));
        assert_eq!(
            (wanted.request.stream, wanted.request.max_output_tokens),
            (Delivery::Streamed, Some(100))
        );
        let expected = json!({
            "stop": ["END"], "temperature": 0.5, "top_k": 3,
            "anthropic": {"thinking": {"type": "adaptive"}, "effort": "low"},
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": true, "schema": {"type": "object"}},
            },
        });
        assert_eq!(Value::Object(wanted.request.options), expected);
    }

    #[test]
    fn a_model_without_an_author_is_anthropics() {
        assert_eq!(model_id("claude-haiku-4-5").unwrap().as_str(), "anthropic/claude-haiku-4-5");
        assert_eq!(model_id("openai/gpt-5-mini").unwrap().as_str(), "openai/gpt-5-mini");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (field, value) in [
            ("model", json!(3)),
            ("max_tokens", Value::Null),
            ("max_tokens", json!(0)),
            ("messages", json!("Hi")),
            ("system", json!(5)),
            ("stream", json!("yes")),
            ("stop_sequences", json!("END")),
            ("temperature", json!("hot")),
            ("thinking", json!(true)),
            ("metadata", json!("u")),
            ("tools", json!([{"type": "web_search_20250305", "name": "web_search"}])),
            ("service_tier", json!("priority")),
            ("speed", json!("fast")),
            ("mcp_servers", json!([{"url": "https://example.com"}])),
            ("output_config.format", json!(null)),
        ] {
            let more = match field {
                "output_config.format" => json!({"output_config": {"format": {"type": "text"}}}),
                _ => json!({ field: value }),
            };
            assert_eq!(parsed(more).err().and_then(|fault| fault.field).as_deref(), Some(field));
        }
    }
}
