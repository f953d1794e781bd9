//! Several answers in one, and how likely their words were.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use marketplace::chat::{ChatEvent, FailureClass, Finish};
use providers::Dialect;
use providers::frame::Event;
use providers::openai;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

fn openai() -> Dialect {
    let registry = providers::Registry::simulated("http://simulator");
    registry.find(&marketplace::id::ProviderId("openai".to_owned())).unwrap().vendor.dialect
}

fn streamed(dialect: Dialect, events: &[Value]) -> Vec<ChatEvent> {
    let mut decoder = dialect.decoder();
    let mut told = Vec::new();
    for event in events {
        told.extend(decoder.feed(&Event { name: None, data: event.to_string() }));
    }
    told.extend(decoder.finish());
    told
}

fn said(index: u32, text: &str) -> Value {
    json!({"choices": [{"index": index, "delta": {"content": text}}]})
}

fn ended(index: u32, reason: &str) -> Value {
    json!({"choices": [{"index": index, "delta": {}, "finish_reason": reason}]})
}

/// What each answer says and how it ended, the first two of them.
fn answers(events: &[ChatEvent]) -> [(String, Option<Finish>); 2] {
    let mut answers = <[(String, Option<Finish>); 2]>::default();
    for (index, event) in events.iter().map(ChatEvent::of_choice) {
        match event {
            ChatEvent::Text(text) => answers[index as usize].0.push_str(text),
            ChatEvent::Finished { finish, .. } => answers[index as usize].1 = Some(*finish),
            _ => {}
        }
    }
    answers
}

fn failure(events: &[ChatEvent]) -> Option<FailureClass> {
    events.iter().find_map(|event| match event {
        ChatEvent::Failed(failure) => Some(failure.class),
        _ => None,
    })
}

#[test]
fn answers_of_openai_are_told_apart_by_turns_or_one_after_the_other() {
    let by_turns =
        [said(0, "a"), said(1, "b"), said(0, "c"), ended(1, "length"), said(0, "d"), ended(0, "stop")];
    let in_order =
        [said(0, "a"), said(0, "c"), said(0, "d"), ended(0, "stop"), said(1, "b"), ended(1, "length")];
    for chunks in [by_turns, in_order] {
        let events = streamed(openai(), &chunks);
        let expected = [("acd".to_owned(), Some(Finish::Stop)), ("b".to_owned(), Some(Finish::Length))];
        assert_eq!((answers(&events), failure(&events)), (expected, None), "{chunks:?}");
    }
}

#[test]
fn a_stream_that_leaves_one_answer_of_several_unfinished_was_cut_off() {
    for chunks in [
        vec![said(0, "a"), said(1, "b"), ended(0, "stop")],
        vec![said(0, "a"), said(1, "b"), ended(1, "stop")],
        vec![said(0, "a"), ended(0, "stop"), said(1, "b")],
    ] {
        assert_eq!(failure(&streamed(openai(), &chunks)), Some(FailureClass::TruncatedStream), "{chunks:?}");
    }
    let failed = [said(0, "a"), said(1, "b"), ended(0, "stop"), ended(1, "insufficient_system_resource")];
    assert_eq!(failure(&streamed(openai(), &failed)), Some(FailureClass::Overloaded));
}

#[test]
fn calls_of_two_answers_do_not_mix() {
    let call = |index: u32, name: Option<&str>, arguments: &str| {
        let call = json!({"id": name, "function": {"name": name, "arguments": arguments}});
        json!({"choices": [{"index": index, "delta": {"tool_calls": [call]}}]})
    };
    let chunks = [
        call(0, Some("f"), ""),
        call(1, Some("g"), ""),
        call(0, None, "{\"a\""),
        call(1, None, "{}"),
        call(0, None, ":1}"),
        ended(0, "tool_calls"),
        ended(1, "tool_calls"),
    ];
    let mut arguments = [String::new(), String::new()];
    for (choice, event) in streamed(openai(), &chunks).iter().map(ChatEvent::of_choice) {
        if let ChatEvent::ToolCall { index, arguments: piece, .. } = event {
            assert_eq!(*index, 0);
            arguments[choice as usize].push_str(piece);
        }
    }
    assert_eq!(arguments, ["{\"a\":1}", "{}"]);
}

#[test]
fn likelihoods_are_read_as_they_stand_before_the_words_they_speak_of() {
    let told = json!({"content": [{"token": "a", "logprob": -0.25, "bytes": [97], "top_logprobs": []}], "refusal": null});
    let mut chunk = said(1, "a");
    chunk["choices"][0]["logprobs"] = told.clone();
    let events = streamed(openai(), &[chunk, said(0, "b")]);
    let place = events.iter().position(|event| *event == ChatEvent::Logprobs(told.clone()).in_choice(1));
    assert_eq!(events[place.unwrap() + 1], ChatEvent::Text("a".to_owned()).in_choice(1));
    assert_eq!(
        events.iter().filter(|event| matches!(event.of_choice().1, ChatEvent::Logprobs(_))).count(),
        1
    );

    let message = json!({"role": "assistant", "content": "a"});
    let body =
        json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": told}]});
    let whole = openai::decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes()).unwrap();
    assert!(whole.contains(&ChatEvent::Logprobs(told)));
}

#[test]
fn candidates_of_google_are_told_apart_and_none_may_be_cut_off() {
    let candidate = |index: u32, text: &str, reason: Option<&str>| {
        let content = json!({"role": "model", "parts": [{"text": text}]});
        json!({"candidates": [{"index": index, "content": content, "finishReason": reason}]})
    };
    let chunks = [
        candidate(0, "a", None),
        candidate(1, "b", Some("STOP")),
        candidate(0, "c", Some("MAX_TOKENS")),
        candidate(1, "d", Some("STOP")),
    ];
    let events = streamed(Dialect::Google, &chunks);
    let expected = [("ac".to_owned(), Some(Finish::Length)), ("bd".to_owned(), Some(Finish::Stop))];
    assert_eq!((answers(&events), failure(&events)), (expected, None));
    let cut_off = [candidate(0, "a", Some("STOP")), candidate(1, "b", None)];
    let events = streamed(Dialect::Google, &cut_off);
    assert_eq!(failure(&events), Some(FailureClass::TruncatedStream));
}

/// How likely words were as a fixture of Google's is read, plain or streamed: the word, its bytes, and what else there was.
fn likelihoods(fixture: &str) -> Vec<Value> {
    let path = format!("{}/fixtures/google/{fixture}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let events: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let events = if events.is_empty() {
        Dialect::Google.decode(StatusCode::OK, &HeaderMap::new(), text.as_bytes()).unwrap()
    } else {
        streamed(Dialect::Google, &events)
    };
    let mut words = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let ChatEvent::Logprobs(told) = event else { continue };
        assert!(matches!(events[at + 1], ChatEvent::Text(_)), "told before its words: {events:?}");
        assert_eq!(told["refusal"], Value::Null);
        words.extend(told["content"].as_array().unwrap().iter().cloned());
    }
    words
}

#[test]
fn likelihoods_of_google_are_told_as_openai_tells_them() {
    let word =
        |token: &str, logprob: f64, bytes: Value| json!({"token": token, "logprob": logprob, "bytes": bytes});
    let place = |token: &str, logprob: f64, bytes: Value| {
        let mut told = word(token, logprob, bytes);
        let other = word(" the", logprob - 2.0, json!(b" the"));
        told["top_logprobs"] = json!([told.clone(), other]);
        told
    };
    let hello = place("Hello", -0.000_012, json!(b"Hello"));
    let world = place(" wörld", -0.51, json!(" wörld".as_bytes()));
    let space = place(" ", -1.25, json!([32]));
    let wave = place("👋🏽", -0.4, json!("👋🏽".as_bytes()));
    assert_eq!(likelihoods("text_logprobs.json"), [hello.clone(), world.clone(), space.clone(), wave]);
    // The bytes of a piece of a letter are not what its text is written with.
    let (byte, unreadable) = (place("<0xF0>", -0.03, Value::Null), place("\u{fffd}", -0.02, Value::Null));
    assert_eq!(likelihoods("stream_logprobs.sse"), [hello, world, space, byte, unreadable]);
    assert_eq!(likelihoods("text.json"), Vec::<Value>::new());
}

#[test]
fn likelihoods_of_google_that_are_not_told_in_full_are_not_told() {
    let told = |result: Value| {
        let content = json!({"role": "model", "parts": [{"text": "a"}]});
        let reply = json!({"candidates": [{"index": 0, "content": content, "finishReason": "STOP", "logprobsResult": result}]});
        let events = streamed(Dialect::Google, &[reply]);
        assert!(events.contains(&ChatEvent::Text("a".to_owned())));
        events.into_iter().find_map(|event| match event {
            ChatEvent::Logprobs(told) => Some(told),
            _ => None,
        })
    };
    let chosen = json!({"token": "a", "logProbability": -0.5});
    let alone = told(json!({"chosenCandidates": [chosen]})).unwrap();
    let expected = json!({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []});
    assert_eq!(alone, json!({"content": [expected], "refusal": null}));
    for result in [
        json!({}),
        json!({"chosenCandidates": []}),
        json!({"chosenCandidates": [{"token": "a"}]}),
        json!({"chosenCandidates": "all"}),
        json!({"topCandidates": [{"candidates": [chosen]}]}),
        json!(5),
    ] {
        assert_eq!(told(result.clone()), None, "{result}");
    }
}
