//! Goal F15: a reader who stops reading stops its vendor, and is taken to have left in the end.

use std::time::Duration;

use engine::Limits;
use serde_json::json;
use server::simulator::Pace;

use crate::support::{Connection, Market, nanos};

const READER: Duration = Duration::from_secs(2);
const FLOOD_TOKENS: u64 = 40_000;
/// What lies between us and the reader is full after this, and their patience is over.
const GIVEN_UP_MAX: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stops_reading_stops_the_vendor_and_pays_for_what_was_sent() {
    let market = Market::open_within(Pace::Instant, Limits { reader: READER, ..Limits::default() }).await;
    let buyer = market.paying_buyer().await;
    let body = json!({
        "model": "openai/gpt-5-mini", "stream": true, "max_tokens": FLOOD_TOKENS,
        "messages": [{ "role": "user", "content": "Tell me everything. [[simulate: flood]]" }],
    });
    let mut connection = Connection::ask_in_a_narrow_place(&buyer, &body).await;
    connection.until("\r\n\r\n").await;
    let call = connection.call();
    market.until_no_hold_is_open(GIVEN_UP_MAX).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (receipt, truth) = (buyer.receipt(&call).await, market.truth(&call).await);
    assert_eq!(truth["finished"], "disconnected", "{truth}");
    let sent = truth["completion_tokens_sent"].as_u64().unwrap();
    assert!(sent < FLOOD_TOKENS, "the vendor was never made to wait: {truth}");
    let output = receipt["usage"]["output"].as_u64().unwrap();
    assert!(0 < output && output <= sent, "{receipt}");
    assert_eq!((&receipt["finish"], &receipt["usage_source"]), (&json!("stopped"), &json!("estimated")));
    assert!(nanos(&receipt["charge_nanos"]) < nanos(&receipt["hold_nanos"]), "{receipt}");
    market.assert_books_balance().await;
    // It was there all the time.
    drop(connection);
}
