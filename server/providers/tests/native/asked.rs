//! Our request in each vendor's words.

use marketplace::chat::Delivery;
use providers::Dialect;
use serde_json::{Value, json};

use super::{DIALECTS, called, encode, encode_for, hello, request};

fn options() -> Value {
    json!({
        "temperature": 0.3, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": "END",
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "n": 1, "user": "u", "x_new": 1, "quote_id": "q",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
            {"type": "function", "function": {"name": "g"}},
        ],
    })
}

#[test]
fn google_is_told_model_and_manner_in_the_path_and_never_the_key() {
    let mut request = request(hello(), json!({}));
    let whole = encode_for(Dialect::Google, "gemini-4-argon", &request).unwrap();
    assert_eq!(whole.path, "/models/gemini-4-argon:generateContent");
    request.stream = Delivery::Streamed;
    let streamed = encode_for(Dialect::Google, "gemini-4-argon", &request).unwrap();
    assert_eq!(streamed.path, "/models/gemini-4-argon:streamGenerateContent?alt=sse");
    assert_eq!(streamed.body, whole.body);
    assert_eq!(Dialect::Google.key_header(), ("x-goog-api-key", ""));
}

#[test]
fn a_google_conversation_has_its_system_apart_and_its_turns_merged() {
    let sent = encode(Dialect::Google, &request(called(), json!({}))).unwrap();
    let unsigned = "skip_thought_signature_validator";
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Rhyme."}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": "Weather here?"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            ]},
            {"role": "model", "parts": [
                {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": unsigned},
                {"functionCall": {"name": "ping", "args": {}}, "thoughtSignature": unsigned},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "weather", "response": {"sky": "grey"}}},
                {"functionResponse": {"name": "ping", "response": {"result": "pong"}}},
                {"text": "So?"},
            ]},
        ],
        "generationConfig": {"maxOutputTokens": 77},
    });
    assert_eq!(sent, expected);
    let second = encode_for(Dialect::Google, "gemini-2.5-pro", &request(called(), json!({}))).unwrap();
    assert!(!String::from_utf8(second.body).unwrap().contains("thoughtSignature"));
}

#[test]
fn google_is_asked_by_its_own_names() {
    let sent = encode(Dialect::Google, &request(hello(), options())).unwrap();
    let expected = json!({
        "maxOutputTokens": 77, "temperature": 0.3, "topP": 0.9, "topK": 40, "seed": 7, "presencePenalty": 0.1,
        "frequencyPenalty": 0.2, "stopSequences": ["END"], "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
    });
    assert_eq!(sent["generationConfig"], expected);
    let functions = json!([{"functionDeclarations": [
        {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}, {"name": "g"},
    ]}]);
    assert_eq!((&sent["tools"], sent.get("toolConfig")), (&functions, None));
    for (choice, calling) in [
        (json!("auto"), json!({"mode": "AUTO"})),
        (json!("required"), json!({"mode": "ANY"})),
        (json!("none"), json!({"mode": "NONE"})),
        (json!({"function": {"name": "f"}}), json!({"mode": "ANY", "allowedFunctionNames": ["f"]})),
    ] {
        let mut options = options();
        options["tool_choice"] = choice;
        let sent = encode(Dialect::Google, &request(hello(), options)).unwrap();
        assert_eq!(sent["toolConfig"], json!({"functionCallingConfig": calling}));
    }
}

#[test]
fn google_thinks_by_tokens_in_its_second_generation_and_by_words_later() {
    let thinking = |model: &str, effort: &str| {
        let request = request(hello(), json!({"reasoning_effort": effort}));
        let sent = encode_for(Dialect::Google, model, &request)?;
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        Ok::<_, String>(body["generationConfig"]["thinkingConfig"].clone())
    };
    let tokens = |budget: u32| Ok(json!({"includeThoughts": budget > 0, "thinkingBudget": budget}));
    assert_eq!(thinking("gemini-2.5-flash", "none"), tokens(0));
    assert_eq!(thinking("gemini-2.5-flash", "high"), tokens(24_576));
    let words = Ok(json!({"includeThoughts": true, "thinkingLevel": "low"}));
    assert_eq!(thinking("gemini-3.8-flash", "low"), words);
    assert!(thinking("gemini-3.8-flash", "none").is_err() && thinking("gemini-2.5-pro", "very").is_err());
}

#[test]
fn a_cohere_conversation_keeps_its_messages_and_their_ids() {
    let sent = encode(Dialect::Cohere, &request(called(), json!({}))).unwrap();
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let expected = json!({
        "model": "upstream-model", "stream": false, "max_tokens": 77,
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "system", "content": [{"type": "text", "text": "Rhyme."}]},
            {"role": "user", "content": [
                {"type": "text", "text": "Weather here?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            ]},
            {"role": "assistant", "tool_calls": [
                call("a", "weather", "{\"city\":\"Paris\"}"), call("b", "ping", "{}"),
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "{\"sky\": \"grey\"}"},
            {"role": "tool", "tool_call_id": "b", "content": "pong"},
            {"role": "user", "content": [{"type": "text", "text": "So?"}]},
        ],
    });
    assert_eq!(sent, expected);
}

#[test]
fn cohere_is_asked_by_its_own_names() {
    let mut options = options();
    options["tool_choice"] = json!("required");
    options["reasoning_effort"] = json!("none");
    let sent = encode(Dialect::Cohere, &request(hello(), options)).unwrap();
    let expected = json!({
        "model": "upstream-model", "stream": false, "max_tokens": 77,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "temperature": 0.3, "p": 0.9, "k": 40, "seed": 7, "presence_penalty": 0.1, "frequency_penalty": 0.2,
        "stop_sequences": ["END"], "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "thinking": {"type": "disabled"}, "tool_choice": "REQUIRED",
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
        ],
    });
    assert_eq!(sent, expected);
}

#[test]
fn an_ollama_conversation_has_pictures_beside_the_text_and_names_its_functions() {
    let mut sent = encode(Dialect::Ollama, &request(called(), json!({}))).unwrap();
    let expected = json!({
        "model": "upstream-model", "stream": false, "options": {"num_predict": 77},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Rhyme."},
            {"role": "user", "content": "Weather here?", "images": ["aGk="]},
            {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": "weather", "arguments": {"city": "Paris"}}},
                {"function": {"name": "ping", "arguments": {}}},
            ]},
            {"role": "tool", "content": "{\"sky\": \"grey\"}", "tool_name": "weather"},
            {"role": "tool", "content": "pong", "tool_name": "ping"},
            {"role": "user", "content": "So?"},
        ],
    });
    // A picture may come to many tokens, so the window is said here.
    assert!(sent["options"].as_object_mut().unwrap().remove("num_ctx").is_some());
    assert_eq!(sent, expected);
}

#[test]
fn ollama_is_asked_by_its_own_names() {
    let mut options = options();
    options["reasoning_effort"] = json!("low");
    let sent = encode(Dialect::Ollama, &request(hello(), options.clone())).unwrap();
    let expected = json!({
        "num_predict": 77, "temperature": 0.3, "top_p": 0.9, "top_k": 40, "seed": 7, "presence_penalty": 0.1,
        "frequency_penalty": 0.2, "stop": ["END"],
    });
    assert_eq!(sent["options"], expected);
    assert_eq!((&sent["format"], &sent["think"]), (&json!({"type": "object"}), &json!("low")));
    assert_eq!(sent["tools"].as_array().unwrap().len(), 2);
    options["tool_choice"] = json!("none");
    options["reasoning_effort"] = json!("none");
    options["response_format"] = json!({"type": "json_object"});
    let sent = encode(Dialect::Ollama, &request(hello(), options)).unwrap();
    assert_eq!((&sent["format"], &sent["think"]), (&json!("json"), &json!(false)));
    assert_eq!(sent.get("tools"), None);
}

#[test]
fn ollama_is_told_how_large_a_window_a_long_prompt_needs() {
    let window = |text: String| {
        let sent = encode(Dialect::Ollama, &request(json!([{"role": "user", "content": text}]), json!({})));
        sent.unwrap()["options"]["num_ctx"].clone()
    };
    assert_eq!(window("x".repeat(1_000)), Value::Null);
    assert_eq!(window("x".repeat(5_000)), 8_192);
    assert_eq!(window("x".repeat(9_000)), 16_384);
}

#[test]
fn a_plain_prompt_goes_to_tgi_as_it_is() {
    let options = json!({
        "temperature": 0, "top_p": 1, "seed": 7, "stop": ["a", "b"],
        "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
    });
    let mut asking = request(hello(), options);
    let sent = encode(Dialect::Tgi, &asking).unwrap();
    let expected = json!({"inputs": "Hello", "parameters": {
        "max_new_tokens": 77, "seed": 7, "stop": ["a", "b"], "details": true, "return_full_text": false,
        "grammar": {"type": "json", "value": {"type": "object"}},
    }});
    assert_eq!(sent, expected);
    assert_eq!(encode_for(Dialect::Tgi, "m", &asking).unwrap().path, "/generate");
    asking.stream = Delivery::Streamed;
    assert_eq!(encode_for(Dialect::Tgi, "m", &asking).unwrap().path, "/generate_stream");
}

#[test]
fn google_gets_its_signatures_back_and_no_other_vendor_sees_them() {
    let mut messages = called();
    let extra = json!({"google": {"thought_signature": "c2ln"}});
    messages[3]["tool_calls"][0]["extra_content"] = extra.clone();
    messages[3]["extra_content"] = extra;
    let request = request(messages, json!({}));
    for model in ["gemini-3.5-flash", "gemini-2.5-flash"] {
        let sent = encode_for(Dialect::Google, model, &request).unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        let calls = &sent["contents"][1]["parts"];
        // The second call was made together with the first, whose signature is for both.
        assert_eq!(calls[0]["thoughtSignature"], "c2ln", "{model}");
        assert_eq!(calls[1].get("thoughtSignature"), None, "{model}");
    }
    for provider in providers::registry::PROVIDERS.iter().filter(|row| row.id != "google") {
        let Ok(sent) = provider.dialect.encode(&request, "m") else { continue };
        let sent = String::from_utf8(sent.body).unwrap();
        assert!(!sent.contains("c2ln") && !sent.contains("extra_content"), "{}: {sent}", provider.id);
    }
}

#[test]
fn google_is_asked_for_candidates() {
    let sent = encode(Dialect::Google, &request(hello(), json!({"n": 3}))).unwrap();
    assert_eq!(sent["generationConfig"]["candidateCount"], 3);
}

#[test]
fn google_is_asked_how_likely_words_were_where_its_models_tell_it() {
    let asked = |model: &str, options: Value| {
        let sent = encode_for(Dialect::Google, model, &request(hello(), options)).unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        let config = &sent["generationConfig"];
        (config["responseLogprobs"].clone(), config["logprobs"].clone())
    };
    let both = || json!({"logprobs": true, "top_logprobs": 3});
    assert_eq!(asked("gemini-2.5-flash", both()), (json!(true), json!(3)));
    for options in [json!({"logprobs": true}), json!({"logprobs": true, "top_logprobs": 0})] {
        assert_eq!(asked("gemini-2.5-flash", options), (json!(true), Value::Null));
    }
    for options in [json!({}), json!({"logprobs": false, "top_logprobs": 3}), json!({"top_logprobs": 3})] {
        assert_eq!(asked("gemini-2.5-flash", options), (Value::Null, Value::Null));
    }
    // It would refuse.
    assert_eq!(asked("gemini-3.5-flash", both()), (Value::Null, Value::Null));
}

#[test]
fn who_does_not_tell_how_likely_words_were_is_not_asked_for_it() {
    for dialect in DIALECTS {
        let asking = request(hello(), json!({"logprobs": true, "top_logprobs": 3}));
        assert_eq!(encode(dialect, &asking), encode(dialect, &request(hello(), json!({}))), "{dialect:?}");
    }
}

#[test]
fn cohere_is_offered_the_one_function_that_must_be_called() {
    let function = |name: &str| json!({"type": "function", "function": {"name": name}});
    let choice = |name: &str| {
        let options = json!({"tools": [function("f"), function("g")], "tool_choice": function(name)});
        encode(Dialect::Cohere, &request(hello(), options))
    };
    let sent = choice("g").unwrap();
    assert_eq!(sent["tool_choice"], "REQUIRED");
    assert_eq!(
        (sent["tools"].as_array().unwrap().len(), &sent["tools"][0]["function"]["name"]),
        (1, &json!("g"))
    );
    assert!(choice("h").unwrap_err().starts_with("tool_choice:"));
}
