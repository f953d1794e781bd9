//! The protocol of responses beyond the composed samples: what is asked, tools, answers in one piece, and odd ends.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Failure, FailureClass, Finish};
use marketplace::id::{ModelId, ProviderId};
use marketplace::usage::Usage;
use providers::frame::Event;
use providers::{Dialect, Registry};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

fn streamed(events: &[Value]) -> Vec<ChatEvent> {
    let mut decoder = Dialect::Responses.decoder();
    let framed = events.iter().map(|event| Event { name: None, data: event.to_string() });
    let mut read: Vec<_> = framed.flat_map(|event| decoder.feed(&event)).collect();
    read.extend(decoder.finish());
    read
}

fn whole(body: &Value) -> Result<Vec<ChatEvent>, Failure> {
    Dialect::Responses.decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes())
}

fn asked(messages: Value, options: Value) -> Result<Value, Failure> {
    let request = ChatRequest {
        model: ModelId::parse("openai/model").unwrap(),
        messages: serde_json::from_value(messages).unwrap(),
        max_output_tokens: Some(77),
        stream: Delivery::Streamed,
        options: serde_json::from_value::<Map<String, Value>>(options).unwrap(),
    };
    let sent = Dialect::Responses.encode(&request, "upstream")?;
    assert_eq!(sent.path, "/responses");
    Ok(serde_json::from_slice(&sent.body).unwrap())
}

fn called(item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": 1, "item": item})
}

fn arguments(piece: &str) -> Value {
    json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": piece})
}

fn over(status: &str) -> Value {
    json!({"type": format!("response.{status}"), "response": {"status": status, "output": []}})
}

fn said(events: &[ChatEvent]) -> (String, String) {
    let (mut names, mut said) = (String::new(), String::new());
    for event in events {
        if let ChatEvent::ToolCall { index: 0, name, arguments, .. } = event {
            names += name.as_deref().unwrap_or_default();
            said += arguments;
        }
    }
    (names, said)
}

#[test]
fn one_model_may_speak_it_though_its_vendor_does_not() {
    let registry = Registry::simulated("http://simulator");
    let vendor = |id: &str| registry.find(&ProviderId(id.to_owned())).unwrap().clone();
    let openai = vendor("openai");
    assert_eq!(openai.speaking("openai_responses").vendor.dialect, Dialect::Responses);
    assert_eq!(openai.speaking("openai_chat_completions").vendor.dialect, openai.vendor.dialect);
    assert_eq!(vendor("google").speaking("openai_responses").vendor.dialect, Dialect::Google);
}

#[test]
fn a_conversation_becomes_a_list_of_items() {
    let messages = json!([
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        ]},
        {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\": 1}"}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a lighthouse"},
    ]);
    let options = json!({
        "temperature": 0.3, "reasoning_effort": "low", "parallel_tool_calls": false,
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks"}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "seen", "schema": {"type": "object"}}},
    });
    let expected = json!({
        "model": "upstream", "stream": true, "store": false, "max_output_tokens": 77, "temperature": 0.3,
        "input": [
            {"role": "system", "content": [{"type": "input_text", "text": "Be brief"}]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBO"},
            ]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{\"at\":1}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "a lighthouse"},
        ],
        "parallel_tool_calls": false,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "seen", "schema": {"type": "object"}}},
        "tools": [{
            "type": "function", "name": "look", "description": "Looks", "strict": false,
            "parameters": {"type": "object", "properties": {}},
        }],
        "tool_choice": {"type": "function", "name": "look"},
    });
    assert_eq!(asked(messages, options).unwrap(), expected);
}

#[test]
fn what_it_has_no_words_for_is_refused_by_name() {
    let hello = || json!([{"role": "user", "content": "Hello"}]);
    for (field, value) in [
        ("stop", json!(["END"])),
        ("seed", json!(7)),
        ("n", json!(2)),
        ("presence_penalty", json!(0.5)),
        ("thinking", json!({"type": "enabled"})),
    ] {
        let refused = asked(hello(), json!({field: value})).unwrap_err();
        assert!(refused.message.starts_with(field), "{}", refused.message);
    }
    assert!(asked(hello(), json!({"n": 1, "presence_penalty": 0, "logprobs": true, "x_new": 1})).is_ok());
}

#[test]
fn a_call_is_read_whether_it_comes_in_pieces_or_at_its_end() {
    let item = |arguments: &str| json!({"type": "function_call", "call_id": "call_1", "name": "look", "arguments": arguments});
    let done = json!({"type": "response.output_item.done", "output_index": 1, "item": item("{\"at\":1}")});
    let in_pieces =
        [called(item("")), arguments("{\"at\""), arguments(":1}"), done.clone(), over("completed")];
    let at_its_end = [called(item("")), done.clone(), over("completed")];
    let unannounced = [done, over("completed")];
    let one_piece = json!({"status": "completed", "output": [{"type": "reasoning"}, item("{\"at\":1}")]});
    for events in
        [streamed(&in_pieces), streamed(&at_its_end), streamed(&unannounced), whole(&one_piece).unwrap()]
    {
        assert_eq!(said(&events), ("look".to_owned(), "{\"at\":1}".to_owned()), "{events:?}");
        let finish = ChatEvent::Finished { finish: Finish::ToolCalls, native: "completed".to_owned() };
        assert_eq!(events.last(), Some(&finish));
    }
}

#[test]
fn an_answer_in_one_piece_is_read_too() {
    let body = json!({
        "id": "resp_1", "model": "m-1", "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "message", "content": [
                {"type": "output_text", "text": "Hello", "annotations": []},
                {"type": "refusal", "refusal": "No."},
                {"type": "invented", "x": 1},
            ]},
            {"type": "web_search_call", "id": "ws_1"},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 4}},
    });
    let usage = Usage {
        input_tokens: Some(3),
        output_tokens: Some(9),
        reasoning_tokens: Some(4),
        ..Usage::default()
    };
    let expected = [
        ChatEvent::Started { upstream_id: Some("resp_1".to_owned()), upstream_model: Some("m-1".to_owned()) },
        ChatEvent::Reasoning("Hm.".to_owned()),
        ChatEvent::Text("Hello".to_owned()),
        ChatEvent::Refusal("No.".to_owned()),
        ChatEvent::Usage(usage),
        ChatEvent::Finished { finish: Finish::Stop, native: "completed".to_owned() },
    ];
    assert_eq!(whole(&body).unwrap(), expected);
}

#[test]
fn an_end_that_is_none_is_a_failure_of_the_right_kind() {
    let class = |events: &[Value]| match streamed(events).pop() {
        Some(ChatEvent::Failed(failure)) => failure.class,
        last => panic!("{last:?}"),
    };
    let told = json!({"type": "error", "code": "rate_limit_exceeded", "message": "Too many"});
    assert_eq!(class(&[]), FailureClass::TruncatedStream);
    assert_eq!(class(&[json!("what")]), FailureClass::MalformedStream);
    assert_eq!(class(&[json!({"type": "response.later.invented"})]), FailureClass::TruncatedStream);
    assert_eq!(
        class(std::slice::from_ref(&told)),
        FailureClass::RateLimited,
        "an error that nothing follows"
    );
    assert_eq!(class(&[told, over("failed")]), FailureClass::RateLimited, "told before, and not again");
    assert_eq!(class(&[over("cancelled")]), FailureClass::MalformedStream);
    for body in [json!({}), json!([]), json!("text"), json!({"object": "list"})] {
        assert_eq!(whole(&body).unwrap_err().class, FailureClass::MalformedStream, "{body}");
    }
    let unheard = json!({"status": "incomplete", "incomplete_details": {"reason": "steered"}, "output": []});
    assert_eq!(whole(&unheard).unwrap_err().class, FailureClass::MalformedStream);
}
