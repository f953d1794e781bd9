//! Goal F11: however a vendor cuts and frames its bytes, its words arrive as they were and are counted alike.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

/// One for each dialect.
const MODELS: [&str; 5] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.5-flash",
    "cohere/command-a-03-2025",
    "ollama/llama3.1",
];
const WITHOUT_END: &str = "google/gemini-3.5-flash";
const FRAMINGS: [&str; 7] =
    ["split-utf8", "crlf", "tight-data", "comments", "bom", "no-last-blank", "after-done"];

async fn ask(buyer: &Buyer<'_>, model: &str, scenario: &str) -> (Answer, String, Value) {
    let text = format!("Erkläre „Ebbe“ 🌊 auf 日本語. [[simulate: {scenario}]]");
    let body = json!({
        "model": model, "stream": true, "max_tokens": 300, "messages": [{ "role": "user", "content": text }],
    });
    let answer = Answer::to(buyer.chat(&body)).await.expect(200);
    let chunks = answer.chunks();
    let said = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    (answer, said, receipt)
}

#[tokio::test(flavor = "multi_thread")]
async fn words_arrive_byte_for_byte_however_they_are_framed() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        let (_, plain, paid) = ask(&buyer, model, "ok").await;
        assert!(plain.contains("🌊") && !plain.contains('\u{fffd}'), "{model}: {plain}");
        // One stream has no last event, and what follows its reason for the end is part of the answer.
        let ends = |framing: &&str| *framing != "after-done" || model != WITHOUT_END;
        for framing in FRAMINGS.into_iter().filter(ends) {
            let (answer, said, receipt) = ask(&buyer, model, framing).await;
            assert_eq!(said, plain, "{framing} of {model}");
            assert_eq!(answer.data_lines().last(), Some(&"[DONE]"), "{framing} of {model}");
            // The prompt differs, since it names the framing.
            assert_eq!(receipt["usage"]["output"], paid["usage"]["output"], "{framing} of {model}");
            assert_eq!(receipt["usage_source"], "provider", "{framing} of {model}");
        }
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_giant_line_ends_the_answer_and_is_not_paid() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        let (_, plain, paid) = ask(&buyer, model, "ok").await;
        let (answer, said, receipt) = ask(&buyer, model, "giant-line").await;
        assert!(!said.is_empty() && said.len() < plain.len() && plain.starts_with(&said), "{model}: {said}");
        let chunks = answer.chunks();
        assert!(chunks.last().unwrap()["error"]["message"].is_string(), "{model}: {chunks:?}");
        assert_eq!(receipt["usage"]["output"].as_u64(), Some(said.len() as u64 / 4), "{model}: {receipt}");
        let is_less = nanos(&receipt["charge_nanos"]) < nanos(&paid["charge_nanos"]);
        assert!(is_less || model == "ollama/llama3.1", "{model}: {receipt}");
    }
    market.assert_books_balance().await;
}
