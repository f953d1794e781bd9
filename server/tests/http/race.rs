//! Many buyers of one wallet at the same moment: it affords what it affords, and not one call more.

use std::sync::Arc;

use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::{Answer, Market};

const RACERS: usize = 24;
const CONNECTIONS: u32 = 12;
const AFFORDED: i64 = 3;
const ROUNDS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_four_holds_at_once_on_a_wallet_for_three_make_three() {
    let market = Market::open().await;
    let url = market.database_url();
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).min_connections(CONNECTIONS).connect(url);
    let pool = pool.await.unwrap();
    let price: Uuid = sqlx::query_scalar("select price_id from price where model_id = 'openai/gpt-5-mini'")
        .fetch_one(&pool)
        .await
        .unwrap();
    for round in 0..ROUNDS {
        let buyer = market.buyer().await;
        buyer.pay_in("3.01").await;
        let account: Uuid = sqlx::query_scalar("select account_id from account where email = $1")
            .bind(&buyer.email)
            .fetch_one(&pool)
            .await
            .unwrap();
        let start = Arc::new(Barrier::new(RACERS));
        let racers = (0..RACERS).map(|_| {
            let (pool, start) = (pool.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                let reserve =
                    "select outcome from ledger.reserve($1, $2, null, null, null, null, 'openai/gpt-5-mini',
                    'openai', $3, 3000, 1000000000, 1000000000, null, null, $4, 15)";
                let reserve = sqlx::query_scalar::<_, String>(reserve);
                reserve
                    .bind(Uuid::now_v7())
                    .bind(account)
                    .bind(price)
                    .bind(Uuid::nil())
                    .fetch_one(&pool)
                    .await
                    .unwrap()
            })
        });
        let outcomes = futures_util::future::join_all(racers).await;
        let outcomes: Vec<String> = outcomes.into_iter().map(Result::unwrap).collect();
        let held = outcomes.iter().filter(|outcome| *outcome == "held").count();
        let short = outcomes.iter().filter(|outcome| *outcome == "balance").count();
        assert_eq!((held, short), (3, RACERS - 3), "round {round}: {outcomes:?}");
        assert_eq!(buyer.available().await, 10_000_000);
        market.assert_books_balance().await;
    }
    assert_eq!(
        market.count("select count(*) from hold where state = 'open'").await,
        AFFORDED * ROUNDS as i64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_captured_by_many_at_once_is_charged_once() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = json!({ "model": "openai/gpt-5-mini", "messages": [{ "role": "user", "content": "Hi" }] });
    let call = Answer::to(buyer.chat(&body)).await.expect(200).header("x-generation-id").to_owned();
    let (id, before) = (Uuid::parse_str(&call).unwrap(), buyer.available().await);
    let captures = (0..RACERS).map(|_| {
        let capture =
            "select applied from ledger.capture($1, 1, 0, 0, 0, 1, 0, 'provider', 700, 300, 'stop')";
        sqlx::query_scalar::<_, bool>(capture).bind(id).fetch_one(&market.db)
    });
    let applied = futures_util::future::join_all(captures).await;
    assert!(applied.into_iter().all(|applied| !applied.unwrap()), "a closed hold was captured again");
    assert_eq!(buyer.available().await, before);
    assert_eq!(market.debits(&call).await.len(), 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_never_spend_more_than_there_is() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.pay_in("1.00").await;
    let body = json!({
        "model": "anthropic/claude-opus-5", "max_tokens": 8_000,
        "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    let calls = (0..RACERS).map(|_| Answer::to(buyer.chat(&body)));
    let answers = futures_util::future::join_all(calls).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(served > 0 && answers.iter().all(|answer| [200, 402].contains(&answer.status)), "{answers:?}");
    let paid = market.count("select coalesce(sum(charge - overrun), 0)::bigint from usage_call").await;
    assert_eq!(buyer.available().await, 1_000_000_000 - paid);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_a_limit_is_never_raced_past_it() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let key = buyer.make_key(json!({ "name": "small", "limit_nanos": "20000000" })).await;
    let body = json!({
        "model": "anthropic/claude-opus-5", "max_tokens": 400,
        "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    let request =
        || market.post("/v1/chat/completions").bearer_auth(key["key"].as_str().unwrap()).json(&body);
    let answers = futures_util::future::join_all((0..RACERS).map(|_| Answer::to(request()))).await;
    assert!(answers.iter().all(|answer| [200, 402].contains(&answer.status)), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.status == 402), "the limit was never reached");
    let spent =
        "select sum(spent_nanos)::bigint from api_key where limit_nanos is not null and held_nanos = 0";
    let spent = market.count(spent).await;
    assert!(0 < spent && spent <= 20_000_000, "{spent}");
    assert_eq!(buyer.available().await, 10_000_000_000 - spent);
    market.assert_books_balance().await;
}
