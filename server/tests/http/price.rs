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
