//! Buying answers: what is delivered, what it costs, and what the receipt says of it.

use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";

fn asking(content: &str) -> Value {
    json!({ "model": MODEL, "messages": [{ "role": "user", "content": content }] })
}

fn streaming(content: &str, options: Value) -> Value {
    let mut body = asking(content);
    body["stream"] = json!(true);
    if !options.is_null() {
        body["stream_options"] = options;
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_is_charged_as_its_receipt_and_the_ledger_say() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let before = buyer.available().await;
    let answer = Answer::to(buyer.chat(&asking("Name three harbours."))).await.expect(200);
    let (body, call) = (answer.json(), answer.header("x-generation-id").to_owned());
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!(MODEL)));
    assert_eq!(body["id"], format!("gen-{call}"));
    assert!(!body["choices"][0]["message"]["content"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    let (receipt, details) = (buyer.receipt(&call).await, &body["usage"]["cost_details"]);
    let charge = nanos(&receipt["charge_nanos"]);
    assert!(charge > 0);
    assert_eq!(market.debits(&call).await, [-charge]);
    assert_eq!(buyer.available().await, before - charge);
    // The cost is a number whose digits are exactly those of the ledger.
    assert_eq!(body["usage"]["cost"].to_string(), dollars(charge));
    assert_eq!(details["charge_nanos"], receipt["charge_nanos"]);
    assert_eq!(body["usage"]["balance_after"], dollars(before - charge));
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_adds_up_line_by_line() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let answer =
        Answer::to(buyer.chat(&asking("Name three harbours. [[simulate: cached]]"))).await.expect(200);
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    let [charge, cost, commission, hold, released, overrun] =
        ["charge", "provider_cost", "commission", "hold", "released", "overrun"]
            .map(|part| nanos(&receipt[format!("{part}_nanos")]));
    assert_eq!((charge, hold, overrun), (cost + commission, charge + released, 0), "{receipt}");
    let lines = receipt["lines"].as_array().unwrap();
    let named: Vec<&str> = lines.iter().map(|line| line["component"].as_str().unwrap()).collect();
    assert_eq!(named, ["input", "cached_input", "output"]);
    let sum: i64 = lines.iter().map(|line| nanos(&line["cost_nanos"])).sum();
    // Each line is rounded up on its own, so together they may be at most that much above the exact sum.
    assert!((0..3).contains(&(sum - cost)), "{receipt}");
    assert_eq!((&receipt["usage_source"], &receipt["finish"]), (&json!("provider"), &json!("stop")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_the_role_and_ends_with_done() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let request = buyer.chat(&streaming("Name three harbours.", Value::Null));
    let answer = Answer::to(request).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/event-stream"), "{:?}", answer.headers);
    let (lines, chunks) = (answer.data_lines(), answer.chunks());
    assert_eq!(lines.iter().filter(|line| **line == "[DONE]").count(), 1);
    assert_eq!(lines.last(), Some(&"[DONE]"));
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let finished: Vec<usize> =
        (0..chunks.len()).filter(|at| chunks[*at]["choices"][0]["finish_reason"].is_string()).collect();
    assert_eq!(finished, [chunks.len() - 1], "only the last chunk says how it ended");
    let id = format!("gen-{}", answer.header("x-generation-id"));
    assert!(chunks.iter().all(|chunk| chunk["id"] == id && chunk["model"] == MODEL));
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()), "nobody asked for usage");
    assert!(chunks.len() > 5, "this was no stream: {chunks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_its_usage_last_when_asked() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let request = buyer.chat(&streaming("Name three harbours.", json!({ "include_usage": true })));
    let answer = Answer::to(request).await.expect(200);
    let chunks = answer.chunks();
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(others.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    assert_eq!(last["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
    assert_eq!(last["usage"]["cost"].to_string(), dollars(nanos(&receipt["charge_nanos"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_and_whole_answers_are_the_same_and_cost_the_same() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let whole = Answer::to(buyer.chat(&asking("Name three harbours."))).await.expect(200);
    let stream = Answer::to(buyer.chat(&streaming("Name three harbours.", Value::Null))).await.expect(200);
    let text: String =
        stream.chunks().iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole.json()["choices"][0]["message"]["content"]);
    let (first, second) = (
        buyer.receipt(whole.header("x-generation-id")).await,
        buyer.receipt(stream.header("x-generation-id")).await,
    );
    assert_eq!(first["charge_nanos"], second["charge_nanos"]);
}

/// One model of each dialect and kind of price, and some whose price has an awkward last digit.
const MODELS: [&str; 9] = [
    "openai/gpt-5-mini",
    "openai/gpt-4o",
    "openai/gpt-6-luna",
    "anthropic/claude-haiku-4-5",
    "anthropic/claude-sonnet-5-5",
    "mistral/mistral-large-4",
    "openai/gpt-oss-120b",
    "huggingface/meta-llama/Llama-3.1-8B-Instruct",
    "perplexity/sonar-deep-research",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_charge_is_what_an_independent_reckoning_says() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut expected = buyer.available().await;
    for model in MODELS {
        let prices = Prices::of(model);
        for scenario in ["ok", "cached", "reasoning", "double-usage", "crlf", "split-utf8"] {
            for stream in [false, true] {
                let mut body = asking(&format!("Ein Satz über Möwen. [[simulate: {scenario}]]"));
                (body["model"], body["stream"]) = (json!(model), json!(stream));
                let answer = Answer::to(buyer.chat(&body)).await.expect(200);
                let call = answer.header("x-generation-id");
                let what = format!("{model}, {scenario}, stream {stream}, call {call}");
                let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
                let used = Used::reported(&truth["usage_reported"]);
                let has_reasoning_price = prices.reasoning != prices.output;
                let told = Used::on_receipt(&receipt);
                if has_reasoning_price {
                    assert_eq!(told, used, "{what}: {truth}");
                } else {
                    assert_eq!(told.merged(), used.merged(), "{what}: {truth}");
                }
                let bill = prices.bill(&used, 3_000);
                let [cost, commission, charge] = ["provider_cost", "commission", "charge"]
                    .map(|part| nanos(&receipt[format!("{part}_nanos")]));
                assert_eq!(
                    (cost, commission, charge),
                    (bill.provider_cost, bill.commission, bill.charge),
                    "{what}"
                );
                assert_eq!(receipt["usage_source"], "provider", "{what}");
                assert_eq!(receipt["overrun_nanos"], "0", "{what}: {receipt}");
                expected -= bill.charge;
            }
        }
    }
    assert_eq!(buyer.available().await, expected);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendor_is_never_asked_for_more_than_the_hold_affords() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.pay_in("1.00").await;
    let mut body = streaming("Tell me everything. [[simulate: many]]", Value::Null);
    (body["model"], body["max_cost"]) = (json!("anthropic/claude-opus-5"), json!("0.02"));
    let answer = Answer::to(buyer.chat(&body)).await.expect(200);
    let call = answer.header("x-generation-id");
    let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
    let asked = i128::from(truth["seen_max_tokens"].as_i64().unwrap());
    let output = Used { output: asked, ..Used::default() };
    let worst = Prices::of("anthropic/claude-opus-5").bill(&output, 3_000).charge;
    assert!(worst <= 20_000_000, "{asked} tokens cost {worst}");
    assert!(nanos(&receipt["charge_nanos"]) <= 20_000_000, "{receipt}");
    let chunks = answer.chunks();
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "length");
    assert_eq!(receipt["overrun_nanos"], "0");
    market.assert_books_balance().await;
}

/// Nano-dollars as the shortest decimal number of dollars.
fn dollars(nanos: i64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_the_longer_base_tells_its_usage_unasked() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let chat = streaming("Name three harbours.", Value::Null);
    let text = json!({ "model": MODEL, "prompt": "Name three harbours.", "stream": true });
    for (path, body) in [("chat/completions", chat), ("completions", text)] {
        for (base, is_told) in [("/v1", false), ("/api/v1", true)] {
            let request = market.post(&format!("{base}/{path}")).bearer_auth(&buyer.key).json(&body);
            let chunks = Answer::to(request).await.expect(200).chunks();
            let last = chunks.last().unwrap();
            assert_eq!(
                last["usage"]["completion_tokens"].as_u64().is_some(),
                is_told,
                "{base}/{path}: {last}"
            );
        }
    }
}
