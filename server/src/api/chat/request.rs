//! Reading a request in OpenAI's shape. What billing reads is checked here; the rest travels on as it came.

use marketplace::chat::ChatRequest;
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use serde_json::{Map, Value};

use crate::api::sale::{Terms, Thoughts, take_delivery, take_reasoning, take_routing, take_tokens};

#[derive(Debug)]
pub struct Wanted {
    pub request: ChatRequest,
    /// Whether a chunk with the usage is to end the stream.
    pub usage_chunk: bool,
    pub thoughts: Thoughts,
    pub terms: Terms,
}

pub fn parse(mut body: Map<String, Value>) -> Result<Wanted, Fault> {
    let (model, routing) = take_routing(&mut body, ModelId::parse)?;
    let messages = body.remove("messages").ok_or_else(|| Fault::invalid("messages", "is missing"))?;
    let messages = serde_json::from_value(messages)
        .map_err(|error| Fault::invalid("messages", &format!("cannot be read: {error}")))?;
    let stream = take_delivery(&mut body)?;
    let usage_chunk = match body.remove("stream_options") {
        Some(Value::Object(options)) => options.get("include_usage") == Some(&Value::Bool(true)),
        None | Some(Value::Null) => false,
        Some(_) => return Err(Fault::invalid("stream_options", "must be an object")),
    };
    let newer = take_tokens(&mut body, "max_completion_tokens")?;
    let older = take_tokens(&mut body, "max_tokens")?;
    refuse_unpriced(&mut body)?;
    let thoughts = take_reasoning(&mut body)?;
    let terms = Terms::take(&mut body, routing)?;
    let request = ChatRequest { model, messages, max_output_tokens: newer.or(older), stream, options: body };
    Ok(Wanted { request, usage_chunk, thoughts, terms })
}

pub fn take_model(body: &mut Map<String, Value>) -> Result<ModelId, Fault> {
    match body.remove("model") {
        Some(Value::String(id)) => ModelId::parse(&id),
        Some(_) => Err(Fault::invalid("model", "must be a string")),
        None => Err(Fault::invalid("model", "is missing")),
    }
}

/// What vendors charge beside the token prices that the hold is made of is not sold.
fn refuse_unpriced(body: &mut Map<String, Value>) -> Result<(), Fault> {
    if let Some(tier) = body.remove("service_tier").filter(|tier| !tier.is_null())
        && tier != "auto"
        && tier != "default"
    {
        return Err(Fault::invalid(
            "service_tier",
            "must be auto or default: other tiers have no price here",
        ));
    }
    for field in ["web_search_options", "audio"] {
        if body.get(field).is_some_and(|value| !value.is_null()) {
            return Err(Fault::invalid(field, "is not sold here"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use marketplace::money::Nanos;
    use serde_json::json;

    use super::*;

    fn parsed(body: Value) -> Result<Wanted, Fault> {
        let Value::Object(body) = body else { panic!("a test gave no object") };
        parse(body)
    }

    #[test]
    fn fields_we_do_not_know_travel_on() {
        let wanted = parsed(json!({
            "model": "openai/gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 0.2, "x_new": {"a": 1}, "max_tokens": 7, "max_completion_tokens": 9, "max_cost": 0.05,
        }))
        .unwrap();
        assert_eq!(wanted.request.options.keys().collect::<Vec<_>>(), ["temperature", "x_new"]);
        assert_eq!(wanted.request.max_output_tokens, Some(9));
        assert_eq!(wanted.terms.max_cost, Some(Nanos(50_000_000)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let base = json!({"model": "a/b", "messages": []});
        for (field, value) in [
            ("model", json!(3)),
            ("messages", json!("Hi")),
            ("stream", json!("yes")),
            ("max_tokens", json!(0)),
            ("max_tokens", json!(-1)),
            ("max_tokens", json!(1.5)),
            ("max_cost", json!("a lot")),
            ("stream_options", json!([])),
            ("reasoning", json!("hard")),
            ("service_tier", json!("priority")),
            ("web_search_options", json!({})),
        ] {
            let mut body = base.clone();
            body[field] = value;
            assert_eq!(parsed(body).err().and_then(|fault| fault.field).as_deref(), Some(field));
        }
    }
}
