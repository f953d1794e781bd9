//! Reading a request in OpenAI's shape. What billing reads is checked here; the rest travels on as it came.

use engine::Run;
use marketplace::chat::{ChatRequest, Delivery};
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use marketplace::money::Nanos;
use serde_json::{Map, Value};

pub struct Wanted {
    pub request: ChatRequest,
    /// Whether a chunk with the usage is to end the stream.
    pub usage_chunk: bool,
    pub max_cost: Option<Nanos>,
    pub run: Option<Run>,
}

pub fn parse(mut body: Map<String, Value>) -> Result<Wanted, Fault> {
    let model = match body.remove("model") {
        Some(Value::String(id)) => ModelId::parse(&id)?,
        Some(_) => return Err(Fault::invalid("model", "must be a string")),
        None => return Err(Fault::invalid("model", "is missing")),
    };
    let messages = body.remove("messages").ok_or_else(|| Fault::invalid("messages", "is missing"))?;
    let messages = serde_json::from_value(messages)
        .map_err(|error| Fault::invalid("messages", &format!("cannot be read: {error}")))?;
    let stream = match body.remove("stream") {
        None | Some(Value::Null | Value::Bool(false)) => Delivery::Whole,
        Some(Value::Bool(true)) => Delivery::Streamed,
        Some(_) => return Err(Fault::invalid("stream", "must be true or false")),
    };
    let usage_chunk = match body.remove("stream_options") {
        Some(Value::Object(options)) => options.get("include_usage") == Some(&Value::Bool(true)),
        None | Some(Value::Null) => false,
        Some(_) => return Err(Fault::invalid("stream_options", "must be an object")),
    };
    let newer = tokens(&mut body, "max_completion_tokens")?;
    let older = tokens(&mut body, "max_tokens")?;
    let several = body.get("n").is_some_and(|n| !n.is_null() && n != &Value::from(1));
    if several {
        return Err(Fault::invalid("n", "must be 1: one call buys one answer"));
    }
    refuse_unpriced(&mut body)?;
    let max_cost = dollars(&mut body, "max_cost")?;
    let run = run(&mut body)?;
    let request = ChatRequest { model, messages, max_output_tokens: newer.or(older), stream, options: body };
    Ok(Wanted { request, usage_chunk, max_cost, run })
}

/// `run_id` names calls that belong together, `max_run_cost` caps what they may cost in all.
fn run(body: &mut Map<String, Value>) -> Result<Option<Run>, Fault> {
    let cap = dollars(body, "max_run_cost")?;
    match body.remove("run_id") {
        None | Some(Value::Null) if cap.is_some() => Err(Fault::invalid("max_run_cost", "needs a run_id")),
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id))
            if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(Some(Run { id, cap }))
        }
        Some(_) => Err(Fault::invalid("run_id", "must be 1 to 128 visible ASCII characters")),
    }
}

fn dollars(body: &mut Map<String, Value>, field: &str) -> Result<Option<Nanos>, Fault> {
    body.remove(field).filter(|value| !value.is_null()).map(|value| cost(field, &value)).transpose()
}

fn tokens(body: &mut Map<String, Value>, field: &str) -> Result<Option<u64>, Fault> {
    match body.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(tokens) if tokens > 0 => Ok(Some(tokens)),
            _ => Err(Fault::invalid(field, "must be a whole number of at least 1")),
        },
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

/// Dollars, as a number or as text.
fn cost(field: &str, value: &Value) -> Result<Nanos, Fault> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Fault::invalid(field, "must be dollars, for example 0.05")),
    };
    Nanos::parse_usd(&text)
        .ok()
        .filter(|cost| *cost > Nanos::ZERO)
        .ok_or_else(|| Fault::invalid(field, "must be dollars with at most nine decimals, for example 0.05"))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(wanted.max_cost, Some(Nanos(50_000_000)));
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
            ("n", json!(2)),
            ("max_cost", json!("a lot")),
            ("stream_options", json!([])),
            ("service_tier", json!("priority")),
            ("web_search_options", json!({})),
        ] {
            let mut body = base.clone();
            body[field] = value;
            assert_eq!(parsed(body).err().and_then(|fault| fault.field).as_deref(), Some(field));
        }
    }
}
