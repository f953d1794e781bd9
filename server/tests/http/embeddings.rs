//! Buying vectors: what is delivered, what it costs, and what is refused without a charge.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const SMALL: &str = "openai/text-embedding-3-small";

fn asking(model: &str, input: impl Into<Value>) -> Value {
    json!({ "model": model, "input": input.into() })
}

async fn embed(buyer: &Buyer<'_>, body: &Value) -> Answer {
    Answer::to(buyer.market.post("/v1/embeddings").bearer_auth(&buyer.key).json(body)).await
}

fn vector(item: &Value) -> Vec<f32> {
    serde_json::from_value(item["embedding"].clone()).unwrap()
}

/// Nothing was held, asked or charged.
async fn assert_nothing_happened(market: &Market, buyer: &Buyer<'_>) {
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert!(market.truths().await.is_empty(), "a vendor was asked");
    assert_eq!(buyer.available().await, 10_000_000_000);
}

/// One model of each dialect, with who counts its tokens.
const MODELS: [(&str, &str); 8] = [
    (SMALL, "provider"),
    ("openai/text-embedding-3-large", "provider"),
    ("mistral/mistral-embed", "provider"),
    ("cohere/embed-v4.0", "provider"),
    ("cohere/embed-english-v3.0", "provider"),
    ("voyageai/voyage-4-large", "provider"),
    ("google/gemini-embedding-001", "estimated"),
    ("huggingface/Qwen/Qwen3-Embedding-8B", "estimated"),
];

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_every_vendor_cost_what_an_independent_reckoning_says() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut expected = buyer.available().await;
    let texts = ["Eine Möwe über dem Hafen", "income tax", "a ship"];
    for (model, counted_by) in MODELS {
        for input in [json!(texts[0]), json!(texts)] {
            let answer = embed(&buyer, &asking(model, input.clone())).await.expect(200);
            let (body, call) = (answer.json(), answer.header("x-generation-id"));
            let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
            let given: Vec<&str> = input.as_array().map_or(vec![texts[0]], |_| texts.to_vec());
            // Where the vendor counts nothing we do, and as it is played here.
            let counted = truth["prompt_tokens"].as_i64().unwrap();
            let bill = Prices::of(model).bill(&Used { input: counted.into(), ..Used::default() }, 3_000);
            let told = ["provider_cost", "commission", "charge"]
                .map(|part| nanos(&receipt[format!("{part}_nanos")]));
            assert_eq!(told, [bill.provider_cost, bill.commission, bill.charge], "{model}: {receipt}");
            assert_eq!(
                (&receipt["usage_source"], receipt["overrun_nanos"].as_str()),
                (&json!(counted_by), Some("0"))
            );
            assert_eq!(body["usage"]["prompt_tokens"], counted, "{body}");
            assert_eq!(body["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
            assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!(model)));
            let data = body["data"].as_array().unwrap();
            assert_eq!(data.len(), given.len());
            for (place, item) in data.iter().enumerate() {
                assert_eq!((&item["index"], &item["object"]), (&json!(place), &json!("embedding")));
                let length: f32 = vector(item).iter().map(|number| number * number).sum();
                assert!((length - 1.0).abs() < 1e-3, "{model}: {length}");
            }
            assert_eq!(market.debits(call).await, [-bill.charge]);
            expected -= bill.charge;
        }
    }
    assert_eq!(buyer.available().await, expected);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_in_base64_are_those_in_numbers_and_stand_in_the_order_of_the_texts() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut body = asking(SMALL, json!(["a ship", "a boat"]));
    let numbers = embed(&buyer, &body).await.expect(200).json();
    body["encoding_format"] = json!("base64");
    let coded = embed(&buyer, &body).await.expect(200).json();
    for place in 0..2 {
        let bytes = STANDARD.decode(coded["data"][place]["embedding"].as_str().unwrap()).unwrap();
        let read: Vec<f32> =
            bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        assert_eq!(read, vector(&numbers["data"][place]));
    }
    let alone = embed(&buyer, &asking(SMALL, "a boat")).await.expect(200).json();
    assert_eq!(vector(&alone["data"][0]), vector(&numbers["data"][1]));
    assert_eq!(vector(&alone["data"][0]).len(), 1_536);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_vector_and_tokens_are_passed_on_where_the_vendor_takes_them() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut body = asking("google/gemini-embedding-001", "a ship");
    body["dimensions"] = json!(256);
    let answer = embed(&buyer, &body).await.expect(200).json();
    assert_eq!(vector(&answer["data"][0]).len(), 256);
    body["model"] = json!("huggingface/Qwen/Qwen3-Embedding-8B");
    let refused = embed(&buyer, &body).await.expect(400).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("dimensions"), "{refused}");
    let answer = embed(&buyer, &asking(SMALL, json!([[9906, 1917, 0], [40]]))).await.expect(200).json();
    assert_eq!(answer["usage"]["prompt_tokens"], 4);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_into_vectors_is_refused_without_a_charge() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let long = "word ".repeat(40_000);
    let many = vec!["a"; 97];
    for (body, status, code, param) in [
        (asking("nobody/nothing", "a"), 404, "model_not_found", "model"),
        (asking("openai/gpt-5-mini", "a"), 404, "wrong_endpoint", "model"),
        (asking(SMALL, ""), 400, "invalid_request", "input"),
        (asking(SMALL, json!([])), 400, "invalid_request", "input"),
        (asking(SMALL, json!(["a", ""])), 400, "invalid_request", "input"),
        (asking(SMALL, json!({})), 400, "invalid_request", "input"),
        (asking(SMALL, long), 400, "invalid_request", "input"),
        (asking("cohere/embed-v4.0", json!(many)), 400, "invalid_request", "input"),
        (asking("voyageai/voyage-4-large", json!([1, 2])), 400, "invalid_request", "input"),
        (json!({"model": SMALL, "input": "a", "dimensions": 9_999}), 400, "invalid_request", "dimensions"),
        (json!({"model": SMALL, "input": "a", "max_cost": "0.000000001"}), 402, "payment_required", ""),
    ] {
        let answer = embed(&buyer, &body).await.expect(status).json();
        let error = &answer["error"];
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["param"].as_str().unwrap_or_default(), param, "{error}");
        assert!(error["message"].is_string() && error["type"].is_string());
    }
    let chat = json!({ "model": SMALL, "messages": [{ "role": "user", "content": "Hi" }] });
    let refused = Answer::to(buyer.chat(&chat)).await.expect(404).json();
    assert_eq!(refused["error"]["code"], "wrong_endpoint");
    assert!(refused["error"]["message"].as_str().unwrap().contains("/v1/embeddings"), "{refused}");
    assert_nothing_happened(&market, &buyer).await;
    let unknown = Answer::to(market.post("/api/v1/embeddings").json(&asking(SMALL, "a"))).await.expect(401);
    assert_eq!(unknown.json()["error"]["code"], "invalid_api_key");
    let poor = market.buyer().await;
    let short = embed(&poor, &asking(SMALL, "a ship")).await.expect(402).json();
    assert!(short["error"]["metadata"]["required_nanos"].is_string(), "{short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_is_not_paid_for() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (scenario, status) in [
        ("server-error", 502),
        ("rate-limit", 429),
        ("overloaded", 529),
        ("html", 502),
        ("unauthorized", 502),
    ] {
        let answer = embed(&buyer, &asking(SMALL, format!("a [[simulate: {scenario}]]"))).await;
        assert_eq!(answer.status, status, "{scenario}: {}", answer.text);
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        assert_eq!((&receipt["charge_nanos"], &receipt["usage_source"]), (&json!("0"), &json!("none")));
    }
    assert_eq!(buyer.available().await, 10_000_000_000);
    for (scenario, source) in
        [("no-usage", "estimated"), ("negative-usage", "estimated"), ("huge-usage", "provider")]
    {
        let answer =
            embed(&buyer, &asking(SMALL, format!("a ship [[simulate: {scenario}]]"))).await.expect(200);
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        assert_eq!(receipt["usage_source"], source, "{scenario}");
        let paid = nanos(&receipt["charge_nanos"]) - nanos(&receipt["overrun_nanos"]);
        assert!((1..=nanos(&receipt["hold_nanos"])).contains(&paid), "{receipt}");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_with_a_key_is_paid_once() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let request = || {
        let post = market.post("/v1/embeddings").bearer_auth(&buyer.key).header("idempotency-key", "once");
        Answer::to(post.json(&asking(SMALL, "a ship")))
    };
    let (first, second) = (request().await.expect(200), request().await.expect(200));
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(first.header("x-generation-id"), second.header("x-generation-id"));
    assert_eq!(market.truths().await.len(), 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_in_the_middle_pays_what_their_vendor_bills() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let slow = asking(SMALL, "a ship [[simulate: slow]]");
    let request = market.post("/v1/embeddings").bearer_auth(&buyer.key).json(&slow);
    request.timeout(Duration::from_millis(150)).send().await.unwrap_err();
    market.until_no_hold_is_open(Duration::from_secs(5)).await;
    assert_eq!(
        market.count("select count(*) from usage_call where charge > 0 and usage_source = 'provider'").await,
        1
    );
    assert!(buyer.available().await < 10_000_000_000);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_generations_tell_of_vectors_as_of_answers() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let answer = embed(&buyer, &asking(SMALL, "a ship in the harbour")).await.expect(200);
    let call = answer.header("x-generation-id");
    let receipt = buyer.receipt(call).await;
    let lines: Vec<&str> =
        receipt["lines"].as_array().unwrap().iter().map(|line| line["component"].as_str().unwrap()).collect();
    assert_eq!(lines, ["input"]);
    assert_eq!(
        nanos(&receipt["hold_nanos"]),
        nanos(&receipt["charge_nanos"]) + nanos(&receipt["released_nanos"])
    );
    let generation = market.get(&format!("/v1/generation?id={call}")).bearer_auth(&buyer.key);
    let data = Answer::to(generation).await.expect(200).json()["data"].take();
    assert_eq!((&data["model"], &data["tokens_completion"]), (&json!(SMALL), &json!(0)));
    assert_eq!(data["total_cost"], answer.json()["usage"]["cost"]);
}
