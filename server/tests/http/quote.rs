//! A quote before a call: its three figures hold, and so does its price, for ten minutes and for whoever asked.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";
/// A tenth dearer.
const EDIT: &str = "select ledger.set_price(gen_random_uuid(), model_id, provider,
        terms || jsonb_build_object('output', (terms ->> 'output')::bigint * 11 / 10), false)
    from price where model_id = 'openai/gpt-5-mini' and upper_inf(valid_during)";
const QUESTIONS_A_MODEL: usize = 2;
const SCENARIOS: [&str; 5] = ["ok", "cached", "reasoning", "many", "no-usage"];

fn question(model: &str, text: &str) -> Value {
    json!({ "model": model, "max_tokens": 400, "messages": [{ "role": "user", "content": text }] })
}

async fn try_quote(buyer: &Buyer<'_>, body: &Value) -> Answer {
    Answer::to(buyer.market.post("/api/v1/quote").bearer_auth(&buyer.key).json(body)).await
}

async fn quote(buyer: &Buyer<'_>, body: &Value) -> Value {
    try_quote(buyer, body).await.expect(200).json()
}

/// Sends the chat with a quote.
async fn send(buyer: &Buyer<'_>, body: &Value, quote_id: &Value) -> Answer {
    let mut body = body.clone();
    body["quote_id"] = quote_id.clone();
    Answer::to(buyer.chat(&body)).await
}

/// Words of every length, as somebody might write them.
fn prose(dice: &mut StdRng) -> String {
    let word = |dice: &mut StdRng| -> String {
        (0..dice.random_range(1..=14)).map(|_| char::from(dice.random_range(b'a'..=b'z'))).collect()
    };
    (0..dice.random_range(1..=120)).map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_figures_bound_what_every_callable_model_really_costs() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let seed = rand::rng().next_u64();
    eprintln!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let listed = Answer::to(market.get("/v1/models?kind=chat&sale=open")).await.expect(200).json();
    let models: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(models.len() > 50, "{models:?}");
    let (mut empty, mut at_most_likely) = (0_usize, 0_usize);
    for model in &models {
        for _ in 0..QUESTIONS_A_MODEL {
            let scenario = SCENARIOS[dice.random_range(0..SCENARIOS.len())];
            let mut body = question(model, &format!("{} [[simulate: {scenario}]]", prose(&mut dice)));
            body["max_tokens"] = json!(dice.random_range(1..=900));
            body["stream"] = json!(dice.random_bool(0.5));
            let quote = quote(&buyer, &body).await;
            let answer = send(&buyer, &body, &quote["quote_id"]).await;
            let receipt = buyer.receipt(answer.header("x-generation-id")).await;
            let [min, likely, max, hold] =
                ["min", "likely", "max", "hold"].map(|name| nanos(&quote[format!("{name}_nanos")]));
            let charge = nanos(&receipt["charge_nanos"]);
            assert!(min <= likely && likely <= max, "seed {seed}: {quote}");
            // All of it may be thought and nothing said: then there is no answer, and no charge.
            let is_empty = scenario == "reasoning" && receipt["usage_source"] == "none";
            assert!(answer.status == 200 || is_empty, "seed {seed}: {} {}", answer.status, answer.text);
            assert!(
                (min..=max).contains(&charge) || is_empty && charge == 0,
                "seed {seed}: {charge} with {scenario} is not within {quote} of {receipt}"
            );
            empty += usize::from(is_empty);
            at_most_likely += usize::from(charge <= likely);
            assert_eq!(nanos(&receipt["hold_nanos"]), hold, "seed {seed}: {quote} {receipt}");
            assert_eq!(receipt["provider"], quote["provider"]);
        }
    }
    market.assert_books_balance().await;
    let calls = models.len() * QUESTIONS_A_MODEL;
    assert!(empty * 5 < calls, "seed {seed}: {empty} of {calls} came to nothing");
    let models = models.len();
    eprintln!(
        "{calls} calls of {models} models within their figures, {at_most_likely} at most as likely, {empty} empty"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promised_price_holds_though_prices_change_meanwhile() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = question(MODEL, "Name three harbours.");
    let promised = quote(&buyer, &body).await;
    market.run(EDIT).await;
    let price_of = async |answer: &Answer| -> String {
        let call = answer.header("x-generation-id");
        let price = "select price_id::text from usage_call where call_id = $1::uuid";
        sqlx::query_scalar(price).bind(call).fetch_one(&market.db).await.unwrap()
    };
    // Whoever has no promise pays the new price, also where the server still had the old one in mind.
    let mut plain = Answer::to(buyer.chat(&body)).await;
    if plain.status == 503 {
        plain = Answer::to(buyer.chat(&body)).await;
    }
    let plain = plain.expect(200);
    assert_ne!(json!(price_of(&plain).await), promised["price_version"]);
    for stream in [false, true] {
        let mut body = body.clone();
        body["stream"] = json!(stream);
        let answer = send(&buyer, &body, &promised["quote_id"]).await.expect(200);
        assert_eq!(answer.header("x-mercato-reason"), "quote");
        assert_eq!(json!(price_of(&answer).await), promised["price_version"]);
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        let bill = Prices::of(MODEL).bill(&Used::on_receipt(&receipt).merged(), 3_000);
        assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge, "{receipt}");
    }
    market.assert_books_balance().await;
    // Not because nobody looks: without its quote the same call is a charge under a price that had ended.
    market.run("delete from quoted_call").await;
    let wrong = "select count(*) from ledger.violation where invariant = 'I10'";
    assert_eq!(market.count(wrong).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_by_a_quote_that_is_over_or_another_s() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let other = market.paying_buyer().await;
    let body = question(MODEL, "Name three harbours.");
    let promised = quote(&buyer, &body).await["quote_id"].clone();
    let refused = async |buyer: &Buyer<'_>, body: &Value, id: Value, status| {
        let refused = send(buyer, body, &id).await.expect(status);
        assert_eq!(refused.json()["error"]["param"], "quote_id", "{}", refused.text);
        assert_eq!(refused.header("x-should-retry"), "false");
    };
    refused(&other, &body, promised.clone(), 404).await;
    refused(&buyer, &body, json!("00000000-0000-7000-8000-000000000000"), 404).await;
    refused(&buyer, &body, json!("soon"), 400).await;
    refused(&buyer, &body, json!(7), 400).await;
    refused(&buyer, &question("openai/gpt-4o", "Name three harbours."), promised.clone(), 422).await;
    market.run("update quote set valid_until = now() - interval '1 second'").await;
    refused(&buyer, &body, promised, 422).await;
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert_eq!(market.truths().await.len(), 0);
    // What nobody relied on is forgotten in time.
    market.run("update quote set valid_until = now() - interval '2 hours'").await;
    assert_eq!(market.count("select ledger.forget_quotes(100)").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_a_quote_never_costs_more_than_its_maximum() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut short = question(MODEL, "Hi");
    short["max_tokens"] = json!(20);
    let promised = quote(&buyer, &short).await;
    let longer = question(MODEL, "Write at length of three harbours. [[simulate: huge-usage]]");
    let answer = send(&buyer, &longer, &promised["quote_id"]).await;
    let max = nanos(&promised["max_nanos"]);
    if answer.status == 200 {
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        assert!(10_000_000_000 - buyer.available().await <= max, "{receipt}");
    }
    let far_longer = question(MODEL, &"harbour ".repeat(2_000));
    let refused = send(&buyer, &far_longer, &promised["quote_id"]).await.expect(402).json();
    assert_eq!(refused["error"]["metadata"]["limit"], "quote", "{refused}");
    assert_eq!(refused["error"]["metadata"]["available_nanos"], promised["max_nanos"]);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_costs_nothing_and_is_for_those_who_could_call() {
    let market = Market::open().await;
    let body = question(MODEL, "Name three harbours.");
    Answer::to(market.post("/api/v1/quote").json(&body)).await.expect(401);
    let buyer = market.buyer().await;
    // A price is told to whoever cannot pay it yet.
    let told = quote(&buyer, &body).await;
    assert_eq!((&told["model"], &told["max_output_tokens"]), (&json!(MODEL), &json!(400)));
    assert_eq!(told["max_nanos"], told["hold_nanos"]);
    for (field, value, status) in [
        ("model", json!("nobody/nothing"), 404),
        ("model", json!("openai/text-embedding-3-small"), 404),
        ("messages", json!([]), 400),
        ("max_cost", json!("0.000000001"), 402),
        ("on_insufficient", json!("beg"), 400),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let refused = try_quote(&buyer, &body).await.expect(status);
        assert_eq!(refused.header("content-type"), "application/problem+json", "{}", refused.text);
    }
    let mut capped = body.clone();
    capped["max_cost"] = json!("0.0005");
    let capped = quote(&buyer, &capped).await;
    assert!(nanos(&capped["max_nanos"]) <= 500_000 && capped["max_output_tokens"].as_u64() < Some(400));
    assert_eq!(market.truths().await.len(), 0);
    assert_eq!(market.count("select count(*) from hold").await, 0);
}
