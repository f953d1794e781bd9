//! A call that goes to its second vendor: once, only while nothing has arrived, and at the price of who answers.

use chrono::Utc;
use marketplace::id::{CallId, PriceId, ProviderId};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Price, Rates};
use sqlx::PgPool;
use store::attempt::{Rerouting, list_attempts, note_attempt, reroute};
use store::call::find_receipt;
use store::ledger::{Progress, checkpoint, reap};
use store::price::{Offer, set_prices};
use uuid::Uuid;

use crate::support::{Books, charge};

const HELD: i64 = 1_000_000;

/// The same model at another vendor's price.
async fn elsewhere(books: &Books) -> (ProviderId, PriceId) {
    let provider = ProviderId("azure".to_owned());
    let rates = Rates { input: Rate(300_000_000), output: Rate(2_100_000_000), ..Rates::default() };
    let price = Price { rates, ..Price::default() };
    let offer = Offer { model: &books.model, provider: &provider, price: &price, free: false, from: None };
    let price = set_prices(&books.db, &[offer]).await.unwrap()[0];
    (provider, price)
}

async fn turn(books: &Books, call: CallId, provider: &ProviderId, price: PriceId) -> bool {
    turn_by(books, call, provider, price, books.server).await
}

async fn turn_by(books: &Books, call: CallId, provider: &ProviderId, price: PriceId, instance: Uuid) -> bool {
    let to = Rerouting {
        call,
        instance,
        model: &books.model,
        provider,
        price,
        began_at: Utc::now(),
        outcome: "overloaded",
    };
    reroute(&books.db, &to).await.unwrap()
}

async fn count(books: &Books, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&books.root).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_answers_is_paid_at_their_own_price_and_both_are_written_down(root: PgPool) {
    let books = Books::with(root, 10_000_000).await;
    let (provider, price) = elsewhere(&books).await;
    let call = books.hold(HELD).await;
    assert!(turn(&books, call, &provider, price).await);
    books.assert_balanced().await;
    let captured = books.capture(call, 700, 300).await;
    assert_eq!((captured.paid, captured.released), (Nanos(1_000), Nanos(HELD - 1_000)));
    note_attempt(&books.db, call, 2, Utc::now(), "answered").await.unwrap();
    // The first word stands.
    note_attempt(&books.db, call, 2, Utc::now(), "timeout").await.unwrap();
    let receipt = find_receipt(&books.db, books.account, call).await.unwrap().unwrap();
    assert_eq!((&receipt.provider, receipt.price_version), (&provider, price));
    let asked: Vec<_> =
        receipt.attempts.iter().map(|one| (one.provider.0.as_str(), one.outcome.as_deref())).collect();
    assert_eq!(asked, [("openai", Some("overloaded")), ("azure", Some("answered"))]);
    assert!(receipt.attempts.iter().all(|one| one.ended_at.is_some()));
    let payable =
        "select count(*) from ledger_entry where account = 'provider:azure:payable' and amount = 700";
    assert_eq!(count(&books, payable).await, 1);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_call_goes_to_a_second_vendor_only_once_and_only_while_it_may(root: PgPool) {
    let books = Books::with(root, 10_000_000).await;
    let (provider, price) = elsewhere(&books).await;
    let again = books.hold(HELD).await;
    assert!(turn(&books, again, &provider, price).await);
    assert!(!turn(&books, again, &books.provider, books.price).await, "a third vendor would be asked");

    let own = books.hold(HELD).await;
    assert!(!turn(&books, own, &books.provider, books.price).await, "the same vendor would be asked again");
    assert!(!turn(&books, own, &provider, books.price).await, "at the price of somebody else");
    assert!(
        !turn_by(&books, own, &provider, price, Uuid::now_v7()).await,
        "by a server it does not belong to"
    );

    let begun = books.hold(HELD).await;
    let progress =
        Progress { call: begun, input: 5, output: 1, charge: charge(70, 30), most: Nanos(i64::MAX) };
    checkpoint(&books.db, books.server, &[progress]).await.unwrap();
    assert!(!turn(&books, begun, &provider, price).await, "something of it has arrived");

    let closed = books.hold(HELD).await;
    books.capture(closed, 700, 300).await;
    assert!(!turn(&books, closed, &provider, price).await, "it is paid");

    let older = books.hold(HELD).await;
    let rates = Rates { input: Rate(310_000_000), output: Rate(2_200_000_000), ..Rates::default() };
    let dearer = Price { rates, ..Price::default() };
    let offer = Offer { model: &books.model, provider: &provider, price: &dearer, free: false, from: None };
    let newer = set_prices(&books.db, &[offer]).await.unwrap()[0];
    assert!(!turn(&books, older, &provider, newer).await, "that price is younger than the call");
    assert!(turn(&books, older, &provider, price).await);
    assert_eq!(count(&books, "select count(*) from call_attempt").await, 4);
    for call in [again, own, begun, older] {
        books.capture(call, 70, 30).await;
    }
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_that_dies_at_its_second_vendor_leaves_that_one_to_be_paid(root: PgPool) {
    let books = Books::with(root, 10_000_000).await;
    let (provider, price) = elsewhere(&books).await;
    let call = books.hold(HELD).await;
    assert!(turn(&books, call, &provider, price).await);
    let progress = Progress { call, input: 10, output: 20, charge: charge(700, 300), most: Nanos(i64::MAX) };
    checkpoint(&books.db, books.server, &[progress]).await.unwrap();
    books.tamper("update hold set lease_until = now() - interval '1 second'").await;
    assert_eq!(reap(&books.db, Uuid::now_v7()).await.unwrap(), 1);
    let receipt = find_receipt(&books.db, books.account, call).await.unwrap().unwrap();
    assert_eq!((receipt.provider, receipt.charge_nanos), (provider, Nanos(1_000)));
    assert_eq!(receipt.attempts[1].outcome, None, "nobody knows what came of it");
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_call_that_is_answered_at_once_has_one_attempt_and_no_row_of_its_own(root: PgPool) {
    let books = Books::with(root, 10_000_000).await;
    let call = books.hold(HELD).await;
    books.capture(call, 700, 300).await;
    let attempts = list_attempts(&books.db, books.account, call).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        (attempts[0].provider.clone(), attempts[0].outcome.as_deref()),
        (books.provider.clone(), Some("answered"))
    );
    assert_eq!(count(&books, "select count(*) from call_attempt").await, 0);
    let failed = books.hold(HELD).await;
    store::ledger::release(&books.db, failed, "error: provider_unavailable").await.unwrap();
    note_attempt(&books.db, failed, 1, Utc::now(), "server_error").await.unwrap();
    let attempts = list_attempts(&books.db, books.account, failed).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("server_error"));
    assert_eq!(attempts.len(), 1);
}
