//! Conversations with the simulator, most without a socket, some over a real one.

mod native;
mod shaped;
mod sockets;
mod spoilt;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

const OPENAI: &str = "/openai/v1/chat/completions";
const ANTHROPIC: &str = "/anthropic/v1/messages";

fn instant() -> Simulator {
    Simulator::new(Options { pace: Pace::Instant, truth_log: None }).unwrap()
}

fn request(path: &str, scenario: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .header("authorization", "Bearer key")
        .header("anthropic-version", "2023-06-01")
        .header("x-simulate", scenario)
        .header("x-client-request-id", "ours-1")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// Asks in either dialect; `more` is added to the body.
fn asking(path: &str, scenario: &str, more: Value) -> Request<Body> {
    let mut body = json!({
        "model": "some-model",
        "max_tokens": 5000,
        "messages": [{"role": "user", "content": "Why is the sea salty?"}],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request(path, scenario, &body)
}

async fn send(simulator: &Simulator, request: Request<Body>) -> (StatusCode, Result<String, axum::Error>) {
    let response = router(simulator.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await;
    (status, body.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

async fn json(simulator: &Simulator, request: Request<Body>) -> (StatusCode, Value) {
    let (status, body) = send(simulator, request).await;
    (status, serde_json::from_str(&body.unwrap()).unwrap())
}

/// The data of all events; `[DONE]` becomes a string.
async fn events(simulator: &Simulator, request: Request<Body>) -> Vec<Value> {
    let (status, body) = send(simulator, request).await;
    assert_eq!(status, StatusCode::OK);
    parse(&body.unwrap())
}

fn parse(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}

fn openai_text(events: &[Value]) -> Vec<&str> {
    let content = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    content.filter(|piece| !piece.is_empty()).collect()
}

fn anthropic_text<'a>(events: &'a [Value], kind: &str) -> Vec<&'a str> {
    events.iter().filter_map(|event| event["delta"][kind].as_str()).collect()
}

fn truths(simulator: &Simulator) -> Vec<Value> {
    simulator.truth.to_lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn streamed() -> Value {
    json!({"stream": true, "stream_options": {"include_usage": true}})
}

#[tokio::test]
async fn openai_stream_reports_exactly_the_pieces_it_sent() {
    let simulator = instant();
    let events = events(&simulator, asking(OPENAI, "ok", streamed())).await;
    let pieces = openai_text(&events).len();
    let [.., finish, usage, done] = events.as_slice() else { panic!("too short") };
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert!(finish["usage"].is_null() && finish.get("usage").is_some());
    assert_eq!(
        (usage["usage"]["completion_tokens"].clone(), usage["choices"].clone()),
        (json!(pieces), json!([]))
    );
    assert_eq!(done, "[DONE]");
    let truth = &truths(&simulator)[0];
    assert_eq!(truth["completion_tokens_sent"], pieces);
    assert_eq!(truth["usage_reported"], usage["usage"]);
    assert_eq!((&truth["finished"], &truth["request_id"]), (&json!("complete"), &json!("ours-1")));
}

#[tokio::test]
async fn prompt_is_counted_with_four_tokens_a_message() {
    let (_, body) = json(&instant(), asking(OPENAI, "ok", json!({}))).await;
    assert_eq!(body["usage"]["prompt_tokens"], tokens::count("Why is the sea salty?") + 4);
}

#[tokio::test]
async fn plain_answer_is_the_streamed_one() {
    let simulator = instant();
    let (_, body) = json(&simulator, asking(OPENAI, "ok", json!({}))).await;
    let events = events(&simulator, asking("/groq/openai/v1/chat/completions", "crlf", streamed())).await;
    assert_eq!(body["choices"][0]["message"]["content"], openai_text(&events).concat());
    assert_eq!(body["model"], "some-model-2026-09-22");
}

#[tokio::test]
async fn openai_stream_reports_usage_only_when_asked() {
    let events = events(&instant(), asking(OPENAI, "ok", json!({"stream": true}))).await;
    assert!(events.iter().all(|event| event.get("usage").is_none()));
    assert_eq!(events.last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn max_tokens_is_honoured() {
    let simulator = instant();
    let (_, openai) = json(&simulator, asking(OPENAI, "ok", json!({"max_tokens": 7}))).await;
    assert_eq!(openai["choices"][0]["finish_reason"], "length");
    assert_eq!(openai["usage"]["completion_tokens"], 7);
    let (_, anthropic) = json(&simulator, asking(ANTHROPIC, "ok", json!({"max_tokens": 7}))).await;
    assert_eq!(anthropic["stop_reason"], "max_tokens");
    assert_eq!(anthropic["usage"]["output_tokens"], 7);
    assert_eq!(truths(&simulator)[1]["seen_max_tokens"], 7);
}

#[tokio::test]
async fn stop_sequence_ends_the_answer_before_it() {
    let simulator = instant();
    let (_, openai) = json(&simulator, asking(OPENAI, "ok", json!({"stop": "salty"}))).await;
    let text = openai["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("sea") && !text.contains("salty"));
    let (_, anthropic) =
        json(&simulator, asking(ANTHROPIC, "ok", json!({"stop_sequences": ["salty"]}))).await;
    assert_eq!(
        (&anthropic["stop_reason"], &anthropic["stop_sequence"]),
        (&json!("stop_sequence"), &json!("salty"))
    );
}

#[tokio::test]
async fn anthropic_events_come_in_order() {
    let simulator = instant();
    let events = events(&simulator, asking(ANTHROPIC, "ok", streamed())).await;
    let mut kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    let order = "message_start content_block_start ping content_block_delta content_block_stop message_delta message_stop";
    assert_eq!(kinds.join(" "), order);
    let pieces = anthropic_text(&events, "text").len();
    let prompt = tokens::count("Why is the sea salty?") + 4;
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], prompt);
    assert_eq!(events[events.len() - 2]["usage"]["output_tokens"], pieces);
    assert_eq!(truths(&simulator)[0]["completion_tokens_sent"], pieces);
}

#[tokio::test]
async fn anthropic_thinks_in_a_block_of_its_own() {
    let simulator = instant();
    let events = events(&simulator, asking(ANTHROPIC, "reasoning", streamed())).await;
    let thoughts = anthropic_text(&events, "thinking").len();
    let all = thoughts + anthropic_text(&events, "text").len();
    let usage = &events[events.len() - 2]["usage"];
    assert!(thoughts > 0);
    assert_eq!(usage["output_tokens"], all);
    assert_eq!(usage["output_tokens_details"]["thinking_tokens"], thoughts);
    assert_eq!(truths(&simulator)[0]["reasoning_tokens"], thoughts);
}

#[tokio::test]
async fn openai_counts_hidden_reasoning_inside_the_completion() {
    let (_, body) = json(&instant(), asking(OPENAI, "reasoning", json!({}))).await;
    let shown = tokens::count(body["choices"][0]["message"]["content"].as_str().unwrap());
    let usage = &body["usage"];
    let hidden = usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
    assert_eq!(usage["completion_tokens"], shown + hidden);
    assert!(hidden > 0);
}

#[tokio::test]
async fn cached_prompt_is_inside_for_openai_and_outside_for_anthropic() {
    let simulator = instant();
    let (_, openai) = json(&simulator, asking(OPENAI, "cached", json!({}))).await;
    let (_, anthropic) = json(&simulator, asking(ANTHROPIC, "cached", json!({}))).await;
    let prompt = openai["usage"]["prompt_tokens"].as_u64().unwrap();
    let cached = prompt / 2;
    assert_eq!(openai["usage"]["prompt_tokens_details"]["cached_tokens"], cached);
    assert_eq!(anthropic["usage"]["cache_read_input_tokens"], cached);
    assert_eq!(anthropic["usage"]["input_tokens"], prompt - cached);
    assert!(truths(&simulator).iter().all(|truth| truth["cached_tokens"] == cached));
}

#[tokio::test]
async fn bad_usage_differs_from_the_truth() {
    let simulator = instant();
    for (scenario, factor) in [("zero-usage", 0), ("huge-usage", 10), ("negative-usage", -1)] {
        let (_, body) = json(&simulator, asking(OPENAI, scenario, json!({}))).await;
        let sent = truths(&simulator).last().unwrap()["completion_tokens_sent"].as_i64().unwrap();
        assert_eq!(body["usage"]["completion_tokens"], sent * factor);
    }
    let (_, body) = json(&simulator, asking(ANTHROPIC, "no-usage", json!({}))).await;
    assert!(body.get("usage").is_none());
    let events = events(&simulator, asking(OPENAI, "double-usage", streamed())).await;
    assert_eq!(events.iter().filter(|event| event["usage"].is_object()).count(), 2);
}

#[tokio::test]
async fn error_comes_inside_the_stream_after_so_many_tokens() {
    let simulator = instant();
    let openai = events(&simulator, asking(OPENAI, "error-at-5", streamed())).await;
    assert_eq!(openai_text(&openai).len(), 5);
    assert_eq!(openai.last().unwrap()["error"]["type"], "server_error");
    let anthropic = events(&simulator, asking(ANTHROPIC, "error-at-5", streamed())).await;
    assert_eq!(anthropic_text(&anthropic, "text").len(), 5);
    let fault = anthropic.last().unwrap();
    assert_eq!(fault["error"]["type"], "overloaded_error");
    assert!(fault["request_id"].as_str().unwrap().starts_with("req_"));
    for truth in truths(&simulator) {
        assert_eq!((&truth["finished"], &truth["completion_tokens_sent"]), (&json!("error-at-5"), &json!(5)));
    }
    let (status, _) = json(&simulator, asking(OPENAI, "error-at-5", json!({}))).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn truncated_stream_ends_politely_without_an_end() {
    let simulator = instant();
    let events = events(&simulator, asking(OPENAI, "truncated", streamed())).await;
    assert!(events.iter().all(|event| event["choices"][0]["finish_reason"].is_null() && event != "[DONE]"));
    assert_eq!(truths(&simulator)[0]["finished"], "truncated");
    assert_eq!(truths(&simulator)[0]["usage_reported"], Value::Null);
}

#[tokio::test]
async fn reset_breaks_the_body() {
    let simulator = instant();
    let (_, body) = send(&simulator, asking(OPENAI, "reset-at-3", streamed())).await;
    assert!(body.is_err());
    assert_eq!(truths(&simulator)[0]["completion_tokens_sent"], 3);
}

#[tokio::test]
async fn empty_answer_gives_no_reason() {
    let (_, openai) = json(&instant(), asking(OPENAI, "empty", json!({}))).await;
    assert_eq!(
        (&openai["choices"][0]["message"]["content"], &openai["usage"]["completion_tokens"]),
        (&json!(""), &json!(0))
    );
    assert!(openai["choices"][0]["finish_reason"].is_null());
    let anthropic = events(&instant(), asking(ANTHROPIC, "empty", streamed())).await;
    let kinds: Vec<&Value> = anthropic.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["message_start", "message_delta", "message_stop"]);
}

#[tokio::test]
async fn many_tokens_come_at_once() {
    let (_, body) = json(&instant(), asking(OPENAI, "many", json!({}))).await;
    assert!(body["usage"]["completion_tokens"].as_u64().unwrap() > 2800);
}

#[tokio::test]
async fn whole_vendor_can_fail() {
    let simulator = instant();
    for (path, scenario, status) in [
        (OPENAI, "rate-limit", 429),
        (OPENAI, "unauthorized", 401),
        (OPENAI, "server-error", 500),
        (OPENAI, "overloaded", 503),
        (ANTHROPIC, "overloaded", 529),
        (OPENAI, "levitate", 400),
    ] {
        let response = router(simulator.clone()).oneshot(asking(path, scenario, json!({}))).await.unwrap();
        assert_eq!(response.status(), status, "{scenario}");
        assert_eq!(response.headers().contains_key("retry-after"), scenario == "rate-limit");
    }
    let (status, page) = send(&simulator, asking(OPENAI, "html", json!({}))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_vendors_words() {
    let simulator = instant();
    let (status, body) = json(&simulator, asking(OPENAI, "ok", json!({"messages": []}))).await;
    assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("messages")));
    let (status, body) = json(&simulator, asking(ANTHROPIC, "ok", json!({"max_tokens": null}))).await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::BAD_REQUEST, &json!("invalid_request_error")));
    assert!(body["request_id"].as_str().unwrap().starts_with("req_"));
    let mut keyless = asking(OPENAI, "ok", json!({}));
    keyless.headers_mut().insert("authorization", "Bearer wrong".parse().unwrap());
    let (status, body) = json(&simulator, keyless).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("invalid_api_key")));
    assert!(truths(&simulator).iter().all(|truth| truth["finished"] == "refused"));
}

#[tokio::test]
async fn a_tool_is_called_with_arguments_in_pieces() {
    let simulator = instant();
    let function = json!({"type": "function", "name": "search", "function": {"name": "search"}});
    let mut asked = streamed();
    asked["tools"] = json!([function]);
    let said = events(&simulator, asking(OPENAI, "tool-call", asked.clone())).await;
    let pieces: String = said
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str())
        .collect();
    assert_eq!(serde_json::from_str::<Value>(&pieces).unwrap(), json!({"about": "Why is the sea salty?"}));
    assert!(said.iter().any(|event| event["choices"][0]["finish_reason"] == "tool_calls"));
    let said = events(&simulator, asking(ANTHROPIC, "tool-call", asked.clone())).await;
    assert_eq!(anthropic_text(&said, "partial_json").concat(), pieces);
    assert!(said.iter().any(|event| event["content_block"]["name"] == "search"));
    asked["stream"] = json!(false);
    asked.as_object_mut().unwrap().remove("stream_options");
    let (_, whole) = json(&simulator, asking(ANTHROPIC, "tool-call", asked.clone())).await;
    assert_eq!(whole["content"][1]["input"]["about"], "Why is the sea salty?");
    let (_, whole) = json(&simulator, asking(OPENAI, "tool-call", asked)).await;
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], pieces);
}
