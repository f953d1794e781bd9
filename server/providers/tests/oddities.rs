//! What vendors do that no fixture shows.

use marketplace::chat::{ChatEvent, Failure, FailureClass, Finish};
use providers::frame::Event;
use providers::{anthropic, openai};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

fn streamed(chunks: &[Value]) -> Vec<ChatEvent> {
    let mut decoder = openai::Decoder::default();
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(decoder.feed(&Event { name: None, data: chunk.to_string() }));
    }
    events.extend(decoder.finish());
    events
}

fn chunk(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

fn stop(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn calls(events: &[ChatEvent]) -> Vec<(u32, String)> {
    let call = |event: &ChatEvent| match event {
        ChatEvent::ToolCall { index, arguments, .. } => Some((*index, arguments.clone())),
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

fn failure(events: &[ChatEvent]) -> Option<FailureClass> {
    events.iter().find_map(|event| match event {
        ChatEvent::Failed(failure) => Some(failure.class),
        _ => None,
    })
}

fn openai_whole(body: &Value) -> Result<Vec<ChatEvent>, Failure> {
    openai::decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes())
}

#[test]
fn tool_calls_without_an_index_are_told_apart_by_their_ids() {
    let call = |id: Value, arguments: Value| {
        chunk(json!({"tool_calls": [{"id": id, "function": {"arguments": arguments}}]}))
    };
    let events = streamed(&[
        call(json!("a"), json!("{\"x\"")),
        call(json!(null), json!(":1}")),
        call(json!("a"), json!("")),
        call(json!("b"), json!({"y": 2})),
        stop("tool_calls"),
    ]);
    let expected = [(0, "{\"x\""), (0, ":1}"), (0, ""), (1, "{\"y\":2}")];
    assert_eq!(calls(&events), expected.map(|(index, text)| (index, text.to_owned())));
}

#[test]
fn tool_calls_of_a_whole_answer_are_counted() {
    let call = json!({"function": {"name": "f", "arguments": "{}"}});
    let message = json!({"content": null, "tool_calls": [call, call]});
    let events =
        openai_whole(&json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]})).unwrap();
    assert_eq!(calls(&events).iter().map(|call| call.0).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn an_unknown_reason_for_the_end_is_a_failure() {
    let events = streamed(&[chunk(json!({"content": "a"})), stop("because")]);
    assert!(events.contains(&ChatEvent::Finished { finish: Finish::Error, native: "because".to_owned() }));
    assert_eq!(failure(&events), Some(FailureClass::MalformedStream));
}

#[test]
fn the_marker_of_the_end_alone_proves_nothing() {
    let mut decoder = openai::Decoder::default();
    assert_eq!(decoder.feed(&Event { name: None, data: "[DONE]".to_owned() }), []);
    assert_eq!(
        failure(&decoder.finish().into_iter().collect::<Vec<_>>()),
        Some(FailureClass::TruncatedStream)
    );
}

#[test]
fn an_error_after_the_finish_spoils_the_answer() {
    let events = streamed(&[stop("stop"), json!({"error": {"message": "x", "code": 502}})]);
    assert_eq!(failure(&events), Some(FailureClass::ServerError));
}

#[test]
fn an_error_under_its_own_event_name_is_seen() {
    let mut decoder = openai::Decoder::default();
    let events = decoder
        .feed(&Event { name: Some("error".to_owned()), data: "{\"message\": \"overloaded\"}".to_owned() });
    assert_eq!(failure(&events), Some(FailureClass::Overloaded));
}

#[test]
fn usage_of_a_strange_shape_is_missing_and_loses_nothing() {
    let events = streamed(&[
        json!({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": "many"}}),
        json!({"choices": [], "usage": {}}),
    ]);
    assert_eq!(failure(&events), None);
    assert!(!events.iter().any(|event| matches!(event, ChatEvent::Usage(_))));
}

#[test]
fn a_whole_answer_must_have_a_finished_choice() {
    for body in [
        json!({}),
        json!([]),
        json!({"choices": null}),
        json!({"choices": []}),
        json!({"object": "list"}),
        json!({"choices": [{"message": {"content": "a"}}]}),
        json!({"choices": [{"index": 1, "message": {"content": "a"}, "finish_reason": "stop"}]}),
    ] {
        let failure = openai_whole(&body).unwrap_err();
        assert_eq!(failure.class, FailureClass::MalformedStream, "{body}");
    }
}

#[test]
fn a_stream_of_messages_needs_its_last_event() {
    let mut decoder = anthropic::Decoder::default();
    let data =
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}});
    let events = decoder.feed(&Event { name: None, data: data.to_string() });
    assert!(!events.iter().any(|event| matches!(event, ChatEvent::Finished { .. })));
    assert!(matches!(decoder.finish(), Some(ChatEvent::Failed(_))));
}

#[test]
fn a_paused_turn_is_no_answer() {
    let body = json!({"type": "message", "content": [], "stop_reason": "pause_turn"}).to_string();
    let failure = anthropic::decode(StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap_err();
    assert_eq!(failure.class, FailureClass::MalformedStream);
}

#[test]
fn a_whole_message_gives_its_tool_calls_at_once() {
    let tool = json!({"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}});
    let text = json!({"type": "text", "text": "So"});
    let body =
        json!({"type": "message", "content": [text, {"type": "new"}, tool, tool], "stop_reason": "tool_use"});
    let events = anthropic::decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes()).unwrap();
    let joined = calls(&events).into_iter().filter(|call| !call.1.is_empty()).collect::<Vec<_>>();
    assert_eq!(joined, [(0, "{\"x\":1}".to_owned()), (1, "{\"x\":1}".to_owned())]);
}

#[test]
fn an_error_with_status_200_is_a_failure() {
    let body =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).to_string();
    let failure = anthropic::decode(StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Overloaded);
}

#[test]
fn the_seal_on_thinking_is_kept_and_the_prompt_is_counted_before_the_answer_begins() {
    let whole = json!({
        "type": "message", "id": "m", "model": "x", "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 3},
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, {"type": "text", "text": "Yes."},
        ],
    });
    let whole = anthropic::decode(StatusCode::OK, &HeaderMap::new(), whole.to_string().as_bytes()).unwrap();
    let mut decoder = anthropic::Decoder::default();
    let said = include_str!("../fixtures/anthropic/messages_stream_cache_thinking.sse");
    let data = said.lines().filter_map(|line| line.strip_prefix("data: "));
    let streamed: Vec<ChatEvent> =
        data.flat_map(|data| decoder.feed(&Event { name: None, data: data.to_owned() })).collect();
    for (events, seal) in [(whole, "c2ln"), (streamed, "c2lnLWNvbXBvc2Vk")] {
        assert!(matches!(events[..2], [ChatEvent::Usage(_), ChatEvent::Started { .. }]), "{events:?}");
        let sealed = events.iter().position(|event| *event == ChatEvent::Signature(seal.to_owned())).unwrap();
        assert!(matches!(events[sealed - 1], ChatEvent::Reasoning(_)), "{events:?}");
    }
}
