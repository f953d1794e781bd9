//! Our request in each vendor's words.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use marketplace::chat::{ChatRequest, Delivery, FailureClass};
use marketplace::id::{ModelId, ProviderId};
use providers::Registry;
use serde_json::{Map, Value, json};

fn request(messages: Value, options: Value) -> ChatRequest {
    ChatRequest {
        model: ModelId::parse("author/model").unwrap(),
        messages: serde_json::from_value(messages).unwrap(),
        max_output_tokens: Some(77),
        stream: Delivery::Whole,
        options: serde_json::from_value::<Map<String, Value>>(options).unwrap(),
    }
}

fn encode(provider: &str, request: &ChatRequest) -> Result<Value, String> {
    let registry = Registry::simulated("http://simulator");
    let provider = registry.find(&ProviderId(provider.to_owned())).unwrap();
    match provider.vendor.dialect.encode(request, "upstream-model") {
        Ok(outgoing) => Ok(serde_json::from_slice(&outgoing.body).unwrap()),
        Err(failure) => {
            assert_eq!(failure.class, FailureClass::InvalidRequest);
            Err(failure.message)
        }
    }
}

fn hello() -> Value {
    json!([{"role": "user", "content": "Hello"}])
}

#[test]
fn an_openai_request_keeps_what_we_do_not_know_and_drops_what_is_ours() {
    let options = json!({
        "temperature": 0.3, "x_new": {"a": [1]}, "tools": [{"type": "function"}], "n": 1, "quote_id": "q",
        "max_cost": 1, "run_id": "r", "on_insufficient": "x", "provider": {}, "models": [], "usage": {},
        "transforms": [], "plugins": [], "route": "r", "session_id": "s", "stream": true, "model": "m",
        "messages": [], "max_tokens": 1, "max_completion_tokens": 2, "stream_options": {},
    });
    let messages = json!([{"role": "user", "name": "Ada", "content": [{"type": "x_part", "x": 1}]}]);
    let sent = encode("openai", &request(messages.clone(), options)).unwrap();
    let expected = json!({
        "model": "upstream-model", "messages": messages, "stream": false, "max_completion_tokens": 77,
        "temperature": 0.3, "x_new": {"a": [1]}, "tools": [{"type": "function"}], "n": 1,
    });
    assert_eq!(sent, expected);
}

#[test]
fn each_compatible_vendor_is_asked_by_its_habits() {
    let mut request = request(json!([{"role": "developer", "content": "Be brief"}]), json!({}));
    request.stream = Delivery::Streamed;
    let openai = encode("openai", &request).unwrap();
    assert_eq!(openai["messages"][0]["role"], "developer");
    assert_eq!(openai["stream_options"], json!({"include_usage": true}));
    let groq = encode("groq", &request).unwrap();
    assert_eq!((&groq["max_tokens"], groq.get("max_completion_tokens")), (&json!(77), None));
    assert_eq!(groq["messages"][0]["role"], "system");
    assert_eq!(groq["stream_options"], json!({"include_usage": true}));
    let mistral = encode("mistral", &request).unwrap();
    assert_eq!((&mistral["max_tokens"], mistral.get("stream_options")), (&json!(77), None));
}

#[test]
fn more_than_one_answer_is_asked_for_where_there_are_more() {
    for provider in ["groq", "deepseek", "perplexity", "anthropic"] {
        let message = encode(provider, &request(hello(), json!({"n": 2}))).unwrap_err();
        assert!(message.starts_with("n:"), "{message}");
    }
    for provider in ["openai", "mistral", "together", "xai"] {
        assert_eq!(encode(provider, &request(hello(), json!({"n": 2}))).unwrap()["n"], 2, "{provider}");
    }
}

#[test]
fn an_anthropic_conversation_has_its_system_apart_and_its_turns_merged() {
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather in Paris?"},
        {"role": "user", "content": [
            {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Paris\"}"}},
            {"id": "b", "type": "function", "function": {"name": "ping", "arguments": ""}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "Rain"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "developer", "content": "Rhyme."},
        {"role": "user", "content": "So?"},
    ]);
    let sent = encode("anthropic", &request(messages, json!({}))).unwrap();
    let expected = json!({
        "model": "upstream-model", "max_tokens": 77, "stream": false,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Rhyme."}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Weather in Paris?"},
                {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "b", "name": "ping", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "Rain"}]},
                {"type": "tool_result", "tool_use_id": "b", "content": []},
                {"type": "text", "text": "So?"},
            ]},
        ],
    });
    assert_eq!(sent, expected);
}

#[test]
fn an_anthropic_request_maps_what_has_another_name() {
    let options = json!({
        "temperature": 1, "top_p": 0.9, "stop": "END", "parallel_tool_calls": false,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    });
    let sent = encode("anthropic", &request(hello(), options)).unwrap();
    assert_eq!((&sent["temperature"], &sent["top_p"]), (&json!(1), &json!(0.9)));
    assert_eq!(sent["stop_sequences"], json!(["END"]));
    let tools = json!([
        {"name": "f", "description": "d", "input_schema": {"type": "object"}},
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
    ]);
    assert_eq!(sent["tools"], tools);
    let choice = json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true});
    assert_eq!(sent["tool_choice"], choice);
    for (ours, theirs) in [("auto", "auto"), ("required", "any"), ("none", "none")] {
        let options =
            json!({"tools": [{"function": {"name": "f"}}], "tool_choice": ours, "stop": ["a", "b"]});
        let sent = encode("anthropic", &request(hello(), options)).unwrap();
        assert_eq!(
            (&sent["tool_choice"], &sent["stop_sequences"]),
            (&json!({"type": theirs}), &json!(["a", "b"]))
        );
    }
}

#[test]
fn anthropic_is_not_asked_for_what_it_cannot_say() {
    for (field, value) in [
        ("n", json!(2)),
        ("logit_bias", json!({"1": 2})),
        ("response_format", json!({"type": "json_schema", "json_schema": {}})),
        ("reasoning_effort", json!("utmost")),
        ("seed", json!(1)),
        ("presence_penalty", json!(0.5)),
        ("frequency_penalty", json!(-1)),
        ("modalities", json!(["audio"])),
        ("temperature", json!(1.5)),
        ("functions", json!([])),
        ("tools", json!([{"type": "web_search"}])),
        ("tool_choice", json!("whatever")),
        ("stop", json!(5)),
    ] {
        let mut options = Map::new();
        options.insert(field.to_owned(), value);
        let message = encode("anthropic", &request(hello(), Value::Object(options))).unwrap_err();
        assert!(message.starts_with(&format!("{field}:")), "{field}: {message}");
    }
    let mut unbounded = request(hello(), json!({}));
    unbounded.max_output_tokens = None;
    assert!(encode("anthropic", &unbounded).unwrap_err().starts_with("max_tokens:"));
}

#[test]
fn anthropic_is_not_told_what_changes_nothing() {
    let options = json!({
        "n": 1, "logprobs": true, "top_logprobs": 2, "logit_bias": {}, "response_format": {"type": "text"},
        "presence_penalty": 0, "frequency_penalty": 0.0, "modalities": ["text"], "reasoning_effort": null,
        "user": "u", "seed": null, "metadata": {}, "store": true, "x_new": 1, "quote_id": "q", "parallel_tool_calls": true,
    });
    let plain = encode("anthropic", &request(hello(), json!({})));
    assert_eq!(encode("anthropic", &request(hello(), options)), plain);
}

#[test]
fn messages_anthropic_cannot_be_told_are_refused() {
    for (messages, field) in [
        (
            json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]),
            "messages.content:",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a/b.png"}}]}]),
            "messages.content.image_url:",
        ),
        (json!([{"role": "tool", "content": "x"}]), "messages.tool_call_id:"),
        (
            json!([{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1]"}}]}]),
            "messages.tool_calls:",
        ),
        (json!([{"role": "system", "content": "Alone"}]), "messages:"),
        (json!([{"role": "user", "content": ""}]), "messages:"),
    ] {
        let message = encode("anthropic", &request(messages, json!({}))).unwrap_err();
        assert!(message.starts_with(field), "{message}");
    }
}

#[test]
fn marks_seals_and_hints_of_anthropics_are_told_to_it_alone() {
    let (mark, schema) = (json!({"type": "ephemeral"}), json!({"type": "object"}));
    let sealed = json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"});
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "Look", "cache_control": mark}, {"type": "text", "text": "here."},
        ]},
        {"role": "assistant", "tool_calls": [call], "thinking_blocks": [sealed]},
        {"role": "tool", "tool_call_id": "a", "content": "No", "is_error": true, "cache_control": mark},
    ]);
    let function = json!({"name": "f", "parameters": schema, "strict": true});
    let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    let options = json!({
        "tools": [{"type": "function", "function": function, "cache_control": mark}], "response_format": format,
        "anthropic": {"thinking": {"type": "adaptive"}, "effort": "low", "cache_control": mark, "container": "c"},
    });
    let request = request(messages, options);
    let mut anthropic = encode("anthropic", &request).unwrap();
    let said =
        [&anthropic["messages"][1]["content"][0], &anthropic["messages"][0]["content"][0]["cache_control"]];
    assert_eq!(said, [&sealed, &mark]);
    let result = json!({
        "type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "No"}], "is_error": true,
        "cache_control": mark,
    });
    assert_eq!(anthropic["messages"][2]["content"][0], result);
    let tool = json!({"name": "f", "input_schema": schema, "strict": true, "cache_control": mark});
    assert_eq!(anthropic["tools"], json!([tool]));
    let rest = anthropic.as_object_mut().unwrap();
    rest.retain(|field, _| !["messages", "tools", "model", "max_tokens", "stream"].contains(&field.as_str()));
    let expected = json!({
        "thinking": {"type": "adaptive"}, "cache_control": mark,
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": schema}},
    });
    assert_eq!(anthropic, expected);
    let other = encode("groq", &request).unwrap();
    let expected = json!({
        "model": "upstream-model", "max_tokens": 77, "stream": false, "response_format": format,
        "tools": [{"type": "function", "function": function}],
        "messages": [
            {"role": "user", "content": "Look\nhere."},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "No"},
        ],
    });
    assert_eq!(other, expected);
}

#[test]
fn pictures_that_a_tool_answers_with_follow_as_the_users() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let words = json!({"type": "text", "text": "A map"});
    let messages = json!([
        {"role": "tool", "tool_call_id": "a", "content": [words, picture]},
        {"role": "tool", "tool_call_id": "b", "content": "Rain"},
        {"role": "user", "content": "So?"},
    ]);
    let sent = encode("openai", &request(messages.clone(), json!({}))).unwrap();
    let expected = json!([
        {"role": "tool", "tool_call_id": "a", "content": "A map"},
        {"role": "tool", "tool_call_id": "b", "content": "Rain"},
        {"role": "user", "content": [picture]},
        {"role": "user", "content": "So?"},
    ]);
    assert_eq!(sent["messages"], expected);
    let sent = encode("anthropic", &request(messages, json!({}))).unwrap();
    assert_eq!(sent["messages"][0]["content"][0]["content"][1]["type"], "image");
}
