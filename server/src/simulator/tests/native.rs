//! Conversations in the words of Google, Cohere and Ollama.

use super::*;

const GOOGLE: &str = "/google/v1beta/models/some-model";
const COHERE: &str = "/cohere/v2/chat";
const OLLAMA: &str = "/ollama/api/chat";
const QUESTION: &str = "Why is the sea salty?";

/// Asks one of the three for an answer of at most so many tokens.
fn asked(path: &str, scenario: &str, stream: bool, max_tokens: u64) -> Request<Body> {
    let message = json!({"role": "user", "content": QUESTION});
    let (path, body) = match path {
        GOOGLE => {
            let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let contents = json!([{"role": "user", "parts": [{"text": QUESTION}]}]);
            let config = json!({"maxOutputTokens": max_tokens});
            (format!("{GOOGLE}:{method}"), json!({"contents": contents, "generationConfig": config}))
        }
        COHERE => {
            let body =
                json!({"model": "m", "messages": [message], "stream": stream, "max_tokens": max_tokens});
            (COHERE.to_owned(), body)
        }
        _ => {
            let options = json!({"num_predict": max_tokens});
            let body = json!({"model": "m", "messages": [message], "stream": stream, "options": options});
            (OLLAMA.to_owned(), body)
        }
    };
    let mut request = request(&path, scenario, &body);
    request.headers_mut().insert("x-goog-api-key", "key".parse().unwrap());
    request
}

/// The objects of a stream, framed or one a line.
async fn streamed(simulator: &Simulator, path: &str, scenario: &str) -> Vec<Value> {
    let (status, body) = send(simulator, asked(path, scenario, true, 5_000)).await;
    assert_eq!(status, StatusCode::OK);
    let body = body.unwrap();
    match path {
        OLLAMA => body.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        _ => parse(&body),
    }
}

fn text(path: &str, events: &[Value]) -> Vec<String> {
    let pointer = match path {
        GOOGLE => "/candidates/0/content/parts/0/text",
        COHERE => "/delta/message/content/text",
        _ => "/message/content",
    };
    let said =
        events.iter().filter(|event| !event["candidates"][0]["content"]["parts"][0]["thought"].is_boolean());
    let texts = said.filter_map(|event| event.pointer(pointer)?.as_str());
    texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn google_counts_in_every_event_and_its_thoughts_beside_the_answer() {
    let simulator = instant();
    let events = streamed(&simulator, GOOGLE, "reasoning").await;
    let shown = text(GOOGLE, &events).len();
    let [first, .., last] = events.as_slice() else { panic!("too short") };
    assert_eq!(first["usageMetadata"]["thoughtsTokenCount"], 1);
    assert!(first["usageMetadata"].get("candidatesTokenCount").is_none(), "zero is left out");
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["usageMetadata"]["candidatesTokenCount"], shown);
    let truth = &truths(&simulator)[0];
    let thoughts = truth["reasoning_tokens"].as_u64().unwrap();
    assert_eq!((&truth["model"], &truth["vendor"]), (&json!("some-model"), &json!("google")));
    assert_eq!(truth["completion_tokens_sent"], shown as u64 + thoughts);
    assert_eq!(truth["usage_reported"], last["usageMetadata"]);
    assert!(thoughts > 0);
}

#[tokio::test]
async fn google_breaks_off_in_json_that_is_no_event() {
    let (_, body) = send(&instant(), asked(GOOGLE, "error-at-2", true, 5_000)).await;
    let body = body.unwrap();
    assert_eq!(text(GOOGLE, &parse(&body)).len(), 2);
    let (_, error) = body.rsplit_once("\n\n").unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["error"]["status"], "INTERNAL");
}

#[tokio::test]
async fn google_wants_its_key_in_a_header_and_streams_events_only() {
    let simulator = instant();
    let mut keyless = asked(GOOGLE, "ok", false, 9);
    keyless.headers_mut().remove("x-goog-api-key");
    let (status, body) = json(&simulator, keyless).await;
    assert_eq!(
        (status, &body["error"]["details"][0]["reason"]),
        (StatusCode::BAD_REQUEST, &json!("API_KEY_INVALID"))
    );
    let mut array = asked(GOOGLE, "ok", true, 9);
    *array.uri_mut() = format!("{GOOGLE}:streamGenerateContent").parse().unwrap();
    assert_eq!(json(&simulator, array).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cohere_bills_less_than_it_reads_and_thinks_in_a_part_of_its_own() {
    let simulator = instant();
    let events = streamed(&simulator, COHERE, "reasoning").await;
    let mut kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    let block = "content-start content-delta content-end";
    assert_eq!(kinds.join(" "), format!("message-start {block} {block} message-end"));
    let delta = &events[events.len() - 1]["delta"];
    let prompt = tokens::count(QUESTION) + 4;
    assert_eq!(delta["usage"]["billed_units"]["input_tokens"].as_f64(), Some(prompt as f64));
    assert!(delta["usage"]["tokens"]["input_tokens"].as_f64() > Some(prompt as f64));
    assert_eq!(
        (&delta["finish_reason"], delta["usage"]["billed_units"]["output_tokens"].is_f64()),
        (&json!("COMPLETE"), true)
    );
    assert!(truths(&simulator)[0]["reasoning_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn ollama_streams_lines_unless_told_not_to_and_asks_for_no_key() {
    let simulator = instant();
    let mut keyless = asked(OLLAMA, "ok", true, 9);
    keyless.headers_mut().remove("authorization");
    let response = router(simulator.clone()).oneshot(keyless).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let body = json!({"model": "m", "messages": [{"role": "user", "content": QUESTION}]});
    let (_, lines) = send(&simulator, request(OLLAMA, "ok", &body)).await;
    assert!(lines.unwrap().lines().count() > 5, "what is not said is streamed");
}

#[tokio::test]
async fn ollama_does_not_count_a_prompt_it_remembers() {
    let simulator = instant();
    let counted = async |scenario| {
        let events = streamed(&simulator, OLLAMA, scenario).await;
        let last = events.last().unwrap().clone();
        assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
        assert_eq!(last["eval_count"], text(OLLAMA, &events).len());
        last.get("prompt_eval_count").cloned()
    };
    assert_eq!(counted("ok").await, Some(json!(tokens::count(QUESTION) + 4)));
    assert_eq!(counted("cached").await, None);
}

#[tokio::test]
async fn each_answers_whole_as_it_streams_and_keeps_its_bound() {
    for path in [GOOGLE, COHERE, OLLAMA] {
        let simulator = instant();
        let (_, whole) = json(&simulator, asked(path, "ok", false, 5_000)).await;
        let whole = match path {
            COHERE => whole["message"]["content"][0]["text"].as_str().unwrap().to_owned(),
            _ => text(path, &[whole]).concat(),
        };
        // Both name the model in their own way, which would change the answer.
        assert_eq!(whole, text(path, &streamed(&simulator, path, "split-utf8").await).concat(), "{path}");
        let (_, short) = json(&simulator, asked(path, "ok", false, 7)).await;
        let reason = ["/candidates/0/finishReason", "/finish_reason", "/done_reason"]
            .into_iter()
            .find_map(|pointer| short.pointer(pointer)?.as_str());
        assert!(["MAX_TOKENS", "length"].contains(&reason.unwrap()), "{short}");
        let truths = truths(&simulator);
        assert_eq!(
            (&truths[2]["completion_tokens_sent"], &truths[2]["seen_max_tokens"]),
            (&json!(7), &json!(7))
        );
    }
}

#[tokio::test]
async fn each_fails_in_its_own_words() {
    let simulator = instant();
    for (path, scenario, status, pointer) in [
        (GOOGLE, "rate-limit", 429, "/error/details/0/retryDelay"),
        (GOOGLE, "server-error", 500, "/error/message"),
        (GOOGLE, "overloaded", 503, "/error/message"),
        (COHERE, "rate-limit", 429, "/message"),
        (COHERE, "unauthorized", 401, "/message"),
        (COHERE, "overloaded", 503, "/message"),
        (OLLAMA, "server-error", 500, "/error"),
        (OLLAMA, "overloaded", 503, "/error"),
    ] {
        let (told, body) = json(&simulator, asked(path, scenario, false, 9)).await;
        assert_eq!(told, status, "{path} {scenario}");
        assert!(body.pointer(pointer).is_some_and(Value::is_string), "{path} {scenario}: {body}");
    }
    let cohere = streamed(&simulator, COHERE, "error-at-2").await;
    assert_eq!(cohere.last().unwrap()["delta"]["finish_reason"], "ERROR");
    let ollama = streamed(&simulator, OLLAMA, "error-at-2").await;
    assert!(ollama.last().unwrap()["error"].is_string());
}

#[tokio::test]
async fn each_may_report_nothing_twice_or_what_is_not_true() {
    let simulator = instant();
    for path in [GOOGLE, COHERE, OLLAMA] {
        streamed(&simulator, path, "no-usage").await;
        streamed(&simulator, path, "ok").await;
        streamed(&simulator, path, "huge-usage").await;
        let truths = truths(&simulator);
        let [.., none, fair, huge] = truths.as_slice() else { panic!("too few") };
        assert_eq!(none["usage_reported"], Value::Null, "{path}");
        let output = |truth: &Value| {
            ["/candidatesTokenCount", "/billed_units/output_tokens", "/eval_count"]
                .into_iter()
                .find_map(|pointer| truth["usage_reported"].pointer(pointer)?.as_f64())
                .unwrap()
        };
        assert_eq!(output(huge), output(fair) * 10.0, "{path}");
        let twice = streamed(&simulator, path, "double-usage").await;
        assert_eq!(twice[twice.len() - 1], twice[twice.len() - 2], "{path}");
    }
}
