//! The old form of asking, which continues a text.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";

async fn complete(buyer: &Buyer<'_>, fields: Value) -> Answer {
    let mut body = json!({ "model": MODEL, "prompt": "Name three harbours." });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    Answer::to(buyer.market.post("/v1/completions").bearer_auth(&buyer.key).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_continued_whole_or_as_it_comes_for_the_same_price() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let whole = complete(&buyer, json!({})).await.expect(200);
    let body = whole.json();
    assert_eq!((&body["object"], &body["model"]), (&json!("text_completion"), &json!(MODEL)));
    let text = body["choices"][0]["text"].as_str().unwrap();
    assert!(!text.is_empty() && body["choices"][0]["finish_reason"] == "stop", "{body}");
    let receipt = buyer.receipt(whole.header("x-generation-id")).await;
    assert_eq!(body["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
    let fields = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let stream = complete(&buyer, fields).await.expect(200);
    let chunks = stream.chunks();
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(said, text);
    assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion") && chunks.len() > 5);
    assert_eq!(stream.data_lines().last(), Some(&"[DONE]"));
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
    let charge = nanos(&receipt["charge_nanos"]);
    assert_eq!(buyer.available().await, 10_000_000_000 - 2 * charge);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_continues_no_text_is_refused_without_a_charge() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (fields, status, param) in [
        (json!({"prompt": ""}), 400, "prompt"),
        (json!({"prompt": ["a", "b"]}), 400, "prompt"),
        (json!({"prompt": [1, 2]}), 400, "prompt"),
        (json!({"n": 9}), 400, "n"),
        (json!({"echo": true}), 400, "echo"),
        (json!({"suffix": "end"}), 400, "suffix"),
        (json!({"model": "nobody/nothing"}), 404, "model"),
        (json!({"model": "openai/text-embedding-3-small"}), 404, "model"),
        (json!({"model": "openai/gpt-3.5-turbo-instruct"}), 404, "model"),
    ] {
        let refused = complete(&buyer, fields.clone()).await.expect(status).json();
        assert_eq!(refused["error"]["param"], param, "{fields}: {refused}");
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert_eq!(buyer.available().await, 10_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_one_form_of_asking() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = json!({ "model": MODEL, "prompt": "Hi", "messages": [{ "role": "user", "content": "Hi" }] });
    let ask = |path: &'static str| {
        let post = market.post(path).bearer_auth(&buyer.key).header("idempotency-key", "one");
        Answer::to(post.json(&body))
    };
    let first = ask("/v1/completions").await.expect(200);
    assert_eq!(ask("/v1/completions").await.expect(200).text, first.text);
    ask("/v1/chat/completions").await.expect(422);
    assert_eq!(market.truths().await.len(), 1);
}
