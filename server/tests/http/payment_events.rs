//! Goal M11: a payment is credited once however its events come, and no forgery is credited at all.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use crate::support::{Answer, Market, Webhook};

const TIMES: usize = 20;
const TEN_DOLLARS: i64 = 10_000_000_000;
const SOME: &str = "3000000000";
const ALL: &str = "10000000000";

/// One event and its repetitions, all at once.
async fn send_all(market: &Market, events: &[Webhook]) {
    let answers = futures_util::future::join_all(events.iter().map(|event| event.send(market))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
}

/// The same event again and again, and news of the same under other ids, as processors send them.
fn repeated(top_up: &Value, kind: &str, amount: &str) -> Vec<Webhook> {
    let event = Webhook::told(top_up, kind, amount);
    let same = || Webhook { signature: event.signature.clone(), body: event.body.clone(), ..event };
    let mut events: Vec<Webhook> = (0..TIMES).map(|_| same()).collect();
    events.extend((0..TIMES / 4).map(|_| Webhook::told(top_up, kind, amount)));
    events
}

/// How often money was credited for payments, and how much of it went back.
async fn credited_and_returned(market: &Market) -> (i64, i64) {
    let back = "select coalesce(sum(e.amount), 0)::bigint from ledger_entry e join ledger_tx using (tx_id)
        where kind in ('refunded', 'charged_back') and account = 'cash:test'";
    (market.count("select count(*) from ledger_tx where kind = 'top_up'").await, market.count(back).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_repetitions_at_once_credit_once() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let top_up = buyer.order("10.00").await;
    send_all(&market, &repeated(&top_up, "paid", ALL)).await;
    assert_eq!(buyer.available().await, TEN_DOLLARS);
    assert_eq!(credited_and_returned(&market).await, (1, 0));
    market.assert_books_balance().await;
    println!("{} events of one payment at once: 1 credit", TIMES + TIMES / 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_a_payment_comes_to_the_same_end_in_every_order() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let (paid, refunded, charged_back) = (("paid", ALL), ("refunded", SOME), ("charged_back", ALL));
    let orders = [
        [paid, refunded, charged_back],
        [paid, charged_back, refunded],
        [refunded, paid, charged_back],
        [refunded, charged_back, paid],
        [charged_back, paid, refunded],
        [charged_back, refunded, paid],
    ];
    for (at, order) in orders.into_iter().enumerate() {
        let top_up = buyer.order("10.00").await;
        for (kind, amount) in order {
            send_all(&market, &repeated(&top_up, kind, amount)).await;
        }
        assert_eq!(buyer.available().await, 0, "{order:?}");
        let times = at as i64 + 1;
        assert_eq!(credited_and_returned(&market).await, (times, times * TEN_DOLLARS), "{order:?}");
    }
    market.assert_books_balance().await;
    println!(
        "{} orders of three kinds of news, each {} times: 1 credit and 1 return each",
        orders.len(),
        TIMES
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_comes_all_at_once_comes_to_the_same_end() {
    let given = std::env::var("MERCATO_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("MERCATO_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for payment in 1..=4 {
        let top_up = buyer.order("10.00").await;
        let mut events = repeated(&top_up, "paid", ALL);
        events.extend(repeated(&top_up, "refunded", SOME));
        events.extend(repeated(&top_up, "charged_back", ALL));
        events.shuffle(&mut dice);
        send_all(&market, &events).await;
        assert_eq!(buyer.available().await, 0, "payment {payment}");
        assert_eq!(credited_and_returned(&market).await, (payment, payment * TEN_DOLLARS));
    }
    market.assert_books_balance().await;
}

/// Bytes of a signed event with one thing changed, the signature left as it was.
fn altered(event: &Webhook, from: &str, to: &str) -> Webhook {
    let body = String::from_utf8(event.body.clone()).unwrap();
    assert!(body.contains(from), "{from} is not in {body}");
    Webhook {
        body: body.replace(from, to).into_bytes(),
        signature: event.signature.clone(),
        processor: event.processor,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirteen_kinds_of_forgery_credit_nothing() {
    let market = Market::open().await;
    let (buyer, other) = (market.buyer().await, market.buyer().await);
    let (mine, theirs) = (buyer.order("10.00").await, other.order("10.00").await);
    let (id, their_id) = (mine["id"].as_str().unwrap(), theirs["id"].as_str().unwrap());
    let good = || Webhook::paid(&mine);
    let nobody = json!({ "id": "00000000-0000-0000-0000-000000000000", "amount_nanos": ALL });
    let event_id = |event: &Webhook| -> String {
        let event: Value = serde_json::from_slice(&event.body).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    let mut euros = altered(&good(), "\"usd\"", "\"eur\"");
    euros = euros.signed(0);
    // Known to the processor and paid: everything of it is public to the forger.
    let paid = Webhook::paid(&theirs);
    paid.send(&market).await.expect(200);
    let forgeries = [
        ("an empty secret", good().forged(b""), 401),
        ("another secret", good().forged(b"whsec_guessed"), 401),
        ("another body under its signature", altered(&good(), ALL, "90000000000"), 401),
        ("a stale time", good().signed(3_600), 401),
        ("a time to come", good().signed(-3_600), 401),
        ("another amount", Webhook::about(&mine, "10000000001"), 400),
        ("another currency", euros, 400),
        ("another processor", Webhook { processor: "stripe", ..good() }, 503),
        ("the order of another account", altered(&paid, their_id, id), 401),
        ("an order that nobody made", Webhook::paid(&nobody), 404),
        ("a new event id over an old event", altered(&paid, &event_id(&paid), "evt_new"), 401),
        ("the signature of another event", Webhook { signature: paid.signature.clone(), ..good() }, 401),
    ];
    let bare: Answer = good().send_bare(&market).await;
    assert_eq!(bare.status, 401, "an event without a signature was accepted");
    let kinds = forgeries.len() + 1;
    for (what, forgery, status) in forgeries {
        for _ in 0..2 {
            let answer = forgery.send(&market).await;
            assert_eq!(answer.status, status, "{what}: {}", answer.text);
        }
        assert_eq!(buyer.available().await, 0, "{what} was credited");
    }
    // Told again as it was, it is known already.
    paid.send(&market).await.expect(200);
    assert_eq!((buyer.available().await, other.available().await), (0, TEN_DOLLARS));
    assert_eq!(credited_and_returned(&market).await, (1, 0));
    market.assert_books_balance().await;
    println!("{kinds} kinds of forgery: 0 credits");
}
