//! What vendors answer that no fixture shows.

use marketplace::chat::{ChatEvent, Failure, FailureClass, Finish};
use marketplace::usage::Usage;
use providers::frame::Event;
use providers::{Decoder, Dialect};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::DIALECTS;

fn feed(decoder: &mut Decoder, events: &[Value]) -> Vec<ChatEvent> {
    events.iter().flat_map(|event| decoder.feed(&Event { name: None, data: event.to_string() })).collect()
}

fn streamed(dialect: Dialect, events: &[Value]) -> Vec<ChatEvent> {
    let mut decoder = dialect.decoder();
    let mut said = feed(&mut decoder, events);
    said.extend(decoder.finish());
    said
}

fn whole(dialect: Dialect, body: &Value) -> Result<Vec<ChatEvent>, Failure> {
    dialect.decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes())
}

fn refused(dialect: Dialect, status: u16, body: &Value) -> FailureClass {
    let status = StatusCode::from_u16(status).unwrap();
    dialect.refusal(status, &HeaderMap::new(), body.to_string().as_bytes()).class
}

fn failure(events: &[ChatEvent]) -> Option<FailureClass> {
    events.iter().find_map(|event| match event {
        ChatEvent::Failed(failure) => Some(failure.class),
        _ => None,
    })
}

fn finish(events: &[ChatEvent]) -> Option<Finish> {
    events.iter().find_map(|event| match event {
        ChatEvent::Finished { finish, .. } => Some(*finish),
        _ => None,
    })
}

fn usage(events: &[ChatEvent]) -> Option<Usage> {
    events.iter().rev().find_map(|event| match event {
        ChatEvent::Usage(usage) => Some(*usage),
        _ => None,
    })
}

fn candidate(text: &str, reason: Value) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": reason}]})
}

/// The end of an answer in each dialect, with a reason.
fn ending(dialect: Dialect, reason: &str) -> Value {
    match dialect {
        Dialect::Google => candidate("", json!(reason)),
        Dialect::Cohere => json!({"type": "message-end", "delta": {"finish_reason": reason}}),
        Dialect::Ollama => json!({"message": {"content": ""}, "done": true, "done_reason": reason}),
        _ => json!({"generated_text": "", "details": {"finish_reason": reason}}),
    }
}

#[test]
fn an_unknown_reason_for_the_end_is_a_failure() {
    for dialect in DIALECTS {
        let events = streamed(dialect, &[ending(dialect, "because")]);
        assert_eq!(finish(&events), Some(Finish::Error), "{dialect:?}");
        assert_eq!(failure(&events), Some(FailureClass::MalformedStream), "{dialect:?}");
    }
}

#[test]
fn an_answer_that_is_cut_or_is_no_answer_is_a_failure() {
    for dialect in DIALECTS {
        assert_eq!(failure(&streamed(dialect, &[])), Some(FailureClass::TruncatedStream), "{dialect:?}");
        let nonsense = streamed(dialect, &[json!("what")]);
        assert_eq!(failure(&nonsense), Some(FailureClass::MalformedStream), "{dialect:?}");
        for body in [json!({}), json!([]), json!("text"), json!({"object": "list"})] {
            let class = whole(dialect, &body).unwrap_err().class;
            assert_eq!(class, FailureClass::MalformedStream, "{dialect:?} read {body}");
        }
    }
}

#[test]
fn nothing_is_said_after_the_end() {
    for (dialect, reason) in
        [(Dialect::Cohere, "COMPLETE"), (Dialect::Ollama, "stop"), (Dialect::Tgi, "eos_token")]
    {
        let mut decoder = dialect.decoder();
        assert_eq!(finish(&feed(&mut decoder, &[ending(dialect, reason)])), Some(Finish::Stop));
        assert!(decoder.is_over() && feed(&mut decoder, &[ending(dialect, reason)]).is_empty());
        assert_eq!(decoder.finish(), None);
    }
}

#[test]
fn a_gateways_page_is_read_by_its_status() {
    for dialect in DIALECTS {
        let page = |status| dialect.refusal(status, &HeaderMap::new(), b"<html>Bad gateway</html>").class;
        assert_eq!(page(StatusCode::BAD_GATEWAY), FailureClass::ServerError, "{dialect:?}");
        assert_eq!(page(StatusCode::UNAUTHORIZED), FailureClass::Auth, "{dialect:?}");
    }
}

#[test]
fn google_may_give_a_reason_in_every_event() {
    let events =
        streamed(Dialect::Google, &[candidate("One", json!("STOP")), candidate(" two", json!("STOP"))]);
    let texts: Vec<_> = events.iter().filter(|event| matches!(event, ChatEvent::Text(_))).collect();
    assert_eq!((texts.len(), finish(&events), failure(&events)), (2, Some(Finish::Stop), None));
    assert!(matches!(events.last(), Some(ChatEvent::Finished { .. })));
}

#[test]
fn an_error_after_googles_finish_spoils_the_answer() {
    let error = json!({"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}});
    let events = streamed(Dialect::Google, &[candidate("One", json!("STOP")), error]);
    assert_eq!((finish(&events), failure(&events)), (None, Some(FailureClass::Overloaded)));
}

#[test]
fn a_call_google_wrote_wrongly_is_the_models_fault() {
    let events = streamed(Dialect::Google, &[candidate("", json!("MALFORMED_FUNCTION_CALL"))]);
    assert_eq!((finish(&events), failure(&events)), (Some(Finish::Error), Some(FailureClass::ModelOutput)));
}

#[test]
fn counts_that_google_leaves_out_are_zero_only_where_the_total_says_so() {
    let usage = |counts: Value| {
        let mut reply = candidate("a", json!("STOP"));
        reply["usageMetadata"] = counts;
        usage(&whole(Dialect::Google, &reply).unwrap())
    };
    let counted = |input, output| {
        Some(Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() })
    };
    assert_eq!(usage(json!({"promptTokenCount": 9, "totalTokenCount": 9})), counted(9, 0));
    assert_eq!(
        usage(json!({"promptTokenCount": 9, "toolUsePromptTokenCount": 4, "candidatesTokenCount": 2})),
        counted(13, 2)
    );
    let unknown = Usage { input_tokens: Some(9), ..Usage::default() };
    assert_eq!(usage(json!({"promptTokenCount": 9})), Some(unknown));
    assert_eq!(usage(json!({})), None);
    assert_eq!(usage(json!({"promptTokenCount": "many"})), None);
}

#[test]
fn googles_refusals_are_told_apart_by_their_details() {
    let error = |status: &str, message: &str, details: Value| json!({"error": {"status": status, "message": message, "details": details}});
    let too_long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    let daily = json!([
        {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}, {"retryDelay": "34.07s"},
    ]);
    for (status, body, class) in [
        (400, error("INVALID_ARGUMENT", too_long, json!([])), FailureClass::ContextLength),
        (400, error("INVALID_ARGUMENT", "no such field", json!([])), FailureClass::InvalidRequest),
        (400, error("FAILED_PRECONDITION", "not in your region", json!([])), FailureClass::Auth),
        (403, error("PERMISSION_DENIED", "no", json!([])), FailureClass::Auth),
        (404, error("NOT_FOUND", "no", json!([])), FailureClass::ModelNotFound),
        (429, error("RESOURCE_EXHAUSTED", "quota", daily), FailureClass::QuotaExhausted),
        (504, error("DEADLINE_EXCEEDED", "late", json!([])), FailureClass::Timeout),
        (500, json!([error("INTERNAL", "in a list", json!([]))]), FailureClass::ServerError),
    ] {
        assert_eq!(refused(Dialect::Google, status, &body), class, "{body}");
    }
}

#[test]
fn coheres_refusals_are_told_apart_by_status_and_prose() {
    for (status, message, class) in [
        (400, "too many tokens: size limit exceeded by 11326 tokens", FailureClass::ContextLength),
        (
            429,
            "You are using a Trial key, which is limited to 1000 API calls / month",
            FailureClass::QuotaExhausted,
        ),
        (401, "invalid api token", FailureClass::Auth),
        (499, "request cancelled", FailureClass::ServerError),
        (503, "no", FailureClass::Overloaded),
    ] {
        assert_eq!(refused(Dialect::Cohere, status, &json!({"message": message})), class, "{message}");
    }
}

#[test]
fn a_whole_answer_of_cohere_may_plan_think_and_call() {
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let body = json!({
        "id": "x", "finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 5, "output_tokens": 5}},
        "message": {"role": "assistant", "tool_plan": "I will.", "tool_calls": [call, call], "content": [
            {"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "So."}, {"type": "new"},
        ]},
    });
    let events = whole(Dialect::Cohere, &body).unwrap();
    let call = |index| ChatEvent::ToolCall {
        index,
        id: Some("a".to_owned()),
        name: Some("f".to_owned()),
        arguments: "{}".to_owned(),
    };
    let expected = [
        ChatEvent::Started { upstream_id: Some("x".to_owned()), upstream_model: None },
        ChatEvent::Reasoning("I will.".to_owned()),
        ChatEvent::Reasoning("Hm.".to_owned()),
        ChatEvent::Text("So.".to_owned()),
        call(0),
        call(1),
        ChatEvent::Finished { finish: Finish::ToolCalls, native: "TOOL_CALL".to_owned() },
    ];
    // What was read but is not billed is no usage.
    assert_eq!(events, expected);
}

#[test]
fn cohere_may_read_more_from_its_cache_than_it_bills() {
    let usage_of = |cached: Value| {
        let billed = json!({"input_tokens": 5.0, "output_tokens": 4});
        let end =
            json!({"finish_reason": "COMPLETE", "usage": {"billed_units": billed, "cached_tokens": cached}});
        usage(&streamed(Dialect::Cohere, &[json!({"type": "message-end", "delta": end})])).unwrap()
    };
    assert_eq!(usage_of(json!(64)).cached_input_tokens, Some(5));
    assert_eq!(usage_of(json!(2.0)).cached_input_tokens, Some(2));
    assert_eq!(usage_of(Value::Null).cached_input_tokens, None);
    assert!(usage_of(json!(64)).billable().is_ok());
}

#[test]
fn an_old_ollama_says_that_it_is_done_and_not_why() {
    let events = whole(Dialect::Ollama, &json!({"message": {"content": "Hi"}, "done": true})).unwrap();
    assert_eq!((finish(&events), usage(&events)), (Some(Finish::Stop), None));
}

#[test]
fn an_ollama_that_is_too_busy_or_refuses_says_so_in_its_status() {
    let busy = json!({"error": "server busy, please try again.  maximum pending requests exceeded"});
    assert_eq!(refused(Dialect::Ollama, 503, &busy), FailureClass::Overloaded);
    let unable = json!({"error": "\"llama2\" does not support thinking"});
    assert_eq!(refused(Dialect::Ollama, 400, &unable), FailureClass::InvalidRequest);
}

#[test]
fn tgi_says_at_the_end_what_its_tokens_left_out() {
    let token = |text: &str| json!({"token": {"text": text, "special": false}});
    let mut last = token("");
    last["generated_text"] = json!("Hi 👋");
    last["details"] = json!({"finish_reason": "length", "generated_tokens": 3});
    let events = streamed(Dialect::Tgi, &[token("Hi"), last]);
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!((text.as_str(), finish(&events)), ("Hi 👋", Some(Finish::Length)));
}

#[test]
fn tgi_may_answer_in_a_list() {
    let answer =
        json!([{"generated_text": "Hi", "details": {"finish_reason": "eos_token", "generated_tokens": 1}}]);
    let events = whole(Dialect::Tgi, &answer).unwrap();
    assert!(events.contains(&ChatEvent::Text("Hi".to_owned())));
    assert_eq!(usage(&events).unwrap().input_tokens, None);
}

#[test]
fn google_signs_its_calls_and_the_signature_stays_with_the_call() {
    let call = |name: &str| json!({"functionCall": {"name": name, "args": {"a": 1}}});
    let mut signed = call("f");
    signed["thoughtSignature"] = json!("c2ln");
    let words = json!({"text": "Well.", "thoughtSignature": "d29y"});
    let reply =
        json!({"candidates": [{"content": {"parts": [words, signed, call("g")]}, "finishReason": "STOP"}]});
    let seals = |events: &[ChatEvent]| {
        let of = |event: &ChatEvent| match event {
            ChatEvent::CallSignature { index, signature } => Some((*index, signature.clone())),
            _ => None,
        };
        events.iter().filter_map(of).collect::<Vec<_>>()
    };
    for events in
        [streamed(Dialect::Google, std::slice::from_ref(&reply)), whole(Dialect::Google, &reply).unwrap()]
    {
        assert_eq!(
            (seals(&events), finish(&events)),
            (vec![(0, "c2ln".to_owned())], Some(Finish::ToolCalls))
        );
    }
}
