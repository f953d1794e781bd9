//! Buyers who hang up in the middle of an answer: the books are closed all the same.

use std::time::Duration;

use futures_util::StreamExt;
use marketplace::id::ModelId;
use marketplace::live::Prompt;
use serde_json::json;
use server::simulator::Pace;

use crate::support::{Answer, Buyer, Market, nanos};

const PROMPT_CLOSING: Duration = Duration::from_secs(2);

/// Reads a stream until so many pieces of text have come, then hangs up. Answers the call and how many bytes came.
async fn read_and_leave(buyer: &Buyer<'_>, model: &str, scenario: &str, pieces: usize) -> (String, usize) {
    let text = format!("Tell me a long story. [[simulate: {scenario}]]");
    let body = json!({ "model": model, "stream": true, "messages": [{ "role": "user", "content": text }] });
    let response = buyer.chat(&body).send().await.unwrap();
    let call = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let (mut bytes, mut read) = (response.bytes_stream(), String::new());
    while read.matches("\"content\":").count() <= pieces {
        read.push_str(&String::from_utf8_lossy(&bytes.next().await.unwrap().unwrap()));
    }
    let chunks =
        Answer { status: 200, headers: reqwest::header::HeaderMap::new(), text: read }.whole_chunks();
    let deltas = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    (call, deltas.map(str::len).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_pays_for_what_came_and_gets_the_rest_back() {
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.paying_buyer().await;
    for model in ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"] {
        let before = buyer.available().await;
        let (call, bytes) = read_and_leave(&buyer, model, "many", 12).await;
        market.until_no_hold_is_open(PROMPT_CLOSING).await;
        let receipt = buyer.receipt(&call).await;
        let (charge, hold) = (nanos(&receipt["charge_nanos"]), nanos(&receipt["hold_nanos"]));
        assert!(0 < charge && charge < hold, "{receipt}");
        assert_eq!((&receipt["finish"], &receipt["usage_source"]), (&json!("stopped"), &json!("estimated")));
        let output = receipt["usage"]["output"].as_u64().unwrap() as usize;
        assert!(output >= bytes / 4, "{bytes} bytes were delivered: {receipt}");
        assert_eq!(buyer.available().await, before - charge);
        market.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_is_hung_up_on_when_its_reader_has_left() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (call, _) = read_and_leave(&buyer, "openai/gpt-5-mini", "slow", 3).await;
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    // The vendor notices at its next write.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let truth = market.truth(&call).await;
    assert_eq!(truth["finished"], "disconnected", "{truth}");
    assert!(truth["completion_tokens_sent"].as_u64().unwrap() < 20, "{truth}");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_before_the_first_word_costs_nothing() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = json!({
        "model": "openai/gpt-5-mini", "stream": true,
        "messages": [{ "role": "user", "content": "[[simulate: hang]]" }],
    });
    let request = buyer.chat(&body).send();
    assert!(
        tokio::time::timeout(Duration::from_millis(500), request).await.is_err(),
        "a hanging vendor answered"
    );
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    assert_eq!(buyer.available().await, 10_000_000_000);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dozen_buyers_hanging_up_at_once_leave_no_hold_behind() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let calls = (0..12).map(|at| read_and_leave(&buyer, "openai/gpt-5-mini", "slow", 1 + at % 4));
    let calls = futures_util::future::join_all(calls).await;
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    let mut paid = 0;
    for (call, _) in calls {
        paid += nanos(&buyer.receipt(&call).await["charge_nanos"]);
    }
    assert_eq!(buyer.available().await, 10_000_000_000 - paid);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_can_go_on_after_its_writer_left_while_it_was_being_asked() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let actor = market.engine.recognise_token(&buyer.token).await.unwrap();
    let prompt = |text: &str, conversation_id| Prompt {
        conversation_id,
        model: ModelId::parse("openai/gpt-5-mini").unwrap(),
        text: text.to_owned(),
        max_output_tokens: Some(32),
        cap_nanos: None,
    };
    let id = market.engine.chat_whole(&actor, prompt("Name a harbour.", None)).await.unwrap();
    for patience in [0, 1, 2, 4, 8, 16] {
        let asked = market.engine.say(&actor, prompt("And another.", Some(id)));
        let _ = tokio::time::timeout(Duration::from_millis(patience), asked).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        market.until_no_hold_is_open(PROMPT_CLOSING).await;
        let after = market.engine.chat_whole(&actor, prompt("And a last one.", Some(id))).await;
        assert!(after.is_ok(), "after {patience} ms: {after:?}");
    }
}
