//! Anthropic's dialect: any vendor's model answers in it, and it costs what it costs in the other.

mod refusals;

use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use self::refusals::refused;
use crate::support::{Answer, Buyer, Market, nanos};

const MODELS: [&str; 2] = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"];
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

fn asking(model: &str, content: impl Into<Value>) -> Value {
    let message = json!({ "role": "user", "content": content.into() });
    json!({ "model": model, "max_tokens": 400, "messages": [message] })
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn send(buyer: &Buyer<'_>, body: &Value) -> RequestBuilder {
    let request = buyer.market.post("/v1/messages").header("x-api-key", &buyer.key);
    request.header(VERSION.0, VERSION.1).json(body)
}

async fn answered(buyer: &Buyer<'_>, body: &Value) -> Value {
    Answer::to(send(buyer, body)).await.expect(200).json()
}

/// The events of a stream: each name must be the type inside.
fn events(answer: &Answer) -> Vec<Value> {
    let frames = answer.text.split("\n\n").filter(|frame| !frame.is_empty());
    let read = frames.map(|frame| {
        let (name, data) = frame.split_once('\n').unwrap_or_else(|| panic!("{frame:?} has no name"));
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{frame}");
        data
    });
    read.filter(|event| event["type"] != "ping").collect()
}

/// What a client makes of a stream: a message like one that came whole.
fn joined(events: &[Value]) -> Value {
    let mut message = events[0]["message"].clone();
    let mut arguments = String::new();
    for event in events {
        let at = event["index"].as_u64().unwrap_or_default() as usize;
        let delta = &event["delta"];
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                message["content"].as_array_mut().unwrap().push(event["content_block"].clone());
                arguments.clear();
            }
            "content_block_delta" if delta["type"] == "input_json_delta" => {
                arguments.push_str(delta["partial_json"].as_str().unwrap());
            }
            "content_block_delta" => {
                for part in ["text", "thinking", "signature"] {
                    if let Some(piece) = delta[part].as_str() {
                        let known = message["content"][at][part].as_str().unwrap_or_default();
                        message["content"][at][part] = json!(format!("{known}{piece}"));
                    }
                }
            }
            "content_block_stop" if !arguments.is_empty() => {
                message["content"][at]["input"] = serde_json::from_str(&arguments).unwrap();
            }
            "message_delta" => {
                message["usage"] = event["usage"].clone();
                for part in ["stop_reason", "stop_sequence"] {
                    message[part] = delta[part].clone();
                }
            }
            _ => {}
        }
    }
    message
}

/// Takes away what differs from call to call.
fn without_ids(mut message: Value) -> Value {
    message["id"].take();
    message["usage"]["balance_after"].take();
    for block in message["content"].as_array_mut().unwrap() {
        block.as_object_mut().unwrap().remove("id");
    }
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_is_a_message_and_its_input_excludes_what_was_cached() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        let before = buyer.available().await;
        let answer =
            Answer::to(send(&buyer, &asking(model, "Name three harbours. [[simulate: cached]]"))).await;
        let (call, message) = (answer.header("x-generation-id").to_owned(), answer.expect(200).json());
        assert_eq!((&message["type"], &message["role"]), (&json!("message"), &json!("assistant")));
        assert_eq!((&message["id"], &message["model"]), (&json!(format!("msg_{call}")), &json!(model)));
        assert_eq!((&message["stop_reason"], &message["stop_sequence"]), (&json!("end_turn"), &Value::Null));
        assert_eq!(message["content"][0]["type"], "text");
        assert!(!message["content"][0]["text"].as_str().unwrap().is_empty());
        let (receipt, usage) = (buyer.receipt(&call).await, &message["usage"]);
        assert_eq!(usage["input_tokens"], receipt["usage"]["input"], "{model}: {usage}");
        assert_eq!(usage["cache_read_input_tokens"], receipt["usage"]["cached_input"], "{model}: {usage}");
        assert!(usage["cache_read_input_tokens"].as_u64().unwrap() > 0, "{model}: {usage}");
        assert_eq!(usage["output_tokens"], receipt["usage"]["output"], "{model}: {usage}");
        let charge = nanos(&receipt["charge_nanos"]);
        assert_eq!(nanos(&usage["cost_details"]["charge_nanos"]), charge);
        assert!(usage["cost"].is_number() && charge > 0, "{usage}");
        assert_eq!(buyer.available().await, before - charge);
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_its_events_in_order_and_comes_to_the_whole_answer() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        let body = asking(model, "Name three harbours. [[simulate: cached]]");
        let whole = answered(&buyer, &body).await;
        let answer = Answer::to(send(&buyer, &with(body, json!({ "stream": true })))).await.expect(200);
        assert!(answer.header("content-type").starts_with("text/event-stream"));
        let said = events(&answer);
        let mut kinds: Vec<&str> = said.iter().map(|event| event["type"].as_str().unwrap()).collect();
        kinds.dedup();
        let order = [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(kinds, order, "{model}");
        assert_eq!(without_ids(joined(&said)), without_ids(whole), "{model}");
        let first = &said[0]["message"]["usage"];
        assert!(first["input_tokens"].as_u64().unwrap() > 0, "{model}: {first}");
        if model.starts_with("anthropic/") {
            let last = &said[said.len() - 2]["usage"];
            for part in ["input_tokens", "cache_read_input_tokens"] {
                assert_eq!(first[part], last[part], "{model} counts its prompt at once");
            }
        }
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        assert_eq!(said[said.len() - 2]["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_called_in_a_stream_and_what_it_answers_is_heard() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let tool = json!({ "name": "weather", "description": "Tells it", "input_schema": { "type": "object" } });
    let tools = json!({ "tools": [tool], "tool_choice": { "type": "any" } });
    for model in MODELS {
        let body = with(asking(model, "Is it wet? [[simulate: tool-call]]"), tools.clone());
        let whole = answered(&buyer, &body).await;
        let streamed = with(body.clone(), json!({ "stream": true }));
        let streamed = joined(&events(&Answer::to(send(&buyer, &streamed)).await.expect(200)));
        assert_eq!(without_ids(streamed), without_ids(whole.clone()), "{model}");
        assert_eq!(whole["stop_reason"], "tool_use", "{model}");
        let [said, call] = whole["content"].as_array().unwrap().as_slice() else { panic!("{whole}") };
        assert_eq!((&said["type"], &call["type"]), (&json!("text"), &json!("tool_use")));
        assert_eq!((&call["name"], &call["input"]), (&json!("weather"), &json!({ "about": "Is it wet?" })));
        let result = json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "Rain" });
        let mut next = body.clone();
        let turns = next["messages"].as_array_mut().unwrap();
        turns.push(json!({ "role": "assistant", "content": whole["content"] }));
        turns.push(json!({ "role": "user", "content": [result, { "type": "text", "text": "So?" }] }));
        assert_eq!(answered(&buyer, &next).await["stop_reason"], "end_turn", "{model}");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_comes_with_its_seal_and_may_be_handed_back() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let thinking = json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "low" } });
    for model in MODELS {
        let body = with(asking(model, "Name three harbours. [[simulate: reasoning]]"), thinking.clone());
        let whole = answered(&buyer, &body).await;
        let streamed = with(body.clone(), json!({ "stream": true }));
        let streamed = joined(&events(&Answer::to(send(&buyer, &streamed)).await.expect(200)));
        assert_eq!(without_ids(streamed), without_ids(whole.clone()), "{model}");
        let first = &whole["content"][0];
        // OpenAI thinks in silence; that it was asked to think as Anthropic does is no reason to refuse.
        if model.starts_with("anthropic/") {
            assert_eq!(first["type"], "thinking");
            assert!(!first["thinking"].as_str().unwrap().is_empty());
            assert!(!first["signature"].as_str().unwrap().is_empty());
        } else {
            assert_eq!(first["type"], "text");
            assert!(whole["usage"]["output_tokens_details"]["thinking_tokens"].as_u64().unwrap() > 0);
        }
        let mut next = body;
        let turns = next["messages"].as_array_mut().unwrap();
        turns.push(json!({ "role": "assistant", "content": whole["content"] }));
        turns.push(json!({ "role": "user", "content": "And a fourth?" }));
        answered(&buyer, &next).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_system_blocks_marks_and_limits_are_understood() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mark = json!({ "type": "ephemeral" });
    let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=" });
    let content = json!([
        { "type": "image", "source": source },
        { "type": "text", "text": "What is on it?", "cache_control": mark },
    ]);
    for model in MODELS {
        let body = with(
            asking(model, content.clone()),
            json!({
                "system": [{ "type": "text", "text": "Be brief.", "cache_control": mark }], "temperature": 0.5,
                "top_p": 0.9, "metadata": { "user_id": "u" }, "stop_sequences": [" "],
            }),
        );
        let stopped = answered(&buyer, &body).await;
        let text = stopped["content"][0]["text"].as_str().unwrap();
        assert!(!text.is_empty() && !text.contains(' '), "{model}: {text}");
        if model.starts_with("anthropic/") {
            assert_eq!(
                (&stopped["stop_reason"], &stopped["stop_sequence"]),
                (&json!("stop_sequence"), &json!(" "))
            );
        }
        let cut = answered(&buyer, &with(asking(model, content.clone()), json!({ "max_tokens": 16 }))).await;
        assert_eq!(cut["stop_reason"], "max_tokens", "{model}");
        assert_eq!(cut["usage"]["output_tokens"], 16, "{model}");
    }
    // Its own clients call a model of Anthropic's by its name alone.
    let named = answered(&buyer, &asking("claude-haiku-4-5", "Hi")).await;
    assert_eq!(named["model"], "anthropic/claude-haiku-4-5");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_before_anything_is_bought() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let count = |text: &str| {
        let message = json!({ "role": "user", "content": text });
        let body = json!({ "model": "openai/gpt-5-mini", "messages": [message], "system": "Be brief." });
        market.post("/v1/messages/count_tokens").header(VERSION.0, VERSION.1).json(&body)
    };
    let counted = async |text: &str| {
        let answer = Answer::to(count(text).bearer_auth(&buyer.key)).await.expect(200).json();
        assert_eq!(answer["estimated"], true);
        answer["input_tokens"].as_u64().unwrap()
    };
    assert_eq!(counted(&"word ".repeat(400)).await, counted("").await + 500);
    refused(Answer::to(count("Hi")).await, 401, "authentication_error");
    assert_eq!(market.truths().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_in_the_shape_their_reader_knows() {
    let market = Market::open().await;
    // Else the market might find them by itself between one page and the next.
    market.operator().await.find_local_models().await;
    let versioned = |path: &str| market.get(path).header(VERSION.0, VERSION.1);
    let plain = Answer::to(market.get("/v1/models")).await.expect(200).json();
    let is_sold = |model: &&Value| model["available"] == true && model["kind"] == "chat";
    let sold = plain["data"].as_array().unwrap().iter().filter(is_sold).count();
    let (mut ids, mut path) = (Vec::new(), "/v1/models?limit=7".to_owned());
    loop {
        let page = Answer::to(versioned(&path)).await.expect(200).json();
        for model in page["data"].as_array().unwrap() {
            assert_eq!(model["type"], "model");
            assert!(model["display_name"].is_string() && model["created_at"].is_string(), "{model}");
            ids.push(model["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(page["last_id"].as_str(), ids.last().map(String::as_str));
        if page["has_more"] == false {
            break;
        }
        path = format!("/v1/models?limit=7&after_id={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (sold, sold));
    let before = Answer::to(versioned(&format!("/v1/models?limit=2&before_id={}", ids[3]))).await.json();
    assert_eq!((&before["first_id"], &before["last_id"]), (&json!(ids[1]), &json!(ids[2])));
    assert_eq!(before["has_more"], true);
    for name in ["anthropic%2Fclaude-haiku-4-5", "claude-haiku-4-5"] {
        let model = Answer::to(versioned(&format!("/v1/models/{name}"))).await.expect(200).json();
        assert_eq!(model["id"], "anthropic/claude-haiku-4-5");
    }
    refused(Answer::to(versioned("/v1/models/nobody%2Fnothing")).await, 404, "not_found_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_buys_once_and_only_in_the_dialect_it_was_used_in() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let plain = asking("openai/gpt-5-mini", "Name three harbours.");
    for (key, stream) in [("k1", false), ("k2", true)] {
        let body = with(plain.clone(), json!({ "stream": stream }));
        let ask = || Answer::to(send(&buyer, &body).header("idempotency-key", key));
        let (first, again) = (ask().await.expect(200), ask().await.expect(200));
        assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
        assert_eq!(first.header("x-generation-id"), again.header("x-generation-id"));
        if stream {
            assert_eq!(joined(&events(&first)), joined(&events(&again)));
            assert_eq!(events(&again).last().unwrap()["type"], "message_stop");
        } else {
            assert_eq!(first.text, again.text);
        }
        Answer::to(buyer.chat(&body).header("idempotency-key", key)).await.expect(422);
    }
    let bad = Answer::to(send(&buyer, &plain).header("idempotency-key", "a b")).await;
    refused(bad, 400, "invalid_request_error");
    assert_eq!(market.truths().await.len(), 2);
    market.assert_books_balance().await;
}
