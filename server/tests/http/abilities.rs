//! What a model is known not to be able to is refused by name, before a vendor is asked or anything is held.

use serde_json::{Value, json};

use crate::support::{Answer, Market};

const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SEEING: &str = "openai/gpt-5-mini";
const BLIND: [&str; 3] =
    ["ollama/llama3.1", "cohere/command-a-03-2025", "huggingface/meta-llama/Llama-3.1-8B-Instruct"];

fn shown(model: &str) -> Value {
    let picture =
        json!({ "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{PIXEL}") } });
    let content = json!([{ "type": "text", "text": "What is it?" }, picture]);
    json!({ "model": model, "max_tokens": 50, "messages": [{ "role": "user", "content": content }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_refused_for_who_cannot_see() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in BLIND {
        let refused = Answer::to(buyer.chat(&shown(model))).await.expect(400).json();
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("picture") && message.contains(model), "{message}");
        assert_eq!(refused["error"]["param"], "messages");
        let source = json!({ "type": "base64", "media_type": "image/png", "data": PIXEL });
        let mut asked = shown(model);
        asked["messages"][0]["content"] = json!([{ "type": "image", "source": source }]);
        let asked = market.post("/v1/messages").header("x-api-key", &buyer.key).json(&asked);
        let refused = Answer::to(asked).await.expect(400).json();
        assert_eq!(refused["error"]["type"], "invalid_request_error", "{refused}");
    }
    assert!(market.truths().await.is_empty(), "a vendor was asked");
    assert_eq!(buyer.available().await, 10_000_000_000);
    // Who may stand in and sees is asked instead.
    let mut asked = shown(BLIND[1]);
    asked["models"] = json!([SEEING]);
    assert_eq!(Answer::to(buyer.chat(&asked)).await.expect(200).json()["model"], SEEING);
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_refused_for_who_cannot_call_them() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let tools = json!([{ "type": "function", "function": { "name": "tides" } }]);
    let messages = json!([{ "role": "user", "content": "When is high tide?" }]);
    let mut asked =
        json!({ "model": "perplexity/sonar", "max_tokens": 50, "messages": messages, "tools": tools });
    let refused = Answer::to(buyer.chat(&asked)).await.expect(400).json();
    assert_eq!(refused["error"]["param"], "tools", "{refused}");
    assert!(market.truths().await.is_empty(), "a vendor was asked");
    asked["tools"] = json!([]);
    Answer::to(buyer.chat(&asked)).await.expect(200);
}
