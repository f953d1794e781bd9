//! OpenAI's newer dialect: typed events in their order, and the same thing for the same price as in a chat.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

const MODELS: [&str; 4] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.5-flash",
    "cohere/command-a-03-2025",
];
const MODEL: &str = MODELS[0];

async fn respond(buyer: &Buyer<'_>, fields: Value) -> Answer {
    let mut body = json!({ "model": MODEL, "input": "Name three harbours." });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Answer::to(buyer.market.post("/v1/responses").bearer_auth(&buyer.key).json(&body)).await
}

/// The events of a stream: each name must be the type inside, and each number follows the one before.
fn events(text: &str) -> Vec<Value> {
    let frames = text.split("\n\n").filter(|frame| !frame.trim().is_empty() && !frame.starts_with(':'));
    let events: Vec<Value> = frames
        .map(|frame| {
            let (name, data) = frame.split_once('\n').unwrap_or_else(|| panic!("{frame:?} has no name"));
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap().trim_end()).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{frame}");
            data
        })
        .collect();
    assert!(events.iter().enumerate().all(|(at, event)| event["sequence_number"] == at), "{text}");
    events
}

/// The names of events, pieces of one thing counted once.
fn course(events: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    names.dedup();
    names
}

/// The same without what belongs to thoughts, which not every vendor shows.
fn without_thoughts(events: &[Value]) -> Vec<Value> {
    let thoughts: Vec<&Value> = events
        .iter()
        .filter(|event| event["item"]["type"] == "reasoning")
        .map(|event| &event["output_index"])
        .collect();
    let is_thought =
        |event: &&Value| event["output_index"].is_u64() && thoughts.contains(&&event["output_index"]);
    events.iter().filter(|event| !is_thought(event)).cloned().collect()
}

fn text(response: &Value) -> String {
    let items = response["output"].as_array().unwrap().iter();
    items
        .filter_map(|item| item["content"][0]["text"].as_str().filter(|_| item["type"] == "message"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_answered_whole_or_as_it_comes_for_the_same_price() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        let whole = respond(&buyer, json!({ "model": model, "instructions": "Be brief." })).await.expect(200);
        let response = whole.json();
        assert_eq!((&response["object"], &response["status"]), (&json!("response"), &json!("completed")));
        assert_eq!((&response["model"], &response["store"]), (&json!(model), &json!(false)));
        assert_eq!(response["instructions"], "Be brief.");
        assert!(!text(&response).is_empty() && response["error"].is_null(), "{response}");
        let receipt = buyer.receipt(whole.header("x-generation-id")).await;
        assert_eq!(response["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
        let counted =
            ["input_tokens", "output_tokens"].map(|field| response["usage"][field].as_u64().unwrap());
        assert_eq!(response["usage"]["total_tokens"], counted[0] + counted[1]);
        let fields = json!({ "model": model, "instructions": "Be brief.", "stream": true });
        let stream = respond(&buyer, fields).await.expect(200);
        let events = events(&stream.text);
        let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
        let said: String = deltas.filter_map(|event| event["delta"].as_str()).collect();
        let last = &events.last().unwrap()["response"];
        assert_eq!((said, text(last)), (text(&response), text(&response)));
        assert_eq!(last["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
        let mut same = last.clone();
        for field in ["id", "created_at", "usage", "output"] {
            same[field] = response[field].clone();
        }
        assert_eq!(same, response, "a stream does not end with what is answered whole");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_the_order_and_with_the_fields_that_openai_sends() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let theirs = events(include_str!("../../providers/fixtures/openai/responses_stream.sse"));
    let ours = events(&respond(&buyer, json!({ "stream": true })).await.expect(200).text);
    let (theirs, ours) = (without_thoughts(&theirs), without_thoughts(&ours));
    assert_eq!(course(&ours), course(&theirs));
    for event in &theirs {
        let same = ours.iter().find(|other| other["type"] == event["type"]).unwrap();
        for (field, value) in event.as_object().unwrap() {
            assert!(same.get(field).is_some(), "{} lacks {field}: {same}", event["type"]);
            for inner in value.as_object().into_iter().flat_map(|inner| inner.keys()) {
                assert!(same[field].get(inner).is_some(), "{} lacks {field}.{inner}: {same}", event["type"]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_called_and_their_results_are_read() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let tools = json!([{
        "type": "function", "name": "get_weather", "description": "The weather of a place.", "strict": null,
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } } },
    }]);
    // The simulator plays no calls of the fourth.
    for model in &MODELS[..3] {
        let question = "What is the weather in Lisbon? [[simulate: tool-call]]";
        let fields = json!({ "model": model, "tools": tools, "tool_choice": "auto", "input": question });
        let response = respond(&buyer, fields.clone()).await.expect(200).json();
        let items = response["output"].as_array().unwrap();
        let call = items.iter().find(|item| item["type"] == "function_call");
        let call = call.unwrap_or_else(|| panic!("{model} calls nothing in {response}"));
        assert!(call["call_id"].as_str().is_some_and(|id| !id.is_empty()), "{call}");
        serde_json::from_str::<Value>(call["arguments"].as_str().unwrap()).unwrap();
        let mut streamed = fields.clone();
        streamed["stream"] = json!(true);
        let events = events(&respond(&buyer, streamed).await.expect(200).text);
        let done =
            events.iter().find(|event| event["type"] == "response.function_call_arguments.done").unwrap();
        assert_eq!((&done["arguments"], &done["name"]), (&call["arguments"], &call["name"]));
        let deltas = events.iter().filter(|event| event["type"] == "response.function_call_arguments.delta");
        let joined: String = deltas.filter_map(|event| event["delta"].as_str()).collect();
        assert_eq!(joined, call["arguments"].as_str().unwrap());
        let mut input = vec![json!({ "role": "user", "content": "What is the weather in Lisbon?" })];
        input.extend(items.iter().cloned());
        let output =
            json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "Sunny." });
        input.push(output);
        let fields = json!({ "model": model, "tools": tools, "input": input });
        let answer = respond(&buyer, fields).await.expect(200).json();
        assert!(!text(&answer).is_empty(), "{answer}");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_cut_or_fails_says_so_in_its_last_event() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let long = json!({ "max_output_tokens": 16, "stream": true, "input": "Write a long essay on tides." });
    let cut = events(&respond(&buyer, long).await.expect(200).text);
    let last = cut.last().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(last["response"]["status"], "incomplete");
    let broken = json!({ "stream": true, "input": "Tell me a story. [[simulate: error-at-5]]" });
    let broken = respond(&buyer, broken).await.expect(200);
    let events = events(&broken.text);
    let names: Vec<&str> = events.iter().rev().take(2).map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["response.failed", "error"]);
    let failed = &events.last().unwrap()["response"];
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{failed}");
    assert_eq!(respond(&buyer, json!({ "input": "Hi [[simulate: server-error]]" })).await.status, 502);
    market.until_no_hold_is_open(std::time::Duration::from_secs(10)).await;
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_something_stored_is_refused_without_a_charge() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (fields, status, param) in [
        (json!({ "previous_response_id": "resp_1" }), 400, "previous_response_id"),
        (json!({ "conversation": "conv_1" }), 400, "conversation"),
        (json!({ "background": true }), 400, "background"),
        (json!({ "tools": [{ "type": "web_search" }] }), 400, "tools"),
        (json!({ "input": [] }), 400, "messages"),
        (json!({ "model": "nobody/nothing" }), 404, "model"),
        (json!({ "model": "openai/text-embedding-3-small" }), 404, "model"),
    ] {
        let refused = respond(&buyer, fields.clone()).await.expect(status).json();
        assert_eq!(refused["error"]["param"], param, "{fields}: {refused}");
    }
    let lost = Answer::to(market.get("/v1/responses/resp_1").bearer_auth(&buyer.key)).await.expect(404);
    assert_eq!(lost.json()["error"]["param"], "response_id");
    Answer::to(market.post("/v1/responses").json(&json!({ "model": MODEL, "input": "Hi" })))
        .await
        .expect(401);
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_bought_once_under_a_key_and_at_its_quote() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        let body =
            json!({ "model": MODEL, "input": "Name three harbours.", "stream": stream, "max_cost": 0.05 });
        let key = format!("response-{stream}");
        let ask = || {
            let post =
                market.post("/api/v1/responses").bearer_auth(&buyer.key).header("idempotency-key", &key);
            Answer::to(post.json(&body))
        };
        let first = ask().await.expect(200);
        let again = ask().await.expect(200);
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(first.header("x-generation-id"), again.header("x-generation-id"));
        if stream {
            let (first, again) = (events(&first.text), events(&again.text));
            assert_eq!(course(&again), course(&first));
            assert_eq!(text(&again.last().unwrap()["response"]), text(&first.last().unwrap()["response"]));
        } else {
            assert_eq!(again.text, first.text);
        }
    }
    assert_eq!(market.truths().await.len(), 2);
    let quoted =
        json!({ "model": MODEL, "messages": [{ "role": "user", "content": "Name three harbours." }] });
    let quote = market.post("/api/v1/quote").bearer_auth(&buyer.key).json(&quoted);
    let quote = Answer::to(quote).await.expect(200).json();
    let answer = respond(&buyer, json!({ "quote_id": quote["quote_id"] })).await.expect(200);
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    assert!(nanos(&receipt["charge_nanos"]) <= nanos(&quote["max_nanos"]), "{receipt}");
    market.assert_books_balance().await;
}
