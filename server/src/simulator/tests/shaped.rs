//! Answers in a shape, calls of tools, and vendors that are too busy once, in the words of each.

use super::*;

const GOOGLE: &str = "/google/v1beta/models/some-model:generateContent";
const COHERE: &str = "/cohere/v2/chat";
const OLLAMA: &str = "/ollama/api/chat";
const TGI: &str = "/tgi/generate";
const QUESTION: &str = "When is high tide?";

fn schema() -> Value {
    json!({"type": "object", "properties": {"port": {"type": "string"}, "hour": {"type": "integer"}}})
}

fn ask(path: &str, scenario: &str, more: Value) -> Request<Body> {
    let message = json!({"role": "user", "content": QUESTION});
    let mut body = match path {
        GOOGLE => json!({"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]}),
        TGI => json!({"inputs": QUESTION}),
        _ => json!({"model": "m", "max_tokens": 500, "stream": false, "messages": [message]}),
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut request = request(path, scenario, &body);
    request.headers_mut().insert("x-goog-api-key", "key".parse().unwrap());
    request
}

#[tokio::test]
async fn each_vendor_keeps_to_a_schema_that_it_is_given() {
    let simulator = instant();
    let format = json!({"type": "json_schema", "json_schema": {"name": "tide", "schema": schema()}});
    let config = json!({"responseMimeType": "application/json", "responseJsonSchema": schema()});
    let anthropic = json!({"output_config": {"format": {"type": "json_schema", "schema": schema()}}});
    for (path, more, pointer) in [
        (OPENAI, json!({"response_format": format}), "/choices/0/message/content"),
        (ANTHROPIC, anthropic, "/content/0/text"),
        (GOOGLE, json!({"generationConfig": config}), "/candidates/0/content/parts/0/text"),
        (
            COHERE,
            json!({"response_format": {"type": "json_object", "json_schema": schema()}}),
            "/message/content/0/text",
        ),
        (OLLAMA, json!({"format": schema()}), "/message/content"),
        (
            TGI,
            json!({"parameters": {"grammar": {"type": "json", "value": schema()}, "details": true}}),
            "/generated_text",
        ),
    ] {
        let (status, body) = json(&simulator, ask(path, "ok", more)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        let text = body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {body}"));
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(value["port"].is_string() && value["hour"].is_i64(), "{path}: {value}");
        assert_eq!(value.as_object().unwrap().len(), 2, "{path}: {value}");
    }
}

#[tokio::test]
async fn any_object_will_do_where_no_schema_is_given() {
    let format = json!({"response_format": {"type": "json_object"}});
    let (_, body) = json(&instant(), ask(OPENAI, "ok", format)).await;
    let value: Value =
        serde_json::from_str(body["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert!(value.is_object(), "{value}");
}

#[tokio::test]
async fn cohere_plans_a_call_and_tells_its_arguments_in_pieces() {
    let simulator = instant();
    let tools = json!([{"type": "function", "function": {"name": "tides"}}]);
    let (_, whole) = json(&simulator, ask(COHERE, "tool-call", json!({"tools": tools}))).await;
    assert_eq!(whole["finish_reason"], "TOOL_CALL");
    let function = whole["message"]["tool_calls"][0]["function"].clone();
    assert_eq!((&function["name"], whole["message"]["tool_plan"].is_string()), (&json!("tides"), true));
    let events = events(&simulator, ask(COHERE, "tool-call", json!({"tools": tools, "stream": true}))).await;
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let call = |event: &Value| event["delta"]["message"]["tool_calls"]["function"].clone();
    assert_eq!(call(of("tool-call-start")[0])["name"], "tides");
    let pieces = of("tool-call-delta");
    let arguments: String =
        pieces.iter().map(|event| call(event)["arguments"].as_str().unwrap().to_owned()).collect();
    assert_eq!((json!(arguments), pieces.len() > 1), (function["arguments"].clone(), true));
    assert!(!of("tool-plan-delta").is_empty() && of("content-delta").is_empty());
    let truth = truths(&simulator).pop().unwrap();
    let billed = &truth["usage_reported"]["billed_units"]["output_tokens"];
    assert_eq!(billed.as_f64(), truth["completion_tokens_sent"].as_f64(), "{truth}");
}

#[tokio::test]
async fn ollama_tells_a_call_whole_and_without_an_id() {
    let simulator = instant();
    let tools = json!([{"type": "function", "function": {"name": "tides"}}]);
    let (_, whole) = json(&simulator, ask(OLLAMA, "tool-call", json!({"tools": tools}))).await;
    let call = &whole["message"]["tool_calls"][0];
    assert_eq!(call, &json!({"function": {"name": "tides", "arguments": {"about": QUESTION}}}), "{whole}");
    let (_, lines) =
        send(&simulator, ask(OLLAMA, "tool-call", json!({"tools": tools, "stream": true}))).await;
    let lines = lines.unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls: Vec<Value> = lines.filter_map(|line| line["message"].get("tool_calls").cloned()).collect();
    assert_eq!(calls, [json!([call])]);
    let truth = truths(&simulator).pop().unwrap();
    assert_eq!(truth["usage_reported"]["eval_count"], truth["completion_tokens_sent"], "{truth}");
}

#[tokio::test]
async fn who_was_turned_away_once_is_answered_the_next_time() {
    let simulator = instant();
    for (path, expected) in [
        (OPENAI, StatusCode::TOO_MANY_REQUESTS),
        (OPENAI, StatusCode::OK),
        (ANTHROPIC, StatusCode::TOO_MANY_REQUESTS),
        (OPENAI, StatusCode::OK),
        (ANTHROPIC, StatusCode::OK),
    ] {
        let response =
            router(simulator.clone()).oneshot(ask(path, "rate-limit-once", json!({}))).await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
        let waits = response.headers().contains_key("retry-after");
        assert_eq!(waits, expected == StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
}
