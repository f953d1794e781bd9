//! The price a call is charged at: the one it was begun under, whatever changes meanwhile and whatever its request says.

use serde_json::{Value, json};

use crate::oracle::{Bill, Prices, Used};
use crate::support::{Answer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";

/// What a call must cost, from the published price and from what its vendor reported.
async fn owed(market: &Market, call: &str) -> Bill {
    let truth = market.truth(call).await;
    Prices::of(MODEL).bill(&Used::reported(&truth["usage_reported"]), 3_000)
}

#[track_caller]
fn assert_charged(receipt: &Value, owed: &Bill) {
    let told = ["provider_cost", "commission", "charge"].map(|part| nanos(&receipt[format!("{part}_nanos")]));
    assert_eq!(told, [owed.provider_cost, owed.commission, owed.charge], "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changes_in_mid_call_is_for_the_calls_after_it() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = json!({
        "model": MODEL, "stream": true, "max_tokens": 8,
        "messages": [{ "role": "user", "content": "Tell me a story. [[simulate: slow]]" }],
    });
    let response = buyer.chat(&body).send().await.unwrap();
    let call = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    market
        .run(
            "select ledger.set_price(gen_random_uuid(), model_id, provider,
                terms || '{\"input\": 900000000, \"output\": 7000000000}', false)
            from price where model_id = 'openai/gpt-5-mini' and upper_inf(valid_during)",
        )
        .await;
    let open = "select count(*) from hold where state = 'open'";
    assert_eq!(market.count(open).await, 1, "the call was over before the price had changed");
    Answer::read(response).await.expect(200);
    let owed = owed(&market, &call).await;
    assert_charged(&buyer.receipt(&call).await, &owed);
    assert_eq!(market.debits(&call).await, [-owed.charge]);
    market.assert_books_balance().await;
    // This server still reads the old price, so it sells nothing at it any more.
    Answer::to(buyer.chat(&body)).await.expect(503);
    assert_eq!(buyer.available().await, 10_000_000_000 - owed.charge);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_says_of_its_cost_is_a_limit_and_no_price() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut expected = buyer.available().await;
    for cap in ["0.01", "5.00"] {
        for stream in [false, true] {
            let body = json!({
                "model": MODEL, "stream": stream, "max_cost": cap, "cost": 0, "charge_nanos": "1",
                "usage": { "prompt_tokens": 0, "completion_tokens": 0, "cost": 0 },
                "messages": [{ "role": "user", "content": "Name three harbours." }],
            });
            let answer = Answer::to(buyer.chat(&body)).await.expect(200);
            let call = answer.header("x-generation-id");
            let owed = owed(&market, call).await;
            assert_charged(&buyer.receipt(call).await, &owed);
            expected -= owed.charge;
        }
    }
    assert_eq!(buyer.available().await, expected);
    market.assert_books_balance().await;
}
