//! What vendors have no words for is refused by name, unless it changes nothing.

use providers::Dialect;
use serde_json::{Map, Value, json};

use super::{DIALECTS, called, encode, hello, request};

fn refused(dialect: Dialect, field: &str, value: &Value) -> bool {
    let mut options = Map::new();
    options.insert(field.to_owned(), value.clone());
    if field == "tool_choice" {
        options.insert("tools".to_owned(), json!([{"function": {"name": "f"}}]));
    }
    match encode(dialect, &request(hello(), Value::Object(options))) {
        Ok(_) => false,
        Err(message) => {
            assert!(message.starts_with(&format!("{field}:")), "{dialect:?} says of {field}: {message}");
            true
        }
    }
}

#[test]
fn none_of_them_is_asked_for_what_none_can_say() {
    for dialect in DIALECTS {
        for (field, value) in [
            ("logit_bias", json!({"1": 2})),
            ("modalities", json!(["audio"])),
            ("functions", json!([])),
            ("function_call", json!("auto")),
            ("audio", json!({})),
            ("prediction", json!({})),
            ("web_search_options", json!({})),
            ("thinking", json!({"type": "enabled"})),
            ("parallel_tool_calls", json!(false)),
            ("stop", json!(5)),
            ("tools", json!([{"type": "web_search"}])),
            ("response_format", json!({"type": "grammar"})),
            ("response_format", json!({"type": "json_schema", "json_schema": {}})),
            ("reasoning_effort", json!("utmost")),
        ] {
            assert!(refused(dialect, field, &value), "{dialect:?} was asked for {field}");
        }
    }
}

#[test]
fn each_refuses_what_it_alone_cannot_say() {
    for (dialect, field, value) in [
        (Dialect::Cohere, "n", json!(2)),
        (Dialect::Ollama, "n", json!(2)),
        (Dialect::Tgi, "n", json!(2)),
        (Dialect::Cohere, "documents", json!(["a"])),
        (Dialect::Cohere, "reasoning_effort", json!("low")),
        (Dialect::Ollama, "tool_choice", json!("required")),
        (Dialect::Tgi, "tools", json!([{"function": {"name": "f"}}])),
        (Dialect::Tgi, "presence_penalty", json!(1)),
        (Dialect::Tgi, "response_format", json!({"type": "json_object"})),
        (Dialect::Tgi, "reasoning_effort", json!("low")),
    ] {
        assert!(refused(dialect, field, &value), "{dialect:?} was asked for {field}");
    }
}

#[test]
fn what_changes_nothing_is_not_told() {
    let options = json!({
        "n": 1, "logprobs": false, "top_logprobs": 0, "logit_bias": {}, "response_format": {"type": "text"},
        "modalities": ["text"], "reasoning_effort": null, "user": "u", "metadata": {}, "store": true, "x_new": 1,
        "quote_id": "q", "parallel_tool_calls": true, "tools": [], "tool_choice": "auto",
    });
    for dialect in DIALECTS {
        let plain = encode(dialect, &request(hello(), json!({}))).unwrap();
        assert_eq!(encode(dialect, &request(hello(), options.clone())).unwrap(), plain, "{dialect:?}");
    }
}

#[test]
fn messages_that_cannot_be_told_are_refused() {
    let of_user = |part: Value| json!([{"role": "user", "content": [part]}]);
    let picture = |url: &str| of_user(json!({"type": "image_url", "image_url": {"url": url}}));
    let result = json!([{"role": "tool", "tool_call_id": "a", "content": "x"}]);
    let sound = of_user(json!({"type": "input_audio", "input_audio": {}}));
    for (dialect, messages, field) in [
        (Dialect::Google, picture("https://example.com/a.png"), "messages.content.image_url:"),
        (Dialect::Ollama, picture("https://example.com/a.png"), "messages.content.image_url:"),
        (Dialect::Cohere, picture("http://example.com/a.png"), "messages.content.image_url:"),
        (Dialect::Tgi, picture("data:image/png;base64,aGk="), "messages.content:"),
        (Dialect::Google, json!([{"role": "system", "content": "Alone"}]), "messages:"),
        (Dialect::Google, result.clone(), "messages.tool_call_id:"),
        (Dialect::Ollama, result, "messages.tool_call_id:"),
        (Dialect::Cohere, json!([{"role": "tool", "content": "x"}]), "messages.tool_call_id:"),
        (Dialect::Tgi, called(), "messages:"),
        (Dialect::Tgi, json!([{"role": "system", "content": "x"}]), "messages:"),
        (Dialect::Google, sound.clone(), "messages.content:"),
        (Dialect::Cohere, sound.clone(), "messages.content:"),
        (Dialect::Ollama, sound.clone(), "messages.content:"),
        (Dialect::Tgi, sound, "messages.content:"),
    ] {
        let message = encode(dialect, &request(messages, json!({}))).unwrap_err();
        assert!(message.starts_with(field), "{dialect:?}: {message}");
    }
}
