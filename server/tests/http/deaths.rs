//! `Idempotency-Key` when the server that was asked is killed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::RequestBuilder;
use server::simulator::Pace;

use crate::idempotency::{asking, chat};
use crate::idempotency_apart::{
    AT_ONCE, HEADER, REAPED, code, from_environment, let_leases_end, post_somewhere,
};
use crate::support::{Answer, Market, nanos};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_server_died_is_never_made_again() {
    for stream in [true, false] {
        let market = Market::open().await;
        let (fellow, buyer) = (market.fellow().await, market.paying_buyer().await);
        let body = asking("Name a harbour. [[simulate: slow]]", stream);
        let doomed =
            fellow.post("/v1/chat/completions").bearer_auth(&buyer.key).header(HEADER, "k").json(&body);
        let doomed = tokio::spawn(async move { doomed.send().await?.text().await });
        let is_asked = "select count(*) from hold where state = 'open'";
        while market.count(is_asked).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Long enough for some words and for a checkpoint of them.
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        fellow.die();
        let early = chat(&buyer, "k", &body).await.expect(409);
        assert_eq!(code(&early), "in_progress", "its server may still be alive");
        let_leases_end(&market).await;
        market.until_no_hold_is_open(REAPED).await;
        for _ in 0..2 {
            let told = chat(&buyer, "k", &body).await.expect(409);
            assert_eq!((code(&told).as_str(), told.header("x-should-retry")), ("interrupted", "false"));
            let call = told.header("x-generation-id");
            assert_eq!(told.json()["error"]["metadata"]["receipt_url"], format!("/api/v1/receipts/{call}"));
            let receipt = buyer.receipt(call).await;
            assert_eq!(receipt["finish"], "interrupted", "{receipt}");
            let charge = nanos(&receipt["charge_nanos"]);
            assert_eq!(market.debits(call).await.iter().sum::<i64>(), -charge);
            assert_eq!(buyer.available().await, 10_000_000_000 - charge);
        }
        chat(&buyer, "k", &asking("Name two harbours.", stream)).await.expect(422);
        assert_eq!(market.count("select count(*) from hold").await, 1);
        assert_eq!(market.truths().await.len(), 1, "stream {stream}");
        market.assert_books_balance().await;
        assert!(doomed.await.unwrap().is_err(), "a dead server answered");
    }
}

/// What is said when every time that a dead server could still have is over. Its last statements may come to the
/// database after its death, and it may have died between the charge and the keeping of the answer.
async fn long_after(market: &Market, request: impl Fn() -> RequestBuilder) -> Answer {
    let kept_too_late = "update hold set closed_at = closed_at - interval '31 seconds'
        where call_id in (select call_id from idempotency where state = 'running')";
    for _ in 0..100 {
        let_leases_end(market).await;
        sqlx::query(kept_too_late).execute(&market.db).await.unwrap();
        let answer = Answer::to(request()).await;
        if answer.status != 409 || answer.header("retry-after").is_empty() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the key never came to an answer");
}

/// M6 across deaths. `M6_DEATHS=50 M6_SEED=7` makes it longer.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_identical_requests_are_one_call_though_a_server_dies_among_them() {
    let (deaths, seed) =
        (from_environment("M6_DEATHS", 2), from_environment("M6_SEED", rand::random::<u32>().into()));
    println!("M6_DEATHS={deaths} M6_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.paying_buyer().await;
    let (mut answered, mut interrupted, mut paid) = (0, 0, 0);
    for key in 0..deaths {
        let fellows = [market.fellow().await, market.fellow().await];
        let body = asking(&format!("Explain harbour {key} in one sentence."), dice.random_bool(0.5));
        let key = format!("key-{key}");
        let requests = (0..AT_ONCE).map(|_| {
            let request = post_somewhere(&market, &fellows, dice.random_range(0..3));
            let request = request.bearer_auth(&buyer.key).header(HEADER, &key).json(&body);
            let late = Duration::from_millis(dice.random_range(0..40));
            // Whoever asked the server that died hears nothing, or half an answer.
            tokio::spawn(async move {
                tokio::time::sleep(late).await;
                request.send().await?.text().await
            })
        });
        let requests: Vec<_> = requests.collect();
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..1_500))).await;
        drop(fellows);
        futures_util::future::join_all(requests).await;
        let last = long_after(&market, || buyer.chat(&body).header(HEADER, &key)).await;
        let (what, call) = (format!("{key}, seed {seed}: {}", last.text), last.header("x-generation-id"));
        let asked = market.truths().await.iter().filter(|truth| truth["request_id"] == call).count();
        let debits = market.debits(call).await;
        match last.status {
            200 => answered += 1,
            409 if code(&last) == "interrupted" => interrupted += 1,
            _ => panic!("{what}"),
        }
        assert!(asked <= 1 && debits.len() <= 1, "{what}: {asked} times for {debits:?}");
        paid -= debits.iter().sum::<i64>();
    }
    println!("{answered} were answered, {interrupted} were interrupted");
    assert_eq!(market.count("select count(*) from hold").await.cast_unsigned(), deaths, "seed {seed}");
    assert!(market.truths().await.len() as u64 <= deaths, "seed {seed}");
    assert_eq!(buyer.available().await, 10_000_000_000 - paid, "seed {seed}");
    market.assert_books_balance().await;
}
