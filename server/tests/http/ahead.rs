//! Whoever calls again and again finds the hold for the next call made, and sees nothing of it but that it is quick.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";
const SET_ASIDE: &str = "select count(*) from hold where set_aside and state = 'open'";
const TAKEN: &str = "select count(*) from hold where surplus > 0";
/// As long as something may wait for its call, and until it is seen to have waited.
const PUT_BACK_MAX: Duration = Duration::from_secs(4);

async fn ask(buyer: &Buyer<'_>, extra: Value) -> Answer {
    let mut body = json!({
        "model": MODEL, "max_tokens": 400, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Answer::to(buyer.chat(&body)).await
}

/// Two calls that follow each other, and the hold that is made after them.
async fn two(buyer: &Buyer<'_>) {
    for _ in 0..2 {
        ask(buyer, json!({})).await.expect(200);
    }
    let begun = std::time::Instant::now();
    while buyer.market.count(SET_ASIDE).await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(1), "nothing was set aside");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_finds_its_hold_made_is_told_kept_and_charged_like_any_other() {
    let market = Market::open_setting_aside().await;
    let buyer = market.paying_buyer().await;
    two(&buyer).await;
    let (plain, streamed) = (ask(&buyer, json!({})).await.expect(200), json!({ "stream": true }));
    assert_eq!(market.count(TAKEN).await, 1);
    two(&buyer).await;
    let streamed = ask(&buyer, streamed).await.expect(200);
    assert!(streamed.text.contains("[DONE]"), "{}", streamed.text);
    let taken = market.count(TAKEN).await;
    assert!(taken >= 3, "{taken}");
    for answer in [&plain, &streamed] {
        let call = answer.header("x-generation-id");
        let receipt = buyer.receipt(call).await;
        let charge = nanos(&receipt["charge_nanos"]);
        assert_eq!(market.debits(call).await, [-charge], "{receipt}");
        assert_eq!(nanos(&receipt["hold_nanos"]) - charge, nanos(&receipt["released_nanos"]), "{receipt}");
        assert_eq!(market.truth(call).await["request_id"], call);
    }
    // It is told what the call may cost, not what happened to be there.
    let first = ask(&buyer, json!({ "max_tokens": 300 })).await.expect(200);
    let hold = nanos(&buyer.receipt(first.header("x-generation-id")).await["hold_nanos"]);
    let usual = nanos(&buyer.receipt(plain.header("x-generation-id")).await["hold_nanos"]);
    assert!(hold < usual, "{hold} {usual}");
    market.until_no_hold_is_open(PUT_BACK_MAX).await;
    assert_eq!(buyer.balance().await["held_nanos"], "0");
    assert_eq!(market.count("select count(*) - (select count(*) from usage_call) from hold").await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_though_more_was_set_aside() {
    let market = Market::open_setting_aside().await;
    let buyer = market.paying_buyer().await;
    two(&buyer).await;
    let before = buyer.balance().await;
    let capped = json!({
        "max_cost": "0.0005",
        "messages": [{ "role": "user", "content": "Name three harbours. [[simulate: huge-usage]]" }],
    });
    let answer = ask(&buyer, capped).await.expect(200);
    assert_eq!(market.count(TAKEN).await, 1);
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    assert_eq!(receipt["hold_nanos"], "500000", "{receipt}");
    assert!(nanos(&receipt["overrun_nanos"]) > 0, "{receipt}");
    let after = buyer.balance().await;
    assert_eq!(nanos(&before["posted_nanos"]) - nanos(&after["posted_nanos"]), 500_000);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_with_a_name_a_run_a_quote_or_a_conversation_ask_for_themselves() {
    let market = Market::open_setting_aside().await;
    let buyer = market.paying_buyer().await;
    two(&buyer).await;
    let body =
        json!({ "model": MODEL, "max_tokens": 400, "messages": [{ "role": "user", "content": "Why?" }] });
    let named = buyer.chat(&body).header("idempotency-key", "harbour-1");
    Answer::to(named).await.expect(200);
    ask(&buyer, json!({ "run_id": "nightly", "max_run_cost": "1" })).await.expect(200);
    let quote =
        Answer::to(market.post("/api/v1/quote").bearer_auth(&buyer.key).json(&body)).await.expect(200);
    ask(&buyer, json!({ "quote_id": quote.json()["quote_id"] })).await.expect(200);
    assert_eq!(market.count(TAKEN).await, 0);
    market.until_no_hold_is_open(PUT_BACK_MAX).await;
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_cannot_use_what_was_set_aside_for_it() {
    let market = Market::open_setting_aside().await;
    let mut buyer = market.paying_buyer().await;
    let made = buyer.make_key(json!({ "name": "agent" })).await;
    made["key"].as_str().unwrap().clone_into(&mut buyer.key);
    two(&buyer).await;
    let key = made["id"].as_str().unwrap();
    let gone = market.request(Method::DELETE, &format!("/api/v1/keys/{key}")).bearer_auth(&buyer.token);
    assert!(Answer::to(gone).await.status < 300);
    assert_eq!(ask(&buyer, json!({})).await.status, 401);
    market.until_no_hold_is_open(PUT_BACK_MAX).await;
    assert_eq!(market.count(TAKEN).await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_leaves_nothing_set_aside() {
    let market = Market::open_setting_aside().await;
    let buyer = market.paying_buyer().await;
    two(&buyer).await;
    market.engine.put_all_back().await;
    assert_eq!(market.count(SET_ASIDE).await, 0);
    assert_eq!(buyer.balance().await["held_nanos"], "0");
    for _ in 0..3 {
        ask(&buyer, json!({})).await.expect(200);
    }
    assert_eq!((market.count(SET_ASIDE).await, market.count(TAKEN).await), (0, 0));
    market.assert_books_balance().await;
}
