//! Paying in: only a signed, fresh, right and new event of the processor changes a balance.

use serde_json::json;

use crate::support::{Market, Webhook};

const TEN_DOLLARS: i64 = 10_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_the_gateway_is_credited() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    assert_eq!((&top_up["state"], buyer.available().await), (&json!("pending"), 0));
    let back = buyer.choose(&top_up, "paid").await.expect(303);
    assert_eq!(back.header("location"), "/billing");
    let path = format!("/api/v1/top-ups/{}", top_up["id"].as_str().unwrap());
    assert_eq!(buyer.get(&path).await.expect(200).json()["state"], "paid");
    assert_eq!(buyer.available().await, TEN_DOLLARS);
    let ledger = buyer.get("/api/v1/ledger").await.expect(200).json();
    assert_eq!(ledger["data"].as_array().unwrap().len(), 1, "{ledger}");
    assert_eq!(ledger["data"][0]["amount_nanos"], TEN_DOLLARS.to_string());
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_made_once_at_the_gateway() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    buyer.choose(&top_up, "paid").await.expect(303);
    buyer.choose(&top_up, "paid").await.expect(409);
    buyer.choose(&top_up, "declined").await.expect(409);
    assert_eq!(buyer.available().await, TEN_DOLLARS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payment_credits_nothing_and_may_be_tried_again() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    buyer.choose(&top_up, "declined").await.expect(303);
    let path = format!("/api/v1/top-ups/{}", top_up["id"].as_str().unwrap());
    assert_eq!(buyer.get(&path).await.expect(200).json()["state"], "declined");
    assert_eq!(buyer.available().await, 0);
    buyer.choose(&top_up, "paid").await.expect(303);
    assert_eq!(buyer.available().await, TEN_DOLLARS);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_repeated_five_times_at_once_credits_once() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let event = Webhook::paid(&buyer.order("10.00").await);
    let (a, b, c, d, e) = tokio::join!(
        event.send(&market),
        event.send(&market),
        event.send(&market),
        event.send(&market),
        event.send(&market),
    );
    for answer in [a, b, c, d, e] {
        answer.expect(200);
    }
    assert_eq!(buyer.available().await, TEN_DOLLARS);
    assert_eq!(market.count("select count(*) from ledger_tx").await, 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_events_about_one_payment_credit_once() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    Webhook::paid(&top_up).send(&market).await.expect(200);
    Webhook::paid(&top_up).send(&market).await.expect(200);
    assert_eq!(buyer.available().await, TEN_DOLLARS);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_event_credits_nothing() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    let good = || Webhook::paid(&top_up);
    let (time, sum) = good().signature.split_once(',').map(|(t, v)| (t.to_owned(), v.to_owned())).unwrap();
    let forgeries = [
        ("an empty signature", Webhook { signature: String::new(), ..good() }),
        ("no time", Webhook { signature: sum.clone(), ..good() }),
        ("no sum", Webhook { signature: time.clone(), ..good() }),
        ("an empty sum", Webhook { signature: format!("{time},v1="), ..good() }),
        ("half a sum", Webhook { signature: format!("{time},{}", &sum[..35]), ..good() }),
        ("a sum of zeros", Webhook { signature: format!("{time},v1={}", "0".repeat(64)), ..good() }),
        ("a sum that is not hex", Webhook { signature: format!("{time},v1=é{}", "z".repeat(62)), ..good() }),
        ("another's signature", Webhook { signature: Webhook::about(&top_up, "1").signature, ..good() }),
        ("a time changed afterwards", Webhook { signature: format!("t=1,{sum}"), ..good() }),
        ("an hour ago", good().signed(3_600)),
        ("just too old", good().signed(302)),
        ("from the future", good().signed(-360)),
    ];
    for (what, forgery) in forgeries {
        assert_eq!(forgery.send(&market).await.status, 401, "{what} was accepted");
    }
    assert_eq!((buyer.available().await, market.count("select count(*) from payment_event").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_must_still_be_about_what_was_ordered() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    for wrong in ["10000000001", "9999999999", "0", "-10000000000"] {
        Webhook::about(&top_up, wrong).send(&market).await.expect(400);
    }
    let euros = String::from_utf8(Webhook::paid(&top_up).body).unwrap().replace("usd", "eur");
    Webhook { body: euros.into_bytes(), ..Webhook::paid(&top_up) }.signed(0).send(&market).await.expect(400);
    let nobody = json!({ "id": "00000000-0000-0000-0000-000000000000", "amount_nanos": "10000000000" });
    Webhook::paid(&nobody).send(&market).await.expect(404);
    let no_event = Webhook { body: b"{}".to_vec(), ..Webhook::paid(&top_up) };
    no_event.signed(0).send(&market).await.expect(400);
    assert_eq!(buyer.available().await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_we_do_not_know_credits_nothing() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    for processor in ["stripe", "TEST", "test%20", "paypal"] {
        Webhook { processor, ..Webhook::paid(&top_up) }.send(&market).await.expect(503);
    }
    assert_eq!(buyer.available().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_whole_cents_within_its_limits() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for amount in ["0.99", "10000.01", "10.001", "-5", "1e3", "NaN", ""] {
        buyer.post("/api/v1/top-ups", &json!({ "amount_usd": amount })).await.expect(400);
    }
    assert_eq!(market.count("select count(*) from top_up").await, 0);
}
